// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a name for writing gives that name a private copy. Every way to the
 * name, every way to open it.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/openat2.h>

#define SIZE	10000

/* The open broke G1/f; the copy is in place, equal, and what @fd is open on. */
static void expect_copy(struct shared *f, int fd)
{
	struct stat a, b;

	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	EXPECT_OK(fstat(fd, &a));
	EXPECT_OK(stat("G1/f", &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	expect_others();
}

static void write_only(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	int fd = EXPECT_OK(open("G1/f", O_WRONLY));

	expect_copy(f, fd);
	EXPECT_BREAKS(c, 1);
	EXPECT_ERR(read(fd, &c, 1), EBADF);
	pattern_write(fd, 100, 50, 2);
	close(fd);
	pattern_check("G1/f", 0, 100, SHARED_SEED);
	pattern_check("G1/f", 100, 50, 2);
	pattern_check("G1/f", 150, SIZE - 150, SHARED_SEED);
}

static void read_write(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = EXPECT_OK(open("G1/f", O_RDWR));
	char *map, old[10], buf[10];

	expect_copy(f, fd);
	pattern_fill(old, sizeof(old), 0, SHARED_SEED);
	EXPECT_EQ(EXPECT_OK(pread(fd, buf, sizeof(buf), 0)), sizeof(buf));
	CHECK(!memcmp(old, buf, sizeof(buf)), "expected the old content");
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	pattern_fill(map, SIZE, 0, 3);
	EXPECT_OK(msync(map, SIZE, MS_SYNC));
	EXPECT_OK(munmap(map, SIZE));
	close(fd);
	pattern_check("G1/f", 0, SIZE, 3);
}

static void append(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = EXPECT_OK(open("G1/f", O_WRONLY | O_APPEND));
	char buf[20];

	expect_copy(f, fd);
	pattern_fill(buf, sizeof(buf), SIZE, SHARED_SEED);
	EXPECT_EQ(EXPECT_OK(write(fd, buf, sizeof(buf))), sizeof(buf));
	close(fd);
	pattern_check("G1/f", 0, SIZE + sizeof(buf), SHARED_SEED);
}

static void expect_emptied(struct shared *f, int fd)
{
	struct stat st;

	expect_broken(f, G1);
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, 0);
	EXPECT_EQ(st.st_mode, f->before.st.st_mode);
	CHECK(st.st_mtim.tv_sec > OLD_SEC + 1,
	      "expected the mtime of now, as truncation sets it");
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_size, 0);
	close(fd);
	expect_others();
}

static void truncating(void)
{
	struct shared *f = mk_shared("f", SIZE);

	expect_emptied(f, EXPECT_OK(open("G1/f", O_WRONLY | O_TRUNC)));
	f = mk_shared("g", SIZE);
	close(EXPECT_OK(open("G1/g", O_RDWR | O_TRUNC)));
	expect_broken(f, G1);
}

static void truncating_read_only(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = EXPECT_OK(open("G1/f", O_RDONLY | O_TRUNC));

	EXPECT_ERR(write(fd, "x", 1), EBADF);
	expect_emptied(f, fd);
}

static void creating(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	int fd;

	expect_emptied(f, EXPECT_OK(creat("G1/f", 0777)));
	fd = EXPECT_OK(open("G1/g", O_WRONLY | O_CREAT, 0777));
	close(fd);
	expect_broken(g, G1);
	EXPECT_SAME("G1/g", &g->before, IGN_COPY);
	/* O_CREAT alone does not write. */
	mk_shared("h", SIZE);
	close(EXPECT_OK(open("G1/h", O_RDONLY | O_CREAT, 0777)));
}

