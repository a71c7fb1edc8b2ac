// SPDX-License-Identifier: GPL-2.0-only
/* What `vtemplate check --repair` does about each kind of problem. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "iattr.h"
#include "log.h"
#include "project.h"
#include "store.h"

static int open_rootfs(struct pool *p, const struct problem_target *t,
		       struct err *err)
{
	_cleanup_close_ int dir =
		fdio_open_dir(pool_trees_fd(p, t->kind), t->name);
	int fd = dir < 0 ? dir : fdio_open_dir(dir, "rootfs");

	return fd < 0 ? err_errno(err, fd, "cannot open '%s'", t->name) : fd;
}

static int forget_row(struct pool *p, const struct problem *pr, struct err *err)
{
	struct tree_row row;
	int r = catalog_tree_find(p->catalog, pr->target.kind, pr->target.name,
				  &row, err);

	return r ? r : catalog_tree_remove(p->catalog, row.id, err);
}

static int adopt_tree(struct pool *p, const struct problem *pr, struct err *err)
{
	_cleanup_close_ int fd = open_rootfs(p, &pr->target, err);
	struct tree_row row;
	int r = fd < 0 ? fd : tree_id_read(fd, &row, err);

	if (r < 0)
		return r;
	/* the number that its files are charged to, if no other guest has it */
	if (row.kind == TREE_GUEST && project_of(fd, &row.context) < 0)
		row.context = 0;
	row.state = TREE_READY;
	return catalog_tree_add(p->catalog, &row, err);
}

static int write_identity(struct pool *p, const struct problem *pr,
			  struct err *err)
{
	_cleanup_close_ int fd = open_rootfs(p, &pr->target, err);
	struct tree_row row;
	int r = fd < 0 ? fd :
			 catalog_tree_find(p->catalog, pr->target.kind,
					   pr->target.name, &row, err);

	return r ? r : tree_id_write(fd, &row, err);
}

static int open_master(struct pool *p, const struct problem_target *t)
{
	char path[DIGEST_HEX_SIZE + 20];
	char hex[DIGEST_HEX_SIZE];

	digest_hex(&t->key, hex);
	(void)snprintf(path, sizeof(path), "%.2s/%s.%u", hex, hex, t->replica);
	return fdio_open_beneath(p->store_fd, path, O_RDONLY | O_NOFOLLOW);
}

static int forget_object(struct pool *p, const struct problem *pr,
			 struct err *err)
{
	return catalog_object_remove(p->catalog, &pr->target.key,
				     pr->target.replica, err);
}

static int put_object(struct pool *p, const struct problem *pr, struct err *err)
{
	_cleanup_close_ int fd = open_master(p, &pr->target);
	struct object_row row = { .key = pr->target.key,
				  .replica = pr->target.replica };
	struct statx stx;
	int r = fd < 0 ? fd : fdio_statx(fd, NULL, &stx);

	if (r < 0)
		return err_errno(err, r, "cannot open '%s'", pr->subject);
	row.ino = stx.stx_ino;
	row.size_bytes = stx.stx_size;
	return catalog_object_put(p->catalog, &row, err);
}

/* Checked once more: nobody may have changed it since the scan, but nothing kept
 * anybody from doing so. */
static int protect_master(struct pool *p, const struct problem *pr,
			  struct err *err)
{
	_cleanup_close_ int fd = open_master(p, &pr->target);
	int r = fd < 0 ? fd : iflags_share(fd);
	int whole = r < 0 ? r : master_is_whole(fd, &pr->target.key);

	if (whole == 0) {
		(void)iflags_unshare(fd); /* stays what it was: reported */
		whole = -ESTALE;
	}
	return whole < 0 ? err_errno(err, whole, "cannot protect '%s'",
				     pr->subject) :
			   0;
}

struct expel {
	struct pool *pool;
	struct err *err;
};

static int expel_foreign(const struct store_entry *e, void *ctx)
{
	const struct expel *x = ctx;
	char random[17];
	char name[32];
	int r;

	if (e->replica != UINT32_MAX)
		return 0;
	r = fdio_random_name(random);
	if (r < 0)
		return r;
	(void)snprintf(name, sizeof(name), "kept-%s", random);
	r = store_expel(x->pool, e, x->pool->staging_fd, name, x->err);
	if (!r)
		log_notice("moved '%s' from the store to staging/%s", e->name,
			   name);
	return r;
}

/* All of them at once; the next foreign problem finds none left. */
static int expel_all(struct pool *p, const struct problem *pr, struct err *err)
{
	struct expel x = { p, err };

	return store_each(p, expel_foreign, &x, err);
}

static int protect_shards(struct pool *p, const struct problem *pr,
			  struct err *err)
{
	int r = store_protect(p, false, err);

	return r < 0 ? r : 0;
}

/* Half-made rows and staging are recovered by opening the pool. */
static int (*const repairs[PROBLEM_COUNT])(struct pool *p,
					   const struct problem *pr,
					   struct err *err) = {
	[PROBLEM_ROW_WITHOUT_TREE] = forget_row,
	[PROBLEM_TREE_WITHOUT_ROW] = adopt_tree,
	[PROBLEM_TREE_IDENTITY] = write_identity,
	[PROBLEM_OBJECT_WITHOUT_FILE] = forget_object,
	[PROBLEM_FILE_WITHOUT_OBJECT] = put_object,
	[PROBLEM_OBJECT_DIFFERS] = put_object,
	[PROBLEM_MASTER_UNPROTECTED] = protect_master,
	[PROBLEM_STORE_FOREIGN] = expel_all,
	[PROBLEM_SHARDS_OPEN] = protect_shards,
};

void check_repair(struct pool *p, const struct problems *ps)
{
	size_t i;

	for (i = 0; i < ps->count; i++) {
		const struct problem *pr = &ps->list[i];
		struct err err = { 0 };

		if (repairs[pr->code] && repairs[pr->code](p, pr, &err) < 0)
			log_error("%s", err.msg);
	}
}

struct rebuild {
	struct pool *pool;
	struct err *err;
};

static int put_entry(const struct store_entry *e, void *ctx)
{
	const struct rebuild *rb = ctx;
	const struct object_row row = { .key = e->key,
					.replica = e->replica,
					.ino = e->stx.stx_ino,
					.size_bytes = e->stx.stx_size };

	if (e->replica == UINT32_MAX)
		return 0;
	return catalog_object_put(rb->pool->catalog, &row, rb->err);
}

int check_rebuild_objects(struct pool *p, struct err *err)
{
	struct rebuild rb = { p, err };
	int r = catalog_object_clear(p->catalog, err);

	return r ? r : store_each(p, put_entry, &rb, err);
}
