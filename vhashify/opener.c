// SPDX-License-Identifier: GPL-2.0-only
#include "opener.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fsinfo.h"
#include "tree-path.h"

/* A tree is locked once, by however many of us. */
static pthread_mutex_t lockers_lock = PTHREAD_MUTEX_INITIALIZER;

static int lock_tree(struct opener *o, size_t index)
{
	struct tree *t = &o->run->trees[index];
	int r = 0;

	(void)pthread_mutex_lock(&lockers_lock);
	if (!t->lockers) {
		t->lock = pool_lock_name(o->run->pool, t->row.kind, t->row.name,
					 false, NULL);
		r = t->lock < 0 ? t->lock : 0;
	}
	t->lockers += !r;
	(void)pthread_mutex_unlock(&lockers_lock);
	o->locked = !r;
	return r;
}

static void unlock_tree(struct opener *o)
{
	struct tree *t = &o->run->trees[o->tree];

	(void)pthread_mutex_lock(&lockers_lock);
	if (!--t->lockers)
		cleanup_close(&t->lock);
	(void)pthread_mutex_unlock(&lockers_lock);
	o->locked = false;
}

static void close_tree(struct opener *o)
{
	cleanup_close(&o->dir);
	cleanup_close(&o->root);
	if (o->locked)
		unlock_tree(o);
	o->tree = SIZE_MAX;
}

void opener_release(struct opener *o)
{
	close_tree(o);
}

static int open_tree(struct opener *o, size_t index)
{
	const struct tree_row *row = &o->run->trees[index].row;
	struct pool *p = o->run->pool;
	struct tree_row now;
	int r;

	if (!o->reader) {
		r = lock_tree(o, index);
		if (r < 0)
			return r;
	}
	r = pool_open_tree(p, row->kind, row->name, &now, &o->root, NULL);
	if (r == -ENOENT || (!r && strcmp(now.uuid, row->uuid)))
		return -EAGAIN;
	o->nodev = !r && fsinfo_is_nodev(o->root);
	return r;
}

/* Remembers failure too, so that a locked tree costs one attempt and not one for
 * each of its files. */
static int use_tree(struct opener *o, size_t index)
{
	if (o->tree != index) {
		close_tree(o);
		o->tree = index;
		o->status = open_tree(o, index);
	}
	return o->status;
}

bool opener_is_at(const struct opener *o, const struct file *f)
{
	return o->dir >= 0 && o->dir_index == f->dir;
}

static int use_dir(struct opener *o, const struct file *f)
{
	_cleanup_free_ char *path = NULL;

	if (opener_is_at(o, f))
		return 0;
	path = dir_path(o->run, f->dir);
	if (!path)
		return -ENOMEM;
	cleanup_close(&o->dir);
	o->dir_index = f->dir;
	o->dir = tree_path_open_dir(o->root, path);
	switch (o->dir) {
	case -ENOENT:	/* removed, or a symlink, a mount or a file by now */
	case -ENOTDIR:
	case -ELOOP:
	case -EXDEV:
		return -EAGAIN;
	default:
		return o->dir < 0 ? o->dir : 0;
	}
}

int opener_locate(struct opener *o, const struct file *f, const char **ret_name)
{
	int r = use_tree(o, file_tree(o->run, f));

	if (!r)
		r = use_dir(o, f);
	if (r)
		return r;
	*ret_name = f->name;
	return o->dir;
}

int opener_open(struct opener *o, const struct file *f)
{
	struct statx seen, now;
	const char *name;
	int dir = opener_locate(o, f, &name);

	if (dir < 0)
		return dir;
	file_statx(o->run, f, &seen);
	return unify_open(dir, name, &seen, o->nodev, &now);
}

enum skip_reason reason_of_errno(int code)
{
	switch (code) {
	case -EAGAIN:
	case -ENOENT:
		return SKIP_CHANGED;
	case -EBUSY:
		return SKIP_LOCKED;
	case -ETXTBSY:
		return SKIP_BUSY;
	case -ENOSPC:
	case -EDQUOT:
		return SKIP_NO_SPACE;
	default:
		return SKIP_UNREADABLE;
	}
}
