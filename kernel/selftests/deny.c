// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is not done by name is refused: the kernel cannot know which of the
 * inode's names is meant. And what is refused changes nothing.
 */
#include "harness.h"

#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/fs.h>

#ifndef F_SET_RW_HINT
#define F_SET_RW_HINT	1036
#endif

#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452
#endif

#define SIZE	10000

static int sys_fchmodat2(int dir, const char *path, mode_t mode, int flags)
{
	return syscall(SYS_fchmodat2, dir, path, mode, flags);
}

static const struct timespec some_times[2] = { { 1, 2 }, { 3, 4 } };

/* Says what mode 0644 says: by name it would be no change at all. */
#define ACL	"system.posix_acl_access"
static const unsigned short minimal_acl[] = {
	2, 0, 1, 6, 0xffff, 0xffff, 4, 4, 0xffff, 0xffff, 32, 4, 0xffff, 0xffff,
};

/* Attributes that are not there, so that each of the calls is a change. */
static void expect_xattrs_denied(const char *path, int err)
{
	EXPECT_ERR(setxattr(path, "trusted.x", "1", 1, 0), err);
	EXPECT_ERR(setxattr(path, "security.x", "1", 1, XATTR_CREATE), err);
	EXPECT_ERR(set_acl(path, false, 6, OWNER, 7, 4, 7, 4), err);
}

/* ---- descriptors ------------------------------------------------------- */

static void read_only_descriptor(void)
{
	struct counters c;
	int fd;

	mk_shared("f", SIZE);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	c = counters_now();
	EXPECT_ERR(fchmod(fd, 0600), EPERM);
	EXPECT_ERR(fchmod(fd, 0644), EPERM);
	EXPECT_ERR(fchown(fd, OWNER, OWNER), EPERM);
	EXPECT_ERR(futimens(fd, some_times), EPERM);
	EXPECT_ERR(futimens(fd, NULL), EPERM);
	EXPECT_ERR(fsetxattr(fd, "trusted.x", "1", 1, 0), EPERM);
	EXPECT_ERR(fsetxattr(fd, "user.x", "1", 1, XATTR_REPLACE), EPERM);
	EXPECT_ERR(fremovexattr(fd, "trusted.x"), EPERM);
	EXPECT_ERR(fsetxattr(fd, ACL, minimal_acl, sizeof(minimal_acl), 0),
		   EPERM);
	EXPECT_ERR(fremovexattr(fd, ACL), EPERM);
	EXPECT_ERR(fchownat(fd, "", OWNER, OWNER, AT_EMPTY_PATH), EPERM);
	EXPECT_ERR(utimensat(fd, "", some_times, AT_EMPTY_PATH), EPERM);
	EXPECT_ERR(utimensat(fd, "", NULL, AT_EMPTY_PATH), EPERM);
	EXPECT_BREAKS(c, 0);
}

/* Linux 6.6 and later. */
static void fchmodat2_of_descriptors(void)
{
	static const int flags[] = { O_RDONLY, O_PATH };
	struct counters c;
	size_t i;
	int fd;

	mk_shared("f", SIZE);
	c = counters_now();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = EXPECT_OK(open("G1/f", flags[i]));
		if (sys_fchmodat2(fd, "", 0600, AT_EMPTY_PATH) &&
		    errno == ENOSYS)
			skip("no fchmodat2");
		EXPECT_ERR(sys_fchmodat2(fd, "", 0600, AT_EMPTY_PATH), EPERM);
		EXPECT_ERR(sys_fchmodat2(fd, "", 0644, AT_EMPTY_PATH), EPERM);
		EXPECT_ERR(sys_fchmodat2(fd, "", 0600, AT_EMPTY_PATH |
					 AT_SYMLINK_NOFOLLOW), EPERM);
		EXPECT_ERR(sys_fchmodat2(fd, "", 0600, 0), ENOENT);
		close(fd);
	}
	EXPECT_BREAKS(c, 0);
}

