// SPDX-License-Identifier: GPL-2.0-only
#include "unify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "cleanup.h"
#include "dirtime.h"
#include "fdio.h"
#include "iattr.h"
#include "unit.h"

static int dir;			/* a directory of ours */

static void write_file(const char *name, const char *text)
{
	const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		perror(name);
		exit(1);
	}
	futimens(fd, times);
	close(fd);
}

static struct statx look(const char *name)
{
	struct statx x = { 0 };

	fdio_statx(dir, name, &x);
	return x;
}

static bool same_inode(const char *name, const struct statx *x)
{
	struct statx now = look(name);

	return statx_same_inode(&now, x);
}

static void test_reasons(void)
{
	bool complete = true;
	bool unique = true;
	int i, j;

	for (i = 0; i < SKIP_REASON_COUNT; i++) {
		const struct skip_info *a = skip_reason_info(i);

		complete &= a->name && a->text;
		for (j = 0; complete && j < i; j++)
			unique &= !!strcmp(a->name, skip_reason_info(j)->name);
	}
	ok(complete, "every reason has a name and a text");
	ok(unique, "no two reasons have the same name");
	ok(!skip_reason_info(SKIP_BUSY)->is_failure &&
		   skip_reason_info(SKIP_NO_SPACE)->is_failure,
	   "a policy is no failure, a full disk is one");
}

/* In both ways, which must agree: 1 if they do not. */
static int try_open(const char *name, const struct statx *seen)
{
	struct statx now;
	int fd = unify_open(dir, name, seen, false, &now);
	int at_once = unify_open(dir, name, seen, true, &now);

	if (fd >= 0)
		close(fd);
	if (at_once >= 0)
		close(at_once);
	fd = fd < 0 ? fd : 0;
	return (at_once < 0 ? at_once : 0) == fd ? fd : 1;
}

static void test_open(void)
{
	struct statx seen;

	write_file("f", "content");
	seen = look("f");
	is_int(try_open("f", &seen), 0, "an unchanged file opens");
	write_file("f", "CONTENT and more");
	is_int(try_open("f", &seen), -EAGAIN, "a changed one does not");
	unlinkat(dir, "f", 0);
	is_int(try_open("f", &seen), -EAGAIN, "nor one that is gone");
	mkfifoat(dir, "f", 0600);
	seen = look("f");
	is_int(try_open("f", &seen), -EAGAIN, "a fifo does not block");
	unlinkat(dir, "f", 0);
	symlinkat("/etc/passwd", dir, "f");
	seen = look("f");
	is_int(try_open("f", &seen), -EAGAIN, "a symlink is not followed");
	unlinkat(dir, "f", 0);
}

static void test_extents(void)
{
	struct digest d;
	int fd = openat(dir, "hole", O_RDWR | O_CREAT, 0600);

	if (ftruncate(fd, 1 << 20))
		perror("ftruncate");
	is_int(unify_extents(fd, 1 << 20, &d), -ENODATA,
	       "a file without data is nowhere");
	close(fd);
	unlinkat(dir, "hole", 0);
}

static int64_t mtime_of_dir(void)
{
	struct statx x = look("");

	return x.stx_mtime.tv_sec;
}

static void age_dir(void)
{
	const struct timespec times[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };

	futimens(dir, times);
}

