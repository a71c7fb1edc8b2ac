// SPDX-License-Identifier: GPL-2.0-only
/* The catalog: rows, transactions, what it refuses, migrations. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "catalog-db.h"
#include "catalog.h"
#include "unit.h"

static char dir[256];
static int dirfd_;

static const struct pool_info info = {
	.uuid = "11111111-2222-4333-8444-555555555555",
	.unprotected = true,
	.link_limit = 17,
	.created_ns = 1700000000123456789,
};

/* --- helpers --------------------------------------------------------------------- */

static void clean(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd_, e->d_name, 0);
	if (d)
		closedir(d);
}

/* All names in the directory but "." and "..", each followed by a space. */
static const char *names(void)
{
	static char text[512];
	DIR *d = opendir(dir);
	struct dirent *e;

	text[0] = '\0';
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			strcat(text, e->d_name);
			strcat(text, " ");
		}
	if (d)
		closedir(d);
	return text;
}

static struct catalog *fresh(void)
{
	struct catalog *c = NULL;
	struct err err = { 0 };

	clean();
	if (catalog_create(dirfd_, &info, &err) ||
	    catalog_open(dirfd_, CATALOG_RW, &c, &err)) {
		printf("# %s\n", err.msg);
		exit(1);
	}
	return c;
}

/* Run SQL on the closed catalog, as another program would. */
static void sql(const char *file, const char *text)
{
	char path[512];
	char *msg = NULL;
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (sqlite3_open(path, &db) ||
	    sqlite3_exec(db, text, NULL, NULL, &msg)) {
		printf("# sql: %s\n", msg ? msg : sqlite3_errmsg(db));
		exit(1);
	}
	sqlite3_close(db);
}

static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *buf = calloc(1, 1 << 20);

	if (!f || !buf) {
		perror(path);
		exit(1);
	}
	*ret_len = fread(buf, 1, (1 << 20) - 1, f);
	fclose(f);
	return buf;
}

static void spit(const char *name, const void *data, size_t len)
{
	int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		exit(1);
	close(fd);
}

static struct tree_row a_guest(const char *name, int n)
{
	struct tree_row row = { .kind = TREE_GUEST,
				.state = TREE_CREATING,
				.engine = "copy",
				.origin = "debian12",
				.created_ns = 1000 + n,
				.files = 1,
				.dirs = 2,
				.others = 3,
				.size_bytes = 1ull << 40 };

	snprintf(row.name, sizeof(row.name), "%s", name);
	snprintf(row.uuid, sizeof(row.uuid),
		 "aaaaaaaa-0000-4000-8000-%012d", n);
	return row;
}

static struct object_row an_object(unsigned char n, uint64_t ino)
{
	struct object_row row = { .replica = 0, .ino = ino, .size_bytes = n };

	memset(row.key.b, n, sizeof(row.key.b));
	return row;
}

/* --- tests ----------------------------------------------------------------------- */

static void test_create(void)
{
	struct catalog *c = fresh();
	struct pool_info got = { 0 };
	struct stat st = { 0 };
	struct err err = { 0 };

	is_int(fstatat(dirfd_, "catalog.db-wal", &st, 0), 0, "the log");
	ok(st.st_blocks * 512 >= 256 << 10, "has room for a full disk");
	is_int(catalog_get_pool(c, &got, NULL), 0, "the pool row is there");
	ok(!strcmp(got.uuid, info.uuid) && got.unprotected &&
		   got.link_limit == 17 && got.created_ns == info.created_ns,
	   "and is what was given");
	catalog_close(c);
	is_int(fstatat(dirfd_, "catalog.db-wal", &st, 0), 0, "which it keeps");
	ok(st.st_blocks * 512 >= 256 << 10, "all of it");
	fstatat(dirfd_, "catalog.db", &st, 0);
	is_int(st.st_mode & 07777, 0600, "readable for its owner only");
	is_int(catalog_create(dirfd_, &info, &err), -EEXIST,
	       "a second one is refused");
	clean();
	is_int(catalog_open(dirfd_, CATALOG_RW, &c, &err), -ENOENT,
	       "opening makes none");
	is_str(names(), "", "not even a part of one");
	spit("catalog.new", "half", 4);
	spit("catalog.new-wal", "half", 4);
	is_int(catalog_create(dirfd_, &info, &err), 0,
	       "what a killed attempt left does not matter");
	is_str(names(), "catalog.db ", "and one file is all there is");
}

