// SPDX-License-Identifier: GPL-2.0-only
/* Names, identities, locks, staging and the engine probe of a pool. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "engine.h"
#include "fdio.h"
#include "fx.h"
#include "pool.h"
#include "staging.h"
#include "tree.h"
#include "unit.h"

static char path[256];
static struct pool *pool;

static bool refused(const char *name, const char *why)
{
	struct err err = { 0 };

	return tree_name_check(TREE_GUEST, name, &err) == -EINVAL &&
	       err.cls == ERR_USAGE && strstr(err.msg, why);
}

static void test_names(void)
{
	static const char *const good[] = { "a", "9", "debian12", "a.b",
					    "a_b+c-d", "A..B" };
	char longest[66];
	bool all = true;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		all &= !tree_name_check(TREE_GUEST, good[i], NULL);
	ok(all, "ordinary names");
	memset(longest, 'x', sizeof(longest));
	longest[64] = '\0';
	is_int(tree_name_check(TREE_GUEST, longest, NULL), 0, "64 bytes");
	longest[64] = 'x';
	longest[65] = '\0';
	ok(refused(longest, "longer than 64"), "not 65");
	ok(refused("", "empty"), "not the empty one");
	ok(refused(".", "begin") && refused("..", "begin") &&
		   refused(".a", "begin") && refused("-a", "begin") &&
		   refused("_a", "begin"),
	   "the first is a letter or digit");
	ok(refused("a/b", "'/'") && refused("a b", "' '") &&
		   refused("a:b", "':'"),
	   "the wrong character is named");
	ok(refused("a\nb", "control") && refused("a\x7f", "control"),
	   "control characters are");
	ok(refused("\xc3\xa4", "ASCII") && refused("a\xff", "ASCII"),
	   "so is what is not ASCII");
}

static const struct tree_row full = {
	.kind = TREE_GUEST,
	.state = TREE_READY,
	.name = "guest-7",
	.uuid = "aaaaaaaa-0000-4000-8000-000000000001",
	.engine = "kernel",
	.origin = "a name with spaces  and more",
	.origin_uuid = "bbbbbbbb-0000-4000-8000-000000000002",
	.created_ns = 1700000000123456789,
	.files = 1,
	.dirs = 2,
	.others = 3,
	.size_bytes = UINT64_MAX,
};

static bool same_identity(const struct tree_row *a, const struct tree_row *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) &&
	       !strcmp(a->uuid, b->uuid) && !strcmp(a->engine, b->engine) &&
	       !strcmp(a->origin, b->origin) &&
	       !strcmp(a->origin_uuid, b->origin_uuid) &&
	       a->created_ns == b->created_ns && a->files == b->files &&
	       a->dirs == b->dirs && a->others == b->others &&
	       a->size_bytes == b->size_bytes;
}

static int read_as(int fd, const char *text)
{
	struct tree_row row;

	if (fsetxattr(fd, TREE_ID_XATTR, text, strlen(text), 0) < 0)
		exit(1);
	return tree_id_read(fd, &row, NULL);
}

static void test_identity(void)
{
#define U "aaaaaaaa-0000-4000-8000-000000000001"
	struct tree_row row = full;
	struct tree_row got = { 0 };
	int fd = pool->guests_fd;

	is_int(tree_id_read(fd, &got, NULL), -ENODATA, "no identity");
	is_int(tree_id_write(fd, &row, NULL), 0, "it is written");
	is_int(tree_id_read(fd, &got, NULL), 0, "and read");
	ok(same_identity(&row, &got), "whole");
	row.kind = TREE_TEMPLATE;
	row.origin[0] = row.origin_uuid[0] = '\0';
	row.size_bytes = 0;
	tree_id_write(fd, &row, NULL);
	is_int(tree_id_read(fd, &got, NULL), 0, "also without an origin");
	ok(same_identity(&row, &got), "whole");
	memset(row.origin, 'o', sizeof(row.origin) - 1);
	memset(row.name, 'n', sizeof(row.name) - 1);
	tree_id_write(fd, &row, NULL);
	tree_id_read(fd, &got, NULL);
	ok(same_identity(&row, &got), "and with the longest words");

	is_int(read_as(fd, "1 guest " U " copy 7 - 1 2 3 4 name origin"), 0,
	       "an identity as text");
	is_int(read_as(fd, "2 guest " U " copy 7 - 1 2 3 4 name origin"),
	       -EUCLEAN, "of another version");
	is_int(read_as(fd, "1 ghost " U " copy 7 - 1 2 3 4 name origin"),
	       -EUCLEAN, "of no known kind");
	is_int(read_as(fd, "1 guest nothing copy 7 - 1 2 3 4 name origin"),
	       -EUCLEAN, "without a uuid");
	is_int(read_as(fd, "1 guest " U " magic 7 - 1 2 3 4 name origin"),
	       -EUCLEAN, "of no known engine");
	is_int(read_as(fd, "1 guest " U " copy -7 - 1 2 3 4 name origin"),
	       -EUCLEAN, "with a negative number");
	is_int(read_as(fd, "1 guest " U " copy 7 - 1 2 3 4x name origin"),
	       -EUCLEAN, "with junk behind a number");
	is_int(read_as(fd, "1 guest " U " copy 7 - 1 2 3 "
			   "99999999999999999999 name origin"),
	       -EUCLEAN, "with a number that is too large");
	is_int(read_as(fd, "1 guest " U " copy 7 - 1 2 3 4 ../name origin"),
	       -EUCLEAN, "with a name that leads elsewhere");
	is_int(read_as(fd, "1 guest " U " copy 7 - 1 2 3 4 name"), -EUCLEAN,
	       "that is cut");
	is_int(read_as(fd, ""), -EUCLEAN, "that is empty");
	fremovexattr(fd, TREE_ID_XATTR);
#undef U
}

static void test_pool_info(void)
{
	struct pool_info got = { 0 };

	is_int(pool_info_read(pool->fd, &got, NULL), 0,
	       "init described the pool on its directory");
	ok(!strcmp(got.uuid, pool->info.uuid) && !got.unprotected &&
		   got.link_limit == 77 &&
		   got.created_ns == pool->info.created_ns,
	   "as in the catalog");
	is_int(pool_info_read(pool->guests_fd, &got, NULL), -ENODATA,
	       "another directory has none");
	fsetxattr(pool->guests_fd, POOL_INFO_XATTR, "1 x 0 5 5", 9, 0);
	is_int(pool_info_read(pool->guests_fd, &got, NULL), -EUCLEAN,
	       "or one that makes no sense");
	fremovexattr(pool->guests_fd, POOL_INFO_XATTR);
}

/* What a child gets for the lock: 0 or -errno. It ends by an exec, since valgrind
 * takes a plain exit with an open catalog for a leak. */
