/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole trees: import, clone, remove. The target is an empty directory in
 * staging/ that nobody else can reach; publishing it is the caller's.
 *
 * What comes out equal to the source: directories, regular files, symlinks, fifos,
 * devices, sockets; owner, mode with set-user-ID bits, atime and mtime in
 * nanoseconds, xattrs with ACLs and file capabilities, hard links inside the tree,
 * holes. What does not: inode numbers, ctime, birth time, chattr flags, project
 * id, mounts inside the source (skipped with a warning).
 *
 * Files that have several names inside the tree stay private to the tree, linked
 * among themselves: sharing them would split the names at the first write.
 */
#ifndef COWLINK_TREE_H
#define COWLINK_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "pool.h"

struct tree_stats {
	uint64_t files;		/* names of regular files */
	uint64_t dirs;
	uint64_t others;
	uint64_t size_bytes;	/* apparent, of regular files; names that are
				 * hard-linked to each other in the tree once */
	uint64_t linked;	/* names that are links to masters */
	uint64_t private_files;	/* inodes written or reflinked for this tree */
	uint64_t new_masters;
	uint64_t new_bytes;	/* bytes of new masters and private files */
	/*
	 * Data was written that no journal orders before the publishing rename:
	 * syncfs(2) first. Not set by a clone that is links to what its template
	 * has, directories and a few private files that were fsynced one by one:
	 * on ext4 and XFS the fsync(2) of the directory it is published in commits
	 * all metadata before it. A syncfs(2) would wait for everybody's dirty
	 * data, seconds on a busy host.
	 */
	bool needs_sync;
};

/* Under an engine that links, each file goes to the store once and is linked;
 * else it is reflinked or copied into the tree. */
int tree_import_dir(struct pool *p, int src_fd, int rootfs_fd,
		    struct tree_stats *ret, struct err *err);

/*
 * @fd: a tar archive in any format and compression libarchive reads. Absolute
 * names, "..", names below a symlink and hard links to what is not in the
 * archive are refused: the whole import fails with -EINVAL naming the entry.
 */
int tree_import_tar(struct pool *p, int fd, const char *path, int rootfs_fd,
		    struct tree_stats *ret, struct err *err);

/*
 * @engine is what the clone shall use; at most what the pool's probe found. With
 * @name it is a system of this name and of its own (tree-identity.h); with NULL a
 * copy in everything.
 */
int tree_clone(struct pool *p, int src_fd, int rootfs_fd, enum engine engine,
	       const char *name, struct tree_stats *ret, struct err *err);

/* Remove @name in @dirfd and all below it, by descriptors. Missing is success. */
int tree_remove(int dirfd, const char *name, struct err *err);

#endif
