// SPDX-License-Identifier: GPL-2.0-only
/*
 * The catalog's rows against the directories, and what lies in staging/.
 *
 * A row and its directory never change at the same instant, so a look at both may
 * see a command's work half done. Each contradiction is therefore looked at again
 * under the name's lock; whoever has that lock is at work on it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cleanup.h"
#include "fdio.h"
#include "staging.h"

/* A problem that was seen is one only if it is still there under the lock. */
typedef int (*look_fn)(struct pool *p, const struct problem_target *t,
		       enum problem_code *ret_code, struct err *err);

/* Does the tree of @row carry the row's identity? 1, 0 or -errno. */
static int identity_matches(int rootfs_fd, const struct tree_row *row)
{
	struct tree_row id;
	int r = tree_id_read(rootfs_fd, &id, NULL);

	if (r == -ENODATA || r == -EUCLEAN)
		return 0;
	if (r < 0)
		return r;
	return id.kind == row->kind && !strcmp(id.name, row->name) &&
	       !strcmp(id.uuid, row->uuid);
}

static int open_rootfs(struct pool *p, enum tree_kind kind, const char *name)
{
	_cleanup_close_ int dir =
		fdio_open_dir(pool_trees_fd(p, kind), name);

	return dir < 0 ? dir : fdio_open_dir(dir, "rootfs");
}

/* 1 and the code when the row of @t is in contradiction to its tree. */
static int look_at_row(struct pool *p, const struct problem_target *t,
		       enum problem_code *ret_code, struct err *err)
{
	_cleanup_close_ int rootfs = -1;
	struct tree_row row;
	int r = catalog_tree_find(p->catalog, t->kind, t->name, &row, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (row.state != TREE_READY) {
		*ret_code = PROBLEM_ROW_HALF_MADE;
		return 1;
	}
	rootfs = open_rootfs(p, t->kind, t->name);
	if (rootfs == -ENOENT || rootfs == -ENOTDIR || rootfs == -ELOOP) {
		*ret_code = PROBLEM_ROW_WITHOUT_TREE;
		return 1;
	}
	r = rootfs < 0 ? rootfs : identity_matches(rootfs, &row);
	if (r < 0)
		return err_errno(err, r, "cannot examine %s '%s'",
				 tree_kind_name(t->kind), t->name);
	*ret_code = PROBLEM_TREE_IDENTITY;
	return !r;
}

/* 1 and the code when the directory of @t has no row. */
static int look_at_dir(struct pool *p, const struct problem_target *t,
		       enum problem_code *ret_code, struct err *err)
{
	_cleanup_close_ int rootfs = -1;
	struct tree_row row;
	int r = catalog_tree_find(p->catalog, t->kind, t->name, &row, err);

	if (r != -ENOENT)
		return r < 0 ? r : 0;
	rootfs = open_rootfs(p, t->kind, t->name);
	*ret_code = PROBLEM_TREE_UNKNOWN;
	if (rootfs >= 0 && tree_id_read(rootfs, &row, NULL) == 0 &&
	    row.kind == t->kind && !strcmp(row.name, t->name))
		*ret_code = PROBLEM_TREE_WITHOUT_ROW;
	return 1;
}

/* Look; when something is wrong look again under the lock; report. */
static int examine(struct pool *p, look_fn look, const struct problem_target *t,
		   struct problems *ret, struct err *err)
{
	_cleanup_close_ int lock = -1;
	enum problem_code code;
	int r = look(p, t, &code, err);

	if (r <= 0)
		return r;
	lock = pool_lock_name(p, t->kind, t->name, false, NULL);
	if (lock == -EBUSY)
		return 0;
	/* a pool that cannot be locked is read-only: nobody is at work */
	r = look(p, t, &code, err);
	if (r <= 0)
		return r;
	return problems_add(ret, code, t, "%s '%s'", tree_kind_name(t->kind),
			    t->name);
}

static int examine_rows(struct pool *p, enum tree_kind kind,
			struct problems *ret, struct err *err)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	size_t count;
	size_t i;
	int r = catalog_tree_list(p->catalog, kind, &rows, &count, err);

	for (i = 0; !r && i < count; i++) {
		struct problem_target t = { .kind = kind };

		(void)snprintf(t.name, sizeof(t.name), "%s", rows[i].name);
		r = examine(p, look_at_row, &t, ret, err);
	}
	return r;
}

/* Call @fn for every name in the directory @fd but "." and "..". */
static int each_name(int fd,
		     int (*fn)(struct pool *p, struct problem_target *t,
			       struct problems *ret, struct err *err),
		     struct pool *p, enum tree_kind kind, struct problems *ret,
		     struct err *err)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *d;
	int r = fdio_names_open(fd, ".", &dir);

	while (!r && (d = fdio_names_next(dir, &r))) {
		struct problem_target t = { .kind = kind };

		(void)snprintf(t.name, sizeof(t.name), "%s", d->d_name);
		r = fn(p, &t, ret, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_errno(err, r, "cannot read the pool '%s'", p->path) :
		       0;
}

static int examine_dir(struct pool *p, struct problem_target *t,
		       struct problems *ret, struct err *err)
{
	return examine(p, look_at_dir, t, ret, err);
}

int check_trees(struct pool *p, struct problems *ret, struct err *err)
{
	static const enum tree_kind kinds[] = { TREE_TEMPLATE, TREE_GUEST };
	size_t i;
	int r = 0;

	for (i = 0; !r && i < 2; i++) {
		r = examine_rows(p, kinds[i], ret, err);
		if (!r)
			r = each_name(pool_trees_fd(p, kinds[i]), examine_dir,
				      p, kinds[i], ret, err);
	}
	return r;
}

static int examine_staging(struct pool *p, struct problem_target *t,
			   struct problems *ret, struct err *err)
{
	_cleanup_close_ int lock = -1;
	struct statx stx;

	if (!strncmp(t->name, "kept-", 5))
		return problems_add(ret, PROBLEM_KEPT_FILE, t, "staging/%s",
				    t->name);
	if (!staging_is_name(t->name))
		return problems_add(ret, PROBLEM_STAGING_FOREIGN, t,
				    "staging/%s", t->name);
	lock = pool_lock_name(p, POOL_LOCK_STAGING, t->name, false, NULL);
	if (lock == -EBUSY || fdio_statx(p->staging_fd, t->name, &stx) < 0)
		return 0; /* in use, or gone since */
	return problems_add(ret, PROBLEM_STAGING_LEFTOVER, t, "staging/%s",
			    t->name);
}

int check_staging(struct pool *p, struct problems *ret, struct err *err)
{
	return each_name(p->staging_fd, examine_staging, p, TREE_GUEST, ret,
			 err);
}
