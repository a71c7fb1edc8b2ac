// SPDX-License-Identifier: GPL-2.0-only
#include "tree-used.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct used_key {
	struct digest key;
	uint32_t next;		/* replicas below this one are used or full */
};

static int compare_keys(const void *a, const void *b)
{
	return memcmp(((const struct used_key *)a)->key.b,
		      ((const struct used_key *)b)->key.b, DIGEST_SIZE);
}

static bool has_inode(const struct statx *stx, void *ctx)
{
	const struct tree_used *u = ctx;

	return tree_links_find(&u->inodes, stx);
}

/* A tree with thousands of equal files would otherwise look at all replicas for
 * each of them. */
static uint32_t first_replica(const struct digest *key, void *ctx)
{
	const struct tree_used *u = ctx;
	const struct used_key want = { .key = *key };
	struct used_key **found = tfind(&want, &u->keys, compare_keys);

	return found ? (*found)->next : 0;
}

struct store_avoid tree_used_avoid(struct tree_used *u)
{
	return (struct store_avoid){ has_inode, first_replica, u };
}

int tree_used_add(struct tree_used *u, const struct master *m)
{
	const struct used_key want = { .key = m->key };
	struct used_key **found = tfind(&want, &u->keys, compare_keys);
	struct used_key *k = found ? *found : malloc(sizeof(*k));

	if (!k)
		return -ENOMEM;
	*k = (struct used_key){ .key = m->key, .next = m->replica + 1 };
	if (!found && !tsearch(k, &u->keys, compare_keys)) {
		free(k);
		return -ENOMEM;
	}
	return tree_used_add_ino(u, &m->attr.stx, m->attr.stx.stx_ino);
}

int tree_used_add_ino(struct tree_used *u, const struct statx *like,
		      uint64_t ino)
{
	struct statx stx = *like;
	struct link_group *g;

	stx.stx_ino = ino;
	return tree_links_get(&u->inodes, &stx, &g);
}

void tree_used_release(struct tree_used *u)
{
	tree_links_release(&u->inodes);
	tdestroy(u->keys, free);
	u->keys = NULL;
}
