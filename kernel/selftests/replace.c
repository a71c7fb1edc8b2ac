// SPDX-License-Identifier: GPL-2.0-only
/*
 * A filesystem with ->replace_link puts the copy at its place in one step: there is
 * no other name, not for who watches the directory and not after a crash.
 */
#include "harness.h"

#include <dirent.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define SIZE	70000

/* ---- what watchers see ------------------------------------------------- */

/* Long enough for any machine; only a failure waits for it. */
#define EVENT_TIMEOUT_MS	60000

static int watch(const char *path, unsigned int mask)
{
	int fd = EXPECT_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));

	EXPECT_OK(inotify_add_watch(fd, path, mask));
	return fd;
}

/* The next event as "0xMASK NAME", or "" if there is none. */
static const char *next_event(int fd)
{
	static char buf[4096] __attribute__((aligned(8)));
	static char text[300];
	static size_t len, pos;
	const struct inotify_event *e;

	if (pos == len) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0) {
			CHECK(errno == EAGAIN, "inotify: %m");
			return "";
		}
		len = n;
		pos = 0;
	}
	e = (const void *)(buf + pos);
	pos += sizeof(*e) + e->len;
	snprintf(text, sizeof(text), "%#x %s", e->mask, e->len ? e->name : "");
	return text;
}

static void expect_event(int fd, unsigned int mask, const char *name)
{
	const char *got = next_event(fd);
	char want[100];

	snprintf(want, sizeof(want), "%#x %s", mask, name);
	CHECK(!strcmp(got, want), "expected event '%s', got '%s'", want, got);
}

static void expect_no_event(int fd)
{
	const char *got = next_event(fd);

	CHECK(!*got, "there is an event '%s'", got);
}

#define NAMES	(IN_CREATE | IN_DELETE | IN_MOVE)

static void directory_sees_moved_to(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct shared *g = mk_shared("g", SIZE);
	struct shared *h = mk_shared("h", SIZE);
	int fd = watch("G1", NAMES);

	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_event(fd, IN_MOVED_TO, "f");
	EXPECT_OK(chmod("G1/g", 0600));
	expect_event(fd, IN_MOVED_TO, "g");
	EXPECT_OK(truncate("G1/h", 5));
	expect_event(fd, IN_MOVED_TO, "h");
	expect_no_event(fd);
	expect_broken(f, G1);
	expect_broken(g, G1);
	expect_broken(h, G1);
}

static void directory_sees_unification(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd;

	mk_file("G1/own", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	fd = watch("G1", NAMES);
	EXPECT_OK(unify("G1", "own", "C/f", "G1/own"));
	expect_event(fd, IN_MOVED_TO, "own");
	expect_no_event(fd);
	f->links = 1;
}

static void old_inode_sees_its_link_count(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = watch("C/f", IN_ALL_EVENTS);

	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_event(fd, IN_ATTRIB, "");
	expect_no_event(fd);
	expect_broken(f, G1);
}

static void last_name_of_the_old_inode(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int inotify = watch("C/f", IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF);
	int fd, old = EXPECT_OK(open("C/f", O_RDONLY));
	struct stat st;
	char c;

	EXPECT_OK(unlink("G1/f"));
	expect_gone(f, G1);
	EXPECT_OK(unlink("G2/f"));
	expect_gone(f, G2);
	fd = EXPECT_OK(open("C/f", O_RDWR));
	expect_broken(f, C);
	EXPECT_OK(fstat(old, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(pread(old, &c, 1, SIZE - 1), 1);
	close(fd);
	/* Equal events in a row are one. */
	expect_event(inotify, IN_ATTRIB, "");
	expect_no_event(inotify);
	close(old);
	expect_event(inotify, IN_DELETE_SELF, "");
}

/* ---- crashes ----------------------------------------------------------- */

struct format {
	const char *const *mkfs;	/* of ext4 */
	const char *mkfs_xfs;		/* or of XFS */
	const char *mount;
	bool journal;
};

#define MKFS(...)	((const char *const []){ __VA_ARGS__, NULL })

static const char *const all_names[] = {
	"C/f", "G1/f", "G2/f", "C/m", "G1/v",
};

static void mk_frozen(const char *path)
{
	mk_file(path, SIZE, SHARED_SEED);
	EXPECT_OK(set_flags(path, SHARED_FL));
}

/*
 * f is shared by all three. m is a master with one name, v equal to it, to be
 * unified; v's inode then has no name.
 */
static void mk_names(void)
{
	mk_frozen("C/f");
	EXPECT_OK(link("C/f", "G1/f"));
	EXPECT_OK(link("C/f", "G2/f"));
	mk_frozen("C/m");
	mk_frozen("G1/v");
	sync();
}

static void set_up(struct scratch *fs, const struct format *format)
{
	if (format->mkfs_xfs)
		scratch_xfs(fs, format->mkfs_xfs, format->mount);
	else
		scratch_ext4(fs, 32 << 20, format->mkfs, format->mount);
	scratch_enter(fs);
	mk_names();
}

static void share_again(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all_names); i++)
		EXPECT_OK(unlink(all_names[i]));
	mk_names();
}

static void replace_three_names(void)
{
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_OK(chmod("G2/f", 0600));
	EXPECT_OK(unify("G1", "v", "C/m", "G1/v"));
}

static ino_t ino_of(const char *path)
{
	struct stat st;

	EXPECT_OK(stat(path, &st));
	return st.st_ino;
}

static nlink_t names_of(ino_t ino)
{
	nlink_t n = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all_names); i++)
		n += ino_of(all_names[i]) == ino;
	return n;
}

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	size_t n = 0;

	CHECK(dir, "%s: %m", path);
	while ((de = readdir(dir)))
		n += de->d_name[0] != '.' || strlen(de->d_name) > 2;
	closedir(dir);
	return n;
}

