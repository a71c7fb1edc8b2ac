/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The catalog: one SQLite database per pool, WAL, foreign keys on, STRICT
 * tables. schema/README.md says which table is truth (pool, tree, guest, setting) and
 * which a cache that is made again (object, scan, watch); run, churn, resume, quarantine
 * and scrub are diaries, without which less is known and nothing goes wrong.
 *
 *	r = catalog_open(pool_fd, CATALOG_RW, &cat, err);
 *	r = catalog_begin(cat, err);
 *	r = catalog_tree_add(cat, &row, err);
 *	r = catalog_commit(cat, err);
 *	catalog_close(cat);
 *
 * A change outside of begin and commit is a transaction of its own and durable
 * when the function returns; but rows of the object table, being a cache, are
 * collected and written with the next commit, by thousands, or at close. Whoever
 * has this catalog open sees them at once. Begin before the first of several
 * changes of which a crash must leave all or none.
 *
 * Single-threaded: one object per thread. A transaction is short and never open
 * during slow file I/O. Writers of other processes are waited for (30 s), then
 * -EBUSY. A corrupt or foreign file gives -EUCLEAN, a newer schema -EOPNOTSUPP,
 * and neither is altered. After an error inside a transaction, roll back.
 */
#ifndef COWLINK_CATALOG_H
#define COWLINK_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "hash.h"
#include "uuid.h"

#define CATALOG_APPLICATION_ID 0x436f774c	/* "CowL" */
#define TREE_NAME_MAX 64

struct catalog;

enum catalog_mode {
	CATALOG_RO,	/* also on a read-only filesystem */
	CATALOG_RW,	/* applies the migrations that are missing */
};

enum tree_kind { TREE_TEMPLATE, TREE_GUEST };

/*
 * The life of a tree. The row says what is intended before the filesystem says
 * what is: CREATING is written before anything is made, READY after the rename
 * that publishes the tree, DESTROYING before the tree is moved away. A row that is
 * not READY and whose name nobody has locked is what a crash left; pool_recover()
 * finishes it.
 */
enum tree_state { TREE_CREATING, TREE_READY, TREE_DESTROYING };

struct tree_row {
	int64_t id;
	enum tree_kind kind;
	enum tree_state state;
	char name[TREE_NAME_MAX + 1];
	char uuid[UUID_TEXT_SIZE];
	char engine[16];	/* engine_name() at creation */
	char origin[256];	/* template's name for a guest; source for a template */
	char origin_uuid[UUID_TEXT_SIZE]; /* "" when it has none */
	int64_t created_ns;	/* CLOCK_REALTIME */
	uint64_t files;		/* regular files at creation */
	uint64_t dirs;
	uint64_t others;	/* symlinks, devices, fifos, sockets */
	uint64_t size_bytes;	/* apparent size of the regular files */
	uint32_t context;	/* of a guest, given by the catalog; else 0 */
};

/* A guest's uid and gid 0 on the host. */
#define CONTEXT_UID(context) ((uint32_t)(context) * 65536)

#define SETTING_KEY_SIZE 32
#define SETTING_VALUE_SIZE 1024

/* One setting of a guest; which there are is the business of vserver. */
struct setting {
	char key[SETTING_KEY_SIZE];
	char value[SETTING_VALUE_SIZE];
};

struct pool_info {
	char uuid[UUID_TEXT_SIZE];
	bool unprotected;
	uint32_t link_limit;	/* a master with so many links is retired */
	int64_t created_ns;
};

/* One master in the store; cache. */
struct object_row {
	struct digest key;
	uint32_t replica;
	uint64_t ino;
	uint64_t size_bytes;
};

/* What one run of vhashify came to; a diary of the last CATALOG_RUNS_KEPT runs. */
#define CATALOG_RUNS_KEPT 1000

struct run_row {
	int64_t id;
	int64_t begun_ns;	/* CLOCK_REALTIME */
	int64_t ended_ns;
	int status;		/* exit status */
	uint64_t trees;		/* scanned */
	uint64_t files;
	uint64_t hashed_files, hashed_bytes;
	uint64_t shared_files, shared_bytes;
	uint64_t new_masters, new_bytes;
	uint64_t failed_files;
	uint64_t unreached_files, unreached_trees; /* at its deadline */
};

