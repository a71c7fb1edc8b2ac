// SPDX-License-Identifier: GPL-2.0-only
/* The store as a whole: every entry of it, removal, protection. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "store-shard.h"
#include "store.h"

static int visit_entry(int shard_fd, const char *name,
		       int (*fn)(const struct store_entry *e, void *ctx),
		       void *ctx)
{
	struct store_entry e = { .shard_fd = shard_fd, .name = name };
	int r = fdio_statx(shard_fd, name, &e.stx);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (!S_ISREG(e.stx.stx_mode) ||
	    store_parse_name(name, &e.key, &e.replica) < 0)
		e.replica = UINT32_MAX;
	return fn(&e, ctx);
}

static int visit_shard(struct pool *p, const char *shard,
		       int (*fn)(const struct store_entry *e, void *ctx),
		       void *ctx)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(p->store_fd, shard, &d);

	while (!r && (e = fdio_names_next(d, &r)))
		r = visit_entry(dirfd(d), e->d_name, fn, ctx);
	return r;
}

int store_each(struct pool *p,
	       int (*fn)(const struct store_entry *e, void *ctx), void *ctx,
	       struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(p->store_fd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		r = visit_shard(p, e->d_name, fn, ctx);
		if (r == -ENOTDIR)
			r = visit_entry(p->store_fd, e->d_name, fn, ctx);
	}
	if (r < 0 && err && !err->code)
		err_errno(err, r, "cannot read the store of '%s'", p->path);
	return r;
}

static int unlink_entry(int shard_fd, void *ctx)
{
	const struct store_entry *e = ctx;
	struct statx now;
	int r = fdio_statx(shard_fd, e->name, &now);

	if (r < 0)
		return r;
	if (now.stx_nlink > 1)
		return -EBUSY;
	return fx_unlinkat(shard_fd, e->name, 0);
}

int store_remove(struct pool *p, const struct store_entry *e, struct err *err)
{
	char shard[3] = { e->name[0], e->name[1], '\0' };
	int r = store_shard_change(p, shard, e->shard_fd, unlink_entry,
				   (void *)e);

	if (r == -EBUSY)
		return r;
	if (r < 0)
		return err_errno(err, r, "cannot remove '%s' from the store",
				 e->name);
	return catalog_object_remove(p->catalog, &e->key, e->replica, err);
}

struct expulsion {
	const char *name;
	int dirfd;
	const char *newname;
};

static int move_out(int shard_fd, void *ctx)
{
	const struct expulsion *x = ctx;

	return fx_renameat(shard_fd, x->name, x->dirfd, x->newname,
			   RENAME_NOREPLACE);
}

int store_expel(struct pool *p, const struct store_entry *e, int dirfd,
		const char *name, struct err *err)
{
	struct expulsion x = { e->name, dirfd, name };
	int r;

	/* only shards are +i; any lock will do, as the pool's is exclusive */
	if (e->shard_fd == p->store_fd)
		r = move_out(e->shard_fd, &x);
	else
		r = store_shard_change(p, e->name, e->shard_fd, move_out, &x);

	return r < 0 ? err_errno(err, r, "cannot move '%s' out of the store",
				 e->name) :
		       0;
}

/* 1 when the directory lacks +i although its filesystem knows it. */
static int is_open_shard(int fd)
{
	struct statx stx;
	int r = fdio_statx(fd, NULL, &stx);

	if (r < 0)
		return r;
	return stx.stx_attributes_mask & STATX_ATTR_IMMUTABLE &&
	       !(stx.stx_attributes & STATX_ATTR_IMMUTABLE);
}

static int protect_shard(struct pool *p, const char *name, bool dry)
{
	_cleanup_close_ int fd = fdio_open_dir(p->store_fd, name);
	int r;

	if (fd < 0)
		return fd == -ENOTDIR ? 0 : fd;
	r = is_open_shard(fd);
	if (r <= 0 || dry)
		return r;
	r = iflags_set_immutable(fd, true);
	return r < 0 ? r : 1;
}

int store_protect(struct pool *p, bool dry, struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int mended = 0;
	int r = fdio_names_open(p->store_fd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		r = protect_shard(p, e->d_name, dry);
		if (r > 0) {
			mended++;
			r = 0;
		}
	}
	if (r < 0)
		return err_errno(err, r, "cannot protect the store of '%s'",
				 p->path);
	return mended;
}
