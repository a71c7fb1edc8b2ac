// SPDX-License-Identifier: GPL-2.0-only
#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fsinfo.h"
#include "log.h"
#include "pool-lock.h"

/* --- names -------------------------------------------------------------------- */

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

int tree_name_check(enum tree_kind kind, const char *name, struct err *err)
{
	const char *what = tree_kind_name(kind);
	const char *p;

	if (!*name)
		return err_usage(err, "the name of a %s cannot be empty", what);
	if (strlen(name) > TREE_NAME_MAX)
		return err_usage(err,
				 "the %s name '%.16s...' is longer than %d bytes",
				 what, name, TREE_NAME_MAX);
	for (p = name; *p; p++) {
		if (is_alnum(*p) || strchr("._+-", *p))
			continue;
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_usage(err,
					 "the %s name '%s' holds a control character",
					 what, name);
		if ((unsigned char)*p >= 0x80)
			return err_usage(err,
					 "the %s name '%s' holds a character that is not ASCII",
					 what, name);
		return err_usage(err, "the %s name '%s' holds '%c'", what, name,
				 *p);
	}
	/* "." and "..", hidden files, and what looks like an option */
	if (!is_alnum(*name))
		return err_usage(err,
				 "the %s name '%s' does not begin with a letter or digit",
				 what, name);
	return 0;
}

/* --- open and close ------------------------------------------------------------ */

static int open_root(struct pool *p, enum pool_mode mode, struct err *err)
{
	struct statx stx;

	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, -ENOENT, "there is no pool at '%s'",
			       p->path);
	if (p->fd < 0)
		return err_errno(err, -errno, "cannot open the pool '%s'",
				 p->path);
	if (fdio_statx(p->fd, "catalog.db", &stx) == -ENOENT)
		return err_set(err, -ENOENT,
			       "'%s' is not a pool: it has no catalog",
			       p->path);
	if (mode != POOL_RO && fsinfo_is_read_only(p->fd))
		return err_set(err, -EROFS,
			       "the pool '%s' is on a read-only file system",
			       p->path);
	return 0;
}

static int open_part(struct pool *p, const char *name, int *ret_fd,
		     struct err *err)
{
	*ret_fd = fdio_open_dir(p->fd, name);
	if (*ret_fd == -ENOENT || *ret_fd == -ENOTDIR || *ret_fd == -ELOOP)
		return err_set(err, -EUCLEAN,
			       "the pool '%s' has no directory '%s'", p->path,
			       name);
	if (*ret_fd < 0)
		return err_errno(err, *ret_fd, "cannot open '%s' in '%s'", name,
				 p->path);
	return 0;
}

