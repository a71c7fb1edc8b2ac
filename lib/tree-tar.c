// SPDX-License-Identifier: GPL-2.0-only
/* Importing a tar archive: the entries, one after the other. */
#include "tree-tar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "tree-copy.h"
#include "tree-path.h"

#define READ_BLOCK (256 * 1024)
#define TAR_BLOCK 512

int tar_archive_error(struct tar_import *ti)
{
	const char *text = archive_error_string(ti->archive);
	int code = archive_errno(ti->archive);

	/* libarchive has codes of its own beside errno, all of them negative */
	return err_set(ti->err, code > 0 && code != EILSEQ ? -code : -EINVAL,
		       "cannot read the archive '%s': %s", ti->archive_path,
		       text ? text : "damaged");
}

static int failed(struct tar_import *ti, int code, const char *path)
{
	if (code == -ELOOP || code == -ENOTDIR)
		return err_set(ti->err, -EINVAL,
			       "'%s' is below something that is not a directory",
			       path);
	return err_errno(ti->err, code, "cannot make '%s'", *path ? path : "/");
}

/* Open the directory @path, making what is missing of it: an archive need not
 * list the directories above its files. */
static int open_or_make_dir(int rootfd, const char *path)
{
	_cleanup_close_ int dir = fdio_open_dir(rootfd, ".");
	char name[NAME_MAX + 1];

	while (dir >= 0 && *path) {
		size_t len = strcspn(path, "/");
		int fd;
		int r;

		memcpy(name, path, len);
		name[len] = '\0';
		r = fx_mkdirat(dir, name, 0755);
		if (r < 0 && r != -EEXIST)
			return r;
		fd = fdio_open_dir(dir, name);
		if (fd < 0)
			return fd;
		cleanup_close(&dir);
		dir = fd;
		path += len;
		path += *path == '/';
	}
	return steal_fd(&dir);
}

/* The directory for @path is ti->parent_fd afterwards; entries of one directory
 * follow each other, so that it mostly is already. */
static int enter_parent(struct tar_import *ti, const char *path,
			const char **ret_name)
{
	_cleanup_free_ char *parent = tree_path_parent(path, ret_name);
	int fd;

	if (!parent)
		return -ENOMEM;
	if (ti->parent && !strcmp(ti->parent, parent))
		return 0;
	fd = tree_path_open_dir(ti->rootfs_fd, parent);
	if (fd == -ENOENT)
		fd = open_or_make_dir(ti->rootfs_fd, parent);
	if (fd < 0)
		return fd;
	cleanup_close(&ti->parent_fd);
	free(ti->parent);
	ti->parent = steal_ptr(&parent);
	ti->parent_fd = fd;
	return 0;
}

/* Takes @attr. */
static int remember_dir(struct tar_import *ti, const char *path,
			struct iattr *attr)
{
	struct tar_dir *d;

	if (array_room(&ti->dirs, ti->dir_count, &ti->dir_alloc))
		return -ENOMEM;
	d = &ti->dirs[ti->dir_count];
	d->path = strdup(path);
	if (!d->path)
		return -ENOMEM;
	d->attr = *attr;
	*attr = (struct iattr)IATTR_INIT;
	ti->dir_count++;
	return 0;
}

static int make_dir(struct tar_import *ti, const char *path,
		    struct iattr *attr)
{
	const char *name;
	int r = 0;

	if (*path) {
		r = enter_parent(ti, path, &name);
		if (!r)
			r = fx_mkdirat(ti->parent_fd, name, 0700);
	}
	if (r == -EEXIST) {
		/* listed twice, or made for a file in it: fine if it is one */
		_cleanup_close_ int fd = fdio_open_dir(ti->parent_fd, name);

		if (fd == -ELOOP || fd == -ENOTDIR)
			return err_set(ti->err, -EINVAL,
				       "'%s' is a directory and something else "
				       "in the archive", path);
		r = fd < 0 ? fd : 0;
	}
	if (!r)
		r = remember_dir(ti, path, attr);
	return r < 0 ? failed(ti, r, path) : 0;
}