static void path_descriptor(void)
{
	struct counters c;
	int fd;

	mk_shared("f", SIZE);
	fd = EXPECT_OK(open("G1/f", O_PATH));
	c = counters_now();
	EXPECT_ERR(fchmod(fd, 0600), EBADF);
	EXPECT_ERR(fchownat(fd, "", OWNER, OWNER, AT_EMPTY_PATH), EPERM);
	EXPECT_ERR(utimensat(fd, "", some_times, AT_EMPTY_PATH), EPERM);
	EXPECT_ERR(openat(fd, "", O_RDWR), ENOENT);
	EXPECT_BREAKS(c, 0);
}

static void expect_magic_denied(const char *path)
{
	EXPECT_ERR(open(path, O_RDWR), EPERM);
	EXPECT_ERR(open(path, O_WRONLY | O_APPEND), EPERM);
	EXPECT_ERR(open(path, O_WRONLY | O_TRUNC), EPERM);
	EXPECT_ERR(open(path, O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(open(path, O_RDWR | O_CREAT, 0600), EPERM);
	EXPECT_ERR(truncate(path, 0), EPERM);
	EXPECT_ERR(chmod(path, 0600), EPERM);
	EXPECT_ERR(chmod(path, 0644), EPERM);
	EXPECT_ERR(chown(path, OWNER, OWNER), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, path, some_times, 0), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, path, NULL, 0), EPERM);
	expect_xattrs_denied(path, EPERM);
}

static void magic_links(void)
{
	int fd, flags[] = { O_RDONLY, O_PATH };
	struct counters c;
	char path[40];
	size_t i;

	mk_shared("f", SIZE);
	c = counters_now();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = EXPECT_OK(open("G1/f", flags[i]));
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		expect_magic_denied(path);
		EXPECT_OK(symlink(path, "G1/to-magic"));
		expect_magic_denied("G1/to-magic");
		EXPECT_OK(unlink("G1/to-magic"));
		snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", fd);
		expect_magic_denied(path);
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		if (!access("/dev/fd", F_OK))
			expect_magic_denied(path);
		close(fd);
	}
	EXPECT_BREAKS(c, 0);
}

