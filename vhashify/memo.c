// SPDX-License-Identifier: GPL-2.0-only
#include "memo.h"

#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "array.h"

#define DIRS_MAGIC UINT64_C(0x0002644d77436f4c)	/* with the version */
#define DIGESTS_MAGIC UINT64_C(0x0001684d77436f4c)

struct header {
	uint64_t magic;
	uint64_t check;		/* of all that follows */
	uint64_t count;
};

struct memo_dir {
	uint64_t ino;
	int64_t mtime_ns, ctime_ns;
	uint64_t offset;	/* of its record, in all the bytes */
};

/* No time that a directory has: the record matches nothing. */
#define NO_TIME INT64_MIN

int64_t memo_ns(int64_t sec, uint32_t nsec)
{
	return (int64_t)((uint64_t)sec * 1000000000 + nsec);
}

static int64_t memo_time(const struct statx_timestamp *t)
{
	return memo_ns(t->tv_sec, t->tv_nsec);
}

/* --- the frame: magic, check, count ------------------------------------------ */

static uint64_t checksum(const void *bytes, size_t size)
{
	return XXH3_64bits((const char *)bytes + offsetof(struct header, count),
			   size - offsetof(struct header, count));
}

static bool open_frame(const void *bytes, size_t size, uint64_t magic,
		       size_t item_size, size_t *ret_count)
{
	struct header h;

	*ret_count = 0;
	if (!bytes || size < sizeof(h))
		return false;
	memcpy(&h, bytes, sizeof(h));
	if (h.magic != magic || h.check != checksum(bytes, size) ||
	    h.count > (size - sizeof(h)) / item_size)
		return false;
	*ret_count = h.count;
	return true;
}

static void seal_frame(void *bytes, size_t size, uint64_t magic, size_t count)
{
	struct header h = { .magic = magic, .count = count };

	memcpy(bytes, &h, sizeof(h));
	h.check = checksum(bytes, size);
	memcpy(bytes, &h, sizeof(h));
}

/* --- numbers of one to ten bytes, seven bits each ------------------------------ */

static int put_number(struct strbuf *sb, uint64_t value)
{
	unsigned char bytes[10];
	size_t len = 0;

	for (; value > 127; value >>= 7)
		bytes[len++] = value | 128;
	bytes[len++] = value;
	return strbuf_add(sb, bytes, len);
}

