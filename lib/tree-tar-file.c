// SPDX-License-Identifier: GPL-2.0-only
/* The regular files of an archive: shared, private, hard links. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "store.h"
#include "tree-copy.h"
#include "tree-path.h"
#include "tree-tar.h"

/* Where the bytes of an entry go, in order, with its holes. */
struct sink {
	int (*write)(void *ctx, const void *buf, size_t len, struct err *err);
	int (*hole)(void *ctx, uint64_t len, struct err *err);
	void *ctx;
};

static int advance(struct tar_import *ti, const struct sink *to, uint64_t *pos,
		   uint64_t offset)
{
	int r = 0;

	if (offset < *pos)
		return err_set(ti->err, -EINVAL,
			       "'%s' has file data out of order",
			       ti->archive_path);
	if (offset > *pos)
		r = to->hole(to->ctx, offset - *pos, ti->err);
	*pos = offset;
	return r;
}

static int read_data(struct tar_import *ti, const struct sink *to,
		     uint64_t size)
{
	uint64_t pos = 0;

	for (;;) {
		const void *buf;
		la_int64_t offset;
		size_t len;
		int r = archive_read_data_block(ti->archive, &buf, &len,
						&offset);

		if (r == ARCHIVE_EOF)
			return advance(ti, to, &pos, size);
		if (r != ARCHIVE_OK)
			return tar_archive_error(ti);
		r = advance(ti, to, &pos, offset);
		if (!r && len)
			r = to->write(to->ctx, buf, len, ti->err);
		if (r < 0)
			return r;
		pos += len;
	}
}

static int write_draft(void *ctx, const void *buf, size_t len, struct err *err)
{
	return store_draft_write(ctx, buf, len, err);
}

static int hole_draft(void *ctx, uint64_t len, struct err *err)
{
	return store_draft_hole(ctx, len, err);
}

static int write_plain(void *ctx, const void *buf, size_t len, struct err *err)
{
	int r = fx_write(*(const int *)ctx, buf, len);

	return r < 0 ? err_errno(err, r, "cannot write to the pool") : 0;
}

static int hole_plain(void *ctx, uint64_t len, struct err *err)
{
	int fd = *(const int *)ctx;
	off_t end = lseek(fd, len, SEEK_CUR);
	int r = end < 0 ? -errno : fx_ftruncate(fd, end);

	return r < 0 ? err_errno(err, r, "cannot write to the pool") : 0;
}

static int make_private(struct tar_import *ti, const struct iattr *attr,
			const char *path, int dirfd, const char *name)
{
	_cleanup_close_ int fd = fx_create(dirfd, name, O_RDWR, 0600);
	const struct sink to = { write_plain, hole_plain, &fd };
	int r;

	if (fd < 0)
		return err_errno(ti->err, fd, "cannot make '%s'", path);
	r = read_data(ti, &to, attr->stx.stx_size);
	if (r < 0)
		return r;
	r = iattr_apply_fd(fd, attr);
	if (!r)
		r = fdio_close(&fd);
	if (r < 0)
		return err_errno(ti->err, r, "cannot make '%s'", path);
	ti->stats.private_files++;
	ti->stats.new_bytes += attr->stx.stx_size;
	return 0;
}

/* Link the master; when it just ran out of links, a replica of it. */
static int link_master(struct tar_import *ti, struct master *m, int dirfd,
		       const char *name)
{
	const struct store_avoid used = tree_used_avoid(&ti->used);
	int r = store_link(m, dirfd, name, ti->err);

	while (r == -EMLINK) {
		_cleanup_iattr_ struct iattr attr = IATTR_INIT;
		_cleanup_master_ struct master full = *m;

		*m = (struct master)MASTER_INIT;
		err_clear(ti->err);
		r = iattr_read_fd(full.fd, &attr);
		if (r < 0)
			return err_errno(ti->err, r, "cannot read the store");
		r = store_intern(ti->pool, full.fd, &attr, NULL, &used, m,
				 ti->err);
		if (!r)
			r = store_link(m, dirfd, name, ti->err);
	}
	if (!r)
		r = tree_used_add(&ti->used, m);
	return r;
}