static int child_locks(int kind, const char *name)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		int fd = pool_lock_name(pool, kind, name, false, NULL);
		char code[12];

		snprintf(code, sizeof(code), "%d", fd < 0 ? -fd : 0);
		execl("/bin/sh", "sh", "-c", "exit $0", code, (char *)NULL);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return -WEXITSTATUS(status);
}

static void test_locks(void)
{
	struct err err = { 0 };
	int a = pool_lock_name(pool, TREE_GUEST, "a", false, NULL);
	int b;

	ok(a >= 0, "a name is locked");
	is_int(pool_lock_name(pool, TREE_GUEST, "a", false, &err), -EBUSY,
	       "once in a process");
	ok(strstr(err.msg, "'a'") != NULL, "which is told with the name");
	is_int(child_locks(TREE_GUEST, "a"), -EBUSY, "and among processes");
	is_int(child_locks(TREE_TEMPLATE, "a"), 0,
	       "a template of that name is another");
	b = pool_lock_name(pool, TREE_GUEST, "b", false, NULL);
	ok(b >= 0, "another name is free");
	close(b);
	is_int(child_locks(TREE_GUEST, "a"), -EBUSY,
	       "unlocking it leaves the first one locked");
	close(a);
	is_int(child_locks(TREE_GUEST, "a"), 0, "closing unlocks");
}

