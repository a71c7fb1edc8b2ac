// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "fdio.h"
#include "fsinfo.h"
#include "fx.h"
#include "pool-lock.h"
#include "pool.h"

static const char *const parts[] = { "store", "templates", "guests",
				     "staging" };

#define PART_COUNT (sizeof(parts) / sizeof(*parts))

/* A pool that is being made. Its catalog comes last and whole: a directory with
 * one is a pool, without one it is nothing, and may be begun again. */
struct creation {
	const char *path;
	int fd;
	int lock_fd;
	bool made_dir;
	bool begun;		/* locked and empty: what is there is ours */
	bool changed_mode;
	mode_t old_mode;
};

static bool is_part(const char *name)
{
	size_t i;

	for (i = 0; i < PART_COUNT; i++)
		if (!strcmp(name, parts[i]))
			return true;
	return false;
}

/* The first name in the directory that is not "." or ".." and for which @fine is
 * false, in @buf; 1 when there is one, 0, or -errno. */
static int find_name(int parent_fd, const char *name,
		     bool (*fine)(int dirfd, const char *name), char buf[256])
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(parent_fd, name, &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		if (fine && fine(dirfd(d), e->d_name))
			continue;
		(void)snprintf(buf, 256, "%s", e->d_name);
		return 1;
	}
	return r;
}

/* What mkfs makes, and what an init that was killed left: nobody's data. */
static bool does_not_count(int dirfd, const char *name)
{
	char inner[256];

	if (is_part(name) || !strcmp(name, "lost+found"))
		return find_name(dirfd, name, NULL, inner) == 0;
	return !strcmp(name, POOL_LOCK_FILE) ||
	       !strcmp(name, FSINFO_PROBE_A) ||
	       !strcmp(name, FSINFO_PROBE_B) ||
	       !strncmp(name, "catalog.new", strlen("catalog.new"));
}

static int check_empty(struct creation *c, struct err *err)
{
	char name[256];
	struct statx stx;
	int r = fdio_statx(c->fd, "catalog.db", &stx);

	if (!r)
		return err_set(err, -EEXIST, "'%s' is a pool already", c->path);
	if (r == -ENOENT)
		r = find_name(c->fd, ".", does_not_count, name);
	if (r < 0)
		return err_errno(err, r, "cannot read '%s'", c->path);
	return r ? err_set(err, -ENOTEMPTY,
			   "'%s' is not empty: it holds '%s'", c->path, name) :
		   0;
}

static int check_owner(struct creation *c, struct err *err)
{
	struct statx stx;
	int r = fdio_statx(c->fd, NULL, &stx);

	if (r < 0)
		return err_errno(err, r, "cannot examine '%s'", c->path);
	if (stx.stx_uid != geteuid())
		return err_set(err, -EPERM, "'%s' belongs to user %u, not to us",
			       c->path, stx.stx_uid);
	c->old_mode = stx.stx_mode & 07777;
	return 0;
}

static int open_target(struct creation *c, struct err *err)
{
	int r = fx_mkdirat(AT_FDCWD, c->path, 0700);

	if (r < 0 && r != -EEXIST)
		return err_errno(err, r, "cannot make '%s'", c->path);
	c->made_dir = !r;
	c->fd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0)
		return err_errno(err, -errno, "cannot open '%s'", c->path);
	r = check_owner(c, err);
	return r ? r : check_empty(c, err);
}

/* Two inits of one directory: the second is refused. The file could be one that the
 * first took away again before we locked it. */
