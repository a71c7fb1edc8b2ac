// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store against the object table, and the protection of both.
 *
 * The table is a cache, which running commands write late, and an entry of the
 * store is young before its row is: a contradiction counts only when it is still
 * there after the scan and nobody is at work in the pool then.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "check.h"
#include "cleanup.h"
#include "fdio.h"
#include "store.h"

struct scan {
	struct pool *pool;
	struct problems *problems;
	struct err *err;
	struct object_row *rows;	/* sorted by key and replica */
	bool *seen;			/* the row's file was met */
	size_t count;
	size_t alloc;
	uint64_t orphans;
	uint64_t orphan_bytes;
	/* A kernel that does not know the attribute shows shared masters as
	 * plain +i. They count as such once one was seen that is not. */
	struct problems plain;
	bool shared_seen;
};

static int compare_rows(const void *a, const void *b)
{
	const struct object_row *x = a;
	const struct object_row *y = b;
	int r = memcmp(x->key.b, y->key.b, sizeof(x->key.b));

	if (r)
		return r;
	return x->replica < y->replica ? -1 : x->replica > y->replica;
}

static int collect_row(const struct object_row *row, void *ctx)
{
	struct scan *s = ctx;

	if (array_room(&s->rows, s->count, &s->alloc))
		return -ENOMEM;
	s->rows[s->count++] = *row;
	return 0;
}

static int load_rows(struct scan *s)
{
	int r = catalog_object_each(s->pool->catalog, collect_row, s, s->err);

	if (r < 0)
		return r;
	s->seen = calloc(s->count + 1, sizeof(*s->seen));
	if (!s->seen)
		return err_errno(s->err, -ENOMEM, "cannot check the store");
	if (s->count)
		qsort(s->rows, s->count, sizeof(*s->rows), compare_rows);
	return 0;
}

static struct object_row *find_row(struct scan *s, const struct digest *key,
				   uint32_t replica)
{
	const struct object_row want = { .key = *key, .replica = replica };

	if (!s->count)
		return NULL;
	return bsearch(&want, s->rows, s->count, sizeof(want), compare_rows);
}

static int add_master_problem(struct problems *to, enum problem_code code,
			      const struct digest *key, uint32_t replica,
			      uint64_t ino)
{
	const struct problem_target t = { .key = *key,
					  .replica = replica,
					  .ino = ino };
	char hex[DIGEST_HEX_SIZE];

	digest_hex(key, hex);
	return problems_add(to, code, &t, "store/%.2s/%s.%u", hex, hex,
			    replica);
}

/* A protected pool has masters only where the engine was `kernel`, so each has
 * both flags. */
static int check_flags(struct scan *s, const struct store_entry *e)
{
	_cleanup_close_ int fd = -1;
	unsigned int flags = 0;
	int whole;

	if (s->pool->info.unprotected)
		return 0;
	fd = fdio_open(e->shard_fd, e->name, O_RDONLY);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	(void)iflags_get(fd, &flags); /* none to be seen are none */
	if (iflags_is_shared(flags)) {
		s->shared_seen = true;
		return 0;
	}
	whole = master_is_whole(fd, &e->key);
	if (whole < 0)
		return whole;
	return add_master_problem(flags & FS_IMMUTABLE_FL ? &s->plain :
							    s->problems,
				  whole ? PROBLEM_MASTER_UNPROTECTED :
					  PROBLEM_MASTER_CHANGED,
				  &e->key, e->replica, e->stx.stx_ino);
}

static int check_foreign(struct scan *s, const struct store_entry *e)
{
	struct problem_target t = { .ino = e->stx.stx_ino };

	(void)snprintf(t.name, sizeof(t.name), "%s", e->name);
	return problems_add(s->problems, PROBLEM_STORE_FOREIGN, &t,
			    "'%s' in the store", e->name);
}

/*
 * A master never changes its size: if its row has another, either the row is wrong or the
 * disk lost the data, which its name tells. 1 when it is the disk, or it cannot be read.
 */
static int is_damaged(const struct store_entry *e, const struct object_row *row)
{
	_cleanup_close_ int fd = -1;
	int whole;

	if (row->size_bytes == e->stx.stx_size)
		return 0;
	fd = fdio_open(e->shard_fd, e->name, O_RDONLY);
	whole = fd < 0 ? fd : master_is_whole(fd, &e->key);
	return whole == -ENOMEM ? whole : whole <= 0 && fd != -ENOENT;
}

