// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "catalog-db.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

int catalog_run_add(struct catalog *c, const struct run_row *row,
		    struct err *err)
{
	const int64_t numbers[] = {
		row->begun_ns,	   row->ended_ns,     row->status,
		row->trees,	   row->files,	      row->hashed_files,
		row->hashed_bytes, row->shared_files, row->shared_bytes,
		row->new_masters,  row->new_bytes,    row->failed_files,
		row->unreached_files, row->unreached_trees,
	};
	sqlite3_stmt *s;
	bool own;
	size_t i;
	int r = catalog_change_begin(c, &own, err);

	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_RUN_ADD);
	for (i = 0; i < COUNT_OF(numbers); i++)
		(void)sqlite3_bind_int64(s, 1 + i, numbers[i]);
	r = catalog_exec(c, STMT_RUN_ADD, err, "record the run");
	if (!r) {
		s = catalog_stmt(c, STMT_RUN_FORGET);
		(void)sqlite3_bind_int64(s, 1, sqlite3_last_insert_rowid(c->db) -
						       CATALOG_RUNS_KEPT);
		r = catalog_exec(c, STMT_RUN_FORGET, err, "record the run");
	}
	return catalog_change_end(c, own, r, err);
}

static void read_row(sqlite3_stmt *s, struct run_row *ret)
{
	*ret = (struct run_row){
		.id = sqlite3_column_int64(s, 0),
		.begun_ns = sqlite3_column_int64(s, 1),
		.ended_ns = sqlite3_column_int64(s, 2),
		.status = sqlite3_column_int(s, 3),
		.trees = sqlite3_column_int64(s, 4),
		.files = sqlite3_column_int64(s, 5),
		.hashed_files = sqlite3_column_int64(s, 6),
		.hashed_bytes = sqlite3_column_int64(s, 7),
		.shared_files = sqlite3_column_int64(s, 8),
		.shared_bytes = sqlite3_column_int64(s, 9),
		.new_masters = sqlite3_column_int64(s, 10),
		.new_bytes = sqlite3_column_int64(s, 11),
		.failed_files = sqlite3_column_int64(s, 12),
		.unreached_files = sqlite3_column_int64(s, 13),
		.unreached_trees = sqlite3_column_int64(s, 14),
	};
}

int catalog_run_each(struct catalog *c, uint64_t limit,
		     int (*fn)(const struct run_row *row, void *ctx), void *ctx,
		     struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_RUN_EACH);
	int rc = SQLITE_DONE;
	int r = 0;

	if (limit > CATALOG_RUNS_KEPT)
		limit = CATALOG_RUNS_KEPT;
	(void)sqlite3_bind_int64(s, 1, limit);
	while (!r && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct run_row row;

		read_row(s, &row);
		r = fn(&row, ctx);
	}
	if (!r && rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "list the runs");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_resume_put(struct catalog *c, const char *guest, struct err *err)
{
	sqlite3_stmt *s;

	if (!guest) {
		(void)catalog_stmt(c, STMT_RESUME_REMOVE);
		return catalog_change(c, STMT_RESUME_REMOVE, err,
				      "forget where a run ended");
	}
	s = catalog_stmt(c, STMT_RESUME_PUT);
	(void)sqlite3_bind_text(s, 1, guest, -1, SQLITE_STATIC);
	return catalog_change(c, STMT_RESUME_PUT, err,
			      "record where the run ended");
}

int catalog_resume_get(struct catalog *c, char ret[TREE_NAME_MAX + 1],
		       struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_RESUME_GET);
	int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW)
		(void)snprintf(ret, TREE_NAME_MAX + 1, "%s",
			       (const char *)sqlite3_column_text(s, 0));
	else if (rc == SQLITE_DONE)
		r = -ENOENT;
	else
		r = catalog_fail(c->db, rc, err, "look up where a run ended");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}
