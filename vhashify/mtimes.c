// SPDX-License-Identifier: GPL-2.0-only
/*
 * --ignore-mtime: files that differ in nothing but their modification time become
 * one. Keys of masters hold the time, so a candidate gets the key it would have with
 * the time of the file it shall be equal to: a master that is there, else the first
 * such candidate. After that the phases work as ever, on keys.
 *
 * Of several masters that differ in nothing else a file takes the one that has its
 * own time, else the one whose time is the earliest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "fdio.h"
#include "store.h"
#include "vhashify.h"

int mtimes_note(struct run *run, uint64_t meta, const struct statx *master)
{
	struct mtimes *m = &run->mtimes;

	if (!run->policy.ignore_mtime)
		return 0;
	if (array_room(&m->list, m->count, &m->alloc))
		return -ENOMEM;
	m->list[m->count++] = (struct master_mtime){
		.meta = meta,
		.sec = master->stx_mtime.tv_sec,
		.nsec = master->stx_mtime.tv_nsec,
	};
	return 0;
}

static int compare_mtimes(const void *a, const void *b)
{
	const struct master_mtime *x = a;
	const struct master_mtime *y = b;

	if (x->meta != y->meta)
		return x->meta < y->meta ? -1 : 1;
	if (x->sec != y->sec)
		return x->sec < y->sec ? -1 : 1;
	return (x->nsec > y->nsec) - (x->nsec < y->nsec);
}

/* Thousands of replicas have one time. */
void mtimes_sort(struct run *run)
{
	struct mtimes *m = &run->mtimes;
	size_t kept = 0;
	size_t i;

	if (!m->count)
		return;
	qsort(m->list, m->count, sizeof(*m->list), compare_mtimes);
	for (i = 0; i < m->count; i++)
		if (!kept || compare_mtimes(&m->list[i], &m->list[kept - 1]))
			m->list[kept++] = m->list[i];
	m->count = kept;
}

/* The first of those with @meta. */
static size_t find_meta(const struct mtimes *m, uint64_t meta)
{
	size_t low = 0;
	size_t high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->list[middle].meta < meta)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_master(const struct run *run, const struct digest *key)
{
	size_t count;

	return masters_by_key(&run->masters, key, &count);
}

int mtimes_adopt(const struct run *run, const struct iattr *attr,
		 const struct digest *content, struct file *f)
{
	const struct mtimes *m = &run->mtimes;
	struct iattr other = *attr;
	struct digest key;
	uint64_t meta;
	size_t i;
	int r;

	if (!run->policy.ignore_mtime)
		return 0;
	other.stx.stx_mtime = (struct statx_timestamp){ 0 };
	r = hash_key(&other, content, file_place(run, f));
	if (r < 0 || has_master(run, &f->key))
		return r;
	meta = file_meta(run, f);
	for (i = find_meta(m, meta); i < m->count && m->list[i].meta == meta;
	     i++) {
		other.stx.stx_mtime.tv_sec = m->list[i].sec;
		other.stx.stx_mtime.tv_nsec = m->list[i].nsec;
		r = hash_key(&other, content, &key);
		if (r < 0)
			return r;
		if (has_master(run, &key)) {
			f->key = key;
			break;
		}
	}
	return 0;
}

/* Where a master is there, all of them have found one. */
static void settle_alike(struct run *run, const uint32_t *alike, size_t count)
{
	const struct digest *key = &run->files[alike[0]].key;
	size_t i;

	if (has_master(run, key))
		return;
	for (i = 1; i < count; i++)
		run->files[alike[i]].key = *key;
}

void mtimes_settle(struct run *run)
{
	size_t count = 0;
	size_t start, end, i;

	if (!run->policy.ignore_mtime)
		return;
	for (i = 0; i < run->file_count; i++)
		if (run->files[i].reason == SKIP_NONE)
			run->order[count++] = i;
	sort_by_place(run, count);
	for (start = 0; start < count; start = end) {
		const struct digest *alike = &run->places[run->order[start]];

		for (end = start + 1; end < count; end++)
			if (!digest_equal(&run->places[run->order[end]], alike))
				break;
		settle_alike(run, &run->order[start], end - start);
	}
}

/* The time of the masters that @f shall become a name of; 1 when it is another. */
static int master_mtime(struct run *run, const struct file *f,
			struct statx_timestamp *ret, struct err *err)
{
	size_t count, i;
	const struct object_row *rows =
		masters_by_key(&run->masters, &f->key, &count);

	for (i = 0; i < count; i++) {
		struct statx x;
		int r = store_stat(run->pool, &rows[i].key, rows[i].replica, &x,
				   err);

		if (r == -ENOENT)
			continue;
		*ret = x.stx_mtime;
		return r < 0 ? r :
			       x.stx_mtime.tv_sec != f->mtime_sec ||
				       x.stx_mtime.tv_nsec != f->mtime_nsec;
	}
	return 0;
}

/* A copy with the other time: the store finds the master by it, or keeps it. */
static int intern_copy(struct run *run, int fd, const struct iattr *attr,
		       const struct store_avoid *avoid, struct master *ret,
		       struct err *err)
{
	struct draft d = DRAFT_INIT;
	int r = store_draft_begin(run->pool, &d, err);

	if (r < 0)
		return r;
	r = fdio_copy(fd, d.fd, attr->stx.stx_size, d.hasher);
	if (!r)
		return store_draft_commit(run->pool, &d, attr, avoid, ret, err);
	store_draft_release(&d);
	return err_errno(err, r, "cannot copy to the store");
}

int mtimes_intern(struct run *run, const struct file *f, int fd,
		  struct iattr *attr, const struct store_avoid *avoid,
		  struct master *ret, struct err *err)
{
	/* a key of --ignore-mtime may hold the time of another file */
	const struct digest *key = run->policy.ignore_mtime ? NULL : &f->key;
	struct statx_timestamp mtime;
	int r = 0;

	if (run->policy.ignore_mtime)
		r = master_mtime(run, f, &mtime, err);
	if (r < 0)
		return r;
	if (!r)
		return store_adopt(run->pool, fd, attr, key, avoid, ret, err);
	attr->stx.stx_mtime = mtime;
	return intern_copy(run, fd, attr, avoid, ret, err);
}

void mtimes_release(struct mtimes *m)
{
	free(m->list);
	*m = (struct mtimes){ 0 };
}
