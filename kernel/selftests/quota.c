// SPDX-License-Identifier: GPL-2.0-only
/*
 * The copy is paid for by who writes: by the project of the directory, by the
 * user and group that own the file. Who has no room left gets no copy, and
 * nothing is changed or leaked.
 */
#include "harness.h"

#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <linux/quota.h>

#define SIZE	(1 << 20)
#define PROJECT	70

static int try_quota(int type, unsigned int id, struct if_dqblk *ret)
{
	int fd = EXPECT_OK(open(".", O_RDONLY));
	int r = syscall(SYS_quotactl_fd, fd, QCMD(Q_GETQUOTA, type), id, ret);

	close(fd);
	return r;
}

static struct if_dqblk quota_get(int type, unsigned int id)
{
	struct if_dqblk dq;

	EXPECT_OK(try_quota(type, id, &dq));
	return dq;
}

/* Zero is no limit. */
static void quota_set(int type, unsigned int id, uint64_t bytes,
		      uint64_t inodes)
{
	struct if_dqblk dq = {
		.dqb_bhardlimit = bytes / 1024,
		.dqb_bsoftlimit = bytes / 1024,
		.dqb_ihardlimit = inodes,
		.dqb_isoftlimit = inodes,
		.dqb_valid = QIF_LIMITS,
	};
	int fd = EXPECT_OK(open(".", O_RDONLY));

	EXPECT_OK(syscall(SYS_quotactl_fd, fd, QCMD(Q_SETQUOTA, type), id,
			  &dq));
	close(fd);
}

/* What must be the same before and after a break that failed. */
struct usage {
	struct if_dqblk project, user, group;
	struct statvfs fs;
};

static struct usage usage_now(void)
{
	struct usage u;

	sync();
	u.project = quota_get(PRJQUOTA, PROJECT);
	u.user = quota_get(USRQUOTA, OWNER);
	u.group = quota_get(GRPQUOTA, OWNER);
	EXPECT_OK(statvfs(".", &u.fs));
	return u;
}

static bool same_usage(const struct usage *a, const struct usage *b)
{
	return a->project.dqb_curspace == b->project.dqb_curspace &&
	       a->project.dqb_curinodes == b->project.dqb_curinodes &&
	       a->fs.f_bfree == b->fs.f_bfree && a->fs.f_ffree == b->fs.f_ffree;
}

static void expect_usage(struct usage before)
{
	struct usage now = usage_now();
	int tries;

	/* XFS frees an inode in the background. */
	for (tries = 0; on_xfs() && tries < 200; tries++) {
		if (same_usage(&now, &before))
			break;
		usleep(100000);
		now = usage_now();
	}
	EXPECT_EQ(now.project.dqb_curspace, before.project.dqb_curspace);
	EXPECT_EQ(now.project.dqb_curinodes, before.project.dqb_curinodes);
	EXPECT_EQ(now.user.dqb_curspace, before.user.dqb_curspace);
	EXPECT_EQ(now.user.dqb_curinodes, before.user.dqb_curinodes);
	EXPECT_EQ(now.group.dqb_curspace, before.group.dqb_curspace);
	EXPECT_EQ(now.group.dqb_curinodes, before.group.dqb_curinodes);
	EXPECT_EQ(now.fs.f_bfree, before.fs.f_bfree);
	EXPECT_EQ(now.fs.f_ffree, before.fs.f_ffree);
}

/* XFS does not know who never had a file. */
static bool has_files(int type, unsigned int id)
{
	struct if_dqblk dq;

	return !try_quota(type, id, &dq) &&
	       (dq.dqb_curspace || dq.dqb_curinodes);
}

/*
 * What the test before this one has left, XFS frees in the background: it must
 * not count as used, to become room later.
 */
static void wait_for_the_last_test(void)
{
	int tries;

	for (tries = 0; on_xfs() && tries < 200; tries++) {
		sync();
		if (!has_files(PRJQUOTA, PROJECT) &&
		    !has_files(USRQUOTA, OWNER) && !has_files(GRPQUOTA, OWNER))
			break;
		usleep(100000);
	}
}

/* A megabyte of OWNER's that everybody may write; G1 is PROJECT's. */
static struct shared *setup(void)
{
	wait_for_the_last_test();
	EXPECT_OK(set_project("G1", PROJECT, true));
	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	EXPECT_OK(chmod("C/f", 0666));
	return share("f");
}

/* XFS says of a project without room what it says of a disk without room. */
static int over_quota(int type)
{
	return on_xfs() && type == PRJQUOTA ? ENOSPC : EDQUOT;
}

static void expect_over_quota(int type, struct usage before)
{
	struct counters c = counters_now();
	int err = over_quota(type);

	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(open("G1/f", O_RDWR), err);
		EXPECT_ERR(truncate("G1/f", SIZE / 2), err);
		EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", NULL, 0), err);
	}
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(chmod("G1/f", 0600), err);
	EXPECT_EQ(counters_now().breaks, c.breaks);
	expect_usage(before);
	expect_others();
}

static void then_it_works(struct shared *f)
{
	AS_USER(STRANGER, STRANGER)
		close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
}

