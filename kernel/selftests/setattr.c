// SPDX-License-Identifier: GPL-2.0-only
/*
 * truncate, chmod, chown and utimes by name act on a private copy; those that
 * change nothing leave the link alone.
 */
#include "harness.h"

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>
#include <linux/capability.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452
#endif

#define SIZE	10000

static int sys_fchmodat2(int dir, const char *path, mode_t mode, int flags)
{
	return syscall(SYS_fchmodat2, dir, path, mode, flags);
}

/* ---- truncate ---------------------------------------------------------- */

static void expect_zeroes(const char *path, off_t from, off_t to)
{
	int fd = EXPECT_OK(open(path, O_RDONLY));
	char c;

	for (; from < to; from++) {
		EXPECT_EQ(EXPECT_OK(pread(fd, &c, 1, from)), 1);
		CHECK(!c, "%s: byte %lld: expected 0, got 0x%02x", path,
		      (long long)from, c);
	}
	close(fd);
}

static void truncate_lengths(void)
{
	static const off_t lengths[] = {
		0, 1, 4096, 5000, SIZE - 1, SIZE, SIZE + 1, SIZE + 20000,
	};
	char name[20], path[30];
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		off_t len = lengths[i], keep = len < SIZE ? len : SIZE;
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		f = mk_shared(name, SIZE);
		snprintf(path, sizeof(path), "G1/%s", name);
		EXPECT_OK(truncate(path, len));
		expect_broken(f, G1);
		EXPECT_SAME(path, &f->before,
			    IGN_COPY | IGN_CONTENT | IGN_MTIME);
		EXPECT_OK(stat(path, &st));
		EXPECT_EQ(st.st_size, len);
		/* XFS leaves the time alone where the size is the same. */
		CHECK(st.st_mtim.tv_sec > OLD_SEC + 1 ||
		      (on_xfs() && len == SIZE),
		      "truncate to %lld: expected the mtime of now",
		      (long long)len);
		pattern_check(path, 0, keep, SHARED_SEED);
		expect_zeroes(path, keep, len);
	}
}

/* By who may write to it, but not keep it set-user-ID. */
static void truncate_strips_suid(void)
{
	static const off_t lengths[] = { 0, 1, 4096, SIZE, SIZE + 1 };
	char name[20], path[30];
	struct stat st;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(lengths); i++) {
		bool by_root = i % 2;
		struct shared *f;

		snprintf(name, sizeof(name), "s%zu", i);
		snprintf(path, sizeof(path), "C/%s", name);
		mk_file(path, SIZE, SHARED_SEED);
		EXPECT_OK(chmod(path, 06777));
		f = share(name);
		snprintf(path, sizeof(path), "G1/%s", name);
		if (by_root)
			EXPECT_OK(truncate(path, lengths[i / 2]));
		else
			AS_USER(STRANGER, STRANGER)
				EXPECT_OK(truncate(path, lengths[i / 2]));
		expect_broken(f, G1);
		EXPECT_OK(stat(path, &st));
		EXPECT_EQ(st.st_mode & 07777, by_root ? 06777 : 0777);
	}
}

static void truncate_refusals(void)
{
	struct counters c;

	mk_shared("f", SIZE);
	c = counters_now();
	EXPECT_ERR(truncate("G1/f", -1), EINVAL);
	EXPECT_ERR(truncate("G1/f/", 0), ENOTDIR);
	EXPECT_ERR(truncate("G1", 0), EISDIR);
	EXPECT_BREAKS(c, 0);
}

/* ---- chmod ------------------------------------------------------------- */

