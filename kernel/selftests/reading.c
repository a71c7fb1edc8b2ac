// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only reads never makes a copy, leaves not even an atime; and access(2)
 * says what open(2) will do.
 */
#include "harness.h"

#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define SIZE	10000

static void opens(void)
{
	static const int flags[] = {
		O_RDONLY, O_PATH, O_PATH | O_RDWR, O_RDONLY | O_NOATIME,
		O_RDONLY | O_NOFOLLOW, O_RDONLY | O_CREAT,
		O_RDONLY | O_APPEND, O_RDONLY | O_SYNC, O_RDONLY | O_NONBLOCK,
	};
	struct counters c;
	char buf[100];
	size_t i;

	mk_shared("f", SIZE);
	c = counters_now();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = EXPECT_OK(open("G1/f", flags[i], 0600));

		if (!(flags[i] & O_PATH))
			EXPECT_EQ(EXPECT_OK(read(fd, buf, sizeof(buf))),
				  sizeof(buf));
		close(fd);
	}
	EXPECT_BREAKS(c, 0);
}

static void calls_on_the_name(void)
{
	struct counters c;
	struct stat st;
	struct statx stx;
	struct statvfs vfs;
	char buf[1000];

	mk_shared("f", SIZE);
	c = counters_now();
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_OK(lstat("G1/f", &st));
	EXPECT_OK(statx(AT_FDCWD, "G1/f", 0, STATX_ALL, &stx));
	EXPECT_OK(statvfs("G1/f", &vfs));
	EXPECT_OK(access("G1/f", F_OK));
	EXPECT_OK(access("G1/f", R_OK));
	EXPECT_OK(access("G1/f", R_OK | W_OK));
	EXPECT_ERR(access("G1/f", X_OK), EACCES);
	EXPECT_ERR(readlink("G1/f", buf, sizeof(buf)), EINVAL);
	EXPECT_OK(listxattr("G1/f", buf, sizeof(buf)));
	EXPECT_ERR(getxattr("G1/f", "trusted.none", buf, 1), ENODATA);
	EXPECT_BREAKS(c, 0);
}

static void calls_on_the_descriptor(void)
{
	struct counters c;
	int fd, out, watch;
	char *map;

	mk_shared("f", SIZE);
	c = counters_now();
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	EXPECT_OK(fsync(fd));
	EXPECT_OK(fdatasync(fd));
	EXPECT_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_OK(flock(fd, LOCK_EX));
	EXPECT_OK(flock(fd, LOCK_UN));
	EXPECT_OK(fcntl(fd, F_SETLK, &(struct flock){ .l_type = F_RDLCK }));
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED, "private mapping: %m");
	map[0] = 'x';
	map[SIZE - 1] = 'x';
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "shared mapping: %m");
	EXPECT_ERR(mprotect(map, SIZE, PROT_READ | PROT_WRITE), EACCES);
	out = EXPECT_OK(open("out", O_CREAT | O_RDWR, 0600));
	EXPECT_EQ(EXPECT_OK(sendfile(out, fd, NULL, SIZE)), SIZE);
	EXPECT_OK(copy_file_range(fd, &(loff_t){ 0 }, out, NULL, SIZE, 0));
	watch = EXPECT_OK(inotify_init());
	EXPECT_OK(inotify_add_watch(watch, "G1/f", IN_ALL_EVENTS));
	EXPECT_BREAKS(c, 0);
}

static void execute(void)
{
	struct counters c;

	CHECK(!RUN("cp", "/bin/true", "C/prog"), "cannot copy a program");
	EXPECT_OK(chmod("C/prog", 0755));
	share("prog");
	c = counters_now();
	CHECK(!RUN("G1/prog"), "expected the program to run");
	EXPECT_OK(access("G1/prog", X_OK));
	EXPECT_BREAKS(c, 0);
}