static void test_trees(void)
{
	struct catalog *c = fresh();
	struct tree_row row = a_guest("g1", 1);
	struct tree_row same_name = a_guest("g1", 2);
	struct tree_row same_uuid = a_guest("g2", 1);
	struct tree_row bad = a_guest("../g", 3);
	struct tree_row got = { 0 };
	struct err err = { 0 };

	is_int(catalog_tree_add(c, &row, NULL), 0, "a guest is added");
	ok(row.id > 0, "and has an id");
	is_int(catalog_tree_add(c, &same_name, &err), -EEXIST,
	       "its name is taken");
	is_str(err.msg, "guest 'g1' exists", "with a plain message");
	is_int(catalog_tree_add(c, &same_uuid, NULL), -EEXIST,
	       "its uuid is taken");
	is_int(catalog_tree_add(c, &bad, NULL), -EINVAL,
	       "the table itself refuses a name with a slash");
	same_name.kind = TREE_TEMPLATE;
	is_int(catalog_tree_add(c, &same_name, NULL), 0,
	       "a template may have a guest's name");
	ok(same_name.id > row.id, "ids grow");
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), 0,
	       "the guest is found");
	ok(!memcmp(&got, &row, sizeof(got)), "and comes back as it was given");
	is_int(catalog_tree_find(c, TREE_GUEST, "g9", &got, NULL), -ENOENT,
	       "an unknown one is not");
	row.state = TREE_READY;
	row.files = 99;
	snprintf(row.origin_uuid, sizeof(row.origin_uuid), "%s",
		 same_name.uuid);
	is_int(catalog_tree_update(c, &row, NULL), 0, "it is changed");
	catalog_close(c);
	is_int(catalog_open(dirfd_, CATALOG_RO, &c, &err), 0,
	       "a reader opens the catalog");
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), 0,
	       "finds it");
	ok(!memcmp(&got, &row, sizeof(got)), "changed");
	is_int(catalog_tree_remove(c, row.id, NULL), -EROFS,
	       "and cannot remove it");
	catalog_close(c);
	catalog_open(dirfd_, CATALOG_RW, &c, NULL);
	is_int(catalog_tree_remove(c, row.id, NULL), 0, "a writer can");
	is_int(catalog_tree_update(c, &row, NULL), -ENOENT,
	       "what is gone cannot be changed");
	catalog_close(c);
}

static void test_lists(void)
{
	static const char *const order[] = { "Z", "a", "a.1", "b" };
	static const char *const mixed[] = { "b", "a.1", "Z", "a" };
	struct catalog *c = fresh();
	struct tree_row *rows = NULL;
	size_t count = 99;
	bool sorted = true;
	size_t i;

	is_int(catalog_tree_list(c, TREE_GUEST, &rows, &count, NULL), 0,
	       "an empty list");
	is_int(count, 0, "is empty");
	free(rows);
	for (i = 0; i < 4; i++) {
		struct tree_row row = a_guest(mixed[i], i);

		row.state = i == 1 ? TREE_DESTROYING :
			    i == 2 ? TREE_CREATING :
				     TREE_READY;
		catalog_tree_add(c, &row, NULL);
	}
	catalog_tree_list(c, TREE_GUEST, &rows, &count, NULL);
	for (i = 0; i < count; i++)
		sorted &= !strcmp(rows[i].name, order[i]);
	is_int(count, 4, "all guests are listed");
	ok(sorted, "in byte order of their names");
	free(rows);
	catalog_tree_unfinished(c, &rows, &count, NULL);
	ok(count == 2 && !strcmp(rows[0].name, "Z") &&
		   !strcmp(rows[1].name, "a.1"),
	   "and the two that are not ready");
	free(rows);
	catalog_close(c);
}

