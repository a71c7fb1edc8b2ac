// SPDX-License-Identifier: GPL-2.0-only
/* Masters that are not what their names say. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "store-shard.h"
#include "store.h"

#define QUARANTINE_NAME_SIZE (STORE_NAME_SIZE + 21)

static int open_quarantine(struct pool *p)
{
	int r = fx_mkdirat(p->fd, POOL_QUARANTINE_DIR, 0700);

	return r && r != -EEXIST ? r : fdio_open_dir(p->fd, POOL_QUARANTINE_DIR);
}

struct removal {
	const struct store_entry *entry;
	int dirfd;
	char name[QUARANTINE_NAME_SIZE];
};

static int move_away(int shard_fd, void *ctx)
{
	const struct removal *m = ctx;
	struct statx now;
	int r = fdio_statx(shard_fd, m->entry->name, &now);

	if (r < 0)
		return r;
	if (now.stx_ino != m->entry->stx.stx_ino)
		return -ESTALE;
	return fx_renameat(shard_fd, m->entry->name, m->dirfd, m->name,
			   RENAME_NOREPLACE);
}

/* The directory is what counts; a catalog without room must not keep a damaged
 * master in use. */
static void remember(struct pool *p, const char *name, const char *reason)
{
	struct quarantine_row row = { .found_ns = realtime_ns() };
	struct err err = { 0 };

	(void)snprintf(row.reason, sizeof(row.reason), "%s", reason);
	if (catalog_quarantine_put(p->catalog, name, &row, &err) < 0)
		log_warning("%s", err.msg);
}

int store_quarantine(struct pool *p, const struct store_entry *e,
		     const char *reason, struct err *err)
{
	char shard[3] = { e->name[0], e->name[1], '\0' };
	_cleanup_close_ int dir = open_quarantine(p);
	struct removal m = { .entry = e, .dirfd = dir };
	int r = dir;

	(void)snprintf(m.name, sizeof(m.name), "%s.%" PRIu64, e->name,
		       (uint64_t)e->stx.stx_ino);
	if (r >= 0) {
		remember(p, m.name, reason);
		r = store_shard_change(p, shard, e->shard_fd, move_away, &m);
	}
	if (!r)
		r = fx_fsync(dir);
	if (r < 0)
		return err_errno(err, r, "cannot put '%s' in quarantine",
				 e->name);
	r = pool_quarantine_load(p, err);
	return r ? r : catalog_object_remove(p->catalog, &e->key, e->replica,
					     err);
}

/* "<key>.<replica>.<inode>"; anything else was not put there by us. */
static bool parse_name(const char *name, struct store_entry *e)
{
	const char *dot = strrchr(name, '.');
	char master[STORE_NAME_SIZE];

	if (!dot || (size_t)(dot - name) >= sizeof(master))
		return false;
	memcpy(master, name, dot - name);
	master[dot - name] = '\0';
	return store_parse_name(master, &e->key, &e->replica) == 0;
}

int store_quarantine_each(struct pool *p,
			  int (*fn)(const struct store_entry *e, void *ctx),
			  void *ctx, struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *de;
	int r = fdio_names_open(p->fd, POOL_QUARANTINE_DIR, &d);

	if (r == -ENOENT)
		return 0;
	while (!r && (de = fdio_names_next(d, &r))) {
		struct store_entry e = { .shard_fd = dirfd(d),
					 .name = de->d_name };

		if (!parse_name(de->d_name, &e))
			continue;
		r = fdio_statx(e.shard_fd, e.name, &e.stx);
		r = r == -ENOENT ? 0 : r ? r : fn(&e, ctx);
	}
	if (r < 0 && err && !err->code)
		err_errno(err, r, "cannot read the quarantine of '%s'",
			  p->path);
	return r;
}

int store_quarantine_remove(struct pool *p, const struct store_entry *e,
			    struct err *err)
{
	struct statx now;
	int r = fdio_statx(e->shard_fd, e->name, &now);

	if (!r && now.stx_nlink > 1)
		return -EBUSY;
	if (!r)
		r = fx_unlinkat(e->shard_fd, e->name, 0);
	if (r < 0)
		return err_errno(err, r, "cannot remove '%s' from quarantine",
				 e->name);
	return catalog_quarantine_remove(p->catalog, e->name, err);
}
