// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is worth reading: a candidate whose size, mode, owner and mtime some
 * candidate of another tree or some master has too. Xattrs would cost system calls
 * for every file and decide almost nothing here; the key has them.
 */
#include <errno.h>
#include <stdlib.h>

#include "store.h"
#include "vhashify.h"

static uint64_t meta_digest(uint64_t size, uint32_t mode, uint32_t uid,
			    uint32_t gid, const struct statx_timestamp *mtime)
{
	const uint64_t words[] = { size, mode, uid, gid,
				   (uint64_t)mtime->tv_sec, mtime->tv_nsec };

	return hash_words(words, sizeof(words) / sizeof(*words));
}

/* With --ignore-mtime all files have the same time. */
static uint64_t meta_of(const struct run *run, uint64_t size, uint32_t mode,
			uint32_t uid, uint32_t gid,
			const struct statx_timestamp *mtime)
{
	static const struct statx_timestamp any;

	return meta_digest(size, mode, uid, gid,
			   run->policy.ignore_mtime ? &any : mtime);
}

static void digest_meta(struct run *run)
{
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		struct file *f = &run->files[i];

		/* extents are shared whatever the metadata are */
		f->meta = run->links ? meta_of(run, f->size_bytes, f->mode,
					       f->uid, f->gid, &f->mtime) :
				       hash_words(&f->size_bytes, 1);
	}
}

static int add_master(struct run *run, struct set *to, const struct statx *x)
{
	uint64_t meta = meta_of(run, x->stx_size, x->stx_mode, x->stx_uid,
				x->stx_gid, &x->stx_mtime);
	int r = set_add(to, meta);

	return r ? r : mtimes_note(run, meta, x);
}

/* The metadata of masters that are as long as some candidate. */
static int collect_masters(struct run *run, struct set *ret, struct err *err)
{
	struct set sizes = { 0 };
	size_t i;
	int r = 0;

	for (i = 0; !r && i < run->file_count; i++)
		r = set_add(&sizes, hash_words(&run->files[i].size_bytes, 1));
	for (i = 0; !r && i < run->masters.count; i++) {
		const struct object_row *row = &run->masters.rows[i];
		struct statx x;

		if (!set_has(&sizes, hash_words(&row->size_bytes, 1)))
			continue;
		r = store_stat(run->pool, &row->key, row->replica, &x, err);
		if (!r)
			r = add_master(run, ret, &x);
		else if (r == -ENOENT)
			r = 0; /* a row without a file: `vtemplate check` */
	}
	set_release(&sizes);
	return r;
}

static int by_meta(const void *a, const void *b, void *files)
{
	const struct file *f = files;
	uint32_t i = *(const uint32_t *)a;
	uint32_t j = *(const uint32_t *)b;

	if (f[i].meta != f[j].meta)
		return f[i].meta < f[j].meta ? -1 : 1;
	return (i > j) - (i < j);
}

/* Files alike in size and metadata, in ascending order of trees. */
static void judge_alike(struct run *run, const uint32_t *alike, size_t count,
			const struct set *masters)
{
	struct file *first = &run->files[alike[0]];
	const struct file *last = &run->files[alike[count - 1]];
	bool within = run->policy.within_guest || !run->links;
	size_t i;

	if (first->tree != last->tree || (within && count > 1) ||
	    set_has(masters, first->meta))
		return;
	for (i = 0; i < count; i++)
		file_skip(&run->files[alike[i]], SKIP_UNIQUE);
}

static void judge(struct run *run, const struct set *masters)
{
	size_t start, end;

	for (start = 0; start < run->file_count; start = end) {
		uint64_t meta = run->files[run->order[start]].meta;

		for (end = start + 1; end < run->file_count; end++)
			if (run->files[run->order[end]].meta != meta)
				break;
		judge_alike(run, &run->order[start], end - start, masters);
	}
}

int choose_candidates(struct run *run, struct err *err)
{
	struct set masters = { 0 };
	size_t i;
	int r = 0;

	if (!run->file_count)
		return 0;
	run->order = malloc(run->file_count * sizeof(*run->order));
	if (!run->order)
		return err_errno(err, -ENOMEM, "cannot sort the candidates");
	for (i = 0; i < run->file_count; i++)
		run->order[i] = i;
	digest_meta(run);
	qsort_r(run->order, run->file_count, sizeof(*run->order), by_meta,
		run->files);
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
