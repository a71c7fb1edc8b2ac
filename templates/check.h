/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `vtemplate check`: problems are data. A scan makes a list of them; each has a
 * kind from one table, which says how bad it is and whether and how it is mended.
 *
 * A scan changes nothing and runs beside other commands: what somebody has locked
 * is theirs and is left out. Repair runs under the exclusive pool lock.
 */
#ifndef COWLINK_CHECK_H
#define COWLINK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "hash.h"
#include "pool.h"

enum problem_code {
	PROBLEM_CATALOG_DAMAGED,
	PROBLEM_ROW_HALF_MADE,
	PROBLEM_ROW_WITHOUT_TREE,
	PROBLEM_TREE_WITHOUT_ROW,
	PROBLEM_TREE_UNKNOWN,
	PROBLEM_TREE_IDENTITY,
	PROBLEM_STAGING_LEFTOVER,
	PROBLEM_KEPT_FILE,
	PROBLEM_STAGING_FOREIGN,
	PROBLEM_OBJECT_WITHOUT_FILE,
	PROBLEM_FILE_WITHOUT_OBJECT,
	PROBLEM_OBJECT_DIFFERS,
	PROBLEM_MASTER_UNPROTECTED,
	PROBLEM_MASTER_CHANGED,
	PROBLEM_STORE_FOREIGN,
	PROBLEM_SHARDS_OPEN,
	PROBLEM_ORPHANS,
	PROBLEM_MASTER_DAMAGED,
	PROBLEM_QUARANTINED,
	PROBLEM_QUARANTINED_UNUSED,
	PROBLEM_COUNT
};

enum severity {
	SEVERITY_INFO,		/* nothing is wrong; exit status 0 */
	SEVERITY_WARNING,	/* untidy: nobody's data are concerned */
	SEVERITY_ERROR,		/* the pool is not what it says */
};

struct problem_kind {
	const char *name;	/* stable, for --json: "row-without-tree" */
	enum severity severity;
	const char *text;	/* what is wrong, to follow the subject */
	const char *repair;	/* what --repair does; NULL when it cannot */
};

/* What to act on; which members are set follows from the code. */
struct problem_target {
	enum tree_kind kind;
	char name[256];		/* one component */
	struct digest key;
	uint32_t replica;
	uint64_t ino;
	/* of a damaged master: what an intact copy looks like; the name is why */
	bool has_stat;
	uint64_t size_bytes;
	struct statx_timestamp mtime;
};

/* A file of a tree that a problem concerns. */
struct problem_name {
	enum tree_kind kind;
	char *tree;
	char *path;		/* relative to the rootfs, raw bytes */
	bool intact;		/* has what was damaged, and does not share it */
};

struct problem {
	enum problem_code code;
	char *subject;		/* what it is about, raw bytes */
	struct problem_target target;
	uint64_t count;		/* for what is counted, else 0 */
	uint64_t size_bytes;
	bool repaired;
	struct problem_name *names;
	size_t name_count;
	size_t intact_count;
};

struct problems {
	struct problem *list;
	size_t count;
	size_t alloc;
};

const struct problem_kind *problem_kind(enum problem_code code);
const char *severity_name(enum severity s);

/* @fmt makes the subject; @target may be NULL. 0 or -ENOMEM. */
int problems_add(struct problems *ps, enum problem_code code,
		 const struct problem_target *target, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void problems_release(struct problems *ps);

/* The problem of the same code and subject, or NULL. */
struct problem *problems_find(const struct problems *ps,
			      const struct problem *like);

/* Everything that can be seen without changing anything, added to @ret. */
int check_scan(struct pool *p, struct problems *ret, struct err *err);
int check_trees(struct pool *p, struct problems *ret, struct err *err);
int check_staging(struct pool *p, struct problems *ret, struct err *err);
int check_store(struct pool *p, struct problems *ret, struct err *err);
int check_quarantine(struct pool *p, struct problems *ret, struct err *err);

/*
 * Mend each problem of @ps that can be mended; the pool is open POOL_EXCLUSIVE. One
 * that resists is logged and left alone.
 */
void check_repair(struct pool *p, const struct problems *ps);

/* Make the object table again from the store; POOL_EXCLUSIVE. */
int check_rebuild_objects(struct pool *p, struct err *err);

#endif
