// SPDX-License-Identifier: GPL-2.0-only
/* The tables watch and churn: what vhashify shares and a day breaks again. */
#include <errno.h>

#include "catalog-db.h"

int catalog_watch_get(struct catalog *c, int64_t tree_id, void **ret,
		      size_t *ret_size, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_WATCH_GET);
	int rc, r = 0;

	(void)sqlite3_bind_int64(s, 1, tree_id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		r = catalog_blob(s, 0, ret, ret_size);
		if (r < 0)
			err_errno(err, r, "cannot look up names");
	} else {
		r = rc == SQLITE_DONE ?
			    -ENOENT :
			    catalog_fail(c->db, rc, err, "look up names");
	}
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_watch_put(struct catalog *c, int64_t tree_id, const void *bytes,
		      size_t size, struct err *err)
{
	enum catalog_stmt which = size ? STMT_WATCH_PUT : STMT_WATCH_REMOVE;
	sqlite3_stmt *s = catalog_stmt(c, which);
	int r;

	(void)sqlite3_bind_int64(s, 1, tree_id);
	if (size)
		(void)sqlite3_bind_blob64(s, 2, bytes, size, SQLITE_STATIC);
	r = catalog_change(c, which, err, "remember names");
	(void)sqlite3_clear_bindings(s);
	return r;
}

int catalog_run_last(struct catalog *c, int64_t *ret, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_RUN_LAST);
	int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	else
		r = catalog_fail(c->db, rc, err, "list the runs");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_churn_add(struct catalog *c, int64_t run_id, int64_t tree_id,
		      const struct churn_row *row, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_CHURN_ADD);
	int r;

	(void)sqlite3_bind_int64(s, 1, run_id);
	(void)sqlite3_bind_int64(s, 2, tree_id);
	(void)sqlite3_bind_blob64(s, 3, row->prefix, row->prefix_len,
				  SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 4, row->files);
	(void)sqlite3_bind_int64(s, 5, row->again_files);
	(void)sqlite3_bind_int64(s, 6, row->bytes);
	r = catalog_change(c, STMT_CHURN_ADD, err, "record what was broken");
	(void)sqlite3_clear_bindings(s);
	return r;
}

int catalog_churn_forget(struct catalog *c, int64_t last_run_id,
			 struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_CHURN_FORGET);

	(void)sqlite3_bind_int64(s, 1, last_run_id - CATALOG_CHURN_RUNS);
	return catalog_change(c, STMT_CHURN_FORGET, err,
			      "record what was broken");
}

int catalog_churn_each(struct catalog *c, uint64_t runs,
		       int (*fn)(const struct churn_row *row, void *ctx),
		       void *ctx, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_CHURN_EACH);
	int rc = SQLITE_DONE;
	int r = 0;

	if (runs > CATALOG_CHURN_RUNS)
		runs = CATALOG_CHURN_RUNS;
	(void)sqlite3_bind_int64(s, 1, runs);
	while (!r && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const struct churn_row row = {
			.kind = (const char *)sqlite3_column_text(s, 0),
			.tree = (const char *)sqlite3_column_text(s, 1),
			.prefix = sqlite3_column_blob(s, 2),
			.prefix_len = sqlite3_column_bytes(s, 2),
			.runs = sqlite3_column_int64(s, 3),
			.files = sqlite3_column_int64(s, 4),
			.again_files = sqlite3_column_int64(s, 5),
			.bytes = sqlite3_column_int64(s, 6),
		};

		r = fn(&row, ctx);
	}
	if (!r && rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "list what was broken");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}
