/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths inside a tree that may be longer than PATH_MAX. Every step is below the
 * root and follows no symlink.
 */
#ifndef COWLINK_TREE_PATH_H
#define COWLINK_TREE_PATH_H

#include "err.h"

/*
 * Bring a path from an archive into the form "a/b/c": "." and empty components
 * vanish; "" is the root. Absolute paths, "..", names over 255 bytes and more
 * than WALK_DEPTH_MAX levels are -EINVAL. malloc'ed.
 */
int tree_path_normalize(const char *raw, char **ret, struct err *err);

/* Open the directory @path ("" the root itself; a slash may end it) below @rootfd; a descriptor,
 * -ELOOP or -ENOTDIR when a component is a symlink or no directory. */
int tree_path_open_dir(int rootfd, const char *path);

/* The path of the directory that holds @path, malloc'ed, "" for the root; NULL when
 * memory is out. *@ret_name, the last component, points into @path. */
char *tree_path_parent(const char *path, const char **ret_name);

/*
 * Split @path into the opened directory and the last component, which points into
 * @path. @path is not "".
 */
int tree_path_open_parent(int rootfd, const char *path, int *ret_dirfd,
			  const char **ret_name);

#endif
