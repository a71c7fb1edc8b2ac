// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared files below an overlay. The overlay never changes a lower file, so there
 * a shared file is an ordinary one: it is copied up, and the shared inode and all
 * of its names stay as they are, the lower one included. No link is broken, and
 * the harness looks at all names after each test.
 *
 * In the upper directory a file would have to change. There it is immutable, and
 * its names are not free either.
 */
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <linux/capability.h>

#define SIZE	5000
#define NEW_SEED 9

/* An overlay on "m": @lower below "up". */
static void mount_overlay(const char *lower, const char *options)
{
	char data[200];

	if ((mkdir("m", 0755) || mkdir("wk", 0755) || mkdir("up", 0755)) &&
	    errno != EEXIST)
		FAIL("mkdir: %m");
	snprintf(data, sizeof(data), "lowerdir=%s,upperdir=up,workdir=wk%s",
		 lower, options);
	if (mount("overlay", "m", "overlay", 0, data)) {
		if (errno == ENODEV)
			skip("this kernel has no overlayfs");
		FAIL("mount of an overlay with '%s': %m", data);
	}
}

static void umount_overlay(void)
{
	EXPECT_OK(umount2("m", 0));
}

/* A shared file in a lower directory, seen as m/f. */
static struct shared *lower_file(const char *options)
{
	struct shared *f = mk_shared("f", SIZE);

	mount_overlay("G1", options);
	return f;
}

static void expect_flags(const char *path, unsigned int want)
{
	unsigned int flags;

	EXPECT_OK(get_flags(path, &flags));
	EXPECT_EQ(flags & (SHARED_FL | FS_APPEND_FL | FS_NODUMP_FL), want);
}

/* What was copied up can be written to in this mount and in the next one. */
static void expect_ordinary(const char *options)
{
	int i;

	for (i = 0; i < 2; i++) {
		int fd = EXPECT_OK(open("m/f", O_RDWR));

		EXPECT_EQ(pwrite(fd, "again", 5, 10), 5);
		close(fd);
		expect_flags("m/f", 0);
		expect_flags("up/f", 0);
		umount_overlay();
		mount_overlay("G1", options);
	}
	EXPECT_OK(rename("m/f", "m/g"));
	EXPECT_OK(unlink("m/g"));
	umount_overlay();
}

static void reads(void)
{
	struct shared *f = lower_file("");

	EXPECT_SAME("m/f", &f->before,
		    IGN_INO | IGN_NLINK | IGN_FLAGS | IGN_XATTRS);
	pattern_check("m/f", 0, SIZE, SHARED_SEED);
	expect_flags("m/f", 0);
	EXPECT_OK(access("m/f", R_OK | W_OK));
	umount_overlay();
}

static void writes(void)
{
	struct counters since = counters_now();
	int fd;

	lower_file("");
	fd = EXPECT_OK(open("m/f", O_WRONLY));
	pattern_write(fd, 100, 50, NEW_SEED);
	close(fd);
	pattern_check("m/f", 0, 100, SHARED_SEED);
	pattern_check("m/f", 100, 50, NEW_SEED);
	pattern_check("m/f", 150, SIZE - 150, SHARED_SEED);
	EXPECT_BREAKS(since, 0);
	expect_ordinary("");
}

static void opens_without_writing(void)
{
	struct shared *f = lower_file("");

	close(EXPECT_OK(open("m/f", O_RDWR)));
	EXPECT_SAME("m/f", &f->before, IGN_COPY);
	expect_ordinary("");
}

static void truncates(void)
{
	struct stat st;

	lower_file("");
	close(EXPECT_OK(open("m/f", O_WRONLY | O_TRUNC)));
	EXPECT_OK(stat("m/f", &st));
	EXPECT_EQ(st.st_size, 0);
	umount_overlay();
	EXPECT_OK(unlink("up/f"));
	mount_overlay("G1", "");
	EXPECT_OK(truncate("m/f", 123));
	EXPECT_OK(stat("m/f", &st));
	EXPECT_EQ(st.st_size, 123);
	pattern_check("m/f", 0, 123, SHARED_SEED);
	expect_ordinary("");
}

static void maps(void)
{
	char *map;
	int fd;

	lower_file("");
	fd = EXPECT_OK(open("m/f", O_RDWR));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	pattern_fill(map + 200, 10, 200, NEW_SEED);
	EXPECT_OK(msync(map, SIZE, MS_SYNC));
	EXPECT_OK(munmap(map, SIZE));
	close(fd);
	pattern_check("m/f", 200, 10, NEW_SEED);
	pattern_check("m/f", 210, SIZE - 210, SHARED_SEED);
	expect_ordinary("");
}