static int check_entry(const struct store_entry *e, void *ctx)
{
	struct scan *s = ctx;
	struct object_row *row;
	int damaged = 0;
	int r = 0;

	if (e->replica == UINT32_MAX)
		return check_foreign(s, e);
	if (e->stx.stx_nlink == 1) {
		s->orphans++;
		s->orphan_bytes += e->stx.stx_blocks * 512;
	}
	row = find_row(s, &e->key, e->replica);
	if (row) {
		s->seen[row - s->rows] = true;
		damaged = is_damaged(e, row);
	}
	if (damaged)
		return damaged < 0 ?
			       damaged :
			       add_master_problem(s->problems,
						  PROBLEM_MASTER_CHANGED,
						  &e->key, e->replica,
						  e->stx.stx_ino);
	if (!row)
		r = add_master_problem(s->problems, PROBLEM_FILE_WITHOUT_OBJECT,
				       &e->key, e->replica, e->stx.stx_ino);
	else if (row->ino != e->stx.stx_ino ||
		 row->size_bytes != e->stx.stx_size)
		r = add_master_problem(s->problems, PROBLEM_OBJECT_DIFFERS,
				       &e->key, e->replica, e->stx.stx_ino);
	return r ? r : check_flags(s, e);
}

static int check_unseen(struct scan *s)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < s->count; i++)
		if (!s->seen[i])
			r = add_master_problem(s->problems,
					       PROBLEM_OBJECT_WITHOUT_FILE,
					       &s->rows[i].key,
					       s->rows[i].replica,
					       s->rows[i].ino);
	return r;
}

static int add_counts(struct scan *s)
{
	int open_shards = store_protect(s->pool, true, s->err);
	int r = open_shards < 0 ? open_shards : 0;

	if (open_shards > 0)
		r = problems_add(s->problems, PROBLEM_SHARDS_OPEN, NULL,
				 "%d directories of the store", open_shards);
	if (!r && s->orphans) {
		r = problems_add(s->problems, PROBLEM_ORPHANS, NULL,
				 "%" PRIu64 " files of the store", s->orphans);
		if (!r) {
			struct problem *last =
				&s->problems->list[s->problems->count - 1];

			last->count = s->orphans;
			last->size_bytes = s->orphan_bytes;
		}
	}
	return r;
}

static int append(struct problems *to, const struct problems *from)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < from->count; i++)
		r = problems_add(to, from->list[i].code, &from->list[i].target,
				 "%s", from->list[i].subject);
	return r;
}

static int scan_store(struct scan *s)
{
	int r = load_rows(s);

	if (!r)
		r = store_each(s->pool, check_entry, s, s->err);
	if (!r)
		r = check_unseen(s);
	if (!r && s->shared_seen)
		r = append(s->problems, &s->plain);
	return r ? r : add_counts(s);
}

/* What only a pool at rest can be blamed for. */
static bool may_be_under_way(enum problem_code code)
{
	return code == PROBLEM_FILE_WITHOUT_OBJECT ||
	       code == PROBLEM_OBJECT_WITHOUT_FILE ||
	       code == PROBLEM_OBJECT_DIFFERS || code == PROBLEM_SHARDS_OPEN;
}

/* Move what @seen and a second scan have in common, or what cannot be under way,
 * to @ret. */
static int keep_lasting(struct pool *p, struct problems *seen,
			struct problems *again, struct problems *ret)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < again->count; i++) {
		struct problem *pr = &again->list[i];

		if (may_be_under_way(pr->code) &&
		    (!problems_find(seen, pr) || pool_is_busy(p)))
			continue;
		r = problems_add(ret, pr->code, &pr->target, "%s", pr->subject);
		if (!r) {
			ret->list[ret->count - 1].count = pr->count;
			ret->list[ret->count - 1].size_bytes = pr->size_bytes;
		}
	}
	return r;
}

static int scan_once(struct pool *p, struct problems *ret, struct err *err)
{
	struct scan s = { .pool = p, .problems = ret, .err = err };
	int r = scan_store(&s);

	problems_release(&s.plain);
	free(s.rows);
	free(s.seen);
	return r;
}

int check_store(struct pool *p, struct problems *ret, struct err *err)
{
	struct problems first = { 0 };
	struct problems again = { 0 };
	bool doubtful = false;
	size_t i;
	int r = scan_once(p, &first, err);

	for (i = 0; i < first.count; i++)
		doubtful |= may_be_under_way(first.list[i].code);
	if (!r && doubtful)
		r = scan_once(p, &again, err);
	if (!r)
		r = keep_lasting(p, &first, doubtful ? &again : &first, ret);
	if (r == -ENOMEM && err && !err->code)
		err_errno(err, r, "cannot check the store");
	problems_release(&first);
	problems_release(&again);
	return r;
}