/* No name more, no name less, each complete, and the links add up. */
static void expect_consistent(void)
{
	struct stat st;
	size_t i;

	EXPECT_EQ(count_entries("C"), 2);
	EXPECT_EQ(count_entries("G1"), 2);
	EXPECT_EQ(count_entries("G2"), 1);
	for (i = 0; i < ARRAY_SIZE(all_names); i++) {
		const char *path = all_names[i];

		EXPECT_OK(stat(path, &st));
		EXPECT_EQ(st.st_size, SIZE);
		pattern_check(path, 0, SIZE, SHARED_SEED);
		CHECK(st.st_nlink == names_of(st.st_ino),
		      "%s: %zu links, %zu names", path, (size_t)st.st_nlink,
		      (size_t)names_of(st.st_ino));
	}
}

static void expect_replaced(void)
{
	CHECK(ino_of("G1/f") != ino_of("C/f"), "the break is gone");
	CHECK(ino_of("G2/f") != ino_of("C/f"), "the chmod is gone");
	CHECK(ino_of("G1/v") == ino_of("C/m"), "the unification is gone");
}

static void reboot(struct scratch *fs, const struct format *format)
{
	if (format->journal)
		scratch_crash(fs, format->mount);
	else
		scratch_check(fs, format->mount);
}

/* Once committed the names are ordinary ones: what is done next is kept too. */
static void use_the_copies(void)
{
	int fd = EXPECT_OK(open("G1/f", O_RDWR));

	EXPECT_OK(ftruncate(fd, SIZE + 1));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(ftruncate(fd, SIZE));
	EXPECT_OK(fsync(fd));
	close(fd);
	EXPECT_OK(rename("G2/f", "G2/elsewhere"));
	EXPECT_OK(rename("G2/elsewhere", "G2/f"));
	scratch_commit();
}

/*
 * Twice: what was committed is there, and what was not, which is all but the
 * data of the copies, is there or not.
 */
static void crashes(const struct format *format)
{
	struct scratch fs;

	set_up(&fs, format);
	replace_three_names();
	scratch_commit();
	use_the_copies();
	reboot(&fs, format);
	expect_consistent();
	expect_replaced();

	share_again();
	replace_three_names();
	reboot(&fs, format);
	expect_consistent();
	scratch_leave();
	scratch_release(&fs);
}

#define CRASHES(name, has_journal, mount_opts, ...)			\
	static void name(void)						\
	{								\
		crashes(&(struct format){ MKFS(__VA_ARGS__), NULL,	\
					  mount_opts, has_journal });	\
	}