static void test_transactions(void)
{
	struct catalog *c = fresh();
	struct tree_row row = a_guest("g1", 1);
	struct tree_row got;
	struct catalog *other = NULL;

	catalog_begin(c, NULL);
	catalog_tree_add(c, &row, NULL);
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), 0,
	       "who began a change sees it");
	catalog_open(dirfd_, CATALOG_RW, &other, NULL);
	is_int(catalog_tree_find(other, TREE_GUEST, "g1", &got, NULL), -ENOENT,
	       "others do not yet");
	catalog_set_wait(other, 10);
	is_int(catalog_begin(other, NULL), -EBUSY,
	       "and cannot begin one themselves");
	catalog_rollback(c);
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), -ENOENT,
	       "rolled back it is gone");
	is_int(catalog_begin(other, NULL), 0, "now the other may");
	catalog_tree_add(other, &row, NULL);
	is_int(catalog_commit(other, NULL), 0, "and commits");
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), 0,
	       "which everybody sees");
	catalog_close(other);
	catalog_begin(c, NULL);
	catalog_tree_remove(c, got.id, NULL);
	catalog_close(c);
	catalog_open(dirfd_, CATALOG_RW, &c, NULL);
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), 0,
	       "closing inside of a change takes it back");
	is_int(catalog_commit(c, NULL), -EINVAL, "commit without begin");
	catalog_close(c);
}

/* In a child that is killed: add a guest, and commit if @commit. By the parent,
 * since valgrind lets no process kill itself without a report. */
