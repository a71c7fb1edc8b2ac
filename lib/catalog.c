// SPDX-License-Identifier: GPL-2.0-only
#include "catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog-db.h"
#include "cleanup.h"
#include "fsinfo.h"
#include "fx.h"

#define CATALOG_NEW "catalog.new"
#define WAIT_MS 30000

/* --- errors ----------------------------------------------------------------- */

static int io_errno(sqlite3 *db)
{
	int e = sqlite3_system_errno(db);

	return e ? -e : -EIO;
}

/* The -errno an SQLite result stands for. */
static int catalog_errno(sqlite3 *db, int rc)
{
	/* The step of a statement that could not be prepared. */
	if (rc == SQLITE_MISUSE && sqlite3_errcode(db) != SQLITE_OK)
		rc = sqlite3_errcode(db);
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_UNIQUE ||
				       rc == SQLITE_CONSTRAINT_PRIMARYKEY ?
			       -EEXIST :
			       -EINVAL;
	case SQLITE_ERROR:
		/* our statements are right, so the tables are not ours */
		return -EUCLEAN;
	default:
		return io_errno(db);
	}
}

int catalog_fail(sqlite3 *db, int rc, struct err *err, const char *what)
{
	int code = catalog_errno(db, rc);
	const char *file = sqlite3_db_filename(db, "main");
	const char *why = sqlite3_errmsg(db);

	if (code == -EBUSY)
		why = "another command has it locked";
	else if (code != -EUCLEAN && code != -EINVAL)
		why = strerror(-code);
	return err_set(err, code, "cannot %s in the catalog '%s': %s", what,
		       file ? file : CATALOG_FILE, why);
}

/* --- statements ------------------------------------------------------------- */

static int prepare(struct catalog *c, enum catalog_stmt s)
{
	return sqlite3_prepare_v3(c->db, catalog_sql[s], -1, SQLITE_PREPARE_PERSISTENT,
				  &c->stmts[s], NULL);
}

/* The first @count of them. */
static int prepare_all(struct catalog *c, int count, struct err *err)
{
	int i;

	for (i = 0; i < count; i++) {
		int rc = c->stmts[i] ? SQLITE_OK : prepare(c, i);

		if (rc)
			return catalog_fail(c->db, rc, err,
					    "find what belongs");
	}
	return 0;
}

sqlite3_stmt *catalog_stmt(struct catalog *c, enum catalog_stmt s)
{
	if (!c->stmts[s]) {
		(void)prepare(c, s); /* stepping it tells */
		return c->stmts[s];
	}
	(void)sqlite3_reset(c->stmts[s]); /* repeats the last failure */
	(void)sqlite3_clear_bindings(c->stmts[s]);
	return c->stmts[s];
}

/*
 * For a statement that nobody asked catalog_stmt() for, as it takes no values, or for
 * which that failed. In the latter case the values are lost: it must not run, even if
 * it can be prepared now.
 */
static void prepare_without_values(struct catalog *c, enum catalog_stmt s)
{
	(void)prepare(c, s); /* stepping it tells */
	if (!sqlite3_bind_parameter_count(c->stmts[s]))
		return;
	(void)sqlite3_finalize(c->stmts[s]); /* it never ran */
	c->stmts[s] = NULL;
}

int catalog_exec(struct catalog *c, enum catalog_stmt s, struct err *err,
		 const char *what)
{
	int rc, r;

	if (!c->stmts[s])
		prepare_without_values(c, s);
	rc = sqlite3_step(c->stmts[s]);
	r = rc == SQLITE_DONE ? 0 : catalog_fail(c->db, rc, err, what);
	(void)sqlite3_reset(c->stmts[s]); /* reported by the step */
	return r;
}

int catalog_text(sqlite3_stmt *s, int column, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(s, column);
	size_t len = sqlite3_column_bytes(s, column);

	if (!text)
		len = 0;
	if (len >= size || (text && strlen(text) != len))
		return -EUCLEAN;
	if (len)
		memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

int catalog_blob(sqlite3_stmt *s, int column, void **ret, size_t *ret_size)
{
	const void *bytes = sqlite3_column_blob(s, column);
	size_t size = bytes ? sqlite3_column_bytes(s, column) : 0;

	*ret = malloc(size + 1);
	if (!*ret)
		return -ENOMEM;
	if (size)
		memcpy(*ret, bytes, size);
	*ret_size = size;
	return 0;
}

/* What only one statement in ten needs is found out before anything has begun. */
static int check_tables(struct catalog *c, struct err *err)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(c->db, catalog_missing_table, -1, &s, NULL);
	int r = 0;

	if (!rc)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = err_set(err, -EUCLEAN,
			    "the catalog '%s' has no such table: %s",
			    sqlite3_db_filename(c->db, "main"),
			    (const char *)sqlite3_column_text(s, 0));
	else if (rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "find what belongs");
	(void)sqlite3_finalize(s); /* reported by the step */
	return r;
}

