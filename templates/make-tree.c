// SPDX-License-Identifier: GPL-2.0-only
#include "make-tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "project.h"
#include "store.h"

static int check_free(struct pool *p, enum tree_kind kind, const char *name,
		      struct err *err)
{
	struct tree_row row;
	int r = catalog_tree_find(p->catalog, kind, name, &row, err);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	return err_set(err, -EEXIST, "%s '%s' exists", tree_kind_name(kind),
		       name);
}

static int add_row(struct make_tree *mt, enum tree_kind kind, const char *name,
		   enum engine engine, const struct make_tree_origin *origin,
		   struct err *err)
{
	struct tree_row *row = &mt->row;
	int r;

	*row = (struct tree_row){ .kind = kind,
				  .state = TREE_CREATING,
				  .created_ns = realtime_ns() };
	(void)snprintf(row->name, sizeof(row->name), "%s", name);
	(void)snprintf(row->engine, sizeof(row->engine), "%s",
		       engine_name(engine));
	escape_bytes(row->origin, sizeof(row->origin), origin->text,
		     strlen(origin->text));
	(void)snprintf(row->origin_uuid, sizeof(row->origin_uuid), "%s",
		       origin->uuid ? origin->uuid : "");
	r = uuid_generate_text(row->uuid);
	if (r < 0)
		return err_errno(err, r, "cannot make a uuid");
	r = catalog_tree_add(mt->pool->catalog, row, err);
	if (r < 0)
		return r;
	mt->has_row = true;
	return 0;
}

/* What is made in it is charged to the guest. Without a kernel that lets them, masters
 * could not be linked into such a directory. */
static int charge(const struct make_tree *mt, enum engine engine)
{
	if (mt->row.kind != TREE_GUEST || engine == ENGINE_UNPROTECTED ||
	    !project_enforced(mt->rootfs_fd))
		return 0;
	return project_begin(mt->rootfs_fd, mt->row.context);
}

static int make_rootfs(struct make_tree *mt, enum engine engine,
		       struct err *err)
{
	int r = staging_create(mt->pool, &mt->staging, err);

	if (r < 0)
		return r;
	r = fx_mkdirat(mt->staging.fd, "rootfs", 0755);
	mt->rootfs_fd = r ? r : fdio_open_dir(mt->staging.fd, "rootfs");
	r = mt->rootfs_fd < 0 ? mt->rootfs_fd : charge(mt, engine);
	if (r < 0)
		return err_errno(err, r,
				 "cannot make a directory in the pool '%s'",
				 mt->pool->path);
	return 0;
}

int make_tree_begin(struct pool *p, enum tree_kind kind, const char *name,
		    enum engine engine, const struct make_tree_origin *origin,
		    struct make_tree *ret, struct err *err)
{
	int r = tree_name_check(kind, name, err);

	if (r < 0)
		return r;
	ret->pool = p;
	ret->lock_fd = pool_lock_name(p, kind, name, true, err);
	if (ret->lock_fd < 0)
		return ret->lock_fd;
	r = check_free(p, kind, name, err);
	if (!r)
		r = add_row(ret, kind, name, engine, origin, err);
	return r ? r : make_rootfs(ret, engine, err);
}

static int sync_tree(struct make_tree *mt, struct err *err)
{
	int r = store_sync_data(mt->pool, err);

	return r < 0 ? err_prefix(err, r, "cannot make %s '%s'",
				  tree_kind_name(mt->row.kind), mt->row.name) :
		       0;
}

int make_tree_publish(struct make_tree *mt, const struct tree_stats *stats,
		      struct err *err)
{
	int trees = pool_trees_fd(mt->pool, mt->row.kind);
	int r;

	mt->row.files = stats->files;
	mt->row.dirs = stats->dirs;
	mt->row.others = stats->others;
	mt->row.size_bytes = stats->size_bytes;
	r = tree_id_write(mt->rootfs_fd, &mt->row, err);
	if (!r && stats->needs_sync)
		r = sync_tree(mt, err);
	if (!r)
		r = staging_publish(&mt->staging, trees, mt->row.name, err);
	if (r < 0)
		return r;
	mt->row.state = TREE_READY;
	r = catalog_tree_update(mt->pool->catalog, &mt->row, err);
	mt->ready = !r;
	return r;
}

/* Take back what is not READY. What cannot be taken back now is finished by the
 * next command, as after a crash. */
static void undo(struct make_tree *mt)
{
	struct err err = { 0 };
	int r;

	/* asked, not remembered: the rename may be the last thing that worked */
	r = pool_find_published(mt->pool, &mt->row, NULL);
	if (r < 0)
		err_errno(&err, r, "cannot see whether %s '%s' is there",
			  tree_kind_name(mt->row.kind), mt->row.name);
	else if (r)
		r = destroy_tree(mt->pool, &mt->row, &err);
	else
		r = catalog_tree_remove(mt->pool->catalog, mt->row.id, &err);
	if (r < 0)
		log_warning("%s; the next command cleans up", err.msg);
}

void make_tree_release(struct make_tree *mt)
{
	cleanup_close(&mt->rootfs_fd);
	staging_release(&mt->staging);
	if (mt->has_row && !mt->ready)
		undo(mt);
	cleanup_close(&mt->lock_fd);
}

static int set_state(struct pool *p, struct tree_row *row,
		     enum tree_state state, struct err *err)
{
	row->state = state;
	return catalog_tree_update(p->catalog, row, err);
}

int destroy_tree(struct pool *p, struct tree_row *row, struct err *err)
{
	enum tree_state before = row->state;
	int r = set_state(p, row, TREE_DESTROYING, err);

	if (!r)
		r = pool_drop_tree(p, row, err);
	if (r < 0 && pool_find_published(p, row, NULL) > 0)
		(void)set_state(p, row, before, NULL); /* r says why */
	return r;
}
