/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What importing a directory and cloning have in common: walk the source, make
 * everything but regular files anew in the target, keep hard links. The regular
 * files are the caller's part.
 *
 *	struct tree_copy tc = { .pool = p, .rootfs_fd = fd, .file = link_file };
 *
 *	r = tree_copy_run(&tc, src_fd, err);
 *	*ret = tc.stats;
 *	tree_copy_release(&tc);
 *
 * Metadata of a directory is set when all its content is there. An object with
 * several links is made once; its other names in the source become links to the
 * first one in the target. Used by tree-*.c only.
 */
#ifndef COWLINK_TREE_COPY_H
#define COWLINK_TREE_COPY_H

#include <stdbool.h>

#include "iattr.h"
#include "tree-links.h"
#include "tree-used.h"
#include "tree.h"
#include "walk.h"

struct tree_copy {
	struct pool *pool;
	enum engine engine;
	int rootfs_fd;		/* empty directory; borrowed */
	bool living;		/* the source may change under our hands */
	/*
	 * Make the regular file @e as e->name in @dirfd; adds to tc->stats but
	 * for .files and .size_bytes. 0, -errno with tc->err set, or -ENOENT
	 * without one when a living source lost the name.
	 */
	int (*file)(struct tree_copy *tc, const struct walk_entry *e, int dirfd);
	/* Before that, if not NULL: 1 when something else, or nothing, was made of
	 * this regular file, which adds to all of tc->stats; 0; or -errno. */
	int (*instead)(struct tree_copy *tc, const struct walk_entry *e,
		       int dirfd);
	const struct tree_identity *identity;	/* the caller's, NULL: kept */
	/* Do the names of this inode belong together? NULL: more than one link
	 * says so. */
	bool (*is_group)(struct tree_copy *tc, const struct walk_entry *e);
	bool strayed;		/* set by .file: what it found at the name was another
				 * inode than @e, which is not made yet */
	struct tree_stats stats;
	struct tree_links links;
	struct tree_used used;
	struct err *err;
	/* private: the target's directories from the root to where we are */
	int *dirs;
	size_t depth;
	size_t alloc;
};

int tree_copy_run(struct tree_copy *tc, int src_fd, struct err *err);
void tree_copy_release(struct tree_copy *tc);

/*
 * A file of its own in @dirfd with the content of @src and the metadata @attr;
 * by reflink where the filesystem can, but under ENGINE_COPY. -EAGAIN when @src
 * was longer or shorter than @attr says. On failure the name may be there. With
 * @sync it is on disk on success.
 */
int tree_copy_private(enum engine engine, int src, const struct iattr *attr,
		      int dirfd, const char *name, bool sync);

/* A symlink, fifo, socket or device as @attr says; @target for a symlink. */
int tree_make_special(int dirfd, const char *name, const struct iattr *attr,
		      const char *target);

#endif