static void exclusive(void)
{
	struct counters c;

	mk_shared("f", SIZE);
	c = counters_now();
	EXPECT_ERR(open("G1/f", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
	EXPECT_ERR(open("G1/f", O_RDWR | O_CREAT | O_EXCL | O_TRUNC, 0666),
		   EEXIST);
	EXPECT_BREAKS(c, 0);
}

static void refused_combinations(void)
{
	struct counters c;

	mk_shared("f", SIZE);
	EXPECT_OK(symlink("f", "G1/s"));
	c = counters_now();
	EXPECT_ERR(open("G1/f", O_RDWR | O_DIRECTORY), ENOTDIR);
	EXPECT_ERR(open("G1/f/", O_RDWR), ENOTDIR);
	EXPECT_ERR(open("G1/s", O_RDWR | O_NOFOLLOW), ELOOP);
	/* Linux's access mode 3: for ioctls; permission of both, use of none. */
	EXPECT_ERR(open("G1/f", O_ACCMODE), EPERM);
	EXPECT_BREAKS(c, 0);
}

static void second_open_makes_no_copy(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	struct stat a, b;

	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_OK(stat("G1/f", &a));
	close(EXPECT_OK(open("G1/f", O_RDWR | O_TRUNC)));
	EXPECT_OK(stat("G1/f", &b));
	EXPECT_EQ(b.st_ino, a.st_ino);
	expect_broken(f, G1);
	EXPECT_BREAKS(c, 1);
}

static void all_sizes(void)
{
	static const size_t sizes[] = {
		0, 1, 60, 150, 1023, 1024, 4095, 4096, 4097, 65535, 65536,
		(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 12345,
	};
	char name[20], path[30];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", sizes[i]);
		f = mk_shared(name, sizes[i]);
		snprintf(path, sizeof(path), "G1/%s", name);
		close(EXPECT_OK(open(path, O_RDWR)));
		expect_broken(f, G1);
		EXPECT_SAME(path, &f->before, IGN_COPY);
		pattern_check(path, 0, sizes[i], SHARED_SEED);
	}
}

static void both_guests(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int a = EXPECT_OK(open("G1/f", O_RDWR));
	int b = EXPECT_OK(open("G2/f", O_RDWR));

	expect_broken(f, G1);
	expect_broken(f, G2);
	pattern_write(a, 0, SIZE, 2);
	pattern_write(b, 0, SIZE, 3);
	pattern_check("G1/f", 0, SIZE, 2);
	pattern_check("G2/f", 0, SIZE, 3);
	pattern_check("C/f", 0, SIZE, SHARED_SEED);
	close(a);
	close(b);
	/* The last name of a shared inode is no different. */
	close(EXPECT_OK(open("C/f", O_RDWR)));
	expect_broken(f, C);
}

static void direct_io(void)
{
	struct shared *f = mk_shared("f", 8192);
	int fd = open("G1/f", O_RDWR | O_DIRECT);
	void *buf;

	if (fd < 0) {
		/* Refused by the filesystem, after all that can be foreseen. */
		EXPECT_EQ(errno, EINVAL);
		CHECK(on_tmpfs(), "expected O_DIRECT to work here");
		expect_broken(f, G1);
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		return;
	}
	expect_copy(f, fd);
	CHECK(!posix_memalign(&buf, 4096, 4096), "no memory");
	pattern_fill(buf, 4096, 0, 2);
	EXPECT_EQ(EXPECT_OK(pwrite(fd, buf, 4096, 0)), 4096);
	close(fd);
	pattern_check("G1/f", 0, 4096, 2);
	pattern_check("G1/f", 4096, 4096, SHARED_SEED);
}

/* ---- ways to the name -------------------------------------------------- */

static void reach(const char *name, int dirfd, const char *path)
{
	struct shared *f = mk_shared(name, 100);
	int fd = openat(dirfd, path, O_RDWR);
	struct stat st;

	CHECK(fd >= 0, "openat '%s': expected success, got %s", path,
	      errno_name(errno));
	EXPECT_OK(fstat(fd, &st));
	CHECK(st.st_ino != f->before.st.st_ino, "'%s': the shared inode",
	      path);
	close(fd);
	expect_broken(f, G1);
}

static void through_paths(void)
{
	char here[300], path[400];
	int g1 = EXPECT_OK(open("G1", O_RDONLY | O_DIRECTORY));
	int g1_path = EXPECT_OK(open("G1", O_PATH | O_DIRECTORY));

	CHECK(getcwd(here, sizeof(here)), "getcwd: %m");
	reach("relative", AT_FDCWD, "G1/relative");
	snprintf(path, sizeof(path), "%s/G1/absolute", here);
	reach("absolute", AT_FDCWD, path);
	reach("dotdot", AT_FDCWD, "G2/../G1/./dotdot");
	reach("dirfd", g1, "dirfd");
	reach("o_path", g1_path, "o_path");
	EXPECT_OK(chdir("G1"));
	EXPECT_OK(chdir(".."));
}

static void through_symlinks(void)
{
	char here[300], target[400];

	CHECK(getcwd(here, sizeof(here)), "getcwd: %m");
	EXPECT_OK(symlink("relative", "G1/s1"));
	reach("relative", AT_FDCWD, "G1/s1");
	snprintf(target, sizeof(target), "%s/G1/absolute", here);
	EXPECT_OK(symlink(target, "s2"));
	reach("absolute", AT_FDCWD, "s2");
	EXPECT_OK(symlink("s4", "s3"));
	EXPECT_OK(symlink("G1/chain", "s4"));
	reach("chain", AT_FDCWD, "s3");
	EXPECT_OK(symlink("G1", "sdir"));
	reach("middle", AT_FDCWD, "sdir/middle");
	EXPECT_OK(symlink("../G1/updown", "G2/s5"));
	reach("updown", AT_FDCWD, "G2/s5");
	/* A symlink is not what gets replaced. */
	CHECK(readlink("s2", here, sizeof(here)) > 0, "readlink: %m");
}

/* A magic link on the way is no matter; only the last step must be a name. */
static void through_magic_directories(void)
{
	char here[300], path[400];
	int g1 = EXPECT_OK(open("G1", O_PATH | O_DIRECTORY));

	CHECK(getcwd(here, sizeof(here)), "getcwd: %m");
	reach("cwd", AT_FDCWD, "/proc/self/cwd/G1/cwd");
	snprintf(path, sizeof(path), "/proc/self/fd/%d/fd", g1);
	reach("fd", AT_FDCWD, path);
	snprintf(path, sizeof(path), "/proc/self/root%s/G1/root", here);
	reach("root", AT_FDCWD, path);
}

static int do_openat2(const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };

	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void openat2_resolve(void)
{
	static const struct {
		const char *name;
		uint64_t resolve;
	} ways[] = {
		{ "plain", 0 },
		{ "beneath", RESOLVE_BENEATH },
		{ "in_root", RESOLVE_IN_ROOT },
		{ "strict", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			    RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV },
	};
	char path[40];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct shared *f = mk_shared(ways[i].name, 100);

		snprintf(path, sizeof(path), "G1/%s", ways[i].name);
		close(EXPECT_OK(do_openat2(path, O_RDWR, ways[i].resolve)));
		expect_broken(f, G1);
	}
}

/* RESOLVE_CACHED promises not to do I/O; a copy is nothing but. */
static void openat2_cached(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	int fd;

	close(EXPECT_OK(open("G1/f", O_RDONLY)));
	fd = do_openat2("G1/f", O_RDONLY, RESOLVE_CACHED);
	if (fd < 0)
		skip("RESOLVE_CACHED gives %s even for reading",
		     errno_name(errno));
	close(fd);
	EXPECT_ERR(do_openat2("G1/f", O_RDWR, RESOLVE_CACHED), EAGAIN);
	EXPECT_ERR(do_openat2("G1/f", O_WRONLY | O_APPEND, RESOLVE_CACHED),
		   EAGAIN);
	EXPECT_ERR(do_openat2("G1/f", O_WRONLY | O_TRUNC, RESOLVE_CACHED),
		   EAGAIN);
	EXPECT_BREAKS(c, 0);
	expect_others();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	close(EXPECT_OK(do_openat2("G1/f", O_RDWR, RESOLVE_CACHED)));
}

/* ---- what stays behind ------------------------------------------------- */

static void old_descriptors_keep_the_old(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int old = EXPECT_OK(open("G1/f", O_RDONLY)), fd;
	struct stat st;
	char *map, want[100], buf[100];

	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, old, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	fd = EXPECT_OK(open("G1/f", O_RDWR));
	pattern_write(fd, 0, SIZE, 2);
	close(fd);
	expect_broken(f, G1);
	pattern_fill(want, sizeof(want), 0, SHARED_SEED);
	EXPECT_EQ(EXPECT_OK(pread(old, buf, sizeof(buf), 0)), sizeof(buf));
	CHECK(!memcmp(buf, want, sizeof(buf)), "the old descriptor changed");
	CHECK(!memcmp(map, want, sizeof(want)), "the old mapping changed");
	EXPECT_OK(fstat(old, &st));
	EXPECT_EQ(st.st_ino, f->before.st.st_ino);
	EXPECT_EQ(st.st_nlink, 2);
}

/* Two names of one guest are one file no more after a write to either. */
static void two_names_in_one_guest(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd;

	EXPECT_OK(link("G1/f", "G1/twin"));
	f->links = 1;
	fd = EXPECT_OK(open("G1/twin", O_WRONLY | O_TRUNC));
	close(fd);
	f->links = 0;
	f->ctime_moves = true;
	EXPECT_SAME("G1/f", &f->before, IGN_CTIME);
}

static void umask_has_no_say(void)
{
	struct shared *f = mk_shared("f", SIZE);

	umask(077);
	close(EXPECT_OK(open("G1/f", O_RDWR | O_CREAT, 0600)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
}

static const struct test tests[] = {
	{ "O_WRONLY", write_only },
	{ "O_RDWR, then a shared mapping", read_write },
	{ "O_APPEND", append },
	{ "O_TRUNC", truncating },
	{ "O_RDONLY|O_TRUNC", truncating_read_only },
	{ "creat and O_CREAT on what exists", creating },
	{ "O_CREAT|O_EXCL: EEXIST, no break", exclusive },
	{ "opens that fail anyway break nothing", refused_combinations },
	{ "a private name is not copied again", second_open_makes_no_copy },
	{ "content exact at all sizes", all_sizes },
	{ "all names of an inode, one after the other", both_guests },
	{ "O_DIRECT", direct_io },
	{ "relative, absolute, .. and dirfd paths", through_paths },
	{ "symlinks", through_symlinks },
	{ "magic links as directories on the way",
	  through_magic_directories },
	{ "openat2 with RESOLVE_*", openat2_resolve },
	{ "openat2 with RESOLVE_CACHED: EAGAIN, no break", openat2_cached },
	{ "descriptors and mappings keep the old inode",
	  old_descriptors_keep_the_old },
	{ "two names in one guest part", two_names_in_one_guest },
	{ "umask has no say in the copy", umask_has_no_say },
};

TEST_MAIN("open", tests)
