// SPDX-License-Identifier: GPL-2.0-only
#include "tree-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "array.h"
#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "tree-path.h"

/* A callback's failure with its message; walk_tree() keeps a message it finds. */
static int failed(struct tree_copy *tc, int code, const char *path)
{
	return err_errno(tc->err, code, "cannot make '%s'", *path ? path : "/");
}

int tree_copy_private(enum engine engine, int src, const struct iattr *attr,
		      int dirfd, const char *name, bool sync)
{
	_cleanup_close_ int fd = fx_create(dirfd, name, O_RDWR, 0600);
	uint64_t size = attr->stx.stx_size;
	int r;

	if (fd < 0)
		return fd;
	if (engine == ENGINE_COPY)
		r = fdio_copy_bytes(src, fd, size);
	else
		r = fdio_copy(src, fd, size, NULL);
	if (!r)
		r = iattr_apply_fd(fd, attr);
	if (!r && sync)
		r = fx_fsync(fd);
	return r ? r : fdio_close(&fd);
}

int tree_make_special(int dirfd, const char *name, const struct iattr *attr,
		      const char *target)
{
	const struct statx *stx = &attr->stx;
	int r;

	if (S_ISLNK(stx->stx_mode))
		r = fx_symlinkat(target, dirfd, name);
	else
		r = fx_mknodat(dirfd, name, (stx->stx_mode & S_IFMT) | 0600,
			       makedev(stx->stx_rdev_major,
				       stx->stx_rdev_minor));
	return r ? r : iattr_apply_at(dirfd, name, attr);
}

static int push_dir(struct tree_copy *tc, int fd)
{
	if (array_room(&tc->dirs, tc->depth, &tc->alloc))
		return -ENOMEM;
	tc->dirs[tc->depth++] = fd;
	return 0;
}

static int top_dir(const struct tree_copy *tc)
{
	return tc->dirs[tc->depth - 1];
}

/* Give the directory of the source that we have done its metadata. */
static int finish_dir(int src_fd, int dst_fd)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	int r = iattr_read_fd(src_fd, &attr);

	return r ? r : iattr_apply_fd(dst_fd, &attr);
}

/*
 * A living source may hold the pool; walking into it would copy what we are
 * just making, without end.
 */
static bool is_the_pool(const struct tree_copy *tc, const struct walk_entry *e)
{
	struct statx pool;

	return tc->living && fdio_statx(tc->pool->fd, NULL, &pool) == 0 &&
	       statx_same_inode(&pool, e->stx);
}

static int open_new_dir(struct tree_copy *tc, const struct walk_entry *e)
{
	int r;

	if (!e->depth)
		return fdio_open_dir(tc->rootfs_fd, ".");
	r = fx_mkdirat(top_dir(tc), e->name, 0700);
	return r ? r : fdio_open_dir(top_dir(tc), e->name);
}

static int on_enter(const struct walk_entry *e, void *ctx)
{
	struct tree_copy *tc = ctx;
	int fd;
	int r;

	if (is_the_pool(tc, e)) {
		log_warning("'%s' is the pool itself, skipping", e->path);
		return WALK_SKIP;
	}
	fd = open_new_dir(tc, e);
	if (fd < 0)
		return failed(tc, fd, e->path);
	r = push_dir(tc, fd);
	if (r < 0) {
		cleanup_close(&fd);
		return failed(tc, r, e->path);
	}
	tc->stats.dirs++;
	return 0;
}

static int on_leave(const struct walk_entry *e, void *ctx)
{
	struct tree_copy *tc = ctx;
	int r = finish_dir(e->fd, top_dir(tc));

	cleanup_close(&tc->dirs[--tc->depth]);
	return r < 0 ? failed(tc, r, e->path) : 0;
}

static int read_target(const struct walk_entry *e, char target[PATH_MAX])
{
	ssize_t n = readlinkat(e->dirfd, e->name, target, PATH_MAX);

	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	target[n] = '\0';
	return 0;
}

static int copy_special(struct tree_copy *tc, const struct walk_entry *e)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	char target[PATH_MAX] = "";
	int r = iattr_read_at(e->dirfd, e->name, &attr);

	if (!r && S_ISREG(attr.stx.stx_mode))
		r = -ENOENT; /* replaced since the walk saw it */
	if (!r && S_ISDIR(attr.stx.stx_mode))
		r = -ENOENT;
	if (!r && S_ISLNK(attr.stx.stx_mode))
		r = read_target(e, target);
	if (r == -ENOENT || r == -EINVAL)
		return -ENOENT;
	if (r < 0)
		return err_errno(tc->err, r, "cannot read '%s'", e->path);
	r = tree_make_special(top_dir(tc), e->name, &attr, target);
	if (r < 0)
		return failed(tc, r, e->path);
	return 0;
}