/* --- transactions ----------------------------------------------------------- */

int catalog_begin(struct catalog *c, struct err *err)
{
	int r;

	if (c->in_transaction)
		return err_set(err, -EINVAL, "a transaction is open already");
	r = catalog_exec(c, STMT_BEGIN, err, "begin a change");
	c->in_transaction = !r;
	return r;
}

int catalog_commit(struct catalog *c, struct err *err)
{
	int r;

	if (!c->in_transaction)
		return err_set(err, -EINVAL, "no transaction is open");
	r = catalog_object_flush(c, err);
	if (!r) {
		r = fx_step("commit");
		if (r < 0)
			err_errno(err, r, "cannot write the catalog '%s'",
				  sqlite3_db_filename(c->db, "main"));
	}
	if (!r)
		r = catalog_exec(c, STMT_COMMIT, err, "write");
	if (r < 0) {
		catalog_rollback(c);
		return r;
	}
	/* the rows are in the file: from now on forget the private copies */
	if (c->deferred)
		(void)catalog_exec(c, STMT_OBJECT_FLUSHED, NULL, "forget");
	c->deferred = 0;
	c->in_transaction = false;
	return 0;
}

void catalog_rollback(struct catalog *c)
{
	if (!c->in_transaction)
		return;
	/* a full disk ends the transaction by itself */
	if (!sqlite3_get_autocommit(c->db))
		(void)catalog_exec(c, STMT_ROLLBACK, NULL, "roll back");
	c->in_transaction = false;
}

int catalog_change_begin(struct catalog *c, bool *ret_own, struct err *err)
{
	*ret_own = !c->in_transaction;
	return *ret_own ? catalog_begin(c, err) : 0;
}

int catalog_change_end(struct catalog *c, bool own, int r, struct err *err)
{
	if (!own)
		return r;
	if (!r)
		return catalog_commit(c, err);
	catalog_rollback(c);
	return r;
}

int catalog_change(struct catalog *c, enum catalog_stmt s, struct err *err,
		   const char *what)
{
	bool own;
	int r = catalog_change_begin(c, &own, err);

	if (r < 0)
		return r;
	return catalog_change_end(c, own, catalog_exec(c, s, err, what), err);
}

/* --- open and create -------------------------------------------------------- */

static uint32_t big_endian32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/*
 * Look at the file before SQLite does, which would start a log beside a file that
 * is none of ours. Through SQLite's own descriptor: closing another one of the same
 * file would drop its locks. Offsets: https://sqlite.org/fileformat2.html, 1.3.
 */
static int check_header(sqlite3 *db, struct err *err)
{
	static const char magic[16] = "SQLite format 3";
	int newest = schema_migrations[schema_migration_count - 1].version;
	unsigned char head[100] = { 0 };
	uint32_t version;
	sqlite3_file *file = NULL;
	int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER,
				      &file);

	if (!rc && file && file->pMethods)
		rc = file->pMethods->xRead(file, head, sizeof(head), 0);
	if (rc && rc != SQLITE_IOERR_SHORT_READ)
		return catalog_fail(db, rc, err, "read the header");
	if (memcmp(head, magic, sizeof(magic)) ||
	    big_endian32(head + 68) != CATALOG_APPLICATION_ID)
		return err_set(err, -EUCLEAN, "'%s' is not a cowlink catalog",
			       sqlite3_db_filename(db, "main"));
	version = big_endian32(head + 60);
	return version > (uint32_t)newest ?
		       catalog_too_new(db, version, newest, err) :
		       0;
}

static int set_up(sqlite3 *db, bool writable, struct err *err)
{
	static const char pragmas[] = "PRAGMA foreign_keys = ON;"
				      "PRAGMA synchronous = FULL;"
				      "PRAGMA temp_store = MEMORY;"
				      "PRAGMA trusted_schema = OFF;"
				      "PRAGMA cell_size_check = ON;";
	int rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);

	if (!rc && writable)
		rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL,
				  NULL);
	return rc ? catalog_fail(db, rc, err, "read") : 0;
}