CRASHES(crash_plain, true, "", "-b", "4096")
CRASHES(crash_1k, true, "noauto_da_alloc", "-b", "1024", "-O", "^dir_index")
CRASHES(crash_inline, true, "", "-b", "4096", "-O", "inline_data")
CRASHES(crash_orphan_file, true, "", "-b", "4096", "-O", "orphan_file")
CRASHES(crash_data_journal, true, "data=journal", "-b", "4096")
CRASHES(crash_no_journal, false, "", "-b", "4096", "-O", "^has_journal")

#define CRASHES_XFS(name, mount_opts, mkfs)				\
	static void name(void)						\
	{								\
		crashes(&(struct format){ NULL, mkfs, mount_opts, true });	\
	}

CRASHES_XFS(crash_xfs, "", "-m reflink=1")
CRASHES_XFS(crash_xfs_no_reflink, "", "-m reflink=0")
CRASHES_XFS(crash_xfs_1k, "", "-b size=1024 -m rmapbt=1")
CRASHES_XFS(crash_xfs_quota, "uquota,gquota,pquota", "-m reflink=0")

/*
 * With dirsync (XFS: wsync) a name that is seen is on disk. A watcher who cuts the
 * power at the first event finds its name after the crash, and no other one.
 */
static void crash_at_the_first_event(void)
{
	const struct format ext4 = {
		MKFS("-b", "4096"), NULL, "dirsync", true,
	};
	const struct format xfs = { NULL, "-m reflink=1", "wsync", true };
	const struct format *format = on_xfs() ? &xfs : &ext4;
	struct pollfd p = { .events = POLLIN };
	struct scratch fs;
	pid_t pid;

	set_up(&fs, format);
	p.fd = watch("G1", NAMES);
	pid = EXPECT_OK(fork());
	if (!pid) {
		/* It may come too late for the rest of open(2). */
		open("G1/f", O_RDWR);
		_exit(0);
	}
	EXPECT_EQ(poll(&p, 1, EVENT_TIMEOUT_MS), 1);
	scratch_shutdown(".");
	EXPECT_OK(waitpid(pid, NULL, 0));
	expect_event(p.fd, IN_MOVED_TO, "f");
	expect_no_event(p.fd);
	close(p.fd);
	scratch_recover(&fs, format->mount);
	expect_consistent();
	CHECK(ino_of("G1/f") != ino_of("C/f"), "the break is gone");
	scratch_leave();
	scratch_release(&fs);
}

/* ---- directories of many blocks ---------------------------------------- */

/* Every tenth of @many names of the one file is broken. */
static void many_names(struct scratch *fs, int many)
{
	char path[80];
	struct stat st;
	int i;

	scratch_enter(fs);
	mk_file("C/f", 100, SHARED_SEED);
	EXPECT_OK(set_flags("C/f", SHARED_FL));
	for (i = 0; i < many; i++) {
		snprintf(path, sizeof(path), "G1/%050d", i);
		EXPECT_OK(link("C/f", path));
	}
	for (i = 0; i < many; i += 10) {
		snprintf(path, sizeof(path), "G1/%050d", i);
		close(EXPECT_OK(open(path, O_RDWR)));
	}
	scratch_check(fs, "");
	EXPECT_EQ(count_entries("G1"), many);
	for (i = 0; i < many; i++) {
		snprintf(path, sizeof(path), "G1/%050d", i);
		EXPECT_OK(stat(path, &st));
		EXPECT_EQ(st.st_ino != ino_of("C/f"), i % 10 == 0);
		pattern_check(path, 0, 100, SHARED_SEED);
	}
	EXPECT_OK(stat("C/f", &st));
	EXPECT_EQ(st.st_nlink, 1 + many - many / 10);
	scratch_leave();
	scratch_release(fs);
}

static void large_indexed_directory(void)
{
	struct scratch fs;

	scratch_ext4(&fs, 32 << 20, MKFS("-b", "1024"), "");
	many_names(&fs, 500);
}

static void large_linear_directory(void)
{
	struct scratch fs;

	scratch_ext4(&fs, 32 << 20, MKFS("-b", "1024", "-O", "^dir_index"), "");
	many_names(&fs, 500);
}

