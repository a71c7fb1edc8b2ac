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
	const struct masters *m = &run->masters;
	bool *wanted = calloc(m->count + 1, sizeof(*wanted));
	size_t count, i;
	int r = wanted ? 0 : -ENOMEM;

	for (i = 0; !r && i < run->file_count; i++) {
		const struct object_row *row =
			file_is_undecided(&run->files[i]) ?
				masters_by_key(m, &run->files[i].key, &count) :
				NULL;

		if (row)
			memset(&wanted[row - m->rows], true, count);
	}
	for (i = 0; !r && i < m->count; i++)
		if (!wanted[i])
			r = set_add(ret, m->rows[i].ino);
	free(wanted);
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
	       file_tree(run, &run->files[end]) ==
		       file_tree(run, &run->files[start]))
		end++;
	return end;
}

static bool has_players(const struct run *run, size_t start, size_t end)
{
	for (; start < end; start++)
		if (file_is_undecided(&run->files[start]))
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
		r = hold_tree(run, file_tree(run, &run->files[start]), &idle);
		if (r != -EAGAIN)
			continue;
		r = 0;
		for (i = start; i < end; i++)
			if (file_is_undecided(&run->files[i]))
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

static int64_t mtime_ns(const struct file *f)
{
	return memo_ns(f->mtime_sec, f->mtime_nsec);
}

static int64_t ctime_ns(const struct file *f)
{
	return memo_ns(f->ctime_sec, f->ctime_nsec);
}

void remember_digests(struct run *run, const void *bytes, size_t size)
{
	const struct memo_digest *rows;
	size_t count = memo_digests_open(bytes, size, &rows);
	size_t i;

	for (i = 0; count && i < run->file_count; i++) {
		struct file *f = &run->files[i];
		const struct memo_digest want = { .ino = f->ino };
		const struct memo_digest *d =
			bsearch(&want, rows, count, sizeof(*d), by_ino);

		if (!d || d->size_bytes != f->size_bytes ||
		    d->mtime_ns != mtime_ns(f) || d->ctime_ns != ctime_ns(f))
			continue;
		f->key = d->key;
		f->keyed = true;
	}
}

/* Worth remembering: it stays, and did not change just before it was read. */
static bool is_lasting(const struct run *run, const struct file *f)
{
	return f->keyed && f->reason != SKIP_NONE &&
	       ctime_ns(f) < run->begun_ns - MEMO_RACY_NS;
}

static int pack_digests(const struct run *run, size_t start, size_t end,
			void **ret, size_t *ret_size)
{
	struct memo_digest *rows;
	size_t count = 0;
	size_t i;

	for (i = start; i < end; i++)
		count += is_lasting(run, &run->files[i]);
	*ret = memo_digests_begin(count, &rows, ret_size);
	if (!*ret)
		return -ENOMEM;
	count = 0;
	for (i = start; i < end; i++) {
		const struct file *f = &run->files[i];

		if (is_lasting(run, f))
			rows[count++] = (struct memo_digest){
				.ino = f->ino,
				.size_bytes = f->size_bytes,
				.mtime_ns = mtime_ns(f),
				.ctime_ns = ctime_ns(f),
				.key = f->key,
			};
	}
	qsort(rows, count, sizeof(*rows), by_ino);
	memo_digests_seal(*ret, count);
	return 0;
}

/* --- leaving it -------------------------------------------------------------------- */

/* @row has the digests; what the scan saw is as the catalog has it, or new. */
static int put_row(struct run *run, const struct tree *t, struct scan_row *row,
		   struct err *err)
{
	struct catalog *c = run->pool->catalog;
	struct scan_row old = { 0 };
	int r = 0;

	row->dirs = t->seen;
	row->dirs_size = t->seen_size;
	if (!t->seen) {
		r = catalog_scan_get(c, t->row.id, &old, err);
		row->dirs = old.dirs;
		row->dirs_size = old.dirs_size;
	}
	if (!r)
		r = catalog_scan_put(c, t->row.id, row, err);
	scan_row_release(&old);
	return r;
}

/* Its candidates are those from @start to @end. */
static int save_tree(struct run *run, struct tree *t, size_t start, size_t end,
		     size_t *bytes, struct err *err)
{
	struct scan_row row = { 0 };
	int r;

	if (t->status != TREE_SCANNED || !t->seen_size)
		return 0;
	r = pack_digests(run, start, end, &row.digests, &row.digests_size);
	if (r < 0)
		return r;
	if (t->seen_changed || row.digests_size != t->digests_size ||
	    hash_bytes(row.digests, row.digests_size) != t->digests_check) {
		r = put_row(run, t, &row, err);
		*bytes += row.dirs_size + row.digests_size;
	}
	free(row.digests);
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

		if (end < run->file_count &&
		    file_tree(run, &run->files[end]) == *tree)
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
