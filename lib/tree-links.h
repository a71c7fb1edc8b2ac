/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hard links inside one tree: which inode of the source has which name in the
 * target already. Used by tree-*.c only.
 *
 *	struct tree_links links = TREE_LINKS_INIT;
 *
 *	r = tree_links_get(&links, stx, &group);
 *	if (group->path)	... the inode was made under this name before
 *
 * A group is found by device and inode number. Memory is the set's; groups live
 * until tree_links_release().
 */
#ifndef COWLINK_TREE_LINKS_H
#define COWLINK_TREE_LINKS_H

#include <stdint.h>
#include <sys/stat.h>

struct link_group {
	uint64_t ino;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t names;		/* counted by the caller */
	char *path;		/* its first name in the target, malloc'ed, or NULL */
};

struct tree_links {
	void *root;		/* of tsearch(3) */
};

#define TREE_LINKS_INIT { 0 }

/* Find or add the group of this inode. 0 or -ENOMEM. */
int tree_links_get(struct tree_links *l, const struct statx *stx,
		   struct link_group **ret);

/* The group of this inode, or NULL. */
struct link_group *tree_links_find(const struct tree_links *l,
				   const struct statx *stx);

void tree_links_release(struct tree_links *l);

#endif
