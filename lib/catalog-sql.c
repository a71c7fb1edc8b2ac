// SPDX-License-Identifier: GPL-2.0-only
/* What catalog*.c say to SQLite; by which names: catalog-db.h. */
#include "catalog-db.h"

#define FIRST_CONTEXT "28672"	/* schema/0003-guest.sql says why */
#define LAST_CONTEXT "65534"

#define TREE_COLUMNS                                                         \
	"id, kind, state, name, uuid, engine, origin, origin_uuid, "         \
	"created_ns, files, dirs, others, size_bytes, "                      \
	"(SELECT context FROM guest WHERE tree_id = tree.id)"

#define RUN_COLUMNS                                                          \
	"begun_ns, ended_ns, status, trees, files, hashed_files, "           \
	"hashed_bytes, shared_files, shared_bytes, new_masters, new_bytes, " \
	"failed_files, unreached_files, unreached_trees"

const char *const catalog_sql[STMT_COUNT] = {
	[STMT_BEGIN] = "BEGIN IMMEDIATE",
	[STMT_COMMIT] = "COMMIT",
	[STMT_ROLLBACK] = "ROLLBACK",
	[STMT_POOL_ADD] =
		"INSERT INTO pool (id, uuid, unprotected, link_limit, created_ns) "
		"VALUES (1, ?1, ?2, ?3, ?4)",
	[STMT_POOL_GET] =
		"SELECT uuid, unprotected, link_limit, created_ns FROM pool",
	[STMT_TREE_ADD] =
		"INSERT INTO tree (kind, state, name, uuid, engine, origin, "
		"origin_uuid, created_ns, files, dirs, others, size_bytes) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ''), ?8, ?9, ?10, "
		"?11, ?12)",
	[STMT_TREE_FIND] = "SELECT " TREE_COLUMNS
			   " FROM tree WHERE kind = ?1 AND name = ?2",
	[STMT_TREE_LIST] = "SELECT " TREE_COLUMNS
			   " FROM tree WHERE kind = ?1 ORDER BY name",
	[STMT_TREE_UNFINISHED] =
		"SELECT " TREE_COLUMNS
		" FROM tree WHERE state <> 'ready' ORDER BY kind, name",
	[STMT_TREE_UPDATE] =
		"UPDATE tree SET state = ?2, name = ?3, engine = ?5, "
		"origin = ?6, origin_uuid = nullif(?7, ''), created_ns = ?8, "
		"files = ?9, dirs = ?10, others = ?11, size_bytes = ?12 "
		"WHERE id = ?13",
	[STMT_TREE_REMOVE] = "DELETE FROM tree WHERE id = ?1",
	[STMT_GUEST_ADD] =
		"INSERT INTO guest (tree_id, context) SELECT ?1, ifnull("
		"(SELECT ?2 WHERE ?2 BETWEEN " FIRST_CONTEXT " AND " LAST_CONTEXT
		" AND ?2 NOT IN (SELECT context FROM guest)), min(n)) FROM "
		"(SELECT " FIRST_CONTEXT " AS n UNION "
		"SELECT context + 1 FROM guest) "
		"WHERE n BETWEEN " FIRST_CONTEXT " AND " LAST_CONTEXT
		" AND n NOT IN (SELECT context FROM guest)",
	[STMT_GUEST_CONTEXT] = "SELECT context FROM guest WHERE tree_id = ?1",
	[STMT_SETTING_LIST] = "SELECT key, value FROM setting "
			      "WHERE tree_id = ?1 ORDER BY key",
	[STMT_SETTING_PUT] =
		"INSERT OR REPLACE INTO setting (tree_id, key, value) "
		"VALUES (?1, ?2, ?3)",
	[STMT_SETTING_REMOVE] =
		"DELETE FROM setting WHERE tree_id = ?1 AND key = ?2",
	[STMT_OBJECT_DEFER] =
		"INSERT OR REPLACE INTO temp.deferred (key, replica, ino, "
		"size_bytes) VALUES (?1, ?2, ?3, ?4)",
	[STMT_OBJECT_FLUSH] =
		"INSERT OR REPLACE INTO main.object (key, replica, ino, "
		"size_bytes) SELECT key, replica, ino, size_bytes "
		"FROM temp.deferred",
	[STMT_OBJECT_FLUSHED] = "DELETE FROM temp.deferred",
	[STMT_OBJECT_UNDEFER] =
		"DELETE FROM temp.deferred WHERE key = ?1 AND replica = ?2",
	[STMT_OBJECT_REMOVE] =
		"DELETE FROM object WHERE key = ?1 AND replica = ?2",
	[STMT_OBJECT_BY_INO] =
		"SELECT key, replica, ino, size_bytes FROM temp.deferred "
		"WHERE ino = ?1 UNION ALL "
		"SELECT key, replica, ino, size_bytes FROM main.object "
		"WHERE ino = ?1 LIMIT 1",
	[STMT_OBJECT_EACH] =
		"SELECT key, replica, ino, size_bytes FROM object "
		"ORDER BY key, replica",
	[STMT_OBJECT_CLEAR] = "DELETE FROM object",
	[STMT_OBJECT_COUNT] = "SELECT count(*) FROM object",
	[STMT_RUN_ADD] = "INSERT INTO run (" RUN_COLUMNS ") VALUES (?1, ?2, ?3, "
			 "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[STMT_RUN_FORGET] = "DELETE FROM run WHERE id <= ?1",
	[STMT_RUN_EACH] = "SELECT id, " RUN_COLUMNS
			  " FROM run ORDER BY id DESC LIMIT ?1",
	[STMT_RUN_LAST] = "SELECT coalesce(max(id), 0) FROM run",
	[STMT_WATCH_GET] = "SELECT names FROM watch WHERE tree_id = ?1",
	[STMT_WATCH_PUT] =
		"INSERT OR REPLACE INTO watch (tree_id, names) VALUES (?1, ?2)",
	[STMT_WATCH_REMOVE] = "DELETE FROM watch WHERE tree_id = ?1",
	[STMT_CHURN_ADD] =
		"INSERT INTO churn (run_id, tree_id, prefix, files, "
		"again_files, bytes) SELECT ?1, id, ?3, ?4, ?5, ?6 FROM tree "
		"WHERE id = ?2",
	[STMT_CHURN_FORGET] = "DELETE FROM churn WHERE run_id <= ?1",
	[STMT_CHURN_EACH] =
		"SELECT kind, name, prefix, count(*), sum(churn.files), "
		"sum(again_files), sum(bytes) FROM churn "
		"JOIN tree ON tree.id = tree_id WHERE run_id > "
		"(SELECT coalesce(max(id), 0) FROM run) - ?1 "
		"GROUP BY tree_id, prefix "
		"ORDER BY sum(bytes) DESC, kind, name, prefix",
	[STMT_RESUME_PUT] =
		"INSERT OR REPLACE INTO resume (id, guest) VALUES (1, ?1)",
	[STMT_RESUME_GET] = "SELECT guest FROM resume",
	[STMT_RESUME_REMOVE] = "DELETE FROM resume",
	[STMT_SCAN_GET] = "SELECT dirs, digests FROM scan WHERE tree_id = ?1",
	[STMT_SCAN_PUT] =
		"INSERT OR REPLACE INTO scan (tree_id, dirs, digests) "
		"VALUES (?1, ?2, ?3)",
	[STMT_QUARANTINE_PUT] =
		"INSERT OR REPLACE INTO quarantine (name, found_ns, reason) "
		"VALUES (?1, ?2, ?3)",
	[STMT_QUARANTINE_GET] =
		"SELECT found_ns, reason FROM quarantine WHERE name = ?1",
	[STMT_QUARANTINE_REMOVE] = "DELETE FROM quarantine WHERE name = ?1",
	[STMT_SCRUB_PUT] =
		"INSERT OR REPLACE INTO scrub (id, next_ino, begun_ns) "
		"VALUES (1, ?1, ?2)",
	[STMT_SCRUB_GET] = "SELECT next_ino, begun_ns FROM scrub",
	[STMT_SCRUB_REMOVE] = "DELETE FROM scrub",
};

const char catalog_missing_table[] =
	"SELECT column1 FROM (VALUES ('pool'), ('tree'), ('guest'), "
	"('setting'), ('object'), ('run'), ('watch'), ('churn'), ('resume'), "
	"('scan'), ('quarantine'), ('scrub')) WHERE column1 NOT IN "
	"(SELECT name FROM main.sqlite_schema WHERE type = 'table')";