/* What the statistics counted for a name that a later entry replaces. */
static void uncount(struct tar_import *ti, const struct statx *stx)
{
	bool is_private = !engine_links(ti->engine) ||
			  tree_links_find(&ti->privates, stx);

	if (!S_ISREG(stx->stx_mode)) {
		ti->stats.others--;
		return;
	}
	ti->stats.files--;
	if (!is_private)
		ti->stats.linked--;
	if (is_private && stx->stx_nlink > 1)
		return; /* another name still has it */
	ti->stats.private_files -= is_private;
	ti->stats.size_bytes -= stx->stx_size;
	/* a master may get its number */
	tree_links_forget(&ti->privates, stx);
}

/* An archive that was appended to has a name twice; the last one counts. */
static int free_name(struct tar_import *ti, const char *path, const char *name)
{
	struct statx stx;
	int r = fdio_statx(ti->parent_fd, name, &stx);

	if (r == -ENOENT)
		return 0;
	if (!r && S_ISDIR(stx.stx_mode))
		return err_set(ti->err, -EINVAL,
			       "'%s' is a directory and something else in the "
			       "archive", path);
	if (!r)
		r = fx_unlinkat(ti->parent_fd, name, 0);
	if (r < 0)
		return failed(ti, r, path);
	uncount(ti, &stx);
	return 0;
}

static int make_special(struct tar_import *ti, struct archive_entry *entry,
			const struct iattr *attr, const char *path,
			const char *name)
{
	const char *target = archive_entry_symlink(entry);
	int r;

	if (S_ISLNK(attr->stx.stx_mode) && (!target || !*target))
		return err_set(ti->err, -EINVAL,
			       "'%s' is a symlink to nowhere", path);
	r = tree_make_special(ti->parent_fd, name, attr, target);
	if (r < 0)
		return failed(ti, r, path);
	ti->stats.others++;
	return 0;
}

static int make_hardlink(struct tar_import *ti, const char *raw_target,
			 const char *path)
{
	_cleanup_free_ char *target = NULL;
	const char *name;
	int r = tree_path_normalize(raw_target, &target, ti->err);

	if (r < 0)
		return err_prefix(ti->err, r, "hard link '%s'", path);
	if (!strcmp(target, path))
		return 0;
	r = enter_parent(ti, path, &name);
	if (r < 0)
		return failed(ti, r, path);
	r = free_name(ti, path, name);
	return r ? r : tar_make_hardlink(ti, target, path, ti->parent_fd, name);
}

static int make_nondir(struct tar_import *ti, struct archive_entry *entry,
		       const struct iattr *attr, const char *path)
{
	const char *name;
	int r = enter_parent(ti, path, &name);

	if (r < 0)
		return failed(ti, r, path);
	r = free_name(ti, path, name);
	if (r < 0)
		return r;
	switch (attr->stx.stx_mode & S_IFMT) {
	case S_IFREG:
		return tar_make_file(ti, attr, path, ti->parent_fd, name);
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return make_special(ti, entry, attr, path, name);
	default:
		return err_set(ti->err, -EINVAL,
			       "'%s' is of a kind that cannot be imported",
			       path);
	}
}

static int import_entry(struct tar_import *ti, struct archive_entry *entry)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_free_ char *path = NULL;
	const char *raw = archive_entry_pathname(entry);
	const char *link = archive_entry_hardlink(entry);
	int r;

	if (!raw || !*raw)
		return err_set(ti->err, -EINVAL,
			       "the archive '%s' has an entry without a name",
			       ti->archive_path);
	r = tree_path_normalize(raw, &path, ti->err);
	if (r < 0)
		return r;
	if (link)
		return make_hardlink(ti, link, path);
	r = tar_entry_attr(entry, path, &attr, ti->err);
	if (r < 0)
		return r;
	if (S_ISDIR(attr.stx.stx_mode))
		return make_dir(ti, path, &attr);
	if (!*path)
		return err_set(ti->err, -EINVAL,
			       "the root of the archive '%s' is no directory",
			       ti->archive_path);
	return make_nondir(ti, entry, &attr, path);
}

/*
 * An archive ends with blocks of zeros. One that was cut between two entries has
 * none, and libarchive calls that an end as well.
 */
