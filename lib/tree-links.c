// SPDX-License-Identifier: GPL-2.0-only
#include "tree-links.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdlib.h>

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_groups(const void *a, const void *b)
{
	const struct link_group *x = a;
	const struct link_group *y = b;
	int r = compare_u64(x->ino, y->ino);

	if (!r)
		r = compare_u64(x->dev_major, y->dev_major);
	return r ? r : compare_u64(x->dev_minor, y->dev_minor);
}

uint64_t link_stamp(const struct statx *stx)
{
	bool born = stx->stx_mask & STATX_BTIME;
	const struct statx_timestamp *t = born ? &stx->stx_btime :
						 &stx->stx_mtime;
	uint64_t stamp = (uint64_t)t->tv_sec * 1000000000 + t->tv_nsec;

	/* the type is in the upper bits, where a time is the same for years */
	stamp ^= (uint64_t)(stx->stx_mode & S_IFMT) << 48;
	return born ? stamp : stamp ^ stx->stx_size << 32;
}

static struct link_group key_of(const struct statx *stx)
{
	return (struct link_group){
		.ino = stx->stx_ino,
		.dev_major = stx->stx_dev_major,
		.dev_minor = stx->stx_dev_minor,
		.stamp = link_stamp(stx),
	};
}

struct link_group *tree_links_find(const struct tree_links *l,
				   const struct statx *stx)
{
	const struct link_group key = key_of(stx);
	struct link_group **found = tfind(&key, &l->root, compare_groups);

	return found ? *found : NULL;
}

int tree_links_get(struct tree_links *l, const struct statx *stx,
		   struct link_group **ret)
{
	struct link_group *g = tree_links_find(l, stx);

	if (!g) {
		g = malloc(sizeof(*g));
		if (!g)
			return -ENOMEM;
		*g = key_of(stx);
		if (!tsearch(g, &l->root, compare_groups)) {
			free(g);
			return -ENOMEM;
		}
	}
	*ret = g;
	return 0;
}

static void free_group(void *p)
{
	struct link_group *g = p;

	free(g->path);
	free(g);
}

void tree_links_forget(struct tree_links *l, const struct statx *stx)
{
	struct link_group *g = tree_links_find(l, stx);

	if (!g)
		return;
	(void)tdelete(g, &l->root, compare_groups); /* it is there */
	free_group(g);
}

void tree_links_release(struct tree_links *l)
{
	tdestroy(l->root, free_group);
	l->root = NULL;
}