static void running_program(void)
{
	struct shared *f;
	pid_t pid;
	char path[40];

	CHECK(!RUN("cp", "/bin/sleep", "C/prog"), "cannot copy a program");
	f = share("prog");
	pid = start_program("G1/prog");
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	EXPECT_ERR(open(path, O_RDWR), EPERM);
	expect_others();
	/* By name it is a copy at once, and the program runs on. */
	close(EXPECT_OK(open("G1/prog", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_OK(kill(pid, 9));
	EXPECT_OK(waitpid(pid, NULL, 0));
}

/*
 * The descriptor outlives the guest's own name: what it leads to now belongs
 * to the others alone. Also when only one link is left, and when none is.
 */
static void descriptor_of_a_removed_name(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = EXPECT_OK(open("G1/f", O_RDONLY));
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_OK(unlink("G1/f"));
	expect_gone(f, G1);
	expect_magic_denied(path);
	expect_others();
	EXPECT_OK(unlink("C/f"));
	expect_gone(f, C);
	expect_magic_denied(path);
	EXPECT_ERR(fchmod(fd, 0600), EPERM);
	expect_others();		/* G2/f is the only link */
	EXPECT_OK(unlink("G2/f"));
	expect_gone(f, G2);
	expect_magic_denied(path);
	EXPECT_ERR(fchmod(fd, 0600), EPERM);
}

static void descriptor_of_a_broken_name(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int fd = EXPECT_OK(open("G1/f", O_RDONLY));
	char path[40];

	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	expect_magic_denied(path);
	/* A new name given to it is a name like any other. */
	EXPECT_OK(linkat(fd, "", AT_FDCWD, "G1/again", AT_EMPTY_PATH));
	close(EXPECT_OK(open("G1/again", O_RDWR)));
	pattern_check("G1/again", 0, SIZE, SHARED_SEED);
}

static void file_handle(void)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, fd, dir = EXPECT_OK(open("G2", O_RDONLY));
	struct counters c;

	mk_shared("f", SIZE);
	if (name_to_handle_at(AT_FDCWD, "G1/f", &handle.h, &mount_id, 0))
		skip("no file handles here: %s", errno_name(errno));
	c = counters_now();
	EXPECT_ERR(open_by_handle_at(dir, &handle.h, O_RDWR), EPERM);
	EXPECT_ERR(open_by_handle_at(dir, &handle.h, O_WRONLY | O_TRUNC),
		   EPERM);
	EXPECT_ERR(open_by_handle_at(dir, &handle.h, O_RDONLY | O_TRUNC),
		   EPERM);
	fd = EXPECT_OK(open_by_handle_at(dir, &handle.h, O_RDONLY));
	EXPECT_ERR(fchmod(fd, 0600), EPERM);
	close(fd);
	EXPECT_BREAKS(c, 0);
}

/* ---- mounts ------------------------------------------------------------ */

static void mount_root(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();

	mk_file("target", 0, 0);
	EXPECT_OK(mount("G1/f", "target", NULL, MS_BIND, NULL));
	EXPECT_ERR(open("target", O_RDWR), EPERM);
	EXPECT_ERR(open("target", O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(truncate("target", 0), EPERM);
	EXPECT_ERR(chmod("target", 0600), EPERM);
	EXPECT_ERR(chown("target", OWNER, OWNER), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, "target", NULL, 0), EPERM);
	expect_xattrs_denied("target", EPERM);
	EXPECT_BREAKS(c, 0);
	expect_others();
	/* The name in its own directory is free all the same. */
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("target", &f->before, IGN_NLINK | IGN_CTIME);
	EXPECT_OK(umount2("target", 0));
}

static void local_mountpoint(void)
{
	struct counters c;

	mk_shared("f", SIZE);
	mk_file("plain", 10, 2);
	EXPECT_OK(mkdir("view", 0755));
	EXPECT_OK(mount("G1", "view", NULL, MS_BIND, NULL));
	EXPECT_OK(mount("plain", "G1/f", NULL, MS_BIND, NULL));
	c = counters_now();
	EXPECT_ERR(open("view/f", O_RDWR), EBUSY);
	EXPECT_ERR(truncate("view/f", 0), EBUSY);
	expect_xattrs_denied("view/f", EBUSY);
	EXPECT_EQ(counters_now().breaks, c.breaks);
	EXPECT_OK(umount2("G1/f", 0));
}

/* A mount in somebody else's namespace cannot pin a name; cf. rename(2). */
static void foreign_mountpoint(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int ready[2], go[2];
	struct stat st;
	pid_t pid;
	char c = 0;

	mk_file("plain", 10, 2);
	EXPECT_OK(pipe(ready));
	EXPECT_OK(pipe(go));
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(unshare(CLONE_NEWNS));
		EXPECT_OK(mount("plain", "G1/f", NULL, MS_BIND, NULL));
		EXPECT_OK(write(ready[1], &c, 1));
		EXPECT_OK(read(go[0], &c, 1));
		EXPECT_OK(stat("G1/f", &st));
		EXPECT_EQ(st.st_size, SIZE);
		_exit(0);
	}
	EXPECT_OK(read(ready[0], &c, 1));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_OK(write(go[1], &c, 1));
	reap(pid);
}

static void expect_read_only(const char *path)
{
	EXPECT_ERR(open(path, O_RDWR), EROFS);
	EXPECT_ERR(open(path, O_WRONLY | O_TRUNC), EROFS);
	EXPECT_ERR(open(path, O_RDONLY | O_TRUNC), EROFS);
	EXPECT_ERR(open(path, O_RDWR | O_CREAT, 0600), EROFS);
	EXPECT_ERR(truncate(path, 0), EROFS);
	EXPECT_ERR(chmod(path, 0600), EROFS);
	EXPECT_ERR(chmod(path, 0644), EROFS);
	EXPECT_ERR(chown(path, OWNER, OWNER), EROFS);
	EXPECT_ERR(chown(path, 0, 0), EROFS);
	EXPECT_ERR(utimensat(AT_FDCWD, path, NULL, 0), EROFS);
	EXPECT_ERR(utimensat(AT_FDCWD, path, some_times, 0), EROFS);
	expect_xattrs_denied(path, EROFS);
	EXPECT_ERR(removexattr(path, "trusted.x"), EROFS);
	EXPECT_ERR(removexattr(path, ACL), EROFS);
	EXPECT_ERR(access(path, W_OK), EROFS);
	close(EXPECT_OK(open(path, O_RDONLY)));
}

static void read_only_mount(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();

	EXPECT_OK(mkdir("ro", 0755));
	EXPECT_OK(mount("G1", "ro", NULL, MS_BIND, NULL));
	EXPECT_OK(mount(NULL, "ro", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
			NULL));
	expect_read_only("ro/f");
	EXPECT_BREAKS(c, 0);
	expect_others();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_OK(umount2("ro", 0));
}

static void read_only_filesystem(void)
{
	struct counters c;
	struct scratch fs;

	scratch_disk(&fs, 16 << 20);
	scratch_enter(&fs);
	mk_shared("f", SIZE);
	EXPECT_OK(mount(NULL, fs.mnt, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	c = counters_now();
	expect_read_only("G1/f");
	EXPECT_BREAKS(c, 0);
	scratch_leave();
	scratch_release(&fs);
}

/* ---- protected directories --------------------------------------------- */

static void expect_refused_parent(unsigned int flag)
{
	struct counters c = counters_now();

	EXPECT_OK(set_flags("G1", flag));
	EXPECT_ERR(open("G1/f", O_RDWR), EPERM);
	EXPECT_ERR(open("G1/f", O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(truncate("G1/f", 0), EPERM);
	EXPECT_ERR(chmod("G1/f", 0600), EPERM);
	EXPECT_ERR(chown("G1/f", OWNER, OWNER), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", NULL, 0), EPERM);
	expect_xattrs_denied("G1/f", EPERM);
	EXPECT_ERR(unlink("G1/f"), EPERM);
	EXPECT_ERR(rename("G1/f", "G2/g"), EPERM);
	close(EXPECT_OK(open("G1/f", O_RDONLY)));
	EXPECT_OK(link("G1/f", "G2/out"));
	EXPECT_OK(unlink("G2/out"));
	EXPECT_BREAKS(c, 0);
	EXPECT_OK(set_flags("G1", 0));
	expect_others();
}

static void immutable_or_append_parent(void)
{
	struct shared *f = mk_shared("f", SIZE);

	f->ctime_moves = true;	/* a link out of it comes and goes */
	expect_refused_parent(FS_IMMUTABLE_FL);
	expect_refused_parent(FS_APPEND_FL);
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
}

static void switched_off(void)
{
	static const char knob[] = "/proc/sys/fs/cowlink/enabled";
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();

	write_sysctl(knob, "0");
	EXPECT_ERR(open("G1/f", O_RDWR), EPERM);
	EXPECT_ERR(open("G1/f", O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(truncate("G1/f", 0), EPERM);
	EXPECT_ERR(chmod("G1/f", 0600), EPERM);
	EXPECT_ERR(chown("G1/f", OWNER, OWNER), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", NULL, 0), EPERM);
	expect_xattrs_denied("G1/f", EPERM);
	EXPECT_ERR(access("G1/f", W_OK), EPERM);
	EXPECT_OK(link("G1/f", "G1/l"));
	EXPECT_OK(unlink("G1/l"));
	f->ctime_moves = true;
	write_sysctl(knob, "1");
	EXPECT_BREAKS(c, 0);
	expect_others();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
}

/* ---- ioctls and the rest ----------------------------------------------- */

static void dedupe_into(int src, int dest)
{
	static char space[sizeof(struct file_dedupe_range) +
			  sizeof(struct file_dedupe_range_info)]
		__attribute__((aligned(8)));
	struct file_dedupe_range *arg = (void *)space;

	arg->src_length = 4096;
	arg->dest_count = 1;
	arg->info[0].dest_fd = dest;
	if (ioctl(src, FIDEDUPERANGE, arg) < 0)
		return;
	CHECK(arg->info[0].status < 0,
	      "FIDEDUPERANGE: expected a refusal, got %d",
	      arg->info[0].status);
}

static void content_calls_on_a_reader(void)
{
	uint64_t hint = 2;	/* RWH_WRITE_LIFE_SHORT */
	struct counters c;
	int fd, src;

	mk_shared("f", SIZE);
	mk_file("same", SIZE, SHARED_SEED);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	src = EXPECT_OK(open("same", O_RDWR));
	c = counters_now();
	EXPECT_ERR(write(fd, "x", 1), EBADF);
	EXPECT_ERR(ftruncate(fd, 0), EINVAL);
	EXPECT_ERR(fallocate(fd, 0, 0, SIZE), EBADF);
	EXPECT_ERR(copy_file_range(src, NULL, fd, NULL, 100, 0), EBADF);
	CHECK(ioctl(fd, FICLONE, src) < 0, "FICLONE: expected a refusal");
	dedupe_into(src, fd);
	EXPECT_ERR(fcntl(fd, F_SET_RW_HINT, &hint), EPERM);
	CHECK(mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	      MAP_FAILED && errno == EACCES, "writable mmap: expected EACCES");
	EXPECT_BREAKS(c, 0);
}

struct ext4_move_extent {
	uint32_t reserved, donor_fd;
	uint64_t orig_start, donor_start, len, moved_len;
};

/* e4defrag's ioctl, with the shared file on either end of the exchange. */
static void move_extents(void)
{
	struct ext4_move_extent arg = { .len = 1 };
	int fd, own;

	mk_shared("f", 3 * 4096);
	mk_file("own", 3 * 4096, 2);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	own = EXPECT_OK(open("own", O_RDWR));
	arg.donor_fd = own;
	EXPECT_ERR(ioctl(fd, _IOWR('f', 15, struct ext4_move_extent), &arg),
		   EBADF);
	arg.donor_fd = fd;
	EXPECT_ERR(ioctl(own, _IOWR('f', 15, struct ext4_move_extent), &arg),
		   EBADF);
	pattern_check("own", 0, 3 * 4096, 2);
}

static const struct test tests[] = {
	{ "a read-only descriptor", read_only_descriptor },
	{ "an O_PATH descriptor", path_descriptor },
	{ "fchmodat2 of either", fchmodat2_of_descriptors },
	{ "magic links: /proc/self/fd and symlinks to it", magic_links },
	{ "/proc/PID/exe of a running program", running_program },
	{ "a descriptor whose name was removed, to the last link",
	  descriptor_of_a_removed_name },
	{ "a descriptor whose name was broken", descriptor_of_a_broken_name },
	{ "open_by_handle_at", file_handle },
	{ "the root of a bind mount: EPERM", mount_root },
	{ "a local mountpoint: EBUSY", local_mountpoint },
	{ "another namespace's mountpoint gives way", foreign_mountpoint },
	{ "a read-only mount: EROFS", read_only_mount },
	{ "a read-only filesystem: EROFS", read_only_filesystem, NEED_DISK },
	{ "an immutable or append-only directory: EPERM",
	  immutable_or_append_parent },
	{ "fs.cowlink.enabled = 0: EPERM, names stay free", switched_off },
	{ "content calls on a read-only descriptor",
	  content_calls_on_a_reader },
	{ "EXT4_IOC_MOVE_EXT", move_extents, NEED_EXT4 },
};

TEST_MAIN("deny", tests)