/* Reads in one guest are not to be seen, nor written to disk, for others. */
static void atime_stands_still(void)
{
	char buf[10];
	int fd;

	EXPECT_OK(mkdir("strict", 0755));
	EXPECT_OK(mount("G1", "strict", NULL, MS_BIND, NULL));
	EXPECT_OK(mount(NULL, "strict", NULL, MS_BIND | MS_REMOUNT |
			MS_STRICTATIME, NULL));
	mk_shared("f", SIZE);
	mk_file("G1/plain", SIZE, 1);
	fd = EXPECT_OK(open("strict/f", O_RDONLY));
	EXPECT_EQ(EXPECT_OK(read(fd, buf, sizeof(buf))), sizeof(buf));
	close(fd);
	expect_others();
	/* This mount would have moved that of any other file. */
	fd = EXPECT_OK(open("strict/plain", O_RDONLY));
	EXPECT_EQ(EXPECT_OK(read(fd, buf, sizeof(buf))), sizeof(buf));
	close(fd);
	{
		struct stat st;

		EXPECT_OK(stat("G1/plain", &st));
		CHECK(st.st_atim.tv_sec > OLD_SEC + 1,
		      "the private file's atime did not move");
	}
	EXPECT_OK(umount2("strict", 0));
}

/* ---- access(2) --------------------------------------------------------- */

/*
 * access(W_OK) first, then the open; they must agree in result and errno, and
 * the first must not have made the copy.
 */
static void access_tells_the_truth(const char *path)
{
	struct stat before, after;
	int said, did, said_errno, fd;

	EXPECT_OK(stat(path, &before));
	errno = 0;
	said = faccessat(AT_FDCWD, path, W_OK, AT_EACCESS);
	said_errno = errno;
	EXPECT_OK(stat(path, &after));
	EXPECT_EQ(after.st_ino, before.st_ino);
	errno = 0;
	fd = open(path, O_WRONLY);
	did = fd < 0 ? -1 : 0;
	CHECK(said == did && (!did || said_errno == errno),
	      "%s: access says %s, open does %s", path,
	      said ? errno_name(said_errno) : "yes",
	      did ? errno_name(errno) : "succeed");
	if (fd >= 0)
		close(fd);
}

static struct shared *with_mode(const char *name, mode_t mode, uid_t owner)
{
	char path[80];

	snprintf(path, sizeof(path), "C/%s", name);
	mk_file(path, 100, SHARED_SEED);
	EXPECT_OK(chown(path, owner, owner));
	EXPECT_OK(chmod(path, mode));
	return share(name);
}

static void access_of_all_users(void)
{
	static const mode_t modes[] = { 0644, 0444, 0666, 0222, 0000, 0060 };
	static const uid_t users[] = { 0, OWNER, STRANGER };
	char name[30];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		for (j = 0; j < ARRAY_SIZE(users); j++) {
			struct shared *f;
			struct stat st;

			snprintf(name, sizeof(name), "m%o-u%u", modes[i],
				 users[j]);
			f = with_mode(name, modes[i], OWNER);
			AS_USER(users[j], users[j])
				access_tells_the_truth(shared_path(f, G1));
			EXPECT_OK(stat(shared_path(f, G1), &st));
			if (st.st_ino != f->before.st.st_ino)
				expect_broken(f, G1);
		}
}

static void access_in_odd_places(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	char path[40];
	int fd;

	EXPECT_OK(mkdir("ro", 0755));
	EXPECT_OK(mount("G1", "ro", NULL, MS_BIND, NULL));
	EXPECT_OK(mount(NULL, "ro", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
			NULL));
	access_tells_the_truth("ro/f");
	mk_file("target", 0, 0);
	EXPECT_OK(mount("G1/f", "target", NULL, MS_BIND, NULL));
	access_tells_the_truth("target");
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	access_tells_the_truth(path);
	EXPECT_ERR(faccessat(fd, "", W_OK, AT_EMPTY_PATH), EPERM);
	close(fd);
	EXPECT_OK(set_flags("G1", FS_IMMUTABLE_FL));
	access_tells_the_truth("G1/f");
	EXPECT_OK(set_flags("G1", FS_APPEND_FL));
	access_tells_the_truth("G1/f");
	EXPECT_OK(set_flags("G1", 0));
	EXPECT_BREAKS(c, 0);
	expect_others();
	EXPECT_OK(umount2("ro", 0));
	EXPECT_OK(umount2("target", 0));
	EXPECT_OK(symlink("f", "G1/s"));
	access_tells_the_truth("G1/s");
	expect_broken(f, G1);
}

static const struct test tests[] = {
	{ "opens without a write", opens },
	{ "calls on the name", calls_on_the_name },
	{ "calls on a descriptor", calls_on_the_descriptor },
	{ "execve", execute },
	{ "atime stands still, also under strictatime",
	  atime_stands_still },
	{ "access(W_OK) and open agree for all users and modes",
	  access_of_all_users },
	{ "access(W_OK) and open agree in odd places",
	  access_in_odd_places },
};

TEST_MAIN("reading", tests)
