// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is worth reading: a candidate whose size, mode, owner and mtime some
 * candidate of another tree or some master has too. Xattrs would cost system calls
 * for every file and decide almost nothing here; the key has them.
 */
#include <errno.h>
#include <stdlib.h>

#include "fdio.h"
#include "log.h"
#include "store.h"
#include "vhashify.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By size first: so it is known which sizes there are. Extents are shared whatever the
 * metadata are; with --ignore-mtime all files have the same time. */
static int compare_meta(const struct run *run, const struct file *a,
			const struct file *b)
{
	int r = compare_numbers(a->size_bytes, b->size_bytes);

	if (r || !run->links)
		return r;
	if (!run->policy.ignore_mtime) {
		r = compare_numbers(a->mtime_sec, b->mtime_sec);
		if (!r)
			r = compare_numbers(a->mtime_nsec, b->mtime_nsec);
	}
	if (!r)
		r = compare_numbers(a->mode, b->mode);
	if (!r)
		r = compare_numbers(a->uid, b->uid);
	return r ? r : compare_numbers(a->gid, b->gid);
}

static int by_meta(const void *a, const void *b, void *ctx)
{
	const struct run *run = ctx;
	uint32_t i = *(const uint32_t *)a;
	uint32_t j = *(const uint32_t *)b;
	int r = compare_meta(run, &run->files[i], &run->files[j]);

	return r ? r : compare_numbers(i, j);
}

static uint64_t meta_of_statx(const struct run *run, const struct statx *x)
{
	bool timed = !run->policy.ignore_mtime;
	const uint64_t words[] = { x->stx_size, x->stx_mode, x->stx_uid,
				   x->stx_gid,
				   timed ? (uint64_t)x->stx_mtime.tv_sec : 0,
				   timed ? x->stx_mtime.tv_nsec : 0 };

	return hash_words(words, sizeof(words) / sizeof(*words));
}

uint64_t file_meta(const struct run *run, const struct file *f)
{
	struct statx x;

	file_statx(run, f, &x);
	return meta_of_statx(run, &x);
}

static bool has_size(const struct run *run, uint64_t size_bytes)
{
	size_t low = 0;
	size_t high = run->file_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t found = run->files[run->order[middle]].size_bytes;

		if (found == size_bytes)
			return true;
		if (found < size_bytes)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static int add_master(struct run *run, struct set *to, const struct statx *x)
{
	uint64_t meta = meta_of_statx(run, x);
	int r = set_add(to, meta);

	return r ? r : mtimes_note(run, meta, x);
}

/* A master that cannot even be looked at is equal to nothing. */
static int pass_over(struct err *err)
{
	log_warning("%s, sharing nothing with it; see 'vtemplate check --scrub'",
		    err->msg);
	err_clear(err);
	return 0;
}

/* The metadata of masters that are as long as some candidate. */
static int collect_masters(struct run *run, struct set *ret, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < run->masters.count; i++) {
		const struct object_row *row = &run->masters.rows[i];
		struct statx x;

		if (!has_size(run, row->size_bytes))
			continue;
		r = store_stat(run->pool, &row->key, row->replica, &x, err);
		if (!r)
			r = add_master(run, ret, &x);
		else if (r == -ENOENT)
			r = 0; /* a row without a file: `vtemplate check` */
		else if (errno_is_damage(r))
			r = pass_over(err);
	}
	return r;
}

/* Files alike in size and metadata, in ascending order of trees. */
static void judge_alike(struct run *run, const uint32_t *alike, size_t count,
			const struct set *masters)
{
	struct file *first = &run->files[alike[0]];
	const struct file *last = &run->files[alike[count - 1]];
	bool within = run->policy.within_guest || !run->links;
	size_t i;

	if (file_tree(run, first) != file_tree(run, last) || (within && count > 1) ||
	    set_has(masters, file_meta(run, first)))
		return;
	for (i = 0; i < count; i++)
		file_skip(&run->files[alike[i]], SKIP_UNIQUE);
}

static void judge(struct run *run, const struct set *masters)
{
	size_t start, end;

	for (start = 0; start < run->file_count; start = end) {
		const struct file *f = &run->files[run->order[start]];

		for (end = start + 1; end < run->file_count; end++)
			if (compare_meta(run, f,
					 &run->files[run->order[end]]))
				break;
		judge_alike(run, &run->order[start], end - start, masters);
		guess_alike(run, &run->order[start], end - start);
	}
}

static bool needs_places(const struct run *run)
{
	return !run->links || run->policy.ignore_mtime;
}

int choose_candidates(struct run *run, struct err *err)
{
	struct set masters = { 0 };
	size_t i;
	int r = 0;

	if (!run->file_count)
		return 0;
	run->order = malloc(run->file_count * sizeof(*run->order));
	if (!run->order || (needs_places(run) && run_add_places(run)))
		return err_errno(err, -ENOMEM, "cannot sort the candidates");
	for (i = 0; i < run->file_count; i++)
		run->order[i] = i;
	qsort_r(run->order, run->file_count, sizeof(*run->order), by_meta,
		run);
	if (run->links)
		r = collect_masters(run, &masters, err);
	mtimes_sort(run);
	if (!r)
		judge(run, &masters);
	else if (err && !err->code)
		err_errno(err, r, "cannot sort the candidates");
	set_release(&masters);
	return r;
}