static int check_end(struct tar_import *ti)
{
	la_int64_t header = archive_read_header_position(ti->archive);
	la_int64_t end = archive_filter_bytes(ti->archive, 0);

	if (end >= header + TAR_BLOCK)
		return 0;
	return err_set(ti->err, -EINVAL,
		       "the archive '%s' is cut off: it has no end mark",
		       ti->archive_path);
}

/* libarchive warns when it cannot bring a name into the locale's character set,
 * and then gives the bytes as they are, which is what we want. */
static bool is_charset_warning(struct archive *a)
{
	const char *text = archive_error_string(a);

	return text && strstr(text, "can't be converted");
}

static int import_entries(struct tar_import *ti)
{
	struct archive_entry *entry;

	for (;;) {
		int r = archive_read_next_header(ti->archive, &entry);

		if (r == ARCHIVE_EOF)
			return check_end(ti);
		if (r != ARCHIVE_OK &&
		    !(r == ARCHIVE_WARN && is_charset_warning(ti->archive)))
			return tar_archive_error(ti);
		r = import_entry(ti, entry);
		if (r < 0)
			return r;
	}
}

static int finish_dirs(struct tar_import *ti)
{
	size_t i;

	for (i = 0; i < ti->dir_count; i++) {
		const struct tar_dir *d = &ti->dirs[i];
		_cleanup_close_ int fd =
			tree_path_open_dir(ti->rootfs_fd, d->path);
		int r = fd < 0 ? fd : iattr_apply_fd(fd, &d->attr);

		if (r < 0)
			return failed(ti, r, d->path);
	}
	return 0;
}

static int count_dir(const struct walk_entry *e, void *ctx)
{
	++*(uint64_t *)ctx;
	return 0;
}

/* Directories come twice or not at all in archives: count what was made. */
static int count_dirs(struct tar_import *ti)
{
	static const struct walk_ops ops = { .enter = count_dir };

	return walk_tree(ti->rootfs_fd, &ops, &ti->stats.dirs, ti->err);
}

static int open_archive(struct tar_import *ti, int fd)
{
	static int (*const support[])(struct archive *) = {
		archive_read_support_format_tar,
		archive_read_support_filter_gzip,
		archive_read_support_filter_bzip2,
		archive_read_support_filter_xz,
		archive_read_support_filter_lzma,
		archive_read_support_filter_zstd,
		archive_read_support_filter_lz4,
		archive_read_support_filter_compress,
	};
	size_t i;

	for (i = 0; i < sizeof(support) / sizeof(*support); i++)
		/* one that is compiled without shows up as a format unknown */
		(void)support[i](ti->archive);
	if (archive_read_open_fd(ti->archive, fd, READ_BLOCK) != ARCHIVE_OK)
		return tar_archive_error(ti);
	return 0;
}

static void release(struct tar_import *ti)
{
	size_t i;

	for (i = 0; i < ti->dir_count; i++) {
		free(ti->dirs[i].path);
		iattr_release(&ti->dirs[i].attr);
	}
	free(ti->dirs);
	free(ti->parent);
	cleanup_close(&ti->parent_fd);
	tree_links_release(&ti->privates);
	tree_used_release(&ti->used);
	(void)archive_read_free(ti->archive); /* nothing is written through it */
}

int tree_import_tar(struct pool *p, int fd, const char *path, int rootfs_fd,
		    struct tree_stats *ret, struct err *err)
{
	struct err own = { 0 };
	struct tar_import ti = { .pool = p,
				 .engine = p->engine.engine,
				 .rootfs_fd = rootfs_fd,
				 .archive_path = path,
				 .parent_fd = -1,
				 .archive = archive_read_new(),
				 .err = err ? err : &own };
	int r;

	if (!ti.archive)
		return err_errno(err, -ENOMEM, "cannot read '%s'", path);
	r = open_archive(&ti, fd);
	if (!r)
		r = import_entries(&ti);
	if (!r)
		r = count_dirs(&ti);
	if (!r)
		r = finish_dirs(&ti);
	*ret = ti.stats;
	ret->needs_sync = true;
	release(&ti);
	return r;
}