static void metadata_with(const char *options)
{
	struct counters since = counters_now();
	struct stat st;

	lower_file(options);
	EXPECT_OK(chmod("m/f", 0600));
	EXPECT_OK(chown("m/f", OWNER, STRANGER));
	EXPECT_OK(setxattr("m/f", "trusted.test", "value", 5, 0));
	EXPECT_OK(utimensat(AT_FDCWD, "m/f", NULL, 0));
	EXPECT_OK(stat("m/f", &st));
	EXPECT_EQ(st.st_mode & 07777, 0600);
	EXPECT_EQ(st.st_uid, OWNER);
	EXPECT_EQ(st.st_gid, STRANGER);
	CHECK(st.st_mtim.tv_sec > OLD_SEC, "the old mtime");
	pattern_check("m/f", 0, SIZE, SHARED_SEED);
	EXPECT_BREAKS(since, 0);
	expect_ordinary(options);
}

static void metadata(void)
{
	metadata_with("");
}

static void metacopy(void)
{
	metadata_with(",metacopy=on");
}

/* Flags are copied up if there is one that the overlay knows: without ours. */
static void other_flags(void)
{
	unsigned int up;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("C/f", FS_NOATIME_FL));
	share("f");
	mount_overlay("G1", "");
	expect_flags("m/f", 0);
	close(EXPECT_OK(open("m/f", O_RDWR)));
	EXPECT_OK(get_flags("up/f", &up));
	EXPECT_EQ(up & FS_NOATIME_FL, FS_NOATIME_FL);
	expect_ordinary("");
}

static void through_descriptors(void)
{
	int fd;

	lower_file("");
	fd = EXPECT_OK(open("m/f", O_RDONLY));
	EXPECT_OK(fchmod(fd, 0640));
	EXPECT_OK(fsetxattr(fd, "trusted.test", "value", 5, 0));
	close(fd);
	expect_ordinary("");
}

static void names(void)
{
	struct stat a, b;

	lower_file("");
	EXPECT_OK(link("m/f", "m/linked"));
	EXPECT_OK(stat("m/f", &a));
	EXPECT_OK(stat("m/linked", &b));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_OK(rename("m/f", "m/moved"));
	pattern_check("m/moved", 0, SIZE, SHARED_SEED);
	EXPECT_OK(unlink("m/moved"));
	EXPECT_OK(unlink("m/linked"));
	EXPECT_ERR(access("m/f", F_OK), ENOENT);
	umount_overlay();
}

static void unlinks_and_replaces(void)
{
	lower_file("");
	mk_file("m/new", 100, NEW_SEED);
	EXPECT_OK(rename("m/new", "m/f"));
	pattern_check("m/f", 0, 100, NEW_SEED);
	EXPECT_OK(unlink("m/f"));
	EXPECT_ERR(access("m/f", F_OK), ENOENT);
	umount_overlay();
}

/* Two names of the shared inode in one lower directory. */
static void two_names_with(const char *options, bool one_file)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd;

	EXPECT_OK(link("G1/f", "G1/other"));
	mount_overlay("G1", options);
	fd = EXPECT_OK(open("m/f", O_WRONLY));
	pattern_write(fd, 0, 50, NEW_SEED);
	close(fd);
	pattern_check("m/f", 0, 50, NEW_SEED);
	pattern_check("m/other", 0, 50, one_file ? NEW_SEED : SHARED_SEED);
	pattern_check("G1/other", 0, SIZE, SHARED_SEED);
	umount_overlay();
	EXPECT_OK(unlink("G1/other"));
	f->ctime_moves = true;
}

static void two_names(void)
{
	two_names_with(",index=off", false);
}

static void two_names_index(void)
{
	two_names_with(",index=on", true);
}

static void two_lowers(void)
{
	struct shared *f = mk_shared("f", SIZE);

	mk_file("G2/own", 10, NEW_SEED);
	mount_overlay("G2:G1", "");
	close(EXPECT_OK(open("m/f", O_RDWR)));
	EXPECT_SAME("m/f", &f->before, IGN_COPY);
	close(EXPECT_OK(open("m/own", O_RDWR)));
	expect_flags("m/f", 0);
	umount_overlay();
}

static void permission(void)
{
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	f = share("f");
	mount_overlay("G1", "");
	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(open("m/f", O_WRONLY), EACCES);
		EXPECT_ERR(chmod("m/f", 0777), EPERM);
		EXPECT_ERR(access("m/f", W_OK), EACCES);
	}
	EXPECT_ERR(access("up/f", F_OK), ENOENT);
	AS_USER(OWNER, OWNER) {
		EXPECT_OK(access("m/f", W_OK));
		close(EXPECT_OK(open("m/f", O_WRONLY)));
		EXPECT_OK(chmod("m/f", 0600));
	}
	EXPECT_SAME("m/f", &f->before, IGN_COPY | IGN_MODE);
	expect_ordinary("");
}