static bool get_number(struct memo_record *r, uint64_t *ret)
{
	unsigned int shift;

	*ret = 0;
	for (shift = 0; r->next < r->end && shift < 64; shift += 7) {
		unsigned char byte = *r->next++;

		*ret |= (uint64_t)(byte & 127) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

/* --- reading --------------------------------------------------------------------- */

/* Header, records, and at the end the directories. */
bool memo_open(struct memo *ret, const void *bytes, size_t size)
{
	struct memo m = { .records = bytes };

	*ret = (struct memo){ 0 };
	if (size % sizeof(uint64_t) ||
	    !open_frame(bytes, size, DIRS_MAGIC, sizeof(*m.dirs), &m.count))
		return false;
	m.size = size - m.count * sizeof(*m.dirs);
	/* malloc'ed by the catalog: aligned */
	m.dirs = (const void *)(m.records + m.size);
	*ret = m;
	return true;
}

bool memo_at(const struct memo *m, size_t i, struct memo_record *ret)
{
	struct memo_record r = { 0 };

	if (m->dirs[i].offset > m->size)
		return false;
	r.start = r.next = m->records + m->dirs[i].offset;
	r.end = m->records + m->size;
	if (!get_number(&r, &r.shared) || !get_number(&r, &r.names))
		return false;
	*ret = r;
	return true;
}

bool memo_find(const struct memo *m, const struct statx *dir,
	       struct memo_record *ret)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct memo_dir *d = &m->dirs[mid];

		if (d->ino == dir->stx_ino)
			return d->ctime_ns == memo_time(&dir->stx_ctime) &&
			       d->mtime_ns == memo_time(&dir->stx_mtime) &&
			       memo_at(m, mid, ret);
		if (d->ino < dir->stx_ino)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool memo_next_inode(struct memo_record *r, uint64_t *ret)
{
	uint64_t step;

	if (!get_number(r, &step))
		return false;
	r->ino += step;
	*ret = r->ino;
	return true;
}

const char *memo_next_name(struct memo_record *r)
{
	const char *name = (const char *)r->next;
	size_t room = r->end - r->next;
	size_t len = strnlen(name, room);

	if (!len || len == room)
		return NULL;
	r->next += len + 1;
	return name;
}

/* --- writing --------------------------------------------------------------------- */

/* Room for the header, which comes first. */
static int reserve_header(struct memo_writer *w)
{
	const struct header h = { 0 };

	return w->records.len ? 0 : strbuf_add(&w->records, &h, sizeof(h));
}

static int add_dir(struct memo_writer *w, const struct statx *dir)
{
	int64_t ctime_ns = memo_time(&dir->stx_ctime);

	if (reserve_header(w))
		return -ENOMEM;
	if (array_room(&w->dirs, w->count, &w->alloc))
		return -ENOMEM;
	w->dirs[w->count++] = (struct memo_dir){
		.ino = dir->stx_ino,
		.mtime_ns = memo_time(&dir->stx_mtime),
		.ctime_ns = ctime_ns < w->before_ns ? ctime_ns : NO_TIME,
		.offset = w->records.len,
	};
	return 0;
}

static int end_dir(struct memo_writer *w)
{
	int r = 0;

	if (!w->open)
		return 0;
	w->open = false;
	r = put_number(&w->records, w->inode_count);
	if (!r)
		r = put_number(&w->records, w->name_count);
	if (!r)
		r = strbuf_add(&w->records, strbuf_str(&w->inodes),
			       w->inodes.len);
	if (!r)
		r = strbuf_add(&w->records, strbuf_str(&w->names),
			       w->names.len);
	strbuf_setlen(&w->inodes, 0);
	strbuf_setlen(&w->names, 0);
	w->inode_count = w->name_count = w->last_ino = 0;
	return r;
}

int memo_begin(struct memo_writer *w, const struct statx *dir)
{
	int r = end_dir(w);

	if (!r)
		r = add_dir(w, dir);
	w->open = !r;
	return r;
}

int memo_add_inode(struct memo_writer *w, uint64_t ino)
{
	int r = put_number(&w->inodes, ino - w->last_ino);

	w->last_ino = ino;
	w->inode_count++;
	return r;
}

int memo_add_name(struct memo_writer *w, const char *name)
{
	w->name_count++;
	return strbuf_add(&w->names, name, strlen(name) + 1);
}

void memo_forget(struct memo_writer *w, size_t number)
{
	w->dirs[number - 1].ctime_ns = NO_TIME;
}

void memo_spoil(struct memo_writer *w)
{
	if (w->open)
		memo_forget(w, w->count);
}

int memo_copy(struct memo_writer *w, const struct statx *dir,
	      const struct memo_record *r)
{
	struct memo_record end = *r;
	uint64_t ino, i;
	int err = end_dir(w);

	for (i = 0; i < r->shared; i++)
		(void)memo_next_inode(&end, &ino); /* the caller has seen them */
	for (i = 0; i < r->names; i++)
		(void)memo_next_name(&end);
	if (!err)
		err = add_dir(w, dir);
	if (!err)
		err = strbuf_add(&w->records, r->start, end.next - r->start);
	w->copied++;
	return err;
}

static int by_ino(const void *a, const void *b)
{
	const struct memo_dir *x = a;
	const struct memo_dir *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

int memo_finish(struct memo_writer *w, void **ret, size_t *ret_size)
{
	static const char zeros[sizeof(uint64_t)];
	int r = end_dir(w);
	char *bytes;

	if (!r)
		r = reserve_header(w);
	if (!r)
		r = strbuf_add(&w->records, zeros,
			       -w->records.len % sizeof(zeros));
	if (w->count)
		qsort(w->dirs, w->count, sizeof(*w->dirs), by_ino);
	if (!r && w->count)
		r = strbuf_add(&w->records, w->dirs,
			       w->count * sizeof(*w->dirs));
	if (r < 0)
		return r;
	seal_frame(w->records.buf, w->records.len, DIRS_MAGIC, w->count);
	*ret_size = w->records.len;
	bytes = realloc(w->records.buf, w->records.len);
	*ret = bytes ? bytes : w->records.buf;
	w->records = (struct strbuf)STRBUF_INIT;
	return 0;
}

void memo_writer_release(struct memo_writer *w)
{
	free(w->dirs);
	strbuf_release(&w->records);
	strbuf_release(&w->inodes);
	strbuf_release(&w->names);
}

/* --- digests --------------------------------------------------------------------- */

void *memo_digests_begin(size_t count, struct memo_digest **ret_rows,
			 size_t *ret_size)
{
	char *bytes;

	*ret_size = sizeof(struct header) + count * sizeof(**ret_rows);
	bytes = malloc(*ret_size);
	*ret_rows = bytes ? (void *)(bytes + sizeof(struct header)) : NULL;
	return bytes;
}

void memo_digests_seal(void *bytes, size_t count)
{
	seal_frame(bytes,
		   sizeof(struct header) + count * sizeof(struct memo_digest),
		   DIGESTS_MAGIC, count);
}

size_t memo_digests_open(const void *bytes, size_t size,
			 const struct memo_digest **ret)
{
	size_t count;

	*ret = NULL;
	if (!open_frame(bytes, size, DIGESTS_MAGIC, sizeof(**ret), &count))
		return 0;
	*ret = (const void *)((const char *)bytes + sizeof(struct header));
	return count;
}
