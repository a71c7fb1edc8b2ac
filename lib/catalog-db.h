/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The catalog's inside: the database handle and its prepared statements. Used by
 * catalog*.c and by their unit tests only.
 *
 *	catalog.c         open, create, check, transactions, the pool row
 *	catalog-sql.c     the text of all statements
 *	catalog-schema.c  migrations
 *	catalog-log.c     the log beside it
 *	catalog-tree.c    the table tree
 *	catalog-guest.c   the tables guest and setting
 *	catalog-object.c  the table object and the rows not yet written to it
 *	catalog-run.c     the tables run and resume
 *	catalog-churn.c   the tables watch and churn
 *	catalog-scan.c    the table scan
 *	catalog-scrub.c   the tables quarantine and scrub
 */
#ifndef COWLINK_CATALOG_DB_H
#define COWLINK_CATALOG_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog-schema.h"
#include "catalog.h"

#define CATALOG_FILE "catalog.db"

enum catalog_stmt {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_TRANSACTIONS,	/* those above */
	STMT_POOL_ADD = STMT_TRANSACTIONS,
	STMT_POOL_GET,
	STMT_TREE_ADD,
	STMT_TREE_FIND,
	STMT_TREE_LIST,
	STMT_TREE_UNFINISHED,
	STMT_TREE_UPDATE,
	STMT_TREE_REMOVE,
	STMT_GUEST_ADD,
	STMT_GUEST_CONTEXT,
	STMT_SETTING_LIST,
	STMT_SETTING_PUT,
	STMT_SETTING_REMOVE,
	STMT_OBJECT_DEFER,
	STMT_OBJECT_FLUSH,
	STMT_OBJECT_FLUSHED,
	STMT_OBJECT_UNDEFER,
	STMT_OBJECT_REMOVE,
	STMT_OBJECT_BY_INO,
	STMT_OBJECT_EACH,
	STMT_OBJECT_CLEAR,
	STMT_OBJECT_COUNT,
	STMT_RUN_ADD,
	STMT_RUN_FORGET,
	STMT_RUN_EACH,
	STMT_RUN_LAST,
	STMT_WATCH_GET,
	STMT_WATCH_PUT,
	STMT_WATCH_REMOVE,
	STMT_CHURN_ADD,
	STMT_CHURN_FORGET,
	STMT_CHURN_EACH,
	STMT_RESUME_PUT,
	STMT_RESUME_GET,
	STMT_RESUME_REMOVE,
	STMT_SCAN_GET,
	STMT_SCAN_PUT,
	STMT_QUARANTINE_PUT,
	STMT_QUARANTINE_GET,
	STMT_QUARANTINE_REMOVE,
	STMT_SCRUB_PUT,
	STMT_SCRUB_GET,
	STMT_SCRUB_REMOVE,
	STMT_COUNT
};

extern const char *const catalog_sql[STMT_COUNT];

/* A query for the first of our tables that is not there. */
extern const char catalog_missing_table[];

struct catalog {
	sqlite3 *db;
	sqlite3_stmt *stmts[STMT_COUNT];	/* NULL: not used yet */
	bool in_transaction;
	bool can_defer;		/* there is the table of those rows */
	int log_frames;		/* in the log after our last commit */
	unsigned int deferred;	/* object rows not yet in the file */
};

/* Store "WHAT in the catalog 'FILE': why" for the result @rc; the -errno. */
int catalog_fail(sqlite3 *db, int rc, struct err *err, const char *what);

/*
 * Statement @s, ready for new values; it is prepared when it is first asked for, as
 * a command uses a few of them. NULL if that fails: SQLite lets it be bound, and the
 * result of its step is SQLITE_MISUSE, which catalog_fail() knows the reason of.
 */
sqlite3_stmt *catalog_stmt(struct catalog *c, enum catalog_stmt s);

/* Run a statement that gives no rows; 0 or the failure as "cannot @what". */
int catalog_exec(struct catalog *c, enum catalog_stmt s, struct err *err,
		 const char *what);

/*
 * Around each change: begins a transaction unless the caller did (*@ret_own), and
 * ends it, by commit when @r is 0. Returns @r or the failure.
 */
int catalog_change_begin(struct catalog *c, bool *ret_own, struct err *err);
int catalog_change_end(struct catalog *c, bool own, int r, struct err *err);

/* A change of one statement, whose values are bound: as catalog_exec(). */
int catalog_change(struct catalog *c, enum catalog_stmt s, struct err *err,
		   const char *what);

/* Copy a text column; -EUCLEAN when it is longer than @size allows. */
int catalog_text(sqlite3_stmt *s, int column, char *out, size_t size);

/* Copy a blob, malloc'ed also when it is empty; 0 or -ENOMEM. */
int catalog_blob(sqlite3_stmt *s, int column, void **ret, size_t *ret_size);

/* Give a new guest its context; inside a transaction. */
int catalog_guest_add(struct catalog *c, struct tree_row *row, struct err *err);

/* Write the deferred object rows; inside a transaction. */
int catalog_object_flush(struct catalog *c, struct err *err);

/* Have the private table of rows not yet written. */
int catalog_object_prepare(struct catalog *c, struct err *err);

/* The log: keep room for it; know of commits from now on; keep it short, at the end. */
void catalog_log_reserve(sqlite3 *db, int pool_fd);
void catalog_log_watch(struct catalog *c);
void catalog_log_restart(struct catalog *c);

/* Say that the schema @version is more than @newest: -EOPNOTSUPP. */
int catalog_too_new(sqlite3 *db, int version, int newest, struct err *err);

int catalog_version(sqlite3 *db, int *ret, struct err *err);

/*
 * Apply those of @count migrations that the database lacks, each in a transaction
 * of its own. -EOPNOTSUPP when the database is newer than the last one. A
 * migration that fails leaves the database as the one before it made it.
 */
int catalog_migrate(sqlite3 *db, const struct schema_migration *migrations,
		    size_t count, struct err *err);

#endif