static bool has_content(int pool_fd, const char *name)
{
	struct stat st;

	return fstatat(pool_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_size > 0;
}

/*
 * SQLite reads a WAL database only where it can make its index of the log. On a
 * filesystem that is really read-only it is told that the file cannot change;
 * that would hide what is in a log, so with a log its index has to be there too.
 */
static int choose_uri(int pool_fd, const char *name, enum catalog_mode mode,
		      char uri[96], struct err *err)
{
	bool read_only = fsinfo_is_read_only(pool_fd);
	bool log = has_content(pool_fd, CATALOG_FILE "-wal");

	if (read_only && mode != CATALOG_RO)
		return err_set(err, -EROFS,
			       "the pool is on a read-only file system");
	if (read_only && log && !has_content(pool_fd, CATALOG_FILE "-shm"))
		return err_set(err, -EROFS,
			       "the catalog has a log that was not written back: "
			       "mount the pool read-write and run 'vtemplate check --repair'");
	(void)snprintf(uri, 96, "file:/proc/self/fd/%d/%s%s", pool_fd, name,
		       read_only && !log ? "?immutable=1" : "");
	return 0;
}

static int open_db(int pool_fd, const char *name, enum catalog_mode mode,
		   sqlite3 **ret, struct err *err)
{
	int flags = mode == CATALOG_RO ? SQLITE_OPEN_READONLY :
					 SQLITE_OPEN_READWRITE;
	char uri[96];
	int rc;
	int r = choose_uri(pool_fd, name, mode, uri, err);

	if (r < 0)
		return r;
	rc = sqlite3_open_v2(uri, ret,
			     flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (!*ret)
		return err_errno(err, -ENOMEM, "cannot open the catalog");
	if (rc)
		return catalog_fail(*ret, rc, err, "read");
	if (mode != CATALOG_RO && sqlite3_db_readonly(*ret, "main"))
		return err_errno(err, -EACCES, "cannot write the catalog '%s'",
				 sqlite3_db_filename(*ret, "main"));
	(void)sqlite3_busy_timeout(*ret, WAIT_MS); /* cannot fail */
	/* until it is known to be ours, closing it must not touch it */
	(void)sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
				NULL);
	return 0;
}

/* A reader has no right to migrate: it says who can. */
static int check_current(sqlite3 *db, struct err *err)
{
	int newest = schema_migrations[schema_migration_count - 1].version;
	int version;
	int r = catalog_version(db, &version, err);

	if (r < 0 || version == newest)
		return r;
	if (version > newest)
		return catalog_too_new(db, version, newest, err);
	return err_set(err, -EOPNOTSUPP,
		       "the catalog '%s' has the old schema %d; "
		       "'vtemplate check --repair' brings it to %d",
		       sqlite3_db_filename(db, "main"), version, newest);
}

static int attach(struct catalog *c, enum catalog_mode mode, struct err *err)
{
	int r = set_up(c->db, mode == CATALOG_RW, err);

	if (!r)
		catalog_log_watch(c);
	if (!r && mode == CATALOG_RW)
		r = catalog_migrate(c->db, schema_migrations,
				    schema_migration_count, err);
	else if (!r)
		r = check_current(c->db, err);
	if (!r)
		r = check_tables(c, err);
	/* a reader has nothing to put there; once a change has begun it is too late */
	if (!r && mode == CATALOG_RW)
		r = catalog_object_prepare(c, err);
	if (!r)
		/* what failed is taken back without what could fail, too */
		r = prepare_all(c, STMT_TRANSACTIONS, err);
	return r;
}

int catalog_open(int pool_fd, enum catalog_mode mode, struct catalog **ret,
		 struct err *err)
{
	struct catalog *c;
	int r;

	if (faccessat(pool_fd, CATALOG_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, -errno, "cannot open the catalog");
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_errno(err, -ENOMEM, "cannot open the catalog");
	r = open_db(pool_fd, CATALOG_FILE, mode, &c->db, err);
	if (!r)
		r = check_header(c->db, err);
	if (!r)
		r = attach(c, mode, err);
	if (r < 0) {
		catalog_close(c);
		return r;
	}
	if (mode == CATALOG_RW)
		catalog_log_reserve(c->db, pool_fd);
	*ret = c;
	return 0;
}

void catalog_close(struct catalog *c)
{
	int i;

	if (!c)
		return;
	catalog_rollback(c);
	/* a cache: what cannot be written now, check --repair finds */
	if (c->deferred && !catalog_begin(c, NULL))
		(void)catalog_commit(c, NULL);
	catalog_log_restart(c);
	for (i = 0; i < STMT_COUNT; i++)
		(void)sqlite3_finalize(c->stmts[i]);
	(void)sqlite3_close(c->db); /* nothing is open in it any more */
	free(c);
}

void catalog_set_wait(struct catalog *c, unsigned int wait_ms)
{
	(void)sqlite3_busy_timeout(c->db, wait_ms); /* cannot fail */
}

static int pool_add(struct catalog *c, const struct pool_info *info,
		    struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_POOL_ADD);

	(void)sqlite3_bind_text(s, 1, info->uuid, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(s, 2, info->unprotected);
	(void)sqlite3_bind_int64(s, 3, info->link_limit);
	(void)sqlite3_bind_int64(s, 4, info->created_ns);
	return catalog_exec(c, STMT_POOL_ADD, err, "describe the pool");
}

static int fill_new(struct catalog *c, int pool_fd,
		    const struct pool_info *info, struct err *err)
{
	char pragma[48];
	int rc;
	int r = open_db(pool_fd, CATALOG_NEW, CATALOG_RW, &c->db, err);

	if (r < 0)
		return r;
	(void)snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d",
		       CATALOG_APPLICATION_ID);
	rc = sqlite3_exec(c->db, pragma, NULL, NULL, NULL);
	if (rc)
		return catalog_fail(c->db, rc, err, "write");
	r = attach(c, CATALOG_RW, err);
	return r ? r : pool_add(c, info, err);
}

static void remove_new(int pool_fd)
{
	static const char *const names[] = { CATALOG_NEW, CATALOG_NEW "-wal",
					     CATALOG_NEW "-shm",
					     CATALOG_NEW "-journal" };
	size_t i;

	/* missing ones are usual; one that stays makes fx_create() fail */
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		(void)fx_unlinkat(pool_fd, names[i], 0);
}

/* Closing writes the log back, so that one file is all there is to rename. */
static int build_new(int pool_fd, const struct pool_info *info, struct err *err)
{
	struct catalog *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return err_errno(err, -ENOMEM, "cannot make the catalog");
	r = fill_new(c, pool_fd, info, err);
	catalog_close(c);
	if (!r && faccessat(pool_fd, CATALOG_NEW "-wal", F_OK, 0) == 0)
		r = err_set(err, -EIO, "cannot complete the new catalog");
	return r;
}

static int publish_new(int pool_fd, struct err *err)
{
	int r = fx_renameat(pool_fd, CATALOG_NEW, pool_fd, CATALOG_FILE,
			    RENAME_NOREPLACE);

	if (!r) {
		r = fx_fsync(pool_fd);
		if (r < 0)
			(void)fx_unlinkat(pool_fd, CATALOG_FILE, 0);
	}
	return r < 0 ? err_errno(err, r, "cannot make the catalog") : 0;
}

int catalog_create(int pool_fd, const struct pool_info *info, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (faccessat(pool_fd, CATALOG_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_errno(err, -EEXIST, "cannot make the catalog");
	remove_new(pool_fd);
	fd = fx_create(pool_fd, CATALOG_NEW, O_RDWR, 0600);
	if (fd < 0)
		return err_errno(err, fd, "cannot make the catalog");
	r = build_new(pool_fd, info, err);
	if (!r)
		r = publish_new(pool_fd, err);
	if (r < 0)
		remove_new(pool_fd);
	return r;
}

/* --- the pool row, and checking ---------------------------------------------- */

int catalog_get_pool(struct catalog *c, struct pool_info *ret, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_POOL_GET);
	struct pool_info info = { 0 };
	int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW) {
		r = catalog_text(s, 0, info.uuid, sizeof(info.uuid));
		info.unprotected = sqlite3_column_int(s, 1);
		info.link_limit = sqlite3_column_int64(s, 2);
		info.created_ns = sqlite3_column_int64(s, 3);
	}
	(void)sqlite3_reset(s); /* reported by the step */
	if (rc == SQLITE_DONE || r < 0)
		return err_set(err, -EUCLEAN,
			       "the catalog '%s' does not describe its pool",
			       sqlite3_db_filename(c->db, "main"));
	if (rc != SQLITE_ROW)
		return catalog_fail(c->db, rc, err, "read the pool");
	*ret = info;
	return 0;
}

/* The first row of a checking pragma must be @fine, or no row at all. */
static int check_pragma(struct catalog *c, const char *pragma, const char *fine,
			struct err *err)
{
	const char *file = sqlite3_db_filename(c->db, "main");
	sqlite3_stmt *s = NULL;
	const char *said;
	int rc = sqlite3_prepare_v2(c->db, pragma, -1, &s, NULL);
	int r = 0;

	if (!rc)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		said = (const char *)sqlite3_column_text(s, 0);
		if (!fine || !said || strcmp(said, fine))
			r = err_set(err, -EUCLEAN,
				    "the catalog '%s' is damaged: %s", file,
				    said ? said : pragma);
	} else if (rc != SQLITE_DONE) {
		r = catalog_fail(c->db, rc, err, "check everything");
	}
	(void)sqlite3_finalize(s); /* reported by the step */
	return r;
}

int catalog_verify(struct catalog *c, struct err *err)
{
	int r = catalog_object_prepare(c, err);

	if (!r)
		r = prepare_all(c, STMT_COUNT, err);
	if (!r)
		r = check_pragma(c, "PRAGMA integrity_check(1)", "ok", err);
	return r ? r : check_pragma(c, "PRAGMA foreign_key_check", NULL, err);
}