static void xfs_block_directory(void)
{
	struct scratch fs;

	scratch_xfs(&fs, "", "");
	many_names(&fs, 40);
}

static void xfs_leaf_directory(void)
{
	struct scratch fs;

	scratch_xfs(&fs, "", "");
	many_names(&fs, 300);
}

static void xfs_node_directory(void)
{
	struct scratch fs;

	scratch_xfs(&fs, "-b size=1024", "");
	many_names(&fs, 700);
}

/* ---- groups of XFS ----------------------------------------------------- */

/*
 * Three groups with room for 2^31 inodes each: the numbers of the third need
 * more than 32 bits.
 */
#define GROUPS		3
#define LARGE_BYTES	(3ULL * 600 << 30)

/* So many names a directory holds within its inode, whatever the size of numbers. */
#define FEW		2
/* The size of a directory is less while its names are in its inode. */
#define INODE_BYTES	512

/* New directories go round the groups; files are where their directory is. */
static void mkdir_numbered(const char *path, bool large)
{
	int i;

	for (i = 0; i < 4 * GROUPS; i++) {
		EXPECT_OK(mkdir(path, 0755));
		if ((ino_of(path) > UINT32_MAX) == large)
			return;
		EXPECT_OK(rmdir(path));
	}
	CHECK(false, "no %s in a group %s 32 bits", path,
	      large ? "above" : "below");
}

static void enter_large(struct scratch *fs)
{
	scratch_large_xfs(fs, GROUPS, LARGE_BYTES);
	scratch_enter(fs);
	mkdir_numbered("high", true);
	mkdir_numbered("low", false);
}

/* "low" is left with @names. The first is to become one of a large inode. */
static int fill_low(int names)
{
	char path[40];
	int i;

	mk_frozen("high/m");
	mk_frozen("low/name00000000");
	for (i = 1; i < names; i++) {
		snprintf(path, sizeof(path), "low/name%08d", i);
		mk_file(path, 10, i);
	}
	return watch("low", NAMES);
}

static void expect_low(struct scratch *fs, int names)
{
	char path[40];
	int i;

	scratch_check(fs, "");
	EXPECT_EQ(count_entries("low"), names);
	pattern_check("low/name00000000", 0, SIZE, SHARED_SEED);
	for (i = 1; i < names; i++) {
		snprintf(path, sizeof(path), "low/name%08d", i);
		pattern_check(path, 0, 10, i);
	}
}

/*
 * How many names a directory's inode has room for. That is less where a security module
 * has the kernel keep room for attributes.
 */
static int names_that_fit(void)
{
	struct stat st = { 0 };
	char path[40];
	int i;

	mkdir_numbered("probe", false);
	for (i = 0; st.st_size <= INODE_BYTES; i++) {
		snprintf(path, sizeof(path), "probe/name%08d", i);
		mk_file(path, 0, 0);
		EXPECT_OK(stat("probe", &st));
	}
	return i - 1;
}

/*
 * Numbers within a directory's inode are of one size: with the first large one
 * all grow, and shrink with the last one.
 */
static void numbers_grow_and_shrink(void)
{
	struct scratch fs;
	int fd;

	enter_large(&fs);
	fd = fill_low(FEW);
	EXPECT_OK(unify("low", "name00000000", "high/m", "low/name00000000"));
	expect_event(fd, IN_MOVED_TO, "name00000000");
	expect_no_event(fd);
	close(fd);
	expect_low(&fs, FEW);
	CHECK(ino_of("low/name00000000") == ino_of("high/m"), "not unified");

	fd = watch("low", NAMES);
	EXPECT_OK(chmod("low/name00000000", 0600));
	expect_event(fd, IN_MOVED_TO, "name00000000");
	expect_no_event(fd);
	close(fd);
	expect_low(&fs, FEW);
	CHECK(ino_of("low/name00000000") <= UINT32_MAX, "not a small number");
	scratch_leave();
	scratch_release(&fs);
}

