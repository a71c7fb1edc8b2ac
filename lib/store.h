/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: master inodes, one per content and metadata, named
 * store/<first two hex digits>/<32 hex digits of the key>.<replica>.
 *
 * Master rule. A master is written by us into an unnamed file, hashed as written,
 * given its metadata, closed for writing, marked shared (engine `kernel`) and only
 * then linked into the store. Nothing that a guest created becomes a master: the
 * guest could still hold a mapping or a pinned page of it. The exception are unprotected
 * pools, where no guest runs and everybody can change a master by any of its names:
 * store_adopt().
 *
 * A key is a candidate. Replica numbers tell apart both copies made because a
 * master ran out of links and different files with the same key; a master is used
 * only after its metadata and its bytes were compared with the file at hand.
 *
 * Shard directories are +i outside of the moment in which a name is added or
 * removed, so that no program of the host changes a master by its name.
 *
 * Durability: a new master is not yet on disk when these functions return.
 * store_sync() before a name that was durable is replaced by a link to one. That holds
 * for one that was found, too: its maker may not have come to his sync.
 */
#ifndef COWLINK_STORE_H
#define COWLINK_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"
#include "iattr.h"
#include "pool.h"

#define STORE_NAME_SIZE (DIGEST_HEX_SIZE + 11)	/* hex, ".", replica, NUL */

/* A master, open read-only. */
struct master {
	int fd;
	struct digest key;
	uint32_t replica;
	struct iattr attr;
	bool created;		/* by this call */
	bool adopted;		/* it is what it was made of */
	bool leased;		/* master_lease(): a read lease is on it, and ... */
	char *bytes;		/* ... this is what it holds; NULL where it is long */
};
#define MASTER_INIT { .fd = -1 }
#define _cleanup_master_ __attribute__((cleanup(master_release)))

void master_release(struct master *m);

/* Have a lease (lease.h) on it, so that unify_replace() need not read a short one for each
 * name, nor compare a long one twice. Once, since nobody could tell two from one that was
 * held. */
void master_lease(struct master *m);

/*
 * Masters that will not do although they are equal: those that the tree at hand
 * has a name of already. Two equal files of a tree must stay two inodes, or a
 * backup that knows hard links would take them for one file; the second one gets
 * a replica, which other trees share in turn. NULL avoids none.
 */
struct store_avoid {
	bool (*has)(const struct statx *stx, void *ctx);
	/* Replicas below this number are avoided without a look. NULL: 0. */
	uint32_t (*first)(const struct digest *key, void *ctx);
	void *ctx;
};

/*
 * The master for the file open as @src (read-only), whose status and xattrs are
 * @attr: one that is there and equal, with fewer links than the pool's limit,
 * else a new one. -EAGAIN when @src changed meanwhile; -ENOSPC, -EDQUOT and read
 * errors leave the store as it was.
 *
 * @key, if not NULL: the one computed when @src was read before, which spares reading
 * it once more. That it still is the key of @src is not relied on; ret->key is.
 */
int store_intern(struct pool *p, int src, const struct iattr *attr,
		 const struct digest *key, const struct store_avoid *avoid,
		 struct master *ret, struct err *err);

/*
 * As store_intern() for a file of a tree of this pool, which is unprotected: no
 * copy is made where a lease on the file can be had. Its bytes are read once more under that,
 * and it is the master itself, ret->adopted, and its name is shared. -ETXTBSY when there is no
 * master and somebody has the file open for writing.
 */
int store_adopt(struct pool *p, int src, const struct iattr *attr,
		const struct digest *key, const struct store_avoid *avoid,
		struct master *ret, struct err *err);

/*
 * The same for a file that we are writing: begin, write to @fd through the
 * hasher, then commit with the metadata it shall have (size is taken from the
 * file). The draft is used up in any case.
 */
struct draft {
	int fd;			/* unnamed, open read-write */
	struct hasher *hasher;
};
#define DRAFT_INIT { .fd = -1 }

int store_draft_begin(struct pool *p, struct draft *ret, struct err *err);
int store_draft_write(struct draft *d, const void *buf, size_t len,
		      struct err *err);
int store_draft_hole(struct draft *d, uint64_t len, struct err *err);
int store_draft_commit(struct pool *p, struct draft *d,
		       const struct iattr *attr,
		       const struct store_avoid *avoid, struct master *ret,
		       struct err *err);
void store_draft_release(struct draft *d);

