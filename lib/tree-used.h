/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which masters a tree in the making has a name of already, so that it gets no
 * second one (struct store_avoid). Used by tree-*.c only.
 */
#ifndef COWLINK_TREE_USED_H
#define COWLINK_TREE_USED_H

#include "store.h"
#include "tree-links.h"

struct tree_used {
	struct tree_links inodes;
	void *keys;		/* of tsearch(3): the next replica of each key */
};

#define TREE_USED_INIT { TREE_LINKS_INIT, NULL }

/* For the store functions; valid as long as @u. */
struct store_avoid tree_used_avoid(struct tree_used *u);

/* The tree has a name of this master now. 0 or -ENOMEM. */
int tree_used_add(struct tree_used *u, const struct master *m);

/* The same when only the inode is known, of the filesystem of @like. */
int tree_used_add_ino(struct tree_used *u, const struct statx *like,
		      uint64_t ino);

void tree_used_release(struct tree_used *u);

#endif
