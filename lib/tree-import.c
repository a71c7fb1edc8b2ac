// SPDX-License-Identifier: GPL-2.0-only
/*
 * Importing a directory, which may be a living system: what changes while it is
 * read is read again a few times, what vanishes is left out.
 */
#include <errno.h>
#include <fcntl.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "store.h"
#include "tree-copy.h"

#define READ_TRIES 5

/* Is the directory @fd in the pool, or the pool itself? Asked by climbing up:
 * a path could lie by symlinks and bind mounts. 1, 0 or -errno. */
static int is_inside(const struct pool *p, int fd)
{
	_cleanup_close_ int dir = fdio_open_dir(fd, ".");
	struct statx pool;
	struct statx here;
	struct statx last = { 0 };
	int r = dir < 0 ? dir : fdio_statx(p->fd, NULL, &pool);

	while (!r) {
		int up;

		r = fdio_statx(dir, NULL, &here);
		if (r < 0)
			break;
		if (statx_same_inode(&here, &pool))
			return 1;
		if (statx_same_inode(&here, &last))
			return 0; /* the root is its own parent */
		last = here;
		up = openat(dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		cleanup_close(&dir);
		dir = up;
	}
	return r;
}

/* Open the file and read its metadata; -ENOENT when it is no file any more. */
static int open_source(const struct walk_entry *e, int *ret_fd,
		       struct iattr *ret)
{
	_cleanup_close_ int fd = fdio_open(e->dirfd, e->name, O_RDONLY);
	int r;

	if (fd == -ELOOP || fd == -ENXIO)
		return -ENOENT; /* a symlink or a socket now */
	if (fd < 0)
		return fd;
	r = iattr_read_fd(fd, ret);
	if (!r && !S_ISREG(ret->stx.stx_mode))
		r = -ENOENT;
	if (!r)
		*ret_fd = steal_fd(&fd);
	return r;
}

static int import_shared(struct tree_copy *tc, int src,
			 const struct iattr *attr, int dirfd, const char *name,
			 struct err *err)
{
	const struct store_avoid used = tree_used_avoid(&tc->used);
	_cleanup_master_ struct master m = MASTER_INIT;
	int r = store_intern(tc->pool, src, attr, NULL, &used, &m, err);

	if (!r)
		r = store_link(&m, dirfd, name, err);
	if (!r)
		r = tree_used_add(&tc->used, &m);
	/* somebody else took its last link: again */
	if (r < 0)
		return r == -EMLINK ? -EAGAIN : r;
	tc->stats.linked++;
	if (m.created) {
		tc->stats.new_masters++;
		tc->stats.new_bytes += attr->stx.stx_size;
	}
	return 0;
}

static int import_private(struct tree_copy *tc, int src,
			  const struct iattr *attr, int dirfd,
			  const char *name, struct err *err)
{
	struct statx now;
	int r = tree_copy_private(tc->engine, src, attr, dirfd, name,
				  false);

	if (!r)
		r = fdio_statx(src, NULL, &now);
	if (!r && !statx_unchanged(&now, &attr->stx))
		r = -EAGAIN;
	if (r == -EAGAIN) {
		int u = fx_unlinkat(dirfd, name, 0);

		return u ? err_errno(err, u, "cannot remove") : r;
	}
	if (r < 0)
		return err_errno(err, r, "cannot copy");
	tc->stats.private_files++;
	tc->stats.new_bytes += attr->stx.stx_size;
	return 0;
}

static int import_once(struct tree_copy *tc, const struct walk_entry *e,
		       int dirfd, struct err *err)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_close_ int src = -1;
	int r = open_source(e, &src, &attr);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return err_errno(err, r, "cannot read");
	tc->strayed = !statx_same_inode(&attr.stx, e->stx) ||
		      link_stamp(&attr.stx) != link_stamp(e->stx);
	/* a group's first name: the others will be links to it */
	if (!engine_links(tc->engine) || tree_links_find(&tc->links, e->stx))
		return import_private(tc, src, &attr, dirfd, e->name, err);
	return import_shared(tc, src, &attr, dirfd, e->name, err);
}

static int import_file(struct tree_copy *tc, const struct walk_entry *e,
		       int dirfd)
{
	struct err why = { 0 };
	int r = -EAGAIN;
	int i;

	for (i = 0; r == -EAGAIN && i < READ_TRIES; i++) {
		err_clear(&why);
		r = import_once(tc, e, dirfd, &why);
	}
	if (r == -EAGAIN)
		return err_set(tc->err, r,
			       "'%s' keeps changing while it is read", e->path);
	if (r < 0 && why.code) {
		if (tc->err)
			*tc->err = why;
		err_prefix(tc->err, r, "'%s'", e->path);
	}
	return r;
}

/*
 * Which files have several names in the source is known only when all of it was
 * seen, and it decides how their first name is made: shared or private. So the
 * names are counted in a walk of their own, where masters are made.
 */
static int count_name(const struct walk_entry *e, void *ctx)
{
	struct tree_links *counted = ctx;
	struct link_group *g;
	int r;

	if (!S_ISREG(e->stx->stx_mode) || e->stx->stx_nlink < 2)
		return 0;
	r = tree_links_get(counted, e->stx, &g);
	if (!r)
		g->names++;
	return r;
}

static int ignore_error(const struct walk_entry *e, int code, void *ctx)
{
	return 0; /* the walk that copies will meet it again and say so */
}

/* The names counted before the copying started. */
struct import {
	struct tree_copy tc;
	struct tree_links counted;
};

static bool import_is_group(struct tree_copy *tc, const struct walk_entry *e)
{
	const struct import *im = (const struct import *)tc;
	const struct link_group *g;

	if (!engine_links(tc->engine))
		return true;
	g = tree_links_find(&im->counted, e->stx);
	return g && g->names > 1;
}

int tree_import_dir(struct pool *p, int src_fd, int rootfs_fd,
		    struct tree_stats *ret, struct err *err)
{
	static const struct walk_ops count_ops = { .file = count_name,
						   .error = ignore_error };
	struct import im = { .tc = { .pool = p,
				     .engine = p->engine.engine,
				     .rootfs_fd = rootfs_fd,
				     .living = true,
				     .file = import_file,
				     .is_group = import_is_group } };
	int r = is_inside(p, src_fd);

	if (r > 0)
		return err_usage(err, "the source is inside the pool '%s'",
				 p->path);
	if (r < 0)
		return err_errno(err, r, "cannot examine the source");
	if (engine_links(im.tc.engine))
		r = walk_tree(src_fd, &count_ops, &im.counted, err);
	if (!r)
		r = tree_copy_run(&im.tc, src_fd, err);
	*ret = im.tc.stats;
	ret->needs_sync = true;
	tree_links_release(&im.counted);
	tree_copy_release(&im.tc);
	return r;
}
