// SPDX-License-Identifier: GPL-2.0-only
/* What a run takes from the memory of the one before, beside the scan, and what it
 * leaves to the next one. */
#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "memo.h"
#include "vhashify.h"

/* A transaction is no longer than what SQLite's log holds anyway. */
#define SAVE_BYTES (2 << 20)

/* --- which tree has names of which master ---------------------------------------- */

/* Masters whose holders nobody will ask for: known, and of no candidate's content. */
static int find_idle_masters(const struct run *run, struct set *ret)
{
	struct set wanted = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; !r && i < run->file_count; i++)
		if (run->files[i].reason == SKIP_NONE)
			r = set_add(&wanted, hash_bytes(run->files[i].key.b,
							DIGEST_SIZE));
	for (i = 0; !r && i < run->masters.count; i++)
		if (!set_has(&wanted, hash_bytes(run->masters.rows[i].key.b,
						 DIGEST_SIZE)))
			r = set_add(ret, run->masters.rows[i].ino);
	set_release(&wanted);
	return r;
}

static int hold_all(struct run *run, size_t tree, const struct memo *m,
		    const struct set *idle)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < m->count; i++) {
		struct memo_record record;
		uint64_t ino, left;

		if (!memo_at(m, i, &record))
			return -EAGAIN;
		for (left = record.shared; !r && left; left--) {
			if (!memo_next_inode(&record, &ino))
				return -EAGAIN;
			if (!set_has(idle, ino))
				r = run_hold(run, ino, tree);
		}
	}
	return r;
}

/* -EAGAIN when the catalog has no longer what the scan found there. */
static int hold_tree(struct run *run, size_t tree, const struct set *idle)
{
	const struct tree *t = &run->trees[tree];
	struct scan_row row = { 0 };
	struct memo m;
	int r = 0;

	if (!t->seen_size)
		return 0;
	if (!t->seen)
		r = catalog_scan_get(run->pool->catalog, t->row.id, &row, NULL);
	if (!r && !t->seen &&
	    (row.dirs_size != t->seen_size ||
	     hash_bytes(row.dirs, row.dirs_size) != t->seen_check))
		r = -EAGAIN;
	if (!r && !memo_open(&m, t->seen ? t->seen : row.dirs, t->seen_size))
		r = -EAGAIN;
	if (!r)
		r = hold_all(run, tree, &m, idle);
	scan_row_release(&row);
	return r == -ENOMEM || !r ? r : -EAGAIN;
}

static size_t tree_end(const struct run *run, size_t start)
{
	size_t end = start;

	while (end < run->file_count &&
	       run->files[end].tree == run->files[start].tree)
		end++;
	return end;
}

static bool has_players(const struct run *run, size_t start, size_t end)
{
	for (; start < end; start++)
		if (run->files[start].reason == SKIP_NONE)
			return true;
	return false;
}

int remember_holders(struct run *run, struct err *err)
{
	struct set idle = { 0 };
	size_t start, end, i;
	int r = find_idle_masters(run, &idle);

	for (start = 0; !r && start < run->file_count; start = end) {
		end = tree_end(run, start);
		if (!has_players(run, start, end))
			continue;
		r = hold_tree(run, run->files[start].tree, &idle);
		if (r != -EAGAIN)
			continue;
		r = 0;
		for (i = start; i < end; i++)
			if (run->files[i].reason == SKIP_NONE)
				file_skip(&run->files[i], SKIP_CHANGED);
	}
	set_release(&idle);
	return r < 0 ? err_errno(err, r, "cannot list who shares what") : 0;
}

/* --- digests --------------------------------------------------------------------- */

