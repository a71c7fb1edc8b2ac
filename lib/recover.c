// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a crash left. Every step here may be cut short itself and is done again by
 * the next command.
 *
 * A running operation holds the lock on its name from before its row is written,
 * and the lock on its staging directory from before that is made. Recovery takes
 * these locks without waiting, so what it gets belongs to nobody.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "iattr.h"
#include "log.h"
#include "pool.h"
#include "project.h"
#include "staging.h"
#include "store.h"
#include "tree.h"

/* --- rows ---------------------------------------------------------------------- */

int pool_drop_tree(struct pool *p, const struct tree_row *row, struct err *err)
{
	struct staging s = STAGING_INIT;
	int published = pool_find_published(p, row, NULL);
	int r = 0;

	if (published < 0)
		return err_errno(err, published, "cannot open %s '%s'",
				 tree_kind_name(row->kind), row->name);
	/* gone from its place for good before the row goes */
	if (published)
		r = staging_take(p, pool_trees_fd(p, row->kind), row->name, &s,
				 err);
	/* who gets the number next takes its limits back too */
	if (!r && row->context && project_enforced(p->fd))
		(void)project_end(p->fd, row->context);
	if (!r)
		r = catalog_tree_remove(p->catalog, row->id, err);
	staging_release(&s);
	return r;
}

/* A tree that is in its place with this row's identity was whole when it was put
 * there; the identity also has the counts, which the row lacks. */
static int finish_creating(struct pool *p, struct tree_row *row,
			   struct err *err)
{
	struct tree_row found;
	int r = pool_find_published(p, row, &found);

	if (r < 0)
		return err_errno(err, r, "cannot open %s '%s'",
				 tree_kind_name(row->kind), row->name);
	if (!r)
		return catalog_tree_remove(p->catalog, row->id, err);
	/* the crash may have come before the rename was on disk */
	r = fx_fsync(pool_trees_fd(p, row->kind));
	if (r < 0)
		return err_errno(err, r, "cannot write %s '%s' to disk",
				 tree_kind_name(row->kind), row->name);
	row->state = TREE_READY;
	row->files = found.files;
	row->dirs = found.dirs;
	row->others = found.others;
	row->size_bytes = found.size_bytes;
	return catalog_tree_update(p->catalog, row, err);
}

/* @seen is a row from before the lock; what it says now counts. */
static int finish_row(struct pool *p, const struct tree_row *seen,
		      struct err *err)
{
	_cleanup_close_ int lock =
		pool_lock_name(p, seen->kind, seen->name, false, err);
	struct tree_row row;
	int r;

	if (lock == -EBUSY) {
		err_clear(err);
		return 0;
	}
	if (lock < 0)
		return lock;
	r = catalog_tree_find(p->catalog, seen->kind, seen->name, &row, err);
	if (r == -ENOENT || (!r && row.state == TREE_READY))
		return 0;
	if (r < 0)
		return r;
	log_info("finishing what a crash left of %s '%s' (%s)",
		 tree_kind_name(row.kind), row.name,
		 tree_state_name(row.state));
	return row.state == TREE_CREATING ? finish_creating(p, &row, err) :
					    pool_drop_tree(p, &row, err);
}

static int finish_rows(struct pool *p, struct err *err)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	size_t count = 0;
	size_t i;
	int r = catalog_tree_unfinished(p->catalog, &rows, &count, err);

	for (i = 0; !r && i < count; i++)
		r = finish_row(p, &rows[i], err);
	return r;
}

/* --- staging -------------------------------------------------------------------- */

/* Inode numbers: who may be removed, and whom it must be equal to. */
struct displaced {
	uint64_t ino, master;
};

static const char *parse_ino(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '1' || *text > '9')
		return NULL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

/* "<inode number>-<inode number>.<16 hexadecimal digits>", as unify.c gives them. */
static bool parse_displaced(const char *name, struct displaced *ret)
{
	const char *end = parse_ino(name, &ret->ino);

	if (end && *end == '-')
		end = parse_ino(end + 1, &ret->master);
	else
		end = NULL;
	return end && *end == '.' && staging_is_name(end + 1);
}

static bool is_equal(int a, int b)
{
	_cleanup_iattr_ struct iattr x = IATTR_INIT;
	_cleanup_iattr_ struct iattr y = IATTR_INIT;

	return !iattr_read_fd(a, &x) && !iattr_read_fd(b, &y) &&
	       iattr_same_metadata(&x, &y) &&
	       fdio_equal(a, b, x.stx.stx_size) == 1;
}