static int open_parts(struct pool *p, struct err *err)
{
	const struct {
		const char *name;
		int *fd;
	} parts[] = { { "store", &p->store_fd },
		      { "templates", &p->templates_fd },
		      { "guests", &p->guests_fd },
		      { "staging", &p->staging_fd } };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int r = open_part(p, parts[i].name, parts[i].fd, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int open_catalog(struct pool *p, enum pool_mode mode, struct err *err)
{
	int r = catalog_open(p->fd, mode == POOL_RO ? CATALOG_RO : CATALOG_RW,
			     &p->catalog, err);

	return r ? r : catalog_get_pool(p->catalog, &p->info, err);
}

static int lock(struct pool *p, enum pool_mode mode, struct err *err)
{
	int r;

	if (mode == POOL_RO)
		return 0;
	r = pool_lock(p->fd, p->path, mode == POOL_EXCLUSIVE, true, err);
	p->shared_lock_fd = r;
	return r < 0 ? r : 0;
}

/*
 * Not in a directory of its own: making one takes a block, and a full pool must
 * open for what gives space back. XFS makes not even a file then; so we do with what the
 * store tells, and whatever writes will hear that there is no space.
 */
static int probe(struct pool *p, struct err *err)
{
	struct staging s = STAGING_INIT;
	int r = staging_reserve(p, &s, err);

	if (r < 0)
		return r;
	r = engine_probe(p->staging_fd, s.name, p->info.unprotected, &p->engine,
			 err);
	staging_release(&s);
	if (r == -ENOSPC || r == -EDQUOT) {
		err_clear(err);
		engine_full(pool_has_shared(p), p->info.unprotected, &p->engine);
		return 0;
	}
	return r < 0 ? err_prefix(err, r, "cannot use the pool '%s'", p->path) :
		       0;
}

static int open_all(struct pool *p, enum pool_mode mode, struct err *err)
{
	int r = open_root(p, mode, err);

	if (!r)
		r = open_parts(p, err);
	if (!r)
		r = lock(p, mode, err);
	if (!r)
		r = open_catalog(p, mode, err);
	if (!r)
		r = pool_quarantine_load(p, err);
	if (!r && mode != POOL_RO)
		r = probe(p, err);
	if (!r && mode != POOL_RO)
		r = pool_recover(p, err);
	return r;
}

/* Our directory may change, and a keeper's is another. NULL: no memory. */
static char *absolute(const char *path)
{
	_cleanup_free_ char *cwd = *path == '/' ? NULL : get_current_dir_name();
	char *ret;

	if (!cwd)
		return strdup(path);
	return asprintf(&ret, "%s/%s", cwd, path) < 0 ? NULL : ret;
}

int pool_open(const char *path, enum pool_mode mode, struct pool **ret,
	      struct err *err)
{
	struct pool *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_errno(err, -ENOMEM, "cannot open the pool '%s'",
				 path);
	p->fd = p->store_fd = p->templates_fd = p->guests_fd = -1;
	p->staging_fd = p->shared_lock_fd = -1;
	(void)pthread_mutex_init(&p->catalog_lock, NULL); /* cannot fail */
	p->path = absolute(path);
	r = p->path ? open_all(p, mode, err) :
		      err_errno(err, -ENOMEM, "cannot open the pool '%s'",
				path);
	if (r < 0) {
		pool_close(p);
		return r;
	}
	*ret = p;
	return 0;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	/* deferred rows are written under the lock */
	catalog_close(p->catalog);
	cleanup_close(&p->shared_lock_fd);
	cleanup_close(&p->staging_fd);
	cleanup_close(&p->guests_fd);
	cleanup_close(&p->templates_fd);
	cleanup_close(&p->store_fd);
	cleanup_close(&p->fd);
	(void)pthread_mutex_destroy(&p->catalog_lock);
	free(p->unsynced);
	free(p->quarantined);
	free(p->path);
	free(p);
}

void pool_announce(const struct pool *p)
{
	if (p->engine.why[0] && !p->info.unprotected)
		log_notice("engine %s: %s", engine_name(p->engine.engine),
			   p->engine.why);
}

void pool_warn(const struct pool *p)
{
	if (p->info.unprotected)
		log_warning("the pool '%s' is UNPROTECTED: a write to a shared "
			    "file changes it in every tree; no guest can be "
			    "started from here", p->path);
}

/* --- trees --------------------------------------------------------------------- */

int pool_trees_fd(const struct pool *p, enum tree_kind kind)
{
	return kind == TREE_TEMPLATE ? p->templates_fd : p->guests_fd;
}

/* The rootfs of the tree of that name, or -errno. */
static int open_rootfs(const struct pool *p, enum tree_kind kind,
		       const char *name)
{
	_cleanup_close_ int dir = fdio_open_dir(pool_trees_fd(p, kind), name);

	return dir < 0 ? dir : fdio_open_dir(dir, "rootfs");
}

int pool_open_tree(struct pool *p, enum tree_kind kind, const char *name,
		   struct tree_row *ret_row, int *ret_rootfs_fd,
		   struct err *err)
{
	const char *what = tree_kind_name(kind);
	struct tree_row row;
	int fd;
	int r = tree_name_check(kind, name, err);

	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&p->catalog_lock);
	r = catalog_tree_find(p->catalog, kind, name, &row, err);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	if (r == -ENOENT)
		return err_set(err, r, "no such %s '%s'", what, name);
	if (r < 0)
		return r;
	if (row.state != TREE_READY)
		return err_set(err, -EBUSY, "another command is %s %s '%s'",
			       tree_state_name(row.state), what, name);
	fd = open_rootfs(p, kind, name);
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return err_set(err, -EUCLEAN,
			       "%s '%s' is in the catalog, but its tree is missing",
			       what, name);
	if (fd < 0)
		return err_errno(err, fd, "cannot open %s '%s'", what, name);
	*ret_row = row;
	*ret_rootfs_fd = fd;
	return 0;
}

int pool_find_published(struct pool *p, const struct tree_row *row,
			struct tree_row *ret)
{
	_cleanup_close_ int fd = open_rootfs(p, row->kind, row->name);
	struct tree_row found;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0;
	if (fd < 0)
		return fd;
	r = tree_id_read(fd, &found, NULL);
	if (r == -ENODATA || r == -EUCLEAN)
		return 0;
	if (r < 0)
		return r;
	if (found.kind != row->kind || strcmp(found.uuid, row->uuid))
		return 0;
	if (ret)
		*ret = found;
	return 1;
}