/* Add a name for the master; -EMLINK when it just ran out of links, or lost its last name
 * because its maker could not write it to disk: intern again. */
int store_link(const struct master *m, int dirfd, const char *name,
	       struct err *err);

/*
 * For cloning: make @newname in @newdir another name of the master that @name in
 * @dirfd already is (@stx its status), or of a replica of it when it has as many
 * links as the pool allows or is to be avoided. -EUCLEAN when it is in quarantine.
 */
struct store_linked {
	uint64_t ino;		/* what @newname is a name of now */
	bool replica;		/* not the one that @name is, but one that may not be
				 * on disk yet: store_sync() */
	bool created;		/* that was made for it */
};

int store_link_again(struct pool *p, int dirfd, const char *name,
		     const struct statx *stx, const struct store_avoid *avoid,
		     int newdir, const char *newname,
		     struct store_linked *ret, struct err *err);

/* Is this inode (a regular file in a tree) a name of a master, be it one that is in
 * quarantine? 1, 0 or -errno.
 * Asks the inode itself under engine `kernel`, the catalog on unprotected pools. */
int store_is_master(struct pool *p, int dirfd, const char *name,
		    const struct statx *stx, struct err *err);

/* The status of one master by its name in the store; -ENOENT without a message
 * when there is none. For plans: a link count is old as soon as it is read. */
int store_stat(struct pool *p, const struct digest *key, uint32_t replica,
	       struct statx *ret, struct err *err);

/*
 * All masters so far are on disk, one syncfs(2), and the catalog knows them: where
 * the inode itself does not tell, recovery knows a link to one by that. When the disk
 * failed, those that this process has made since the last time have lost their names in
 * the store and their rows, because nothing tells later that what is in memory is not on
 * the disk. By one thread at a time.
 */
int store_sync(struct pool *p, struct err *err);
int store_sync_data(struct pool *p, struct err *err); /* without the catalog */

/* Does the open master hold what its key promises? 1, 0 or -errno. */
int master_is_whole(int fd, const struct digest *key);

struct store_entry {
	struct digest key;
	uint32_t replica;
	int shard_fd;
	const char *name;
	struct statx stx;
};

/* Every file of the store; a name that is no master's gives a callback with
 * replica UINT32_MAX. A nonzero result ends the loop and is returned. */
int store_each(struct pool *p,
	       int (*fn)(const struct store_entry *e, void *ctx), void *ctx,
	       struct err *err);

/* Remove a master that has no name outside the store; -EBUSY when it has one.
 * The pool lock is held exclusively. */
int store_remove(struct pool *p, const struct store_entry *e, struct err *err);

/* Move an entry that is no master (replica UINT32_MAX) out of the store to @name in
 * @dirfd, untouched. The pool lock is held exclusively. */
int store_expel(struct pool *p, const struct store_entry *e, int dirfd,
		const char *name, struct err *err);

/*
 * Move a master that was found damaged to quarantine/, whoever shares it, and make
 * the catalog remember it. Its file is not touched. Where the catalog cannot take
 * it the move counts. The pool lock is held exclusively.
 */
int store_quarantine(struct pool *p, const struct store_entry *e,
		     const char *reason, struct err *err);

/* Every master in quarantine/, as store_each(); the name is that in quarantine/, and
 * shard_fd that directory. */
int store_quarantine_each(struct pool *p,
			  int (*fn)(const struct store_entry *e, void *ctx),
			  void *ctx, struct err *err);

/* Remove one of these that no tree shares; -EBUSY when one does. The pool lock is
 * held exclusively. */
int store_quarantine_remove(struct pool *p, const struct store_entry *e,
			    struct err *err);

/*
 * The names of all masters in the order of their inodes, malloc'ed into *@ret: what
 * is found without looking at one of them, so that a damaged one cannot hide the
 * others. What is no master's name is left out.
 */
struct store_item {
	uint64_t ino;
	struct digest key;
	uint32_t replica;
};

int store_list(struct pool *p, struct store_item **ret, size_t *ret_count,
	       struct err *err);

/* Open the shard and the master of an item, or give -errno. Released by the caller;
 * @e->name points to @name. */
int store_item_open(struct pool *p, const struct store_item *item,
		    char name[STORE_NAME_SIZE], struct store_entry *ret);

/* Put +i back on shards that lost it to a crash; the number mended, or -errno.
 * With @dry only counts. The pool lock is held exclusively unless @dry. */
int store_protect(struct pool *p, bool dry, struct err *err);

#endif