/*
 * Make the catalog of a new pool, with its pool row, whole or not at all: it is
 * built as catalog.new and renamed to catalog.db. -EEXIST where there is one. What
 * an attempt that was killed left of catalog.new is replaced.
 */
int catalog_create(int pool_fd, const struct pool_info *info, struct err *err);

/* -ENOENT when the directory has no catalog. */
int catalog_open(int pool_fd, enum catalog_mode mode, struct catalog **ret,
		 struct err *err);
void catalog_close(struct catalog *c);	/* NULL is fine; rolls back */

/* How long to wait for other writers; 30000 at first. */
void catalog_set_wait(struct catalog *c, unsigned int wait_ms);

int catalog_begin(struct catalog *c, struct err *err);
int catalog_commit(struct catalog *c, struct err *err);
void catalog_rollback(struct catalog *c);	/* no-op outside a transaction */

/* -EUCLEAN when it is not there. */
int catalog_get_pool(struct catalog *c, struct pool_info *ret, struct err *err);

/* -EEXIST when kind and name are taken. Sets row->id and, for a guest, row->context:
 * what it says if that is free, else the smallest that is. */
int catalog_tree_add(struct catalog *c, struct tree_row *row, struct err *err);
/* -ENOENT without a message when there is none. */
int catalog_tree_find(struct catalog *c, enum tree_kind kind, const char *name,
		      struct tree_row *ret, struct err *err);
/* Writes all columns but id, kind, uuid and context. */
int catalog_tree_update(struct catalog *c, const struct tree_row *row,
			struct err *err);
int catalog_tree_remove(struct catalog *c, int64_t id, struct err *err);
/* All rows of a kind in name order, malloc'ed into *@ret; the caller frees. */
int catalog_tree_list(struct catalog *c, enum tree_kind kind,
		      struct tree_row **ret, size_t *ret_count,
		      struct err *err);
/* The same: all rows that are not READY, of both kinds. */
int catalog_tree_unfinished(struct catalog *c, struct tree_row **ret,
			    size_t *ret_count, struct err *err);

/* All settings of a guest in the order of their keys, malloc'ed into *@ret. */
int catalog_setting_list(struct catalog *c, int64_t tree_id,
			 struct setting **ret, size_t *ret_count,
			 struct err *err);
/* Adds or replaces; an empty value removes, also what is not there. */
int catalog_setting_put(struct catalog *c, int64_t tree_id,
			const struct setting *s, struct err *err);

/* Adds or replaces; a row of another master with the same inode goes. */
int catalog_object_put(struct catalog *c, const struct object_row *row,
		       struct err *err);
int catalog_object_remove(struct catalog *c, const struct digest *key,
			  uint32_t replica, struct err *err);
/* -ENOENT without a message when the inode is no known master. */
int catalog_object_by_ino(struct catalog *c, uint64_t ino,
			  struct object_row *ret, struct err *err);
/* Rows one by one; a callback's nonzero result ends the loop and is returned. */
int catalog_object_each(struct catalog *c,
			int (*fn)(const struct object_row *row, void *ctx),
			void *ctx, struct err *err);
int catalog_object_clear(struct catalog *c, struct err *err);
int catalog_object_count(struct catalog *c, uint64_t *ret, struct err *err);

/* Adds the run and forgets those that are too old; the id is not used. */
int catalog_run_add(struct catalog *c, const struct run_row *row,
		    struct err *err);
/* The last @limit runs, newest first; a callback's nonzero result ends the loop and
 * is returned. */
int catalog_run_each(struct catalog *c, uint64_t limit,
		     int (*fn)(const struct run_row *row, void *ctx), void *ctx,
		     struct err *err);

/* The id of the last run that was added, 0 when there is none. */
int catalog_run_last(struct catalog *c, int64_t *ret, struct err *err);

/* Names of a tree that vhashify watches, as bytes without a meaning here; cache.
 * -ENOENT without a message when there are none; else malloc'ed. Zero bytes remove. */
int catalog_watch_get(struct catalog *c, int64_t tree_id, void **ret,
		      size_t *ret_size, struct err *err);
