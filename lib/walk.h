/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walk a directory tree that may be hostile and may change while we walk.
 *
 *	static int on_file(const struct walk_entry *e, void *ctx) { ... }
 *	static const struct walk_ops ops = { .file = on_file };
 *
 *	r = walk_tree(rootfd, &ops, ctx, &err);
 *
 * Every step is relative to a directory descriptor, no symlink is ever followed
 * and no mount point crossed, so that nothing in the tree can lead out of it.
 * One directory's names are read whole and visited in inode order (on ext4 and
 * XFS the order on disk). One descriptor per level is held: WALK_DEPTH_MAX
 * levels at most, or what RLIMIT_NOFILE gives (see fdio_raise_nofile()).
 *
 * Callbacks return 0 to go on, WALK_SKIP from enter() to leave a directory
 * aside (leave() is not called then), or a negative errno, which ends the walk
 * and is its result. A NULL callback means "nothing to do".
 */
#ifndef COWLINK_WALK_H
#define COWLINK_WALK_H

#include <stdint.h>
#include <sys/stat.h>

#include "err.h"

#define WALK_SKIP 1
#define WALK_DEPTH_MAX 3000

struct walk_entry {
	int dirfd;		/* the directory that holds @name; -1 for the root */
	const char *name;	/* one component; "" for the root itself */
	const char *path;	/* relative to the root, raw bytes; "" for the root */
	unsigned int depth;	/* 0 for the root */
	int fd;			/* enter and leave: the directory itself; else -1 */
	const struct statx *stx;
};

/* A name as its directory has it; whatever is mounted there is not seen. */
struct walk_name {
	const char *name;
	uint64_t ino;
	unsigned char type;	/* DT_REG ..., DT_UNKNOWN on some filesystems */
};

struct walk_names;

struct walk_ops {
	int (*enter)(const struct walk_entry *e, void *ctx); /* dirs, before */
	int (*file)(const struct walk_entry *e, void *ctx);  /* all but dirs */
	int (*leave)(const struct walk_entry *e, void *ctx); /* dirs, after */
	/*
	 * A name could not be examined or a directory not read (@code), a
	 * directory is too deep (-ELOOP) or on another filesystem (-EXDEV).
	 * Return 0 to go on without it. NULL: such an error ends the walk. A
	 * name that vanished meanwhile is not an error and is not reported.
	 */
	int (*error)(const struct walk_entry *e, int code, void *ctx);

	/*
	 * For who remembers an earlier walk. pass(): a directory that is not yet
	 * open (@e->fd -1); WALK_SKIP leaves it aside, and enter() is not called.
	 * recall(), after enter(): 1 when walk_recall() was told all names that
	 * shall be looked at, in the order to visit them; 0: read the directory.
	 */
	int (*pass)(const struct walk_entry *e, void *ctx);
	int (*recall)(const struct walk_entry *dir, struct walk_names *names,
		      void *ctx);
	/* Each name of a directory that is read, in inode order and before any of
	 * them is looked at; WALK_SKIP: it is not. */
	int (*name)(const struct walk_entry *dir, const struct walk_name *n,
		    void *ctx);
};

/* 0 or -ENOMEM. */
int walk_recall(struct walk_names *names, const char *name);

/* So many walks can go on at once and each be WALK_DEPTH_MAX deep, as RLIMIT_NOFILE is
 * now; at least 1. */
size_t walk_at_once(void);

int walk_tree(int rootfd, const struct walk_ops *ops, void *ctx,
	      struct err *err);

#endif