static void change_mode(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	struct stat st;

	EXPECT_OK(chmod("G1/f", 04750));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_MODE);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 04750);
	CHECK(st.st_ctim.tv_sec > OLD_SEC + 1, "expected the ctime of now");

	EXPECT_OK(symlink("g", "G1/s"));
	EXPECT_OK(fchmodat(AT_FDCWD, "G1/s", 0600, 0));
	expect_broken(g, G1);
	EXPECT_OK(stat("G1/g", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	EXPECT_OK(lstat("G1/s", &st));
	CHECK(S_ISLNK(st.st_mode), "the symlink was replaced");
}

static void same_mode_is_no_change(void)
{
	struct counters c;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	EXPECT_OK(chmod("C/f", 02751));
	share("f");
	c = counters_now();
	EXPECT_OK(chmod("G1/f", 02751));
	EXPECT_OK(fchmodat(AT_FDCWD, "G1/f", 02751, 0));
	AS_USER(OWNER, OWNER)
		EXPECT_OK(chmod("G1/f", 02751));
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(chmod("G1/f", 02751), EPERM);
	EXPECT_BREAKS(c, 0);
	/* And the harness finds the ctime what it was. */
}

/* Linux 6.6 and later: a name that is not followed is a name. */
static void fchmodat2_by_name(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	struct counters c = counters_now();
	int dir = EXPECT_OK(open("G1", O_PATH));
	struct stat st;

	if (sys_fchmodat2(dir, "f", 0644, 0) && errno == ENOSYS)
		skip("no fchmodat2");
	EXPECT_OK(sys_fchmodat2(dir, "f", 0644, AT_SYMLINK_NOFOLLOW));
	EXPECT_OK(sys_fchmodat2(dir, "f", 0644, AT_EMPTY_PATH));
	EXPECT_OK(symlink("g", "G1/s"));
	EXPECT_ERR(sys_fchmodat2(dir, "s", 0600, AT_SYMLINK_NOFOLLOW),
		   EOPNOTSUPP);
	EXPECT_BREAKS(c, 0);
	expect_others();

	EXPECT_OK(sys_fchmodat2(dir, "f", 04711, AT_SYMLINK_NOFOLLOW));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_MODE);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 04711);
	EXPECT_OK(sys_fchmodat2(dir, "s", 0600, AT_EMPTY_PATH));
	expect_broken(g, G1);
	EXPECT_OK(stat("G1/g", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	EXPECT_BREAKS(c, 2);
	close(dir);
}

/* ---- chown ------------------------------------------------------------- */

static void expect_owner(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	EXPECT_OK(lstat(path, &st));
	EXPECT_EQ(st.st_uid, uid);
	EXPECT_EQ(st.st_gid, gid);
}

static void change_owner(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	struct shared *h = mk_shared("h", SIZE), *i = mk_shared("i", SIZE);

	EXPECT_OK(chown("G1/f", OWNER, STRANGER));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_OWNER);
	expect_owner("G1/f", OWNER, STRANGER);

	EXPECT_OK(lchown("G1/g", -1, 70000));
	expect_broken(g, G1);
	expect_owner("G1/g", 0, 70000);

	EXPECT_OK(fchownat(AT_FDCWD, "G1/h", OWNER, -1, AT_SYMLINK_NOFOLLOW));
	expect_broken(h, G1);
	expect_owner("G1/h", OWNER, 0);

	/* lchown of a symlink to it is about the symlink. */
	EXPECT_OK(symlink("i", "G1/s"));
	EXPECT_OK(lchown("G1/s", OWNER, OWNER));
	expect_others();
	EXPECT_OK(chown("G1/s", OWNER, OWNER));
	expect_broken(i, G1);
	expect_owner("G1/i", OWNER, OWNER);
}

static void same_owner_is_no_change(void)
{
	struct counters c;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	share("f");
	c = counters_now();
	EXPECT_OK(chown("G1/f", OWNER, OWNER));
	EXPECT_OK(chown("G1/f", -1, -1));
	EXPECT_OK(chown("G1/f", OWNER, -1));
	EXPECT_OK(lchown("G1/f", -1, OWNER));
	EXPECT_OK(fchownat(AT_FDCWD, "G1/f", OWNER, OWNER, 0));
	AS_USER(OWNER, OWNER) {
		EXPECT_OK(chown("G1/f", -1, -1));
		EXPECT_OK(chown("G1/f", OWNER, OWNER));
		EXPECT_ERR(chown("G1/f", STRANGER, -1), EPERM);
	}
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(chown("G1/f", OWNER, OWNER), EPERM);
	EXPECT_BREAKS(c, 0);
}

