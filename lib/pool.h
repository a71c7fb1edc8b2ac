/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool: one directory on one filesystem, mode 0700, with
 *
 *	catalog.db  store/ab/<key>.<replica>  templates/<name>/rootfs/
 *	guests/<name>/rootfs/  staging/  quarantine/  lock
 *
 * Locks are OFD locks (fcntl(2)) on byte ranges of the file `lock`, so that they
 * end with their owner, leave nothing behind and one file serves all: byte 0 is
 * the pool (shared by whoever changes anything, exclusive for repair and gc), and
 * each name or staging directory has the byte its hash points to. Each lock has
 * its own open file description. Order: pool, then the template's name, then the
 * guest's, then a store shard.
 */
#ifndef COWLINK_POOL_H
#define COWLINK_POOL_H

#include <pthread.h>

#include "catalog.h"
#include "engine.h"
#include "err.h"

#define POOL_LINK_LIMIT_DEFAULT 32000	/* half of ext4's 65000 */
#define POOL_LINK_LIMIT_MAX 64000
#define TREE_ID_XATTR "trusted.cowlink.id"
#define POOL_INFO_XATTR "trusted.cowlink.pool"

struct store_item;

struct pool {
	char *path;		/* as given, for messages */
	int fd;
	int store_fd;
	int templates_fd;
	int guests_fd;
	int staging_fd;
	int shared_lock_fd;	/* the lock on byte 0 */
	struct pool_info info;
	struct engine_probe engine;
	struct catalog *catalog;
	/* The catalog is for one thread at a time: pool_open_tree(), which any thread
	 * may call, and what changes the store take this. */
	pthread_mutex_t catalog_lock;
	struct store_item *unsynced; /* masters made since store_sync(); with that lock */
	size_t unsynced_count, unsynced_alloc;
	bool damage_seen;	/* one was found damaged, which was said */
	uint64_t *quarantined;	/* sorted inode numbers; see pool_is_quarantined() */
	size_t quarantined_count;
};

enum pool_mode {
	POOL_RO,	/* list, show: takes no lock, probes nothing */
	POOL_RW,	/* shared pool lock, engine probed, crashes recovered */
	POOL_EXCLUSIVE,	/* the same with the exclusive lock: check --repair, gc */
};

struct pool_options {
	bool unprotected;
	uint32_t link_limit;	/* 0: the default */
};

/*
 * Which pool: @option (--pool) if not NULL, else $COWLINK_POOL, else `pool =
 * DIR` in $(sysconfdir)/cowlink.conf ($COWLINK_CONFIG names another file), else
 * the compiled-in default. malloc'ed.
 */
int pool_locate(const char *option, char **ret_path, struct err *err);

/*
 * Make a pool in @path, which is missing or an empty directory (an empty
 * lost+found and what an init that was killed left do not count). -EOPNOTSUPP on
 * a filesystem that cannot hold one, with what it lacks. A failure leaves what was
 * there before.
 */
int pool_create(const char *path, const struct pool_options *opt,
		struct err *err);

/* -ENOENT when there is no pool. A lock that somebody has is waited for, with a
 * notice. */
int pool_open(const char *path, enum pool_mode mode, struct pool **ret,
	      struct err *err);
void pool_close(struct pool *p);	/* NULL is fine */

/* One line for people: the engine and why. Nothing when it was not probed
 * (POOL_RO) or is `unprotected`, of which pool_warn() speaks. */
void pool_announce(const struct pool *p);

/* A warning when the pool is unprotected. */
void pool_warn(const struct pool *p);

/* 1 to 64 bytes of [A-Za-z0-9._+-], the first a letter or digit. Else
 * err_usage() says what is wrong with it. */
int tree_name_check(enum tree_kind kind, const char *name, struct err *err);

/* The directory that holds trees of this kind. */
int pool_trees_fd(const struct pool *p, enum tree_kind kind);

/* Open a READY tree's rootfs; -ENOENT "no such guest 'x'", -EBUSY while another
 * command makes or destroys it, -EUCLEAN when its directory is missing. */
int pool_open_tree(struct pool *p, enum tree_kind kind, const char *name,
		   struct tree_row *ret_row, int *ret_rootfs_fd,
		   struct err *err);

