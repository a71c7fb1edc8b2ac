// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits of the caller and of the disk: an error, and all is as it was.
 */
#include "harness.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#define SIZE	(1 << 20)

/* ---- RLIMIT_FSIZE ------------------------------------------------------ */

static volatile sig_atomic_t got_sigxfsz;

static void on_sigxfsz(int sig)
{
	(void)sig;
	got_sigxfsz = 1;
}

static void limit_fsize(rlim_t bytes)
{
	struct rlimit limit;

	signal(SIGXFSZ, on_sigxfsz);
	EXPECT_OK(getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = bytes;
	EXPECT_OK(setrlimit(RLIMIT_FSIZE, &limit));
}

static void no_limit_fsize(void)
{
	struct rlimit limit;

	EXPECT_OK(getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = limit.rlim_max;
	EXPECT_OK(setrlimit(RLIMIT_FSIZE, &limit));
}

static void file_size_limit(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();

	limit_fsize(SIZE / 2);
	EXPECT_ERR(open("G1/f", O_RDWR), EFBIG);
	EXPECT_ERR(open("G1/f", O_WRONLY | O_APPEND), EFBIG);
	EXPECT_ERR(chmod("G1/f", 0600), EFBIG);
	EXPECT_ERR(chown("G1/f", OWNER, OWNER), EFBIG);
	EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", NULL, 0), EFBIG);
	EXPECT_BREAKS(c, 0);
	EXPECT_OK(chmod("G1/f", 0644));		/* changes nothing */
	EXPECT_BREAKS(c, 0);
	EXPECT_EQ(got_sigxfsz, 0);
	no_limit_fsize();
	expect_others();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
}

static void file_size_limit_counts_what_is_kept(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);

	limit_fsize(SIZE / 2);
	close(EXPECT_OK(open("G1/f", O_WRONLY | O_TRUNC)));
	EXPECT_OK(truncate("G1/g", SIZE / 2));
	EXPECT_EQ(got_sigxfsz, 0);
	no_limit_fsize();
	expect_broken(f, G1);
	expect_broken(g, G1);
	pattern_check("G1/g", 0, SIZE / 2, SHARED_SEED);
}

/* ---- a full disk ------------------------------------------------------- */

/* Writes until nothing fits, then gives @spare bytes back. */
static void fill_blocks(size_t spare)
{
	static char block[65536];
	int fd = EXPECT_OK(open("filler", O_CREAT | O_WRONLY | O_EXCL, 0600));
	size_t n = sizeof(block);
	off_t size = 0;
	ssize_t got;

	memset(block, 'x', sizeof(block));
	while (n) {
		got = write(fd, block, n);
		if (got > 0) {
			size += got;
			continue;
		}
		CHECK(errno == ENOSPC, "filling: %m");
		n /= 2;
	}
	EXPECT_OK(fsync(fd));
	EXPECT_OK(ftruncate(fd, size - spare));
	EXPECT_OK(fsync(fd));
	close(fd);
	sync();
}

static void expect_no_space(const char *path)
{
	EXPECT_ERR(open(path, O_RDWR), ENOSPC);
	EXPECT_ERR(truncate(path, SIZE - 1), ENOSPC);
	EXPECT_ERR(chmod(path, 0600), ENOSPC);
	EXPECT_ERR(utimensat(AT_FDCWD, path, NULL, 0), ENOSPC);
}

static void expect_statvfs(const struct statvfs *before)
{
	EXPECT_FREE(before);
}

/* Here for the filesystem under test, on a small instance of its own. */
static void enter_small_fs(struct scratch *fs, const char *const ext4_opts[],
			   const char *tmpfs_opts)
{
	if (on_ext4()) {
		scratch_ext4(fs, 16 << 20, ext4_opts, "");
	} else if (on_xfs()) {
		scratch_xfs(fs, NULL, "");
	} else {
		snprintf(fs->mnt, sizeof(fs->mnt), "small");
		EXPECT_OK(mkdir("small", 0755));
		EXPECT_OK(mount("small", "small", "tmpfs", 0, tmpfs_opts));
	}
	scratch_enter(fs);
}

static void full_disk_with(size_t spare)
{
	static const char *const opts[] = { "-m", "0", NULL };
	struct scratch fs;
	struct statvfs before;
	struct counters c;
	struct shared *f;

	enter_small_fs(&fs, opts, "size=8m,mode=0755");
	f = mk_shared("f", SIZE);
	fill_blocks(spare);
	EXPECT_OK(statvfs(".", &before));
	c = counters_now();
	expect_no_space("G1/f");
	EXPECT_EQ(counters_now().breaks, c.breaks);
	expect_others();
	expect_statvfs(&before);
	EXPECT_OK(unlink("filler"));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	scratch_leave();
	EXPECT_OK(umount2(fs.mnt, 0));
}

static void full_disk(void)
{
	full_disk_with(0);
}

static void disk_full_halfway(void)
{
	full_disk_with(SIZE / 2);
}

/* Blocks that are shared need no space, until they are written to. */
static void almost_full_with_reflink(void)
{
	struct scratch fs;
	struct shared *f;

	scratch_xfs(&fs, NULL, "");
	scratch_enter(&fs);
	f = mk_shared("f", SIZE);
	fill_blocks(SIZE / 2);
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	scratch_leave();
	EXPECT_OK(umount2(fs.mnt, 0));
}

#define MANY_FILES	4000

static void no_inodes(void)
{
	static const char *const opts[] = { "-N", "64", NULL };
	struct scratch fs;
	struct statvfs before;
	char name[20];
	int n;

	if (on_xfs()) {
		scratch_xfs(&fs, "-i maxpct=1", "");
		scratch_enter(&fs);
	} else {
		enter_small_fs(&fs, opts, "size=8m,nr_inodes=40,mode=0755");
	}
	mk_shared("f", SIZE);
	for (n = 0; n < MANY_FILES; n++) {
		snprintf(name, sizeof(name), "i%d", n);
		if (mknod(name, S_IFREG | 0600, 0))
			break;
	}
	CHECK(n < MANY_FILES && errno == ENOSPC, "could not use up the inodes");
	sync();		/* XFS reserves more for delayed blocks than they take */
	EXPECT_OK(statvfs(".", &before));
	expect_no_space("G1/f");
	expect_others();
	expect_statvfs(&before);
	scratch_leave();
	EXPECT_OK(umount2(fs.mnt, 0));
}

/*
 * The last blocks are root's. A file of root's that all may write is no way
 * for all to get at them.
 */
static void reserved_blocks(void)
{
	static const char *const opts[] = { "-m", "30", NULL };
	struct scratch fs;
	struct statvfs before;

	scratch_ext4(&fs, 16 << 20, opts, "");
	scratch_enter(&fs);
	EXPECT_OK(chmod(".", 0777));
	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/f", 0666));
	share("f");
	AS_USER(STRANGER, STRANGER)
		fill_blocks(0);
	EXPECT_OK(statvfs(".", &before));
	CHECK(before.f_bfree * before.f_bsize > 2 * SIZE,
	      "expected root's reserve to be free");
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(open("G1/f", O_RDWR), ENOSPC);
	expect_others();
	expect_statvfs(&before);
	scratch_leave();
	scratch_release(&fs);
}

static const struct test tests[] = {
	{ "RLIMIT_FSIZE below the size: EFBIG, no SIGXFSZ",
	  file_size_limit },
	{ "RLIMIT_FSIZE is about what is kept",
	  file_size_limit_counts_what_is_kept },
	{ "a full disk: ENOSPC, nothing changed", full_disk },
	{ "a disk full halfway through the copy", disk_full_halfway,
	  NEED_NO_REFLINK },
	{ "shared blocks need no space", almost_full_with_reflink,
	  NEED_REFLINK },
	{ "no inode left: ENOSPC, nothing changed", no_inodes },
	{ "blocks reserved for root stay reserved", reserved_blocks,
	  NEED_EXT4 },
};

TEST_MAIN("limits", tests)