static void project_blocks(void)
{
	struct shared *f = setup();
	struct usage before = usage_now();

	quota_set(PRJQUOTA, PROJECT,
		  before.project.dqb_curspace + SIZE / 4, 0);
	expect_over_quota(PRJQUOTA, before);
	/* A truncation pays for what it keeps. */
	AS_USER(STRANGER, STRANGER)
		EXPECT_OK(truncate("G1/f", 100));
	expect_broken(f, G1);
	pattern_check("G1/f", 0, 100, SHARED_SEED);
	quota_set(PRJQUOTA, PROJECT, 0, 0);
}

static void project_inodes(void)
{
	struct shared *f = setup();
	struct usage before = usage_now();

	quota_set(PRJQUOTA, PROJECT, 0, before.project.dqb_curinodes);
	expect_over_quota(PRJQUOTA, before);
	quota_set(PRJQUOTA, PROJECT, 0, 0);
	then_it_works(f);
}

static void user_blocks(void)
{
	struct shared *f = setup();
	struct usage before = usage_now();

	quota_set(USRQUOTA, OWNER, before.user.dqb_curspace + SIZE / 4, 0);
	expect_over_quota(USRQUOTA, before);
	quota_set(USRQUOTA, OWNER, 0, 0);
	then_it_works(f);
}

static void group_blocks(void)
{
	struct shared *f = setup();
	struct usage before = usage_now();

	quota_set(GRPQUOTA, OWNER, before.group.dqb_curspace + SIZE / 4, 0);
	expect_over_quota(GRPQUOTA, before);
	quota_set(GRPQUOTA, OWNER, 0, 0);
	then_it_works(f);
}

/* A guest's root: every capability but the one that ignores quota. */
static void root_of_a_guest(void)
{
	struct shared *f = setup();
	struct usage before = usage_now();
	pid_t pid;

	quota_set(PRJQUOTA, PROJECT,
		  before.project.dqb_curspace + SIZE / 4, 0);
	pid = EXPECT_OK(fork());
	if (!pid) {
		drop_cap(CAP_SYS_RESOURCE);
		EXPECT_ERR(open("G1/f", O_RDWR), over_quota(PRJQUOTA));
		EXPECT_ERR(chmod("G1/f", 0600), over_quota(PRJQUOTA));
		_exit(0);
	}
	reap(pid);
	expect_usage(before);
	quota_set(PRJQUOTA, PROJECT, 0, 0);
	then_it_works(f);
}

static void charged_to_the_directory(void)
{
	struct shared *f = setup();
	struct usage before;
	uint64_t mine, other;

	EXPECT_OK(set_project("G2", PROJECT + 1, true));
	before = usage_now();
	EXPECT_OK(link("G1/f", "G1/l"));
	EXPECT_OK(unlink("G1/l"));
	f->ctime_moves = true;
	expect_usage(before);		/* a link costs nobody anything */

	other = quota_get(PRJQUOTA, PROJECT + 1).dqb_curspace;
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	sync();
	EXPECT_EQ(get_project("G1/f"), PROJECT);
	EXPECT_EQ(get_project("C/f"), 0);
	mine = quota_get(PRJQUOTA, PROJECT).dqb_curspace;
	CHECK(mine >= before.project.dqb_curspace + SIZE,
	      "the project was charged %lld bytes",
	      (long long)(mine - before.project.dqb_curspace));
	EXPECT_EQ(quota_get(PRJQUOTA, PROJECT).dqb_curinodes,
		  before.project.dqb_curinodes + 1);
	EXPECT_EQ(quota_get(PRJQUOTA, PROJECT + 1).dqb_curspace, other);
	EXPECT_EQ(quota_get(USRQUOTA, OWNER).dqb_curinodes,
		  before.user.dqb_curinodes + 1);

	close(EXPECT_OK(open("G2/f", O_RDWR)));
	expect_broken(f, G2);
	EXPECT_EQ(get_project("G2/f"), PROJECT + 1);
}

static void no_project_without_inheritance(void)
{
	struct shared *f;

	EXPECT_OK(set_project("G1", PROJECT, false));
	f = mk_shared("f", 5000);
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_EQ(get_project("G1/f"), 0);
}

/* Even when the shared inode itself was left in some project. */
static void project_of_the_inode_is_not_copied(void)
{
	struct shared *f;

	mk_file("C/f", 5000, SHARED_SEED);
	EXPECT_OK(set_project("C/f", 99, false));
	EXPECT_OK(set_project("G1", PROJECT, true));
	f = share("f");
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_EQ(get_project("G1/f"), PROJECT);
	close(EXPECT_OK(open("G2/f", O_RDWR)));
	expect_broken(f, G2);
	EXPECT_EQ(get_project("G2/f"), 0);
}

#define TEST(name, fn)	{ name, fn, NEED_DISK | NEED_PRJQUOTA }

static const struct test tests[] = {
	TEST("project out of blocks: EDQUOT, nothing changed",
	     project_blocks),
	TEST("project out of inodes: EDQUOT, nothing changed",
	     project_inodes),
	TEST("user out of blocks: EDQUOT, nothing changed", user_blocks),
	TEST("group out of blocks: EDQUOT, nothing changed", group_blocks),
	TEST("a guest's root is bound by quota too", root_of_a_guest),
	TEST("the copy is charged to the directory's project",
	     charged_to_the_directory),
	TEST("without PROJINHERIT to none", no_project_without_inheritance),
	TEST("never to the shared inode's own",
	     project_of_the_inode_is_not_copied),
};

TEST_MAIN("quota", tests)
