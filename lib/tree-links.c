// SPDX-License-Identifier: GPL-2.0-only
#include "tree-links.h"

#include <errno.h>
#include <search.h>
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

static struct link_group key_of(const struct statx *stx)
{
	return (struct link_group){
		.ino = stx->stx_ino,
		.dev_major = stx->stx_dev_major,
		.dev_minor = stx->stx_dev_minor,
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

void tree_links_release(struct tree_links *l)
{
	tdestroy(l->root, free_group);
	l->root = NULL;
}
