// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table object, and the rows that are on their way to it. An import adds one
 * row for each of ten thousand masters; a transaction for each would cost as many
 * flushes of the disk, and one around all would stay open during slow I/O. So they
 * wait in a private table in memory, which every query here asks too.
 */
#include <errno.h>
#include <string.h>

#include "catalog-db.h"

#define DEFERRED_MAX 4096

int catalog_object_prepare(struct catalog *c, struct err *err)
{
	static const char create[] =
		"CREATE TEMP TABLE deferred ("
		"key BLOB NOT NULL, replica INTEGER NOT NULL, "
		"ino INTEGER NOT NULL UNIQUE, size_bytes INTEGER NOT NULL, "
		"PRIMARY KEY (key, replica)) STRICT, WITHOUT ROWID";
	int rc;

	if (c->can_defer)
		return 0;
	rc = sqlite3_exec(c->db, create, NULL, NULL, NULL);
	c->can_defer = !rc;
	return rc ? catalog_fail(c->db, rc, err, "prepare a change") : 0;
}

int catalog_object_flush(struct catalog *c, struct err *err)
{
	/* with nothing deferred this keeps a commit from touching the table */
	if (!c->deferred)
		return 0;
	return catalog_exec(c, STMT_OBJECT_FLUSH, err, "add masters");
}

/* The file holds everything: for what looks at all rows. */
static int flush_now(struct catalog *c, struct err *err)
{
	bool own;
	int r;

	if (!c->deferred)
		return 0;
	r = catalog_change_begin(c, &own, err);
	if (!r && !own)
		r = catalog_object_flush(c, err);
	return r ? r : catalog_change_end(c, own, r, err);
}

int catalog_object_put(struct catalog *c, const struct object_row *row,
		       struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_OBJECT_DEFER);
	int r;

	(void)sqlite3_bind_blob(s, 1, row->key.b, DIGEST_SIZE, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, row->replica);
	(void)sqlite3_bind_int64(s, 3, (int64_t)row->ino);
	(void)sqlite3_bind_int64(s, 4, (int64_t)row->size_bytes);
	r = catalog_exec(c, STMT_OBJECT_DEFER, err, "add a master");
	if (!r)
		c->deferred++;
	return r || c->deferred < DEFERRED_MAX ? r : flush_now(c, err);
}

static int remove_from(struct catalog *c, enum catalog_stmt stmt,
		       const struct digest *key, uint32_t replica,
		       struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, stmt);

	(void)sqlite3_bind_blob(s, 1, key->b, DIGEST_SIZE, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, replica);
	return catalog_exec(c, stmt, err, "remove a master");
}

int catalog_object_remove(struct catalog *c, const struct digest *key,
			  uint32_t replica, struct err *err)
{
	bool own;
	int r = catalog_change_begin(c, &own, err);

	if (r < 0)
		return r;
	/* also where it waits, or the commit would bring it back */
	r = remove_from(c, STMT_OBJECT_UNDEFER, key, replica, err);
	if (!r)
		r = remove_from(c, STMT_OBJECT_REMOVE, key, replica, err);
	return catalog_change_end(c, own, r, err);
}

static int read_row(struct catalog *c, sqlite3_stmt *s, struct object_row *ret,
		    struct err *err)
{
	const void *key = sqlite3_column_blob(s, 0);

	if (!key || sqlite3_column_bytes(s, 0) != DIGEST_SIZE)
		return err_set(err, -EUCLEAN,
			       "the catalog '%s' has a master without a key",
			       sqlite3_db_filename(c->db, "main"));
	memcpy(ret->key.b, key, DIGEST_SIZE);
	ret->replica = sqlite3_column_int64(s, 1);
	ret->ino = (uint64_t)sqlite3_column_int64(s, 2);
	ret->size_bytes = (uint64_t)sqlite3_column_int64(s, 3);
	return 0;
}

int catalog_object_by_ino(struct catalog *c, uint64_t ino,
			  struct object_row *ret, struct err *err)
{
	sqlite3_stmt *s;
	int rc;
	int r = catalog_object_prepare(c, err);

	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_OBJECT_BY_INO);
	(void)sqlite3_bind_int64(s, 1, (int64_t)ino);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		r = read_row(c, s, ret, err);
	else if (rc == SQLITE_DONE)
		r = -ENOENT;
	else
		r = catalog_fail(c->db, rc, err, "look up a master");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_object_each(struct catalog *c,
			int (*fn)(const struct object_row *row, void *ctx),
			void *ctx, struct err *err)
{
	struct object_row row;
	sqlite3_stmt *s;
	int rc = SQLITE_DONE;
	int r = flush_now(c, err);

	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_OBJECT_EACH);
	while (!r && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		r = read_row(c, s, &row, err);
		if (!r)
			r = fn(&row, ctx);
	}
	if (!r && rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "list the masters");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_object_clear(struct catalog *c, struct err *err)
{
	bool own;
	int r = catalog_exec(c, STMT_OBJECT_FLUSHED, err, "forget masters");

	if (!r)
		r = catalog_change_begin(c, &own, err);
	if (r < 0)
		return r;
	c->deferred = 0;
	r = catalog_exec(c, STMT_OBJECT_CLEAR, err, "forget masters");
	return catalog_change_end(c, own, r, err);
}

int catalog_object_count(struct catalog *c, uint64_t *ret, struct err *err)
{
	sqlite3_stmt *s;
	int rc;
	int r = flush_now(c, err);

	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_OBJECT_COUNT);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	else
		r = catalog_fail(c->db, rc, err, "count the masters");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}
