/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the tar import, used by tree-tar*.c only.
 *
 * libarchive reads; what it reads is applied here, by descriptors below the target
 * and by numbers: no name of a user is looked up and nothing is extracted through
 * a path.
 */
#ifndef COWLINK_TREE_TAR_H
#define COWLINK_TREE_TAR_H

#include <archive.h>
#include <archive_entry.h>

#include "iattr.h"
#include "tree-links.h"
#include "tree-used.h"
#include "tree.h"

/* A directory whose metadata waits until its content is there. */
struct tar_dir {
	char *path;
	struct iattr attr;
};

struct tar_import {
	struct pool *pool;
	enum engine engine;
	int rootfs_fd;
	const char *archive_path;	/* for messages */
	struct archive *archive;
	struct tree_stats stats;
	struct tree_links privates;	/* inodes made private for hard links */
	struct tree_used used;
	struct tar_dir *dirs;
	size_t dir_count;
	size_t dir_alloc;
	char *parent;			/* the directory that was used last */
	int parent_fd;
	struct err *err;
};

/* Status and xattrs as the entry @path has them. -EINVAL for what a Linux
 * filesystem cannot hold, with the reason. */
int tar_entry_attr(struct archive_entry *entry, const char *path,
		   struct iattr *ret, struct err *err);

/* Write the file of the entry whose header was read just now; @name is free. */
int tar_make_file(struct tar_import *ti, const struct iattr *attr,
		  const char *path, int dirfd, const char *name);

/* Make @name in @dirfd another name of the non-directory @target, a normalized
 * path in the tree. */
int tar_make_hardlink(struct tar_import *ti, const char *target,
		      const char *path, int dirfd, const char *name);

/* What libarchive said last, as an error about the archive. */
int tar_archive_error(struct tar_import *ti);

#endif