/*
 * Lock a name (kind may be any small integer, see POOL_LOCK_STAGING). With @wait
 * false -EBUSY when somebody has it. Returns a descriptor; closing it unlocks.
 */
#define POOL_LOCK_STAGING 100
#define POOL_LOCK_SHARD 101
int pool_lock_name(struct pool *p, int kind, const char *name, bool wait,
		   struct err *err);

/* Does anybody else hold the pool lock, in whatever way? Takes none; false where it
 * cannot be told. */
bool pool_is_busy(const struct pool *p);

/*
 * quarantine/, which is made when it is needed, holds masters that were found
 * damaged, as <key>.<replica>.<inode number>. Trees may still have names of them.
 * The directory decides; the catalog only remembers why. Masters are put there
 * under the exclusive lock, so that what pool_open() read stays true (POOL_RO: what
 * was there then).
 */
#define POOL_QUARANTINE_DIR "quarantine"

int pool_quarantine_load(struct pool *p, struct err *err);
bool pool_is_quarantined(const struct pool *p, uint64_t ino);

/*
 * A private directory staging/<random>, locked while it is in use.
 * staging_release() removes it with all it holds, unless it was published.
 */
struct staging {
	struct pool *pool;
	char name[17];
	int fd;
	int lock_fd;
};
#define STAGING_INIT { .fd = -1, .lock_fd = -1 }

int staging_create(struct pool *p, struct staging *ret, struct err *err);
void staging_release(struct staging *s);

/* The same with a directory that is there: @name in @dirfd is renamed to
 * staging/<random>, for release to remove, and @dirfd is synced. Takes no space, so
 * that a full pool can be cleaned up. */
int staging_take(struct pool *p, int dirfd, const char *name,
		 struct staging *ret, struct err *err);

/* Only the random name and its lock, for files in staging/ that are called after
 * it; to be released too. */
int staging_reserve(struct pool *p, struct staging *ret, struct err *err);

/*
 * Rename the whole directory to @name in @dirfd (RENAME_NOREPLACE) and fsync
 * @dirfd: a row that says READY after this is true even after a power cut, if what
 * is in the directory was synced before. -EEXIST when the name is taken. On
 * success @s->fd stays open until staging_release(), which then removes nothing.
 */
int staging_publish(struct staging *s, int dirfd, const char *name,
		    struct err *err);

/*
 * What a crash left: rows that are not READY and whose names nobody holds are
 * finished (published tree: READY; no tree: row removed; being destroyed:
 * destroyed), staging directories that nobody holds are removed. A file that a
 * crashed vhashify displaced and that is not the one it meant to replace is kept
 * (see unify.h) and reported by `vtemplate check`. pool_open() calls it.
 */
int pool_recover(struct pool *p, struct err *err);

/* Does this kernel show a file of the store as a shared one? Needs no room on the disk. */
bool pool_has_shared(struct pool *p);

/*
 * Finish the destruction of the tree of @row, which is DESTROYING and whose name
 * the caller has locked: the tree moves to staging/, the row goes, then the files.
 * A directory of that name that does not carry the row's identity is left alone.
 */
int pool_drop_tree(struct pool *p, const struct tree_row *row, struct err *err);

/* Does the directory of that name hold the tree that @row describes? 1 and, unless
 * NULL, its identity in *@ret; 0 no; -errno. */
int pool_find_published(struct pool *p, const struct tree_row *row,
			struct tree_row *ret);

/*
 * The identity written to a tree's root: "1 kind uuid engine created_ns
 * origin_uuid files dirs others size_bytes name origin", "-" for an empty
 * origin_uuid: all that is needed to make its row again. Written when the counts
 * are known, before the tree is published.
 */
int tree_id_write(int rootfs_fd, const struct tree_row *row, struct err *err);
/* -ENODATA when there is none, -EUCLEAN when it cannot be understood. */
int tree_id_read(int rootfs_fd, struct tree_row *ret, struct err *err);

/*
 * The pool row once more, as "1 uuid unprotected link_limit created_ns" in an
 * xattr of the pool's directory: a pool that lost its catalog must still know that
 * it is unprotected. Errors as above.
 */
int pool_info_write(int pool_fd, const struct pool_info *info, struct err *err);
int pool_info_read(int pool_fd, struct pool_info *ret, struct err *err);

#endif