static int take_lock(struct creation *c, struct err *err)
{
	struct statx stx;
	int fd = fx_create(c->fd, POOL_LOCK_FILE, O_RDWR, 0600);
	int r;

	if (fd < 0 && fd != -EEXIST)
		return err_errno(err, fd, "cannot make the lock of '%s'",
				 c->path);
	cleanup_close(&fd);
	c->lock_fd = pool_lock(c->fd, c->path, true, false, err);
	if (c->lock_fd < 0)
		return c->lock_fd;
	if (fdio_statx(c->lock_fd, NULL, &stx) < 0 || !stx.stx_nlink)
		return err_set(err, -EBUSY, "the pool '%s' is in use", c->path);
	/* the other one may have finished meanwhile */
	r = check_empty(c, err);
	c->begun = !r;
	return r;
}

static int make_parts(struct creation *c, struct err *err)
{
	size_t i;
	int r;

	for (i = 0; i < PART_COUNT; i++) {
		r = fx_mkdirat(c->fd, parts[i], 0700);
		if (r < 0 && r != -EEXIST)
			return err_errno(err, r, "cannot make '%s' in '%s'",
					 parts[i], c->path);
	}
	if (c->old_mode != 0700) {
		c->changed_mode = true;
		r = fx_fchmod(c->fd, 0700);
		if (r < 0)
			return err_errno(err, r, "cannot protect '%s'",
					 c->path);
	}
	return 0;
}

static int make_catalog(struct creation *c, const struct pool_options *opt,
			struct err *err)
{
	struct pool_info info = {
		.unprotected = opt->unprotected,
		.link_limit = opt->link_limit ? opt->link_limit :
						POOL_LINK_LIMIT_DEFAULT,
		.created_ns = realtime_ns(),
	};
	int r = uuid_generate_text(info.uuid);

	if (r < 0)
		return err_errno(err, r, "cannot make a uuid");
	r = pool_info_write(c->fd, &info, err);
	if (r < 0)
		return r;
	/* the catalog says that the rest is there: so the rest goes first */
	r = fx_syncfs(c->fd);
	if (r < 0)
		return err_errno(err, r, "cannot write '%s' to disk", c->path);
	return catalog_create(c->fd, &info, err);
}

/* Only what is empty goes, so that nothing of anybody else can. */
static void undo(struct creation *c)
{
	size_t i;

	if (c->fd < 0)
		return;
	if (c->begun) {
		(void)fsinfo_remove_probes(c->fd);
		for (i = 0; i < PART_COUNT; i++)
			(void)fx_unlinkat(c->fd, parts[i], AT_REMOVEDIR);
		if (c->changed_mode)
			(void)fx_fchmod(c->fd, c->old_mode);
		(void)fx_fremovexattr(c->fd, POOL_INFO_XATTR);
		(void)fx_unlinkat(c->fd, POOL_LOCK_FILE, 0);
	}
	if (c->made_dir)
		(void)fx_unlinkat(AT_FDCWD, c->path, AT_REMOVEDIR);
}

static int check_filesystem(struct creation *c, struct err *err)
{
	int r = fsinfo_check_pool(c->fd, c->path, err);

	if (r < 0)
		return r;
	r = fsinfo_remove_probes(c->fd);
	return r < 0 ? err_errno(err, r, "cannot remove files in '%s'",
				 c->path) :
		       0;
}

static int create(struct creation *c, const struct pool_options *opt,
		  struct err *err)
{
	int r = open_target(c, err);

	if (!r)
		r = take_lock(c, err);
	if (!r)
		r = check_filesystem(c, err);
	if (!r)
		r = make_parts(c, err);
	return r ? r : make_catalog(c, opt, err);
}

int pool_create(const char *path, const struct pool_options *opt,
		struct err *err)
{
	struct creation c = { .path = path, .fd = -1, .lock_fd = -1 };
	int r;

	if (opt->link_limit > POOL_LINK_LIMIT_MAX || opt->link_limit == 1)
		return err_usage(err, "the link limit must be between 2 and %d",
				 POOL_LINK_LIMIT_MAX);
	r = create(&c, opt, err);
	if (r < 0)
		undo(&c);
	cleanup_close(&c.lock_fd);
	cleanup_close(&c.fd);
	return r;
}