static void killed_writer(const char *name, int n, bool commit)
{
	struct tree_row row = a_guest(name, n);
	struct catalog *c = NULL;
	int done[2];
	char byte;
	pid_t pid;

	if (pipe(done) < 0)
		exit(1);
	pid = fork();
	if (!pid) {
		catalog_open(dirfd_, CATALOG_RW, &c, NULL);
		catalog_begin(c, NULL);
		catalog_tree_add(c, &row, NULL);
		if (commit)
			catalog_commit(c, NULL);
		if (write(done[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	if (read(done[0], &byte, 1) != 1)
		exit(1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(done[0]);
	close(done[1]);
}

static void test_kill(void)
{
	struct tree_row got;
	struct catalog *c = fresh();

	catalog_close(c);
	killed_writer("g1", 1, false);
	killed_writer("g2", 2, true);
	is_int(catalog_open(dirfd_, CATALOG_RO, &c, NULL), 0,
	       "a reader opens what a killed writer left");
	is_int(catalog_tree_find(c, TREE_GUEST, "g1", &got, NULL), -ENOENT,
	       "without its unfinished change");
	is_int(catalog_tree_find(c, TREE_GUEST, "g2", &got, NULL), 0,
	       "and with the finished one");
	catalog_close(c);
}

static int count_rows(const struct object_row *row, void *ctx)
{
	++*(int *)ctx;
	return 0;
}

static int stop_at_once(const struct object_row *row, void *ctx)
{
	return 7;
}

static void test_objects(void)
{
	struct catalog *c = fresh();
	struct object_row a = an_object(1, 100);
	struct object_row b = an_object(2, UINT64_MAX - 1);
	struct object_row stale = an_object(3, 100);
	struct object_row got = { 0 };
	struct catalog *other = NULL;
	uint64_t count = 99;
	int seen = 0;

	is_int(catalog_object_put(c, &a, NULL), 0, "a master is added");
	is_int(catalog_object_by_ino(c, 100, &got, NULL), 0, "and known");
	ok(!memcmp(&got, &a, sizeof(got)), "as it was given");
	catalog_object_put(c, &b, NULL);
	is_int(catalog_object_by_ino(c, UINT64_MAX - 1, &got, NULL), 0,
	       "an inode number of 64 bits");
	ok(digest_equal(&got.key, &b.key) && got.ino == b.ino, "is kept whole");
	is_int(catalog_object_by_ino(c, 5, &got, NULL), -ENOENT,
	       "another inode is no master");
	is_int(catalog_object_count(c, &count, NULL), 0, "they are counted");
	is_int(count, 2, "both");
	catalog_open(dirfd_, CATALOG_RW, &other, NULL);
	is_int(catalog_object_by_ino(other, 100, &got, NULL), 0,
	       "which has written them for all to see");
	catalog_object_put(c, &stale, NULL);
	catalog_object_by_ino(c, 100, &got, NULL);
	ok(digest_equal(&got.key, &stale.key),
	   "an inode that was used again is the new master");
	catalog_object_each(c, count_rows, &seen, NULL);
	is_int(seen, 2, "and the old one is gone");
	is_int(catalog_object_each(c, stop_at_once, NULL, NULL), 7,
	       "a callback ends the loop");
	catalog_begin(c, NULL);
	catalog_object_put(c, &a, NULL);
	catalog_object_remove(c, &a.key, 0, NULL);
	catalog_object_remove(c, &b.key, 0, NULL);
	catalog_commit(c, NULL);
	is_int(catalog_object_by_ino(c, b.ino, &got, NULL), -ENOENT,
	       "a removed one is gone");
	catalog_object_count(c, &count, NULL);
	is_int(count, 1, "also if it was just added");
	catalog_object_put(c, &b, NULL);
	catalog_object_clear(c, NULL);
	catalog_object_count(c, &count, NULL);
	is_int(count, 0, "cleared is cleared");
	catalog_object_put(c, &b, NULL);
	catalog_close(c);
	is_int(catalog_object_by_ino(other, b.ino, &got, NULL), 0,
	       "closing writes what waits");
	catalog_close(other);
}

/* Many rows are written on the way, not all at the end. */
static void test_many_objects(void)
{
	struct catalog *c = fresh();
	struct catalog *other = NULL;
	struct object_row row = { 0 };
	struct object_row got;
	uint64_t count = 0;
	int i;

	for (i = 0; i < 10000; i++) {
		memcpy(row.key.b, &i, sizeof(i));
		row.ino = 1 + i;
		catalog_object_put(c, &row, NULL);
	}
	catalog_open(dirfd_, CATALOG_RO, &other, NULL);
	is_int(catalog_object_by_ino(other, 8000, &got, NULL), 0,
	       "thousands of masters do not wait for the end");
	is_int(catalog_object_by_ino(other, 10000, &got, NULL), -ENOENT,
	       "the last ones do");
	catalog_object_count(c, &count, NULL);
	is_int(count, 10000, "none is lost");
	catalog_close(other);
	catalog_close(c);
}

/* Opening what @what describes fails with @want, in both modes, and leaves the
 * file and the directory as they are. */
static void is_refused(int want, const char *what)
{
	static const enum catalog_mode modes[] = { CATALOG_RO, CATALOG_RW };
	char before_names[512];
	char path[512];
	size_t before_len;
	char *before;
	int i;

	snprintf(before_names, sizeof(before_names), "%s", names());
	snprintf(path, sizeof(path), "%s/catalog.db", dir);
	before = slurp(path, &before_len);
	for (i = 0; i < 2; i++) {
		struct catalog *c = NULL;
		struct err err = { 0 };
		size_t len;
		char *after;

		is_int(catalog_open(dirfd_, modes[i], &c, &err), want, what);
		ok(!strchr(err.msg, '\n') && strstr(err.msg, path),
		   "with one line that names it");
		after = slurp(path, &len);
		ok(len == before_len && !memcmp(before, after, len) &&
			   !strcmp(names(), before_names),
		   "and nothing is changed");
		free(after);
	}
	free(before);
}

static void test_refused(void)
{
	char junk[8192];

	memset(junk, 'x', sizeof(junk));
	catalog_close(fresh());
	sql("catalog.db", "PRAGMA user_version = 99");
	is_refused(-EOPNOTSUPP, "a newer schema");
	catalog_close(fresh());
	sql("catalog.db", "PRAGMA application_id = 7");
	is_refused(-EUCLEAN, "a database of another program");
	spit("catalog.db", junk, sizeof(junk));
	is_refused(-EUCLEAN, "a file that is no database");
	spit("catalog.db", "", 0);
	is_refused(-EUCLEAN, "an empty file");
	spit("catalog.db", "SQLite format 3", 16);
	is_refused(-EUCLEAN, "a file that was cut");
}

/* The name of the @n-th table of the catalog, or false. */
static bool nth_table(int n, char name[64])
{
	sqlite3_stmt *s;
	char path[512];
	sqlite3 *db;
	bool there;

	snprintf(path, sizeof(path), "%s/catalog.db", dir);
	if (sqlite3_open(path, &db) ||
	    sqlite3_prepare_v2(db,
			       "SELECT name FROM sqlite_schema WHERE "
			       "type = 'table' AND name NOT LIKE 'sqlite_%' "
			       "ORDER BY name LIMIT 1 OFFSET ?1",
			       -1, &s, NULL) ||
	    sqlite3_bind_int(s, 1, n))
		exit(1);
	there = sqlite3_step(s) == SQLITE_ROW;
	if (there)
		snprintf(name, 64, "%s", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	sqlite3_close(db);
	return there;
}

static void test_lost_tables(void)
{
	char name[64], text[96];
	int refused = 0;
	int n;

	catalog_close(fresh());
	for (n = 0; nth_table(n, name); n++) {
		struct err err = { 0 };
		struct catalog *c;

		snprintf(text, sizeof(text), "DROP TABLE %s", name);
		sql("catalog.db", text);
		snprintf(text, sizeof(text), "no such table: %s", name);
		if (catalog_open(dirfd_, CATALOG_RW, &c, &err) == -EUCLEAN &&
		    strstr(err.msg, text))
			refused++;
		catalog_close(fresh());
	}
	ok(n >= 12 && refused == n, "each table that is missing is named");
}

/* Found by the statement that needs it, and by the check. */
static void test_lost_column(void)
{
	struct err err = { 0 };
	struct catalog *c;

	catalog_close(fresh());
	sql("catalog.db", "ALTER TABLE scrub RENAME next_ino TO next");
	is_int(catalog_open(dirfd_, CATALOG_RW, &c, NULL), 0,
	       "where a column is missing what does not need it works");
	is_int(catalog_scrub_get(c, &(struct scrub_row){ 0 }, &err), -EUCLEAN,
	       "what does fails");
	ok(strstr(err.msg, "no such column: next_ino"), "and names it");
	is_int(catalog_verify(c, &err), -EUCLEAN, "so does the check");
	ok(strstr(err.msg, "next_ino"), "and names it");
	is_int(catalog_run_last(c, &(int64_t){ 0 }, NULL), 0,
	       "what comes after it works");
	catalog_close(c);
}

/* As after a catalog_stmt() that had no memory: without its values it does not run. */
static void test_lost_values(void)
{
	struct catalog *c = fresh();
	struct err err = { 0 };

	is_int(catalog_exec(c, STMT_TREE_REMOVE, &err, "remove"), -EIO,
	       "a statement whose values were lost fails");
	is_int(catalog_exec(c, STMT_SCRUB_REMOVE, &err, "remove"), 0,
	       "one that takes none runs");
	catalog_close(c);
}

static void test_damaged(void)
{
	struct catalog *c = fresh();
	struct err err = { 0 };
	char junk[4096];
	int r;
	int fd;
	int i;

	for (i = 0; i < 300; i++) {
		char name[16];
		struct tree_row row;

		snprintf(name, sizeof(name), "guest%03d", i);
		row = a_guest(name, i);
		catalog_tree_add(c, &row, NULL);
	}
	is_int(catalog_verify(c, NULL), 0, "a sound catalog passes the check");
	catalog_close(c);
	memset(junk, 0xa5, sizeof(junk));
	fd = openat(dirfd_, "catalog.db", O_WRONLY);
	/* all but the first page, which holds the schema */
	for (i = 1; i < 20; i++)
		if (pwrite(fd, junk, sizeof(junk), i * 4096) < 0)
			exit(1);
	close(fd);
	r = catalog_open(dirfd_, CATALOG_RW, &c, &err);
	if (!r) {
		r = catalog_verify(c, &err);
		catalog_close(c);
	}
	is_int(r, -EUCLEAN, "overwritten pages are found");
	is_int(err.cls, ERR_INCONSISTENT, "and are an inconsistency");
	catalog_close(fresh());
	sql("catalog.db", "DELETE FROM pool");
	catalog_open(dirfd_, CATALOG_RW, &c, NULL);
	is_int(catalog_get_pool(c, &(struct pool_info){ 0 }, NULL), -EUCLEAN,
	       "the pool row is missing");
	catalog_close(c);
}

static void test_old_schema(void)
{
	struct err err = { 0 };
	struct catalog *c;

	catalog_close(fresh());
	sql("catalog.db", "PRAGMA user_version = 0");
	is_int(catalog_open(dirfd_, CATALOG_RO, &c, &err), -EOPNOTSUPP,
	       "a reader does not migrate");
}

/* Every fixture that a release left, brought to the newest schema. */
static void test_fixture(void)
{
	static const char name[] = "tests/fixtures/catalog-v1.sql";
	const char *src = getenv("COWLINK_SRC");
	struct tree_row row = { 0 };
	struct pool_info got = { 0 };
	struct object_row object = { 0 };
	struct catalog *c = NULL;
	struct err err = { 0 };
	char path[512];
	int version = 0;
	size_t len;
	char *text;

	snprintf(path, sizeof(path), "%s/%s", src ? src : ".", name);
	text = slurp(path, &len);
	clean();
	sql("catalog.db", text);
	free(text);
	is_int(catalog_open(dirfd_, CATALOG_RW, &c, &err), 0,
	       "a catalog of schema 1 is opened");
	catalog_version(c->db, &version, NULL);
	is_int(version, schema_migrations[schema_migration_count - 1].version,
	       "and has the newest schema now");
	is_int(catalog_verify(c, NULL), 0, "is sound");
	catalog_get_pool(c, &got, NULL);
	is_int(got.link_limit, 32000, "knows its pool");
	is_int(catalog_tree_find(c, TREE_GUEST, "guest7", &row, NULL), 0,
	       "its guest");
	ok(row.id == 2 && row.state == TREE_READY && row.files == 10023 &&
		   row.size_bytes == 345678901 &&
		   row.created_ns == 1700000002000000002 &&
		   !strcmp(row.origin, "debian12") &&
		   !strcmp(row.origin_uuid,
			   "aaaaaaaa-0000-4000-8000-000000000001"),
	   "with all there was to know");
	catalog_tree_find(c, TREE_GUEST, "a.b_c+d-e", &row, NULL);
	is_int(row.state, TREE_DESTROYING, "what was not finished");
	is_int(row.context, 28673, "and gives each guest a context");
	is_int(catalog_object_by_ino(c, UINT64_MAX - 1, &object, NULL), 0,
	       "its masters");
	is_int(object.replica, 4294967294u, "each");
	row = a_guest("new", 9);
	catalog_tree_add(c, &row, NULL);
	is_int(row.id, 6, "and that id 5 was given before");
	is_int(row.context, 28674, "with the next context");
	row = a_guest("wants", 10);
	row.context = 30000;
	catalog_tree_add(c, &row, NULL);
	is_int(row.context, 30000, "or one that it had before");
	row = a_guest("late", 11);
	row.context = 30000;
	catalog_tree_add(c, &row, NULL);
	is_int(row.context, 28675, "unless it is taken");
	row = a_guest("odd", 12);
	row.context = 1000;
	catalog_tree_add(c, &row, NULL);
	is_int(row.context, 28676, "or none of a guest");
	catalog_close(c);
}

static const struct schema_migration steps[] = {
	{ 1, "one", "CREATE TABLE a (x INTEGER PRIMARY KEY) STRICT;" },
	{ 2, "two",
	  "CREATE TABLE b (y INTEGER REFERENCES a (x)) STRICT;"
	  "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1);" },
	{ 3, "fails", "CREATE TABLE c (z) STRICT; INSERT INTO nowhere "
		      "VALUES (1);" },
};

static const struct schema_migration dangling[] = {
	{ 1, "one", "SELECT 1" },
	{ 2, "two", "SELECT 1" },
	{ 3, "dangles", "DELETE FROM a;" },
};

static int has_table(sqlite3 *db, const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "SELECT * FROM %s", name);
	return !sqlite3_exec(db, text, NULL, NULL, NULL);
}

static void test_migrate(void)
{
	struct err err = { 0 };
	int version = 99;
	sqlite3 *db;

	if (sqlite3_open(":memory:", &db))
		exit(1);
	is_int(catalog_migrate(db, steps, 1, &err), 0, "the first migration");
	is_int(catalog_migrate(db, steps, 2, &err), 0, "the second");
	is_int(catalog_migrate(db, steps, 2, &err), 0, "none again");
	ok(catalog_migrate(db, steps, 3, &err) < 0, "one that fails");
	ok(strstr(err.msg, "schema 3 (fails)") != NULL, "is named");
	catalog_version(db, &version, NULL);
	is_int(version, 2, "leaves the version");
	ok(!has_table(db, "c") && has_table(db, "b"), "and the tables alone");
	is_int(catalog_migrate(db, dangling, 3, &err), -EUCLEAN,
	       "one that leaves references to nothing fails");
	catalog_version(db, &version, NULL);
	is_int(version, 2, "and leaves the version too");
	is_int(catalog_migrate(db, steps, 1, &err), -EOPNOTSUPP,
	       "a database that is newer than we are");
	is_int(err.cls, ERR_UNSUPPORTED, "is not supported");
	sqlite3_close(db);
}

static void test_names(void)
{
	enum tree_kind kind;
	enum tree_state state;

	ok(!tree_kind_parse("guest", &kind) && kind == TREE_GUEST &&
		   tree_kind_parse("guests", &kind) == -EINVAL,
	   "kinds have names");
	ok(!tree_state_parse("destroying", &state) &&
		   state == TREE_DESTROYING &&
		   tree_state_parse("", &state) == -EINVAL,
	   "states have names");
}

static void test_uuid(void)
{
	char a[UUID_TEXT_SIZE];
	char b[UUID_TEXT_SIZE];

	is_int(uuid_generate_text(a), 0, "a uuid is made");
	uuid_generate_text(b);
	ok(uuid_is_valid(a) && uuid_is_valid(b), "and valid");
	ok(strcmp(a, b) != 0, "and another the next time");
	ok(a[14] == '4' && strchr("89ab", a[19]), "of version 4");
	ok(!uuid_is_valid("11111111-2222-4333-8444-55555555555") &&
		   !uuid_is_valid("11111111-2222-4333-8444-55555555555G") &&
		   !uuid_is_valid("11111111+2222-4333-8444-555555555555") &&
		   !uuid_is_valid(""),
	   "what is none is told");
}

int main(void)
{
	unit_plan(143);
	unit_tmpdir(dir);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_create();
	test_trees();
	test_lists();
	test_transactions();
	test_kill();
	test_objects();
	test_many_objects();
	test_refused();
	test_damaged();
	test_lost_tables();
	test_lost_column();
	test_lost_values();
	test_old_schema();
	test_fixture();
	test_migrate();
	test_names();
	test_uuid();
	clean();
	close(dirfd_);
	rmdir(dir);
	return unit_done();
}