/* @outside holds a file "twin" to exchange with. */
static void test_dirtime(int outside)
{
	struct dirtime dt = DIRTIME_INIT;

	write_file("a", "a");
	write_file("b", "b");
	age_dir();
	dirtime_begin(&dt, dir);
	renameat2(outside, "twin", dir, "a", RENAME_EXCHANGE);
	ok(mtime_of_dir() > 5, "an exchange sets the mtime of the directory");
	dirtime_note(&dt, "a", 2, 0);
	dirtime_end(&dt);
	is_int(mtime_of_dir(), 5, "which is taken back");

	dirtime_begin(&dt, dir);
	renameat2(outside, "twin", dir, "a", RENAME_EXCHANGE);
	unlinkat(dir, "b", 0);
	dirtime_note(&dt, "a", 2, 0);
	dirtime_end(&dt);
	ok(mtime_of_dir() > 5, "but not when something else was removed");

	age_dir();
	dirtime_begin(&dt, dir);
	renameat2(outside, "twin", dir, "a", RENAME_EXCHANGE);
	renameat2(outside, "twin", dir, "a", RENAME_EXCHANGE);
	dirtime_note(&dt, "a", 2, 0);
	dirtime_end(&dt);
	ok(mtime_of_dir() > 5, "nor when somebody exchanged the same name");

	age_dir();
	dirtime_begin(&dt, dir);
	write_file("c", "new");
	dirtime_note(&dt, "a", 0, 0);
	dirtime_end(&dt);
	ok(mtime_of_dir() > 5, "nor without an exchange of ours");

	age_dir();
	dirtime_begin(&dt, dir);
	renameat(outside, "twin", dir, "a");
	dirtime_note(&dt, "a", 1, 2);
	dirtime_end(&dt);
	is_int(mtime_of_dir(), 5, "the kernel may need no hidden name");

	age_dir();
	dirtime_begin(&dt, dir);
	write_file(".ixunlink-0", "new");
	renameat(dir, ".ixunlink-0", dir, "a");
	dirtime_note(&dt, "a", 1, 2);
	dirtime_end(&dt);
	is_int(mtime_of_dir(), 5, "or one");

	age_dir();
	dirtime_begin(&dt, dir);
	write_file(".ixunlink-0", "new");
	renameat(dir, ".ixunlink-0", dir, "a");
	write_file(".ixunlink-1", "new");
	dirtime_note(&dt, "a", 1, 2);
	dirtime_end(&dt);
	ok(mtime_of_dir() > 5, "but not that of somebody else");
	unlinkat(dir, ".ixunlink-1", 0);
	dirtime_release(&dt);
}

/* Exchange @count names one after the other, with something else after @foreign. */
static void exchange_many(int outside, unsigned int count, unsigned int foreign)
{
	struct dirtime dt = DIRTIME_INIT;
	unsigned int i;

	age_dir();
	dirtime_begin(&dt, dir);
	for (i = 0; i < count; i++) {
		if (renameat2(outside, "twin", dir, i % 2 ? "b" : "a",
			      RENAME_EXCHANGE) < 0)
			exit(1);
		dirtime_note(&dt, i % 2 ? "b" : "a", 2, 0);
		if (i == foreign)
			unlinkat(dir, "c", 0);
	}
	dirtime_release(&dt);
}

static void test_dirtime_many(int outside)
{
	static const struct timespec times[2] = { { 7, 0 }, { 7, 0 } };
	const unsigned int many = 3 * DIRTIME_NAMES + 1;
	struct dirtime dt = DIRTIME_INIT;

	write_file("b", "new");
	close(openat(outside, "twin", O_CREAT | O_WRONLY, 0644));
	exchange_many(outside, 2, 2);
	is_int(mtime_of_dir(), 5, "two exchanges are taken back together");
	exchange_many(outside, many, many);
	is_int(mtime_of_dir(), 5, "and many");
	exchange_many(outside, many, 3);
	ok(mtime_of_dir() > 5, "but not when early on something was removed");
	write_file("c", "new");
	exchange_many(outside, many, many - 1);
	ok(mtime_of_dir() > 5, "or late");

	age_dir();
	dirtime_begin(&dt, dir);
	renameat2(outside, "twin", dir, "a", RENAME_EXCHANGE);
	dirtime_note(&dt, "a", 2, 0);
	futimens(dir, times);
	dirtime_end(&dt);
	is_int(mtime_of_dir(), 7, "nor when somebody set it");
	age_dir();
	dirtime_end(&dt);
	is_int(mtime_of_dir(), 5, "a second end does nothing");
	dirtime_release(&dt);
}

/* --- unify_replace ------------------------------------------------------------- */