static int make_shared(struct tar_import *ti, const struct iattr *attr,
		       const char *path, int dirfd, const char *name)
{
	_cleanup_master_ struct master m = MASTER_INIT;
	struct draft d = DRAFT_INIT;
	const struct sink to = { write_draft, hole_draft, &d };
	const struct store_avoid used = tree_used_avoid(&ti->used);
	int r = store_draft_begin(ti->pool, &d, ti->err);

	if (r < 0)
		return r;
	r = read_data(ti, &to, attr->stx.stx_size);
	if (r < 0) {
		store_draft_release(&d);
		return r;
	}
	r = store_draft_commit(ti->pool, &d, attr, &used, &m, ti->err);
	if (!r)
		r = link_master(ti, &m, dirfd, name);
	if (r < 0)
		return err_prefix(ti->err, r, "'%s'", path);
	ti->stats.linked++;
	if (m.created) {
		ti->stats.new_masters++;
		ti->stats.new_bytes += attr->stx.stx_size;
	}
	return 0;
}

int tar_make_file(struct tar_import *ti, const struct iattr *attr,
		  const char *path, int dirfd, const char *name)
{
	int r = engine_links(ti->engine) ?
			make_shared(ti, attr, path, dirfd, name) :
			make_private(ti, attr, path, dirfd, name);

	if (r < 0)
		return r;
	ti->stats.files++;
	ti->stats.size_bytes += attr->stx.stx_size;
	return 0;
}

/* The name is a link to a master: put a private copy in its place. */
static int replace_by_copy(struct tar_import *ti, int dirfd, const char *name)
{
	_cleanup_close_ int src = fdio_open(dirfd, name, O_RDONLY);
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct link_group *g;
	struct statx copy;
	char temp[17];
	int r = src < 0 ? src : iattr_read_fd(src, &attr);

	if (!r)
		r = fdio_random_name(temp);
	if (!r)
		r = tree_copy_private(ti->engine, src, &attr, dirfd, temp, false);
	if (!r)
		r = fx_renameat(dirfd, temp, dirfd, name, 0);
	if (!r)
		r = fdio_statx(dirfd, name, &copy);
	if (!r)
		r = tree_links_get(&ti->privates, &copy, &g);
	if (r < 0)
		return r;
	ti->stats.linked--;
	ti->stats.private_files++;
	ti->stats.new_bytes += attr.stx.stx_size;
	return 0;
}

/*
 * An archive says that a file has a second name only when that name comes. Its
 * first one is a link to a master by then, which must not be shared any longer;
 * the master that nobody may need is left to `vtemplate gc`. To know before, the
 * archive would have to be read twice, which a stream cannot.
 */
static int prepare_target(struct tar_import *ti, int dirfd, const char *name)
{
	struct statx stx;
	int r = fdio_statx(dirfd, name, &stx);

	if (r < 0)
		return r;
	if (S_ISDIR(stx.stx_mode))
		return -EISDIR;
	if (S_ISREG(stx.stx_mode))
		ti->stats.files++;
	else
		ti->stats.others++;
	if (!S_ISREG(stx.stx_mode) || !engine_links(ti->engine) ||
	    tree_links_find(&ti->privates, &stx))
		return 0;
	return replace_by_copy(ti, dirfd, name);
}

int tar_make_hardlink(struct tar_import *ti, const char *target,
		      const char *path, int dirfd, const char *name)
{
	_cleanup_close_ int dir = -1;
	const char *target_name;
	int r = tree_path_open_parent(ti->rootfs_fd, target, &dir,
				      &target_name);

	if (!r)
		r = prepare_target(ti, dir, target_name);
	if (r == -ENOENT || r == -ELOOP || r == -ENOTDIR || r == -EISDIR)
		return err_set(ti->err, -EINVAL,
			       "'%s' is a hard link to '%s', which is not a "
			       "file of the archive", path, target);
	if (!r)
		r = fx_linkat(dir, target_name, dirfd, name);
	return r < 0 ? err_errno(ti->err, r, "cannot make '%s'", path) : 0;
}