/* Who reads the flags, changes one and writes them back. */
static void flags(void)
{
	unsigned int now;
	struct fsxattr fsx;

	lower_file("");
	expect_flags("m/f", 0);
	EXPECT_OK(get_fsx("m/f", &fsx));
	EXPECT_EQ(fsx.fsx_xflags & SHARED_XFLAGS, 0);
	EXPECT_ERR(set_flags("m/f", SHARED_FL), EOPNOTSUPP);
	EXPECT_OK(get_flags("m/f", &now));
	EXPECT_OK(set_flags("m/f", now | FS_NODUMP_FL));
	expect_flags("m/f", FS_NODUMP_FL);
	EXPECT_OK(set_flags("m/f", now | FS_IMMUTABLE_FL));
	EXPECT_ERR(open("m/f", O_WRONLY), EPERM);
	EXPECT_ERR(unlink("m/f"), EPERM);
	EXPECT_OK(set_flags("m/f", now));
	expect_ordinary("");
}

/* What is not IXUNLINK is as immutable as ever. */
static void plain_immutable(void)
{
	mk_file("G1/f", 100, SHARED_SEED);
	EXPECT_OK(set_flags("G1/f", FS_IMMUTABLE_FL));
	mount_overlay("G1", "");
	EXPECT_ERR(open("m/f", O_WRONLY), EPERM);
	EXPECT_ERR(unlink("m/f"), EPERM);
	expect_flags("m/f", FS_IMMUTABLE_FL);
	umount_overlay();
	EXPECT_OK(set_flags("G1/f", 0));
}

/* A shared file in the upper directory: m/f is G1/f. */
static struct shared *upper_file(void)
{
	struct shared *f = mk_shared("f", SIZE);
	char data[100];

	EXPECT_OK(mkdir("m", 0755));
	EXPECT_OK(mkdir("wk", 0755));
	EXPECT_OK(mkdir("low", 0755));
	snprintf(data, sizeof(data), "lowerdir=low,upperdir=G1,workdir=wk");
	if (mount("overlay", "m", "overlay", 0, data)) {
		if (errno == ENODEV)
			skip("this kernel has no overlayfs");
		FAIL("mount of an overlay with '%s': %m", data);
	}
	return f;
}

static void upper(void)
{
	struct counters since = counters_now();
	int fd;

	upper_file();
	pattern_check("m/f", 0, SIZE, SHARED_SEED);
	EXPECT_ERR(open("m/f", O_WRONLY), EPERM);
	EXPECT_ERR(open("m/f", O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(truncate("m/f", 0), EPERM);
	EXPECT_ERR(chmod("m/f", 0600), EPERM);
	EXPECT_ERR(chown("m/f", OWNER, OWNER), EPERM);
	EXPECT_ERR(setxattr("m/f", "trusted.test", "value", 5, 0), EPERM);
	EXPECT_ERR(access("m/f", W_OK), EPERM);
	EXPECT_ERR(link("m/f", "m/g"), EPERM);
	EXPECT_ERR(rename("m/f", "m/g"), EPERM);
	EXPECT_ERR(unlink("m/f"), EPERM);
	fd = EXPECT_OK(open("m/f", O_RDONLY));
	EXPECT_ERR(fchmod(fd, 0600), EPERM);
	close(fd);
	EXPECT_BREAKS(since, 0);
	umount_overlay();
}

/* The attributes in the upper directory are not taken away by other changes. */
static void upper_flags(void)
{
	unsigned int now;

	upper_file();
	expect_flags("m/f", FS_IMMUTABLE_FL);
	EXPECT_OK(get_flags("m/f", &now));
	EXPECT_ERR(set_flags("m/f", now | FS_NODUMP_FL), EPERM);
	EXPECT_ERR(set_flags("m/f", now | FS_IXUNLINK_FL), EOPNOTSUPP);
	expect_flags("G1/f", SHARED_FL);
	drop_cap(CAP_LINUX_IMMUTABLE);
	EXPECT_ERR(set_flags("m/f", 0), EPERM);
	umount_overlay();
}

static const struct test tests[] = {
	{ "a lower shared file reads as an ordinary one", reads },
	{ "writing copies it up, nothing below changes", writes },
	{ "opening for writing makes an equal copy", opens_without_writing },
	{ "O_TRUNC and truncate", truncates },
	{ "a shared writable mapping", maps },
	{ "chmod, chown, utimes, setxattr", metadata },
	{ "the same with metacopy", metacopy },
	{ "another flag is copied up, these are not", other_flags },
	{ "changes through a descriptor", through_descriptors },
	{ "link, rename and unlink", names },
	{ "a new file replaces it", unlinks_and_replaces },
	{ "two lower names become two files", two_names },
	{ "with an index they stay one", two_names_index },
	{ "two lower directories", two_lowers },
	{ "permission is asked as ever", permission },
	{ "flags of the overlay's file", flags },
	{ "a plain immutable lower file stays immutable", plain_immutable },
	{ "in the upper directory it is immutable, names included", upper },
	{ "and keeps both attributes", upper_flags },
};

TEST_MAIN("overlay", tests)
