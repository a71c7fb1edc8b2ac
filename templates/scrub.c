// SPDX-License-Identifier: GPL-2.0-only
#include "scrub.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "cmd.h"
#include "fdio.h"
#include "log.h"
#include "progress.h"
#include "store.h"

/* How much may be read twice after an interruption. */
#define SAVE_FILES 1024
#define SAVE_BYTES (256 << 20)

struct scrub {
	const char *pool_path;
	struct pool *pool;	/* without a lock */
	struct scrub_reader *reader;
	struct store_item *items;
	size_t count;
	size_t next;
	struct scrub_row row;
	uint64_t saved_bytes;
	bool volatile_position;	/* it cannot be saved, which was said */
	struct problems *problems;
	struct scrub_stats *stats;
	struct err *err;
};

/* --- one that is damaged --------------------------------------------------------- */

static int not_moved(struct scrub *s, const struct store_item *item)
{
	struct problem_target t = { .key = item->key,
				    .replica = item->replica,
				    .ino = item->ino };
	char hex[DIGEST_HEX_SIZE];
	struct statx stx;

	if (!store_stat(s->pool, &item->key, item->replica, &stx, NULL)) {
		t.has_stat = true;
		t.size_bytes = stx.stx_size;
		t.mtime = stx.stx_mtime;
	}
	digest_hex(&item->key, hex);
	return problems_add(s->problems, PROBLEM_MASTER_DAMAGED, &t,
			    "store/%.2s/%s.%u", hex, hex, item->replica);
}

/*
 * Look again, now that nobody else is in the pool: 1 when it was put in quarantine, 0
 * when there is nothing to put there.
 */
static int put_away(struct scrub *s, struct pool *p,
		    const struct store_item *item, struct err *err)
{
	struct store_entry e = { .shard_fd = -1 };
	char name[STORE_NAME_SIZE];
	_cleanup_close_ int fd = store_item_open(p, item, name, &e);
	_cleanup_close_ int shard = e.shard_fd;
	uint64_t ignored = 0;
	int r = fd;
	int seen;

	if (fd == -ENOENT)
		return 0;
	if (fd >= 0)
		r = scrub_read(s->reader, fd, &item->key, &ignored);
	if (r > 0)
		return 0;
	if (r < 0 && !scrub_is_damage(r))
		return err_errno(err, r, "cannot read '%s'", name);
	seen = fdio_statx(shard, name, &e.stx);
	if (seen < 0)
		return err_errno(err, seen, "cannot examine '%s'", name);
	r = store_quarantine(p, &e, r < 0 ? "unreadable" : "changed", err);
	return r < 0 ? r : 1;
}

static int found_damage(struct scrub *s, const struct store_item *item)
{
	struct err err = { 0 };
	struct pool *p = NULL;
	int r = pool_open(s->pool_path, POOL_EXCLUSIVE, &p, &err);

	if (!r)
		r = put_away(s, p, item, &err);
	pool_close(p);
	if (r == -EINTR || r == -ENOMEM) {
		*s->err = err;
		return r;
	}
	if (r < 0)
		log_warning("%s", err.msg);
	if (r)
		s->stats->damaged++;
	return r < 0 ? not_moved(s, item) : 0;
}

/* --- all of them ----------------------------------------------------------------- */

static int scrub_item(struct scrub *s, const struct store_item *item)
{
	struct store_entry e = { .shard_fd = -1 };
	char name[STORE_NAME_SIZE];
	_cleanup_close_ int fd = store_item_open(s->pool, item, name, &e);
	int r = fd;

	cleanup_close(&e.shard_fd);
	if (fd == -ENOENT)
		return 0; /* collected since */
	if (fd >= 0)
		r = scrub_read(s->reader, fd, &item->key,
			       &s->stats->read_bytes);
	if (r == 0 || scrub_is_damage(r))
		r = found_damage(s, item);
	else if (r < 0)
		return err_errno(s->err, r, "cannot read '%s' in the store",
				 name);
	s->stats->files++;
	return r < 0 ? r : 0;
}

/* In a short transaction of its own, beside whoever else uses the catalog. */
static void save(struct scrub *s, bool done)
{
	struct catalog *c = NULL;
	struct err err = { 0 };
	int r;

	if (s->volatile_position)
		return;
	s->saved_bytes = s->stats->read_bytes;
	r = catalog_open(s->pool->fd, CATALOG_RW, &c, &err);
	if (!r && done)
		r = catalog_scrub_remove(c, &err);
	else if (!r)
		r = catalog_scrub_put(c, &s->row, &err);
	catalog_close(c);
	if (r < 0) {
		s->volatile_position = true;
		log_warning("%s; if interrupted, the scrub begins again",
			    err.msg);
	}
}

static int find_begin(struct scrub *s)
{
	int r = catalog_scrub_get(s->pool->catalog, &s->row, s->err);

	if (r == -ENOENT) {
		s->row = (struct scrub_row){ .begun_ns = realtime_ns() };
		return 0;
	}
	if (r < 0)
		return r;
	s->stats->resumed = true;
	while (s->next < s->count &&
	       s->items[s->next].ino < s->row.next_ino)
		s->next++;
	return 0;
}

static void show(const struct scrub *s)
{
	char bytes[32];

	progress_show("scrubbing, %zu of %zu files, %s read", s->next, s->count,
		      format_bytes(bytes, s->stats->read_bytes));
}

static int scrub_all(struct scrub *s)
{
	int r = find_begin(s);

	progress_phase();
	for (; !r && s->next < s->count; s->next++) {
		s->row.next_ino = s->items[s->next].ino;
		if ((s->stats->files + 1) % SAVE_FILES == 0 ||
		    s->stats->read_bytes - s->saved_bytes >= SAVE_BYTES)
			save(s, false);
		if (progress_due())
			show(s);
		r = scrub_item(s, &s->items[s->next]);
	}
	if (!r)
		save(s, true);
	return r;
}

int scrub_store(const char *pool_path, uint64_t rate, struct problems *ret,
		struct scrub_stats *stats, struct err *err)
{
	struct scrub s = { .pool_path = pool_path,
			   .problems = ret,
			   .stats = stats,
			   .err = err };
	int r = pool_open(pool_path, POOL_RO, &s.pool, err);

	if (r < 0)
		return r;
	s.reader = scrub_reader_new(rate);
	r = s.reader ? store_list(s.pool, &s.items, &s.count, err) : -ENOMEM;
	if (!r)
		r = scrub_all(&s);
	if (r == -ENOMEM && !err->code)
		err_errno(err, r, "cannot scrub the store");
	progress_end();
	free(s.items);
	scrub_reader_free(s.reader);
	pool_close(s.pool);
	return r;
}
