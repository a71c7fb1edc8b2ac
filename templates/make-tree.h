/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A template or guest in the making, from the name to the published tree.
 *
 *	_cleanup_make_tree_ struct make_tree mt = MAKE_TREE_INIT;
 *
 *	r = make_tree_begin(p, TREE_GUEST, name, engine, &origin, &mt, err);
 *	... fill mt.rootfs_fd ...
 *	r = make_tree_publish(&mt, &stats, err);
 *
 * What was begun and not published is undone when the object leaves scope: no
 * tree, no row.
 *
 * The crash argument. The row CREATING is committed first; the tree is built in
 * staging/, which is swept. Its data is on disk before the rename that publishes it,
 * by syncfs(2) where the maker of the tree has not seen to it (tree_stats), so that
 * a published name never leads to a half written tree; staging_publish() makes the
 * name last, and with it all metadata from before. Then the row says READY. A
 * crash before the rename leaves a row without a tree, which is removed; one after
 * it a whole tree, which becomes READY.
 */
#ifndef COWLINK_MAKE_TREE_H
#define COWLINK_MAKE_TREE_H

#include "pool.h"
#include "tree.h"

struct make_tree {
	struct pool *pool;
	struct tree_row row;
	int lock_fd;		/* the name, exclusively */
	struct staging staging;
	int rootfs_fd;		/* to be filled */
	bool has_row;
	bool ready;
};

#define MAKE_TREE_INIT { .lock_fd = -1, .staging = STAGING_INIT, .rootfs_fd = -1 }
#define _cleanup_make_tree_ __attribute__((cleanup(make_tree_release)))

/* Where a new tree comes from. */
struct make_tree_origin {
	const char *text;	/* the template's name, or the path imported */
	const char *uuid;	/* the template's, or NULL */
};

/* -EEXIST "guest 'x' exists". */
int make_tree_begin(struct pool *p, enum tree_kind kind, const char *name,
		    enum engine engine, const struct make_tree_origin *origin,
		    struct make_tree *ret, struct err *err);

/* The tree is whole: make it durable and visible. */
int make_tree_publish(struct make_tree *mt, const struct tree_stats *stats,
		      struct err *err);

void make_tree_release(struct make_tree *mt);

/*
 * Destroy a tree whose name the caller has locked. A crash in between is finished
 * by the next command. When nothing could be moved the tree stays as it was.
 */
int destroy_tree(struct pool *p, struct tree_row *row, struct err *err);

#endif
