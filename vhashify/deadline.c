// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left when the deadline comes. The phase at hand stops: the scan before its
 * next tree, reading before its next file, sharing before its next batch. Later phases
 * are not begun.
 *
 * So that the next run comes further: what was read is remembered as ever, and it begins
 * with the first guest this one did not come to, in the order of names, going round.
 */
#include "deadline.h"

#include "vhashify.h"

bool run_is_over(struct run *run)
{
	if (!deadline_passed())
		return false;
	__atomic_store_n(&run->cut, true, __ATOMIC_RELAXED);
	return true;
}

void run_leave_rest(struct run *run)
{
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		struct file *f = &run->files[i];

		if (file_is_undecided(f))
			file_skip(f, SKIP_NOT_REACHED);
	}
}

/* The first guest that was not scanned; or not read; or of which a file could have been
 * shared. NULL: there is none. */
static const struct tree *first_unreached(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->tree_count; i++)
		if (run->trees[i].status == TREE_NOT_REACHED &&
		    run->trees[i].row.kind == TREE_GUEST)
			return &run->trees[i];
	i = run->cut_file < run->file_count ? run->cut_file : 0;
	for (; i < run->file_count; i++) {
		const struct file *f = &run->files[i];
		const struct tree *t = &run->trees[file_tree(run, f)];

		if (f->reason == SKIP_NOT_REACHED &&
		    t->row.kind == TREE_GUEST)
			return t;
	}
	return NULL;
}

int run_keep_place(const struct run *run, struct err *err)
{
	const struct tree *t = run->cut ? first_unreached(run) : NULL;

	if (!run->all_trees)
		return 0;
	return catalog_resume_put(run->pool->catalog, t ? t->row.name : NULL,
				  err);
}
