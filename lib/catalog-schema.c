// SPDX-License-Identifier: GPL-2.0-only
#include "catalog-schema.h"

#include <errno.h>
#include <stdio.h>

#include "catalog-db.h"
#include "fx.h"

static int run(sqlite3 *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc ? catalog_fail(db, rc, err, "change the schema") : 0;
}

int catalog_version(sqlite3 *db, int *ret, struct err *err)
{
	sqlite3_stmt *s;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);

	if (!rc)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*ret = sqlite3_column_int(s, 0);
		rc = SQLITE_OK;
	}
	(void)sqlite3_finalize(s); /* repeats the result of the step */
	return rc ? catalog_fail(db, rc, err, "read the version") : 0;
}

/* Rows that a migration left pointing to nothing must not be committed. */
static int check_references(sqlite3 *db, struct err *err)
{
	sqlite3_stmt *s;
	int rc = sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &s,
				    NULL);

	if (!rc)
		rc = sqlite3_step(s);
	(void)sqlite3_finalize(s); /* repeats the result of the step */
	if (rc == SQLITE_ROW)
		return err_set(err, -EUCLEAN,
			       "the catalog '%s' has references to nothing",
			       sqlite3_db_filename(db, "main"));
	return rc == SQLITE_DONE ?
		       0 :
		       catalog_fail(db, rc, err, "check the references");
}

/* Inside a transaction. 1 when there was nothing to do: another process came
 * first. */
static int apply(sqlite3 *db, const struct schema_migration *m, struct err *err)
{
	char set_version[48];
	int version;
	int r = catalog_version(db, &version, err);

	if (r < 0 || version >= m->version)
		return r < 0 ? r : 1;
	r = run(db, m->sql, err);
	if (!r)
		r = check_references(db, err);
	(void)snprintf(set_version, sizeof(set_version),
		       "PRAGMA user_version = %d", m->version);
	return r ? r : run(db, set_version, err);
}

static int migrate_one(sqlite3 *db, const struct schema_migration *m,
		       struct err *err)
{
	int r = run(db, "BEGIN IMMEDIATE", err);

	if (r < 0)
		return r;
	r = apply(db, m, err);
	if (!r) {
		r = fx_step("commit");
		if (r < 0)
			err_errno(err, r, "cannot change the schema");
	}
	if (!r)
		r = run(db, "COMMIT", err);
	if (!sqlite3_get_autocommit(db))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	if (r < 0)
		return err_prefix(err, r, "schema %d (%s) was not applied",
				  m->version, m->name);
	return 0;
}

int catalog_too_new(sqlite3 *db, int version, int newest, struct err *err)
{
	return err_set(err, -EOPNOTSUPP,
		       "the catalog '%s' has schema %d, this version of cowlink knows %d",
		       sqlite3_db_filename(db, "main"), version, newest);
}

int catalog_migrate(sqlite3 *db, const struct schema_migration *migrations,
		    size_t count, struct err *err)
{
	int newest = count ? migrations[count - 1].version : 0;
	int version;
	size_t i;
	int r = catalog_version(db, &version, err);

	if (!r && version > newest)
		r = catalog_too_new(db, version, newest, err);
	for (i = 0; !r && i < count; i++)
		if (migrations[i].version > version)
			r = migrate_one(db, &migrations[i], err);
	return r;
}