static bool exists(int dirfd, const char *name)
{
	struct statx stx;

	return !fdio_statx(dirfd, name, &stx);
}

static void test_staging(void)
{
	struct staging s = STAGING_INIT;
	struct staging t = STAGING_INIT;
	struct err err = { 0 };
	char name[17];

	staging_release(&s);
	ok(!staging_in_use(), "nothing is in use at first");
	is_int(staging_create(pool, &s, NULL), 0, "a directory is made");
	ok(staging_in_use() && staging_is_name(s.name) &&
		   exists(pool->staging_fd, s.name),
	   "and is there");
	is_int(child_locks(POOL_LOCK_STAGING, s.name), -EBUSY,
	       "locked while it is in use");
	mkdirat(s.fd, "rootfs", 0755);
	memcpy(name, s.name, sizeof(name));
	is_int(staging_publish(&s, pool->guests_fd, "g", NULL), 0,
	       "it is published");
	ok(exists(pool->guests_fd, "g") && !exists(pool->staging_fd, name),
	   "and has moved");
	staging_release(&s);
	ok(exists(pool->guests_fd, "g") && !staging_in_use(),
	   "releasing removes nothing then");
	staging_create(pool, &s, NULL);
	is_int(staging_publish(&s, pool->guests_fd, "g", &err), -EEXIST,
	       "a name that is taken is not replaced");
	memcpy(name, s.name, sizeof(name));
	mkdirat(s.fd, "inner", 0755);
	staging_release(&s);
	ok(!exists(pool->staging_fd, name), "releasing removes the rest");
	staging_release(&s);
	is_int(staging_take(pool, pool->guests_fd, "g", &t, NULL), 0,
	       "a directory is taken away");
	ok(!exists(pool->guests_fd, "g") && exists(pool->staging_fd, t.name),
	   "to staging");
	staging_release(&t);
	is_int(staging_take(pool, pool->guests_fd, "none", &t, NULL), -ENOENT,
	       "one that is missing is not");
	ok(!staging_in_use(), "and leaves nothing in use");
}

static void test_probe_names(void)
{
	char tag[17] = "";
	enum engine e;

	ok(engine_probe_tag("probe-0123456789abcdef.a", tag) &&
		   !strcmp(tag, "0123456789abcdef"),
	   "the file of a probe is known by its name");
	ok(!engine_probe_tag("probe-0123456789abcdef.c", tag) &&
		   !engine_probe_tag("probe-0123456789abcde.a", tag) &&
		   !engine_probe_tag("robe-0123456789abcdef.a", tag) &&
		   !engine_probe_tag("", tag),
	   "others are not taken for one");
	ok(!engine_parse("reflink", &e) && e == ENGINE_REFLINK &&
		   !strcmp(engine_name(e), "reflink") &&
		   engine_parse("Reflink", &e) == -EINVAL,
	   "engines have names");
	ok(engine_links(ENGINE_KERNEL) && engine_links(ENGINE_UNPROTECTED) &&
		   !engine_links(ENGINE_REFLINK) && !engine_links(ENGINE_COPY),
	   "two of them share inodes");
}

static void test_probe(void)
{
	static const char tag[] = "0123456789abcdef";
	struct engine_probe plain = { 0 };
	struct engine_probe loose = { 0 };

	is_int(engine_probe(pool->staging_fd, tag, false, &plain, NULL), 0,
	       "the engine is probed");
	ok(plain.why[0] != '\0', "with a reason");
	is_int(plain.engine,
	       plain.kernel	? ENGINE_KERNEL :
		       plain.reflink ? ENGINE_REFLINK :
				       ENGINE_COPY,
	       "it is the best that was found");
	engine_probe(pool->staging_fd, tag, true, &loose, NULL);
	ok(loose.engine == ENGINE_UNPROTECTED && loose.kernel == plain.kernel,
	   "an unprotected pool stays one");
	ok(!exists(pool->staging_fd, "probe-0123456789abcdef.a") &&
		   !exists(pool->staging_fd, "probe-0123456789abcdef.b"),
	   "and nothing is left");
	is_int(engine_probe(open("/proc", O_RDONLY), tag, false, &loose, NULL),
	       -ENOENT, "where no file can be made it fails");
}

