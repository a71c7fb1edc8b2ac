// SPDX-License-Identifier: GPL-2.0-only
/* All masters by inode number, to be read in that order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "array.h"
#include "cleanup.h"
#include "fdio.h"
#include "store-shard.h"
#include "store.h"

struct list {
	struct store_item *items;
	size_t count;
	size_t alloc;
};

static int list_add(struct list *l, const struct dirent *e)
{
	struct store_item item = { .ino = e->d_ino };

	if (store_parse_name(e->d_name, &item.key, &item.replica) < 0)
		return 0;
	if (array_room(&l->items, l->count, &l->alloc))
		return -ENOMEM;
	l->items[l->count++] = item;
	return 0;
}

static int list_shard(struct pool *p, const char *shard, struct list *l)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(p->store_fd, shard, &d);

	if (r == -ENOTDIR)
		return 0;
	while (!r && (e = fdio_names_next(d, &r)))
		r = list_add(l, e);
	return r;
}

static int compare_items(const void *a, const void *b)
{
	const struct store_item *x = a;
	const struct store_item *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

int store_list(struct pool *p, struct store_item **ret, size_t *ret_count,
	       struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	struct list l = { 0 };
	const struct dirent *e;
	int r = fdio_names_open(p->store_fd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r)))
		r = list_shard(p, e->d_name, &l);
	if (r < 0) {
		free(l.items);
		return err_errno(err, r, "cannot read the store of '%s'",
				 p->path);
	}
	if (l.count)
		qsort(l.items, l.count, sizeof(*l.items), compare_items);
	*ret = l.items;
	*ret_count = l.count;
	return 0;
}

int store_item_open(struct pool *p, const struct store_item *item,
		    char name[STORE_NAME_SIZE], struct store_entry *ret)
{
	_cleanup_close_ int shard = store_shard_open(p, &item->key);
	int fd;

	if (shard < 0)
		return shard;
	store_name(&item->key, item->replica, name);
	*ret = (struct store_entry){ .key = item->key,
				     .replica = item->replica,
				     .name = name };
	fd = fdio_open(shard, name, O_RDONLY);
	ret->shard_fd = steal_fd(&shard);
	return fd;
}