static struct pool *pool;
static struct staging scratch;

static enum skip_reason replace(const char *name, const struct statx *seen,
				const struct master *m)
{
	struct err err = { 0 };
	enum skip_reason reason = SKIP_REASON_COUNT;
	struct dirtime dt = DIRTIME_INIT;
	const struct unify_task task = { .pool = pool, .scratch = &scratch,
					 .dirfd = dir, .name = name,
					 .seen = seen, .m = m, .dirtime = &dt };
	int r = unify_replace(&task, &reason, &err);

	dirtime_release(&dt);

	if (r < 0)
		printf("# %s\n", err.msg);
	return r < 0 ? SKIP_REASON_COUNT : reason;
}

static void intern(const char *name, struct master *m)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY);
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct err err = { 0 };

	if (iattr_read_fd(fd, &attr) < 0 ||
	    store_intern(pool, fd, &attr, NULL, NULL, m, &err) < 0)
		printf("# cannot intern: %s\n", err.msg);
}

static void test_replace(void)
{
	_cleanup_master_ struct master m = MASTER_INIT;
	struct statx seen;

	write_file("one", "equal");
	write_file("two", "equal");
	intern("one", &m);
	seen = look("two");
	is_int(replace("two", &seen, &m), SKIP_NONE, "an equal file is replaced");
	ok(same_inode("two", &m.attr.stx), "it is the master now");

	write_file("three", "EQUAL");
	seen = look("three");
	is_int(replace("three", &seen, &m), SKIP_DIFFERENT,
	       "other bytes with equal metadata are not");
	ok(same_inode("three", &seen), "and stay where they are");

	write_file("four", "equal");
	seen = look("four");
	fchmodat(dir, "four", 0600, 0);
	is_int(replace("four", &seen, &m), SKIP_CHANGED,
	       "a file that changed since it was seen is not");
	seen = look("four");
	is_int(replace("four", &seen, &m), SKIP_DIFFERENT,
	       "nor one with another mode");
	fchmodat(dir, "four", 0644, 0);
	linkat(dir, "four", dir, "five", 0);
	seen = look("four");
	is_int(replace("four", &seen, &m), SKIP_HARDLINKED,
	       "nor one with several names");
	unlinkat(dir, "four", 0);
	is_int(replace("four", &seen, &m), SKIP_CHANGED, "nor one that is gone");
	is_int(faccessat(scratch.fd, ".", F_OK, 0), 0, "scratch is still there");
}

static int open_pool(const char *base)
{
	const struct pool_options options = { .unprotected = true };
	struct err err = { 0 };
	char path[300];
	int r;

	snprintf(path, sizeof(path), "%s/pool", base);
	r = pool_create(path, &options, &err);
	if (!r)
		r = pool_open(path, POOL_RW, &pool, &err);
	if (!r)
		r = staging_create(pool, &scratch, &err);
	if (r < 0)
		printf("# %s\n", err.msg);
	return r;
}

int main(void)
{
	char command[600];
	char base[256];
	int outside;

	unit_plan(32);
	unit_tmpdir(base);
	outside = open(base, O_RDONLY | O_DIRECTORY);
	mkdirat(outside, "d", 0755);
	dir = openat(outside, "d", O_RDONLY | O_DIRECTORY);
	close(openat(outside, "twin", O_CREAT | O_WRONLY, 0644));
	test_reasons();
	test_open();
	test_extents();
	test_dirtime(outside);
	test_dirtime_many(outside);
	if (geteuid())
		unit_skip(9, "a pool needs root");
	else if (open_pool(base) < 0)
		unit_skip(9, "this filesystem takes no pool");
	else
		test_replace();
	if (pool) {
		staging_release(&scratch);
		pool_close(pool);
	}
	/* the store's directories are immutable */
	snprintf(command, sizeof(command), "chattr -R -f -i %s; rm -rf %s", base,
		 base);
	if (system(command))
		printf("# cannot remove %s\n", base);
	return unit_done();
}