static void test_open_tree(void)
{
	struct tree_row row = full;
	struct tree_row got;
	struct err err = { 0 };
	int fd = -1;

	is_int(pool_open_tree(pool, TREE_GUEST, "guest-7", &got, &fd, &err),
	       -ENOENT, "a tree without a row");
	is_str(err.msg, "no such guest 'guest-7'", "is told so");
	row.size_bytes = 5;
	catalog_tree_add(pool->catalog, &row, NULL);
	is_int(pool_open_tree(pool, TREE_GUEST, "guest-7", &got, &fd, &err),
	       -EUCLEAN, "a row without a tree is an inconsistency");
	is_int(pool_find_published(pool, &row, NULL), 0, "it is not published");
	mkdirat(pool->guests_fd, "guest-7", 0700);
	mkdirat(pool->guests_fd, "guest-7/rootfs", 0755);
	is_int(pool_open_tree(pool, TREE_GUEST, "guest-7", &got, &fd, &err), 0,
	       "both together are opened");
	ok(same_identity(&row, &got), "with the row");
	is_int(pool_find_published(pool, &row, NULL), 0,
	       "without an identity it is not published");
	tree_id_write(fd, &row, NULL);
	is_int(pool_find_published(pool, &row, &got), 1, "with it, it is");
	row.uuid[0] = 'c';
	is_int(pool_find_published(pool, &row, NULL), 0,
	       "with another one it is not");
	close(fd);
	row = got;
	catalog_tree_find(pool->catalog, TREE_GUEST, "guest-7", &row, NULL);
	row.state = TREE_CREATING;
	catalog_tree_update(pool->catalog, &row, NULL);
	is_int(pool_open_tree(pool, TREE_GUEST, "guest-7", &got, &fd, &err),
	       -EBUSY, "one that is being made is busy");
	/* a link where the tree should be */
	row.state = TREE_READY;
	catalog_tree_update(pool->catalog, &row, NULL);
	tree_remove(pool->guests_fd, "guest-7", NULL);
	if (symlinkat("/etc", pool->guests_fd, "guest-7") < 0)
		exit(1);
	is_int(pool_open_tree(pool, TREE_GUEST, "guest-7", &got, &fd, &err),
	       -EUCLEAN, "a symlink is not followed");
	is_int(pool_find_published(pool, &row, NULL), 0, "never");
	unlinkat(pool->guests_fd, "guest-7", 0);
}

static void test_interrupt(void)
{
	int fd = fx_tmpfile(pool->staging_fd);

	is_int(fx_interrupted(), 0, "no signal yet");
	fx_interrupt(SIGTERM);
	is_int(fx_interrupted(), SIGTERM, "a signal is remembered");
	is_int(fx_mkdirat(pool->staging_fd, "x", 0700), -EINTR,
	       "nothing new is begun");
	is_int(fx_write(fd, "x", 1), -EINTR, "or written");
	mkdirat(pool->staging_fd, "y", 0700);
	is_int(fx_renameat(pool->staging_fd, "y", pool->staging_fd, "z", 0), 0,
	       "what was begun can be finished");
	is_int(fx_unlinkat(pool->staging_fd, "z", AT_REMOVEDIR), 0,
	       "or undone");
	close(fd);
}

int main(void)
{
	const struct pool_options opt = { .link_limit = 77 };
	struct err err = { 0 };

	unit_plan(79);
	unit_tmpdir(path);
	if (pool_create(path, &opt, &err) < 0 ||
	    pool_open(path, POOL_RW, &pool, &err) < 0) {
		printf("Bail out! %s\n", err.msg);
		return 1;
	}
	test_names();
	test_identity();
	test_pool_info();
	test_locks();
	test_staging();
	test_probe_names();
	test_probe();
	test_open_tree();
	test_interrupt();
	pool_close(pool);
	tree_remove(AT_FDCWD, path, NULL);
	return unit_done();
}