int catalog_watch_put(struct catalog *c, int64_t tree_id, const void *bytes,
		      size_t size, struct err *err);

/* Of the names that vhashify shared, those that a run found private again below one
 * directory of one tree; a diary of the last CATALOG_CHURN_RUNS runs. */
#define CATALOG_CHURN_RUNS 30

struct churn_row {
	const char *kind, *tree;	/* only when read; valid during the call */
	const char *prefix;		/* any bytes: "/", "/var/log" */
	size_t prefix_len;
	uint64_t runs;			/* only when read: that found some */
	uint64_t files;
	uint64_t again_files;		/* of these, shared again by the same run */
	uint64_t bytes;			/* size of the files */
};

/* Does nothing when the tree is not there any more. */
int catalog_churn_add(struct catalog *c, int64_t run_id, int64_t tree_id,
		      const struct churn_row *row, struct err *err);
/* Those that are too old, when @last_run_id is the last one. */
int catalog_churn_forget(struct catalog *c, int64_t last_run_id,
			 struct err *err);
/* Sums over the last @runs runs, one row for each directory, most bytes first; a
 * callback's nonzero result ends the loop and is returned. */
int catalog_churn_each(struct catalog *c, uint64_t runs,
		       int (*fn)(const struct churn_row *row, void *ctx),
		       void *ctx, struct err *err);

/* The guest that a run begins with since an earlier one was ended by its deadline;
 * NULL: none. -ENOENT without a message when there is none. */
int catalog_resume_put(struct catalog *c, const char *guest, struct err *err);
int catalog_resume_get(struct catalog *c, char ret[TREE_NAME_MAX + 1],
		       struct err *err);

/* What vhashify remembers of a tree: bytes without a meaning here; cache. */
struct scan_row {
	void *dirs;
	size_t dirs_size;
	void *digests;
	size_t digests_size;
};

/* -ENOENT without a message when nothing is remembered; else malloc'ed bytes. */
int catalog_scan_get(struct catalog *c, int64_t tree_id, struct scan_row *ret,
		     struct err *err);
/* Adds or replaces. -EINVAL when there is no such tree. */
int catalog_scan_put(struct catalog *c, int64_t tree_id,
		     const struct scan_row *row, struct err *err);
void scan_row_release(struct scan_row *row);
/* Commits of a cache: whole or not at all as ever, but not durable at once. Outside
 * of transactions; take it back afterwards. */
void catalog_relax(struct catalog *c, bool relaxed);

/* Why a master is in quarantine, by the name of its file there. */
#define QUARANTINE_REASON_SIZE 16

struct quarantine_row {
	int64_t found_ns;	/* CLOCK_REALTIME */
	char reason[QUARANTINE_REASON_SIZE];	/* "changed", "unreadable" */
};

int catalog_quarantine_put(struct catalog *c, const char *name,
			   const struct quarantine_row *row, struct err *err);
/* -ENOENT without a message when nothing is known of it. */
int catalog_quarantine_get(struct catalog *c, const char *name,
			   struct quarantine_row *ret, struct err *err);
int catalog_quarantine_remove(struct catalog *c, const char *name,
			      struct err *err);

/* How far an unfinished scrub is. */
struct scrub_row {
	uint64_t next_ino;
	int64_t begun_ns;	/* CLOCK_REALTIME */
};

int catalog_scrub_put(struct catalog *c, const struct scrub_row *row,
		      struct err *err);
/* -ENOENT without a message when none is unfinished. */
int catalog_scrub_get(struct catalog *c, struct scrub_row *ret,
		      struct err *err);
int catalog_scrub_remove(struct catalog *c, struct err *err);

/*
 * All tables and columns are there, and SQLite finds nothing in its own integrity and
 * foreign key check; -EUCLEAN with its first words.
 */
int catalog_verify(struct catalog *c, struct err *err);

/* "template" and "guest"; "creating", "ready", "destroying". */
const char *tree_kind_name(enum tree_kind kind);
const char *tree_state_name(enum tree_state state);
int tree_kind_parse(const char *name, enum tree_kind *ret);   /* -EINVAL */
int tree_state_parse(const char *name, enum tree_state *ret); /* -EINVAL */

#endif
