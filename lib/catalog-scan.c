// SPDX-License-Identifier: GPL-2.0-only
/* The table scan: what vhashify remembers of a tree, as bytes. */
#include <errno.h>
#include <stdlib.h>

#include "catalog-db.h"

void scan_row_release(struct scan_row *row)
{
	free(row->dirs);
	free(row->digests);
	*row = (struct scan_row){ 0 };
}

int catalog_scan_get(struct catalog *c, int64_t tree_id, struct scan_row *ret,
		     struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_SCAN_GET);
	struct scan_row row = { 0 };
	int rc;
	int r = 0;

	(void)sqlite3_bind_int64(s, 1, tree_id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		r = catalog_blob(s, 0, &row.dirs, &row.dirs_size);
		if (!r)
			r = catalog_blob(s, 1, &row.digests, &row.digests_size);
		if (r < 0)
			err_errno(err, r, "cannot read what is remembered");
	} else {
		r = rc == SQLITE_DONE ?
			    -ENOENT :
			    catalog_fail(c->db, rc, err, "look up a scan");
	}
	(void)sqlite3_reset(s); /* reported by the step */
	if (r < 0)
		scan_row_release(&row);
	*ret = row;
	return r;
}

int catalog_scan_put(struct catalog *c, int64_t tree_id,
		     const struct scan_row *row, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_SCAN_PUT);
	int r;

	(void)sqlite3_bind_int64(s, 1, tree_id);
	/* zero bytes are an empty blob, not NULL */
	(void)sqlite3_bind_blob64(s, 2, row->dirs_size ? row->dirs : "",
				  row->dirs_size, SQLITE_STATIC);
	(void)sqlite3_bind_blob64(s, 3, row->digests_size ? row->digests : "",
				  row->digests_size, SQLITE_STATIC);
	r = catalog_change(c, STMT_SCAN_PUT, err, "remember a scan");
	(void)sqlite3_clear_bindings(s);
	return r;
}

void catalog_relax(struct catalog *c, bool relaxed)
{
	/* cannot fail in a way that matters: then commits are as durable as ever */
	(void)sqlite3_exec(c->db,
			   relaxed ? "PRAGMA synchronous = NORMAL" :
				     "PRAGMA synchronous = FULL",
			   NULL, NULL, NULL);
}