/* chown -R of a guest must not copy it. */
static void chown_recursive(void)
{
	struct counters c = counters_now();
	char name[20];
	int i;

	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		mk_shared(name, 100 * i);
	}
	CHECK(!RUN("chown", "-R", "0:0", "G1"), "chown -R: expected success");
	CHECK(!RUN("chmod", "-R", "u=rwX,go=rX", "G1"),
	      "chmod -R: expected success");
	EXPECT_BREAKS(c, 0);
}

/* The owner stays, but the kernel takes the suid bit away: that is a change. */
static void chown_that_strips_suid(void)
{
	struct shared *f;
	struct stat st;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/f", 06755));
	f = share("f");
	EXPECT_OK(chown("G1/f", 0, 0));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_MODE);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0755);

	mk_file("C/g", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/g", 04711));
	f = share("g");
	EXPECT_OK(chown("G1/g", -1, -1));
	expect_broken(f, G1);
	EXPECT_OK(stat("G1/g", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0711);
}

static void chown_that_strips_capabilities(void)
{
	static const struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_NET_RAW,
	};
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/f", "security.capability", &caps, sizeof(caps),
			   0));
	f = share("f");
	EXPECT_OK(chown("G1/f", 0, 0));
	expect_broken(f, G1);
	EXPECT_ERR(getxattr("G1/f", "security.capability", NULL, 0), ENODATA);
}

/* ---- utimes ------------------------------------------------------------ */

static struct timespec atime_of(const char *path)
{
	struct stat st;

	EXPECT_OK(lstat(path, &st));
	return st.st_atim;
}

static struct timespec mtime_of(const char *path)
{
	struct stat st;

	EXPECT_OK(lstat(path, &st));
	return st.st_mtim;
}

static void expect_ts(struct timespec got, time_t sec, long nsec)
{
	EXPECT_EQ(got.tv_sec, sec);
	EXPECT_EQ(got.tv_nsec, nsec);
}

static void times_now(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);

	EXPECT_OK(utimensat(AT_FDCWD, "G1/f", NULL, 0));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_ATIME | IGN_MTIME);
	CHECK(atime_of("G1/f").tv_sec > OLD_SEC + 1, "expected atime now");
	CHECK(mtime_of("G1/f").tv_sec > OLD_SEC + 1, "expected mtime now");
	EXPECT_OK(utime("G1/g", NULL));
	expect_broken(g, G1);
	CHECK(mtime_of("G1/g").tv_sec > OLD_SEC + 1, "expected mtime now");
}

static void times_explicit(void)
{
	const struct timespec ts[2] = { { 1234, 5678 }, { 4321, 8765 } };
	const struct timeval tv[2] = { { 11, 22 }, { 33, 44 } };
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);

	EXPECT_OK(utimensat(AT_FDCWD, "G1/f", ts, AT_SYMLINK_NOFOLLOW));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_ATIME | IGN_MTIME);
	expect_ts(atime_of("G1/f"), 1234, 5678);
	expect_ts(mtime_of("G1/f"), 4321, 8765);
	EXPECT_OK(utimes("G1/g", tv));
	expect_broken(g, G1);
	expect_ts(atime_of("G1/g"), 11, 22000);
	expect_ts(mtime_of("G1/g"), 33, 44000);
}

