// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "catalog-db.h"

int catalog_quarantine_put(struct catalog *c, const char *name,
			   const struct quarantine_row *row, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_QUARANTINE_PUT);

	(void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, row->found_ns);
	(void)sqlite3_bind_text(s, 3, row->reason, -1, SQLITE_STATIC);
	return catalog_change(c, STMT_QUARANTINE_PUT, err,
			      "record the quarantine");
}

int catalog_quarantine_get(struct catalog *c, const char *name,
			   struct quarantine_row *ret, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_QUARANTINE_GET);
	int rc;
	int r;

	(void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		ret->found_ns = sqlite3_column_int64(s, 0);
		r = catalog_text(s, 1, ret->reason, sizeof(ret->reason));
	} else if (rc == SQLITE_DONE) {
		r = -ENOENT;
	} else {
		r = catalog_fail(c->db, rc, err, "look up the quarantine");
	}
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_quarantine_remove(struct catalog *c, const char *name,
			      struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_QUARANTINE_REMOVE);

	(void)sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	return catalog_change(c, STMT_QUARANTINE_REMOVE, err,
			      "forget the quarantine");
}

int catalog_scrub_put(struct catalog *c, const struct scrub_row *row,
		      struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_SCRUB_PUT);

	(void)sqlite3_bind_int64(s, 1, (int64_t)row->next_ino);
	(void)sqlite3_bind_int64(s, 2, row->begun_ns);
	return catalog_change(c, STMT_SCRUB_PUT, err, "record the scrub");
}

int catalog_scrub_get(struct catalog *c, struct scrub_row *ret, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_SCRUB_GET);
	int rc = sqlite3_step(s);
	int r = 0;

	if (rc == SQLITE_ROW)
		*ret = (struct scrub_row){
			.next_ino = (uint64_t)sqlite3_column_int64(s, 0),
			.begun_ns = sqlite3_column_int64(s, 1),
		};
	else if (rc == SQLITE_DONE)
		r = -ENOENT;
	else
		r = catalog_fail(c->db, rc, err, "look up the scrub");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_scrub_remove(struct catalog *c, struct err *err)
{
	(void)catalog_stmt(c, STMT_SCRUB_REMOVE);
	return catalog_change(c, STMT_SCRUB_REMOVE, err, "forget the scrub");
}