/* 1; 0 when it does not, or that cannot be told; -errno. */
static int equals_master(struct pool *p, int dirfd, const char *name,
			 uint64_t ino, struct err *err)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int master = -1;
	struct store_entry entry = { .shard_fd = -1 };
	char entry_name[STORE_NAME_SIZE];
	struct store_item item;
	struct object_row row;
	struct statx stx;
	int r = catalog_object_by_ino(p->catalog, ino, &row, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	item = (struct store_item){ .ino = ino, .key = row.key,
				    .replica = row.replica };
	master = store_item_open(p, &item, entry_name, &entry);
	cleanup_close(&entry.shard_fd);
	/* the catalog is a cache, and numbers are used again */
	if (master < 0 || fdio_statx(master, NULL, &stx) || stx.stx_ino != ino)
		return 0;
	fd = fdio_open(dirfd, name, O_RDONLY);
	return fd >= 0 && is_equal(fd, master);
}

/*
 * A vhashify that died between exchanging a guest's file with a link to the master
 * and removing what it got: is that the file it meant, as it was when it was compared, or
 * a link to a master that was not put in place yet? Anything else came from a guest's
 * write in that moment. 1 to remove it, 0 to keep it, -errno.
 */
static int is_expendable(struct pool *p, int dirfd, const char *name,
			 const struct displaced *d, struct err *err)
{
	_cleanup_close_ int fd = -1;
	unsigned int flags = 0;
	struct statx stx;
	int r = fdio_statx(dirfd, name, &stx);

	if (r < 0)
		return err_errno(err, r, "cannot examine '%s'", name);
	/* where the kernel protects it, it is frozen since before the comparison */
	if (stx.stx_ino == d->ino && !p->info.unprotected)
		return 1;
	if (!S_ISREG(stx.stx_mode))
		return 0;
	if (stx.stx_ino == d->ino)
		return equals_master(p, dirfd, name, d->master, err);
	fd = fdio_open(dirfd, name, O_RDONLY);
	if (fd >= 0 && !iflags_get(fd, &flags) && iflags_is_shared(flags))
		return 1;
	return p->info.unprotected ?
		       store_is_master(p, dirfd, name, &stx, err) :
		       0;
}

static int keep(struct pool *p, int dirfd, const char *name, struct err *err)
{
	char kept[32] = "kept-";
	int r = fdio_random_name(kept + 5);

	/* the number in @name is unique in one directory only */
	if (!r)
		r = fx_renameat(dirfd, name, p->staging_fd, kept,
				RENAME_NOREPLACE);
	if (r < 0)
		return err_errno(err, r, "cannot keep 'staging/%s'", kept);
	log_warning("kept a file that a crash had displaced as 'staging/%s'; "
		    "'vtemplate check' tells more", kept);
	return 0;
}

static int sort_out(struct pool *p, int dirfd, const char *name,
		    struct err *err)
{
	struct displaced d;
	int r;

	if (!parse_displaced(name, &d))
		return 0;
	r = is_expendable(p, dirfd, name, &d, err);
	return r ? (r < 0 ? r : 0) : keep(p, dirfd, name, err);
}

typedef int each_fn(struct pool *p, int dirfd, const char *name,
		    struct err *err);

static int for_each_name(struct pool *p, int fd, each_fn *fn, struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(fd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		r = fn(p, fd, e->d_name, err);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_errno(err, r, "cannot read staging/") : 0;
}

/* With the lock. What was displaced is looked at before anything is removed. */
static int remove_staging(struct pool *p, const char *name, struct err *err)
{
	_cleanup_close_ int fd = fdio_open_dir(p->staging_fd, name);
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return err_errno(err, fd, "cannot open 'staging/%s'", name);
	r = for_each_name(p, fd, sort_out, err);
	return r ? r : tree_remove(p->staging_fd, name, err);
}

static int remove_probe(struct pool *p, const char *name, struct err *err)
{
	int r = fx_unlinkat(p->staging_fd, name, 0);

	return !r || r == -ENOENT ? 0 :
				    err_errno(err, r, "cannot remove a probe");
}

/* What cannot be removed now is no reason to refuse the command. */
static int sweep_name(struct pool *p, int dirfd, const char *name,
		      struct err *err)
{
	_cleanup_close_ int lock = -1;
	struct err trouble = { 0 };
	char owner[17];
	bool probe = engine_probe_tag(name, owner);
	int r;

	/* kept-* are the operator's, anything else is a stranger's: `vtemplate
	 * check` reports both */
	if (!probe && !staging_is_name(name))
		return 0;
	lock = pool_lock_name(p, POOL_LOCK_STAGING, probe ? owner : name, false,
			      &trouble);
	if (lock == -EBUSY)
		return 0;
	r = lock;
	if (r >= 0)
		r = probe ? remove_probe(p, name, &trouble) :
			    remove_staging(p, name, &trouble);
	if (r < 0)
		log_warning("%s; leaving 'staging/%s' for the next command",
			    trouble.msg, name);
	return 0;
}

int pool_recover(struct pool *p, struct err *err)
{
	/* rows first: a tree that is being destroyed still has to go to staging */
	int r = finish_rows(p, err);

	return r ? r : for_each_name(p, p->staging_fd, sweep_name, err);
}