static void times_one_of_two(void)
{
	const struct timespec m[2] = { { 0, UTIME_OMIT }, { 5, 6 } };
	const struct timespec a[2] = { { 7, 8 }, { 0, UTIME_OMIT } };
	const struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_OMIT } };
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	struct shared *h = mk_shared("h", SIZE);

	EXPECT_OK(utimensat(AT_FDCWD, "G1/f", m, 0));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_MTIME);
	expect_ts(mtime_of("G1/f"), 5, 6);
	EXPECT_OK(utimensat(AT_FDCWD, "G1/g", a, 0));
	expect_broken(g, G1);
	EXPECT_SAME("G1/g", &g->before, IGN_COPY | IGN_ATIME);
	expect_ts(atime_of("G1/g"), 7, 8);
	EXPECT_OK(utimensat(AT_FDCWD, "G1/h", now, 0));
	expect_broken(h, G1);
	EXPECT_SAME("G1/h", &h->before, IGN_COPY | IGN_ATIME);
}

static void times_both_omitted(void)
{
	const struct timespec ts[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	struct counters c;

	mk_shared("f", SIZE);
	c = counters_now();
	EXPECT_OK(utimensat(AT_FDCWD, "G1/f", ts, 0));
	AS_USER(STRANGER, STRANGER)
		EXPECT_OK(utimensat(AT_FDCWD, "G1/f", ts, 0));
	EXPECT_BREAKS(c, 0);
}

static void touch_by_a_writer_who_is_not_the_owner(void)
{
	const struct timespec ts[2] = { { 1, 2 }, { 3, 4 } };
	struct shared *f;
	struct counters c;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/f", 0666));
	f = share("f");
	c = counters_now();
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", ts, 0), EPERM);
	EXPECT_BREAKS(c, 0);
	expect_others();
	AS_USER(STRANGER, STRANGER)
		EXPECT_OK(utimensat(AT_FDCWD, "G1/f", NULL, 0));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_ATIME | IGN_MTIME);
}

/* ---- all of them by the file's owner, without any capability ----------- */

static struct shared *owned(const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "C/%s", name);
	mk_file(path, SIZE, SHARED_SEED);
	EXPECT_OK(chown(path, OWNER, OWNER));
	return share(name);
}

static void unprivileged_owner(void)
{
	const struct timespec ts[2] = { { 1, 2 }, { 3, 4 } };
	static const char *const names[] = { "tr", "mode", "time", "now" };
	struct shared *f[ARRAY_SIZE(names)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		f[i] = owned(names[i]);
	AS_USER(OWNER, OWNER) {
		EXPECT_OK(truncate("G1/tr", 7));
		EXPECT_OK(chmod("G1/mode", 0600));
		EXPECT_OK(utimensat(AT_FDCWD, "G1/time", ts, 0));
		EXPECT_OK(utimensat(AT_FDCWD, "G1/now", NULL, 0));
	}
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		expect_broken(f[i], G1);
		expect_owner(shared_path(f[i], G1), OWNER, OWNER);
	}
	pattern_check("G1/tr", 0, 7, SHARED_SEED);
	pattern_check("G1/mode", 0, SIZE, SHARED_SEED);
}

static const struct test tests[] = {
	{ "truncate to every kind of length", truncate_lengths },
	{ "truncate strips suid and sgid", truncate_strips_suid },
	{ "a truncate that fails breaks nothing", truncate_refusals },
	{ "chmod", change_mode },
	{ "chmod to the same mode: no break, same ctime",
	  same_mode_is_no_change },
	{ "fchmodat2, followed or not", fchmodat2_by_name },
	{ "chown, lchown, fchownat", change_owner },
	{ "chown to the same owner: no break, same ctime",
	  same_owner_is_no_change },
	{ "chown -R and chmod -R that change nothing copy nothing",
	  chown_recursive },
	{ "a chown that strips suid is a change", chown_that_strips_suid },
	{ "a chown that strips file capabilities is a change",
	  chown_that_strips_capabilities },
	{ "utimes to now", times_now },
	{ "utimes to explicit times", times_explicit },
	{ "utimes of one time keeps the other exactly", times_one_of_two },
	{ "utimes of neither does nothing", times_both_omitted },
	{ "who may write but does not own may touch, not set",
	  touch_by_a_writer_who_is_not_the_owner },
	{ "all by an unprivileged owner in a directory of root's",
	  unprivileged_owner },
};

TEST_MAIN("setattr", tests)
