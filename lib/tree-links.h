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
 * A group is found by device and inode number; while a living tree is read, another inode
 * may get the number, which the stamp tells. Memory is the set's; groups live until
 * tree_links_forget() or tree_links_release().
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
	uint64_t stamp;		/* link_stamp() of the inode it was made for */
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

/* The inode is gone, and with it its group, if it has one. */
void tree_links_forget(struct tree_links *l, const struct statx *stx);

/* Differs for two inodes that have one number, one after the other: their type and time of
 * birth, or, where the filesystem does not know that, their size and modification time. */
uint64_t link_stamp(const struct statx *stx);

void tree_links_release(struct tree_links *l);

#endif
