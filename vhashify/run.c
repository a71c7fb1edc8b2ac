// SPDX-License-Identifier: GPL-2.0-only
/* What belongs to struct run as a whole. */
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "vhashify.h"

static uint64_t holding(uint64_t ino, size_t tree)
{
	const uint64_t words[] = { ino, tree };

	return hash_words(words, 2);
}

int run_hold(struct run *run, uint64_t ino, size_t tree)
{
	return set_add(&run->holders, holding(ino, tree));
}

bool run_holds(const struct run *run, uint64_t ino, size_t tree)
{
	return set_has(&run->holders, holding(ino, tree));
}

void run_release(struct run *run)
{
	size_t i;

	churn_release(run);
	files_release(run);
	for (i = 0; i < run->tree_count; i++)
		free(run->trees[i].seen);
	free(run->trees);
	free(run->order);
	free(run->groups);
	policy_release(&run->policy);
	masters_release(&run->masters);
	set_release(&run->confirmed);
	mtimes_release(&run->mtimes);
	set_release(&run->holders);
}

bool totals_is_failure(const struct totals *t, enum skip_reason reason)
{
	return skip_reason_info(reason)->is_failure &&
	       !(t->cut && reason == SKIP_NOT_REACHED);
}

void totals_count(const struct run *run, struct totals *ret)
{
	struct totals t = { .cut = run->cut };
	size_t i;

	memcpy(t.outcome, run->outcome, sizeof(t.outcome));
	for (i = 0; i < run->tree_count; i++) {
		t.trees += run->trees[i].status == TREE_SCANNED;
		t.unreached_trees += run->trees[i].status == TREE_NOT_REACHED;
		t.broken_trees += run->trees[i].status == TREE_BROKEN;
		t.files += run->trees[i].files;
	}
	for (i = 0; i < run->file_count; i++) {
		const struct file *f = &run->files[i];

		t.outcome[f->reason]++;
		if (f->reason == SKIP_NONE)
			t.shared_bytes += f->size_bytes;
	}
	for (i = 0; i < SKIP_REASON_COUNT; i++)
		if (totals_is_failure(&t, i))
			t.failed += t.outcome[i];
	t.saved_bytes = (int64_t)(t.shared_bytes - run->new_bytes);
	*ret = t;
}
