// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power goes. What the journal holds by then is all there is; a name must
 * lead to the old inode or to a whole copy. (Every point in time is for
 * dm-log-writes; here the journal is cut off where it would hurt most.)
 */
#include "harness.h"

#define SIZE	300000

static void set_up_dirty(struct scratch *fs, const char *mount_opts)
{
	if (on_xfs())
		scratch_xfs(fs, NULL, mount_opts);
	else
		scratch_ext4(fs, 32 << 20, NULL, mount_opts);
	scratch_enter(fs);
	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/f", 04755));
	share("f");
}

static void set_up(struct scratch *fs, const char *mount_opts)
{
	set_up_dirty(fs, mount_opts);
	sync();
}

static void expect_whole(const char *path, off_t size)
{
	struct stat st;

	EXPECT_OK(stat(path, &st));
	EXPECT_EQ(st.st_size, size);
	pattern_check(path, 0, size, SHARED_SEED);
}

static bool is_copy(const char *path)
{
	struct stat a, b;

	EXPECT_OK(stat("C/f", &a));
	EXPECT_OK(stat(path, &b));
	return a.st_ino != b.st_ino;
}

/*
 * Without delayed allocation's helper for careless programs, a rename that is
 * in the journal while the data is not would leave an empty file.
 */
static const char *careless(void)
{
	return on_ext4() ? "noauto_da_alloc" : "";
}

static void committed_break_is_whole(void)
{
	struct scratch fs;
	struct stat st;

	set_up(&fs, careless());
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_OK(chmod("G2/f", 0700));
	scratch_commit();
	scratch_crash(&fs, careless());
	CHECK(is_copy("G1/f"), "the break was in the journal and is gone");
	CHECK(is_copy("G2/f"), "the chmod was in the journal and is gone");
	expect_whole("G1/f", SIZE);
	expect_whole("G2/f", SIZE);
	expect_whole("C/f", SIZE);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 04755);
	EXPECT_EQ(st.st_mtim.tv_nsec, OLD_MTIME_NS);
	scratch_leave();
	scratch_release(&fs);
}

/* A copy that shares blocks is whole only if what they hold was written before. */
static void committed_break_of_a_dirty_file(void)
{
	struct scratch fs;

	set_up_dirty(&fs, careless());
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	scratch_commit();
	scratch_crash(&fs, careless());
	CHECK(is_copy("G1/f"), "the break was in the journal and is gone");
	expect_whole("G1/f", SIZE);
	scratch_leave();
	scratch_release(&fs);
}

static void committed_truncate_is_whole(void)
{
	struct scratch fs;

	set_up(&fs, careless());
	EXPECT_OK(truncate("G1/f", 100000));
	scratch_commit();
	scratch_crash(&fs, careless());
	CHECK(is_copy("G1/f"), "the truncate was in the journal and is gone");
	expect_whole("G1/f", 100000);
	expect_whole("C/f", SIZE);
	scratch_leave();
	scratch_release(&fs);
}

/* Nothing was committed since: either is right, half is not. */
static void uncommitted_break(void)
{
	struct scratch fs;

	set_up(&fs, careless());
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_OK(chmod("G2/f", 0700));
	scratch_crash(&fs, careless());
	expect_whole("G1/f", SIZE);
	expect_whole("G2/f", SIZE);
	expect_whole("C/f", SIZE);
	scratch_leave();
	scratch_release(&fs);
}

/* The nameless copy of who did not get to the end is freed by recovery. */
static void nothing_is_leaked(void)
{
	struct scratch fs;
	int fd;

	set_up(&fs, "");
	fd = EXPECT_OK(open("G1/f", O_RDWR));
	EXPECT_OK(unlink("G1/f"));
	scratch_commit();
	close(fd);
	scratch_crash(&fs, "");
	EXPECT_ERR(access("G1/f", F_OK), ENOENT);
	expect_whole("C/f", SIZE);
	scratch_leave();
	scratch_release(&fs);
}

static const struct test tests[] = {
	{ "a break that reached the journal is whole",
	  committed_break_is_whole, NEED_DISK },
	{ "also of a file that is not on disk yet",
	  committed_break_of_a_dirty_file, NEED_DISK },
	{ "so is a truncate", committed_truncate_is_whole, NEED_DISK },
	{ "one that did not leaves the old file or the whole copy",
	  uncommitted_break, NEED_DISK },
	{ "a copy without a name is freed", nothing_is_leaked, NEED_DISK },
};

TEST_MAIN("crash", tests)