static int by_ino(const void *a, const void *b)
{
	const struct memo_digest *x = a;
	const struct memo_digest *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

bool remember_digest(const struct run *run, struct file *f)
{
	const struct tree *t = &run->trees[f->tree];
	const struct memo_digest want = { .ino = f->ino };
	const struct memo_digest *d = NULL;

	if (t->digest_count)
		d = bsearch(&want, t->digest_rows, t->digest_count, sizeof(*d),
			    by_ino);
	if (!d || d->size_bytes != f->size_bytes ||
	    d->mtime_ns != memo_time(&f->mtime) ||
	    d->ctime_ns != memo_time(&f->ctime))
		return false;
	f->key = d->key;
	f->keyed = true;
	return true;
}

/* Digests of files that stay, and did not change just before they were read. */
static int collect(struct run *run, size_t start, size_t end,
		   struct memo_digest **ret, size_t *ret_count)
{
	struct memo_digest *d = malloc((end - start + 1) * sizeof(*d));
	size_t count = 0;

	if (!d)
		return -ENOMEM;
	for (; start < end; start++) {
		const struct file *f = &run->files[start];

		if (!f->keyed || f->reason == SKIP_NONE ||
		    memo_time(&f->ctime) >= run->begun_ns - MEMO_RACY_NS)
			continue;
		d[count++] = (struct memo_digest){
			.ino = f->ino,
			.size_bytes = f->size_bytes,
			.mtime_ns = memo_time(&f->mtime),
			.ctime_ns = memo_time(&f->ctime),
			.key = f->key,
		};
	}
	qsort(d, count, sizeof(*d), by_ino);
	*ret = d;
	*ret_count = count;
	return 0;
}

/* Replaces tree.digests; *@ret_changed says whether it is another. */
static int pack_digests(struct run *run, struct tree *t, size_t start,
			size_t end, bool *ret_changed)
{
	struct memo_digest *d = NULL;
	void *bytes;
	size_t count, size;
	int r = collect(run, start, end, &d, &count);

	if (!r)
		r = memo_digests_pack(d, count, &bytes, &size);
	free(d);
	if (r < 0)
		return r;
	*ret_changed = size != t->digests_size ||
		       memcmp(bytes, t->digests, size) != 0;
	free(t->digests);
	t->digest_count = 0;
	t->digests = bytes;
	t->digests_size = size;
	return 0;
}

/* --- leaving it -------------------------------------------------------------------- */

/* Files from @start on are of this tree, if it has any. */
static int save_tree(struct run *run, struct tree *t, size_t start, size_t end,
		     size_t *bytes, struct err *err)
{
	struct scan_row row = { 0 }, old = { 0 };
	bool changed;
	int r;

	if (t->status != TREE_SCANNED || !t->seen_size)
		return 0;
	r = pack_digests(run, t, start, end, &changed);
	if (r < 0 || (!changed && !t->seen_changed))
		return r;
	row = (struct scan_row){ .dirs = t->seen, .dirs_size = t->seen_size,
				 .digests = t->digests,
				 .digests_size = t->digests_size };
	if (!t->seen) {
		r = catalog_scan_get(run->pool->catalog, t->row.id, &old, err);
		row.dirs = old.dirs;
		row.dirs_size = old.dirs_size;
	}
	if (!r)
		r = catalog_scan_put(run->pool->catalog, t->row.id, &row, err);
	*bytes += row.dirs_size + row.digests_size;
	scan_row_release(&old);
	return r;
}

/* Trees from *@tree on, as many as make one transaction. */
static int save_some(struct run *run, size_t *tree, size_t *file,
		     struct err *err)
{
	size_t bytes = 0;
	int r = catalog_begin(run->pool->catalog, err);

	for (; !r && bytes < SAVE_BYTES && *tree < run->tree_count; ++*tree) {
		size_t end = *file;

		if (end < run->file_count && run->files[end].tree == *tree)
			end = tree_end(run, end);
		r = save_tree(run, &run->trees[*tree], *file, end, &bytes, err);
		*file = end;
	}
	if (!r)
		r = catalog_commit(run->pool->catalog, err);
	else
		catalog_rollback(run->pool->catalog);
	return r;
}

void remember_run(struct run *run)
{
	struct err err = { 0 };
	size_t tree = 0, file = 0;
	int r = 0;

	catalog_relax(run->pool->catalog, true);
	while (!r && tree < run->tree_count)
		r = save_some(run, &tree, &file, &err);
	catalog_relax(run->pool->catalog, false);
	if (r < 0)
		log_info("%s; the next run will look at everything",
			 err.code ? err.msg : strerror(-r));
}
