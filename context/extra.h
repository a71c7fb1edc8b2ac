/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Directories of the host that a guest gets besides its tree, the setting "mount":
 * "SOURCE:TARGET[:OPTION,...]", several separated by blanks. What is in them belongs to
 * the guest's ids as its tree does. The targets are names in a tree that the guest has
 * filled: no symlink is followed, and no other mount entered. Nor is one followed on the
 * way to a source, which may be in what a guest writes.
 */
#ifndef COWLINK_EXTRA_H
#define COWLINK_EXTRA_H

#include "settings.h"

#define EXTRA_MAX 16

struct extra_list {
	size_t count;
	struct extra {
		int fd;		/* the mount, not yet anywhere */
		char source[256];
		char target[256];	/* without the slash in front */
		uint64_t attributes;	/* MOUNT_ATTR_* */
	} list[EXTRA_MAX];
};

#define _cleanup_extra_ __attribute__((cleanup(extra_release)))

/* For the table of settings. A symlink on the way to a source is -ELOOP. */
int extra_check(const struct setting_key *key, const char *value,
		struct err *err);

/* Take the sources, with the ids of @userns_fd, and make targets that are missing in
 * the tree; before the mount namespace is left. @value NULL: none. */
int extra_open(const char *value, int rootfs_fd, int userns_fd,
	       struct extra_list *ret, struct err *err);

/* Put them in their places below the mount @root. */
int extra_place(const struct extra_list *l, int root, struct err *err);
void extra_release(struct extra_list *l);

#endif