/* Another name of what was made as @first. */
static int link_to_first(struct tree_copy *tc, const struct walk_entry *e,
			 const char *first)
{
	_cleanup_close_ int dir = -1;
	const char *name;
	int r = tree_path_open_parent(tc->rootfs_fd, first, &dir, &name);

	if (!r)
		r = fx_linkat(dir, name, top_dir(tc), e->name);
	return r < 0 ? failed(tc, r, e->path) : 0;
}

static int make_one(struct tree_copy *tc, const struct walk_entry *e)
{
	int r;

	if (!S_ISREG(e->stx->stx_mode)) {
		r = copy_special(tc, e);
		tc->stats.others += !r;
		return r;
	}
	r = tc->file(tc, e, top_dir(tc));
	if (!r) {
		tc->stats.files++;
		tc->stats.size_bytes += e->stx->stx_size;
	}
	return r;
}

static bool has_siblings(struct tree_copy *tc, const struct walk_entry *e)
{
	if (e->stx->stx_nlink < 2)
		return false;
	if (tc->is_group && S_ISREG(e->stx->stx_mode))
		return tc->is_group(tc, e);
	return true;
}

static int make_in_group(struct tree_copy *tc, const struct walk_entry *e)
{
	struct link_group *g;
	int r = tree_links_get(&tc->links, e->stx, &g);

	if (r < 0)
		return failed(tc, r, e->path);
	if (g->path && g->stamp == link_stamp(e->stx)) {
		if (S_ISREG(e->stx->stx_mode))
			tc->stats.files++;
		else
			tc->stats.others++;
		return link_to_first(tc, e, g->path);
	}
	free(g->path);
	g->path = NULL;
	g->stamp = link_stamp(e->stx);
	tc->strayed = false;
	r = make_one(tc, e);
	if (r < 0 || tc->strayed)
		return r;
	g->path = strdup(e->path);
	return g->path ? 0 : failed(tc, -ENOMEM, e->path);
}

static int on_file(const struct walk_entry *e, void *ctx)
{
	struct tree_copy *tc = ctx;
	int r = tc->instead && S_ISREG(e->stx->stx_mode) ?
			tc->instead(tc, e, top_dir(tc)) :
			0;

	if (r)
		return r < 0 ? r : 0;
	r = has_siblings(tc, e) ? make_in_group(tc, e) : make_one(tc, e);
	if (r == -ENOENT && tc->living && !(tc->err && tc->err->code)) {
		log_info("'%s' vanished while it was read", e->path);
		return 0;
	}
	return r;
}

/* The empty directory on which a skipped filesystem is mounted: its own metadata
 * is hidden below the mount, so what is seen at that path is taken. */
static int make_mount_point(struct tree_copy *tc, const struct walk_entry *e)
{
	struct iattr attr = { .stx = *e->stx };
	_cleanup_close_ int fd = -1;
	int r;

	if (!S_ISDIR(e->stx->stx_mode))
		return 0;
	r = fx_mkdirat(top_dir(tc), e->name, 0700);
	fd = r ? r : fdio_open_dir(top_dir(tc), e->name);
	r = fd < 0 ? fd : iattr_apply_fd(fd, &attr);
	if (r < 0)
		return failed(tc, r, e->path);
	tc->stats.dirs++;
	return 0;
}

static int on_error(const struct walk_entry *e, int code, void *ctx)
{
	struct tree_copy *tc = ctx;

	if (code == -EXDEV && tc->living) {
		log_warning("'%s' is on another filesystem, skipping what is in it",
			    e->path);
		return make_mount_point(tc, e);
	}
	if (code == -ELOOP && S_ISDIR(e->stx->stx_mode))
		return err_set(tc->err, code,
			       "'%.64s...' is more than %d levels deep",
			       e->path, WALK_DEPTH_MAX);
	return err_errno(tc->err, code, "cannot read '%s'", e->path);
}

int tree_copy_run(struct tree_copy *tc, int src_fd, struct err *err)
{
	static const struct walk_ops ops = { .enter = on_enter,
					     .file = on_file,
					     .leave = on_leave,
					     .error = on_error };
	struct err own = { 0 };
	int r;

	/* walk_tree() tells from the message whether we gave a reason */
	tc->err = err ? err : &own;
	r = walk_tree(src_fd, &ops, tc, tc->err);
	tc->err = NULL;
	return r;
}

void tree_copy_release(struct tree_copy *tc)
{
	while (tc->depth)
		cleanup_close(&tc->dirs[--tc->depth]);
	free(tc->dirs);
	tc->dirs = NULL;
	tc->alloc = 0;
	tree_links_release(&tc->links);
	tree_used_release(&tc->used);
}