/* Where that does not fit the directory must grow: with link and rename. */
static void numbers_do_not_fit(void)
{
	static const char two_steps[] = "0x100 .ixunlink-";
	struct scratch fs;
	const char *event;
	int names;
	int fd;

	enter_large(&fs);
	names = names_that_fit();
	fd = fill_low(names);
	EXPECT_OK(unify("low", "name00000000", "high/m", "low/name00000000"));
	event = next_event(fd);
	CHECK(!strncmp(event, two_steps, strlen(two_steps)),
	      "not in two steps: '%s'", event);
	close(fd);
	expect_low(&fs, names);
	CHECK(ino_of("low/name00000000") == ino_of("high/m"), "not unified");
	scratch_leave();
	scratch_release(&fs);
}

/* The old inode, which loses its last name, is in one group, the copy in another. */
static void copy_to_another_group(const char *from, const char *to)
{
	char a[40], b[40];
	ino_t old;

	snprintf(a, sizeof(a), "%s/from-%s", from, from);
	snprintf(b, sizeof(b), "%s/from-%s", to, from);
	mk_frozen(a);
	old = ino_of(a);
	EXPECT_OK(rename(a, b));
	close(EXPECT_OK(open(b, O_RDWR)));
	pattern_check(b, 0, SIZE, SHARED_SEED);
	CHECK((old > UINT32_MAX) != (ino_of(b) > UINT32_MAX), "the same group");
	EXPECT_OK(unlink(b));
}

static pid_t copy_many(const char *from, const char *to)
{
	pid_t pid = EXPECT_OK(fork());
	int i;

	if (pid)
		return pid;
	for (i = 0; i < 40; i++)
		copy_to_another_group(from, to);
	_exit(0);
}

/* Each locks the lists of unlinked inodes of both groups; this does not hang. */
static void opposite_directions(void)
{
	struct scratch fs;
	pid_t pids[2];
	int status;
	size_t i;

	enter_large(&fs);
	pids[0] = copy_many("low", "high");
	pids[1] = copy_many("high", "low");
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		EXPECT_OK(waitpid(pids[i], &status, 0));
		EXPECT_EQ(status, 0);
	}
	scratch_check(&fs, "");
	EXPECT_EQ(count_entries("low"), 0);
	EXPECT_EQ(count_entries("high"), 0);
	scratch_leave();
	scratch_release(&fs);
}

/* ------------------------------------------------------------------------ */

static const struct test tests[] = {
	{ "who watches the directory sees the name moved to, and that only",
	  directory_sees_moved_to, NEED_DISK },
	{ "so it is for a unified name", directory_sees_unification,
	  NEED_DISK },
	{ "who watches the old inode sees its link count change",
	  old_inode_sees_its_link_count, NEED_DISK },
	{ "the old inode goes with its last name and descriptor",
	  last_name_of_the_old_inode, NEED_DISK },
	{ "a crash leaves old or new", crash_plain, NEED_EXT4 },
	{ "... 1 KiB blocks, no dir_index, noauto_da_alloc", crash_1k,
	  NEED_EXT4 },
	{ "... inline_data", crash_inline, NEED_EXT4 },
	{ "... orphan_file", crash_orphan_file, NEED_EXT4 },
	{ "... data=journal", crash_data_journal, NEED_EXT4 },
	{ "without a journal all is consistent", crash_no_journal, NEED_EXT4 },
	{ "a crash leaves old or new", crash_xfs, NEED_XFS },
	{ "... without reflink", crash_xfs_no_reflink, NEED_XFS },
	{ "... 1 KiB blocks, rmapbt", crash_xfs_1k, NEED_XFS },
	{ "... with quota", crash_xfs_quota, NEED_XFS },
	{ "a crash at the first event leaves the new name",
	  crash_at_the_first_event, NEED_DISK },
	{ "a directory with an index", large_indexed_directory, NEED_EXT4 },
	{ "a directory of many blocks without one", large_linear_directory,
	  NEED_EXT4 },
	{ "a directory of one block", xfs_block_directory, NEED_XFS },
	{ "... of several", xfs_leaf_directory, NEED_XFS },
	{ "... with a tree", xfs_node_directory, NEED_XFS },
	{ "inode numbers above 32 bits come and go", numbers_grow_and_shrink,
	  NEED_XFS },
	{ "... where they do not fit it takes two steps", numbers_do_not_fit,
	  NEED_XFS },
	{ "old inode and copy in different groups", opposite_directions,
	  NEED_XFS },
};

TEST_MAIN("replace", tests)
