// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attribute itself: who may set and clear it, on what, and how it reads.
 */
#include "harness.h"

#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/capability.h>
#include <linux/fsverity.h>

#define IOC_SETVERSION		_IOW('f', 4, long)
#define IOC_GETVERSION		_IOR('f', 3, long)
#define IOC_MIGRATE		_IO('f', 9)
#define IOC_SHUTDOWN		_IOR('X', 125, __u32)
#define SHUTDOWN_LOGFLUSH	1

static unsigned int flags_of(const char *path)
{
	unsigned int flags;

	EXPECT_OK(get_flags(path, &flags));
	return flags & (SHARED_FL | FS_APPEND_FL);
}

static unsigned int xflags_of(const char *path)
{
	struct fsxattr fsx;

	EXPECT_OK(get_fsx(path, &fsx));
	return fsx.fsx_xflags & (SHARED_XFLAGS | FS_XFLAG_APPEND);
}

static int set_xflags(const char *path, unsigned int set, unsigned int clear)
{
	struct fsxattr fsx;

	EXPECT_OK(get_fsx(path, &fsx));
	fsx.fsx_xflags = (fsx.fsx_xflags & ~clear) | set;
	return set_fsx(path, &fsx);
}

static void both_views(void)
{
	mk_file("f", 10, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_EQ(flags_of("f"), SHARED_FL);
	EXPECT_EQ(xflags_of("f"), SHARED_XFLAGS);
	EXPECT_OK(set_flags("f", SHARED_FL));	/* again: no change */
	EXPECT_OK(set_xflags("f", 0, SHARED_XFLAGS));
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_OK(set_xflags("f", SHARED_XFLAGS, 0));
	EXPECT_EQ(flags_of("f"), SHARED_FL);
	EXPECT_EQ(xflags_of("f"), SHARED_XFLAGS);
	EXPECT_OK(set_flags("f", 0));
	EXPECT_EQ(xflags_of("f"), 0);
	close(EXPECT_OK(open("f", O_RDWR)));
}

static void modifier_comes_and_goes(void)
{
	mk_file("f", 10, 1);
	EXPECT_OK(set_flags("f", FS_IMMUTABLE_FL));
	EXPECT_ERR(unlink("f"), EPERM);
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_OK(link("f", "g"));
	EXPECT_OK(unlink("g"));
	EXPECT_OK(set_flags("f", FS_IMMUTABLE_FL));
	EXPECT_EQ(flags_of("f"), FS_IMMUTABLE_FL);
	EXPECT_EQ(xflags_of("f"), FS_XFLAG_IMMUTABLE);
	EXPECT_ERR(unlink("f"), EPERM);
	EXPECT_ERR(open("f", O_RDWR), EPERM);
}

static void alone_is_nothing(void)
{
	mk_file("f", 10, 1);
	EXPECT_OK(set_flags("f", FS_IXUNLINK_FL));
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_OK(set_xflags("f", FS_XFLAG_IXUNLINK, 0));
	EXPECT_EQ(xflags_of("f"), 0);
	EXPECT_EQ(flags_of("f"), 0);
	close(EXPECT_OK(open("f", O_RDWR)));
	/* Nor does it lie in wait for a later chattr +i. */
	EXPECT_OK(set_flags("f", FS_IMMUTABLE_FL));
	EXPECT_EQ(flags_of("f"), FS_IMMUTABLE_FL);
}

/* chattr that never heard of the bit: reads all, changes one, writes all. */
static void unaware_chattr(void)
{
	unsigned int flags;

	mk_file("f", 10, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_OK(get_flags("f", &flags));
	EXPECT_OK(set_flags("f", flags & ~FS_IMMUTABLE_FL));
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_OK(get_flags("f", &flags));
	EXPECT_OK(set_flags("f", flags | FS_IMMUTABLE_FL));
	EXPECT_EQ(flags_of("f"), FS_IMMUTABLE_FL);
	EXPECT_ERR(unlink("f"), EPERM);
}

static void real_chattr(void)
{
	mk_file("f", 10, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	CHECK(!RUN("chattr", "-i", "f"), "chattr -i: expected success");
	EXPECT_EQ(flags_of("f"), 0);
	CHECK(!RUN("chattr", "+i", "f"), "chattr +i: expected success");
	EXPECT_EQ(flags_of("f"), FS_IMMUTABLE_FL);
}

static void expect_no_flag_change(struct shared *f)
{
	EXPECT_ERR(set_flags("f", SHARED_FL), EPERM);
	EXPECT_ERR(set_flags("f", FS_IMMUTABLE_FL), EPERM);
	EXPECT_ERR(set_xflags("f", SHARED_XFLAGS, 0), EPERM);
	EXPECT_ERR(set_flags(shared_path(f, G1), 0), EPERM);
	EXPECT_ERR(set_flags(shared_path(f, G1), FS_IMMUTABLE_FL), EPERM);
	EXPECT_ERR(set_xflags(shared_path(f, G1), 0, SHARED_XFLAGS), EPERM);
	EXPECT_ERR(set_xflags(shared_path(f, G1), 0, FS_XFLAG_IXUNLINK),
		   EPERM);
}

static struct shared *owned_pair(void)
{
	mk_file("f", 10, 1);
	EXPECT_OK(chown("f", OWNER, OWNER));
	mk_file("C/f", 10, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	return share("f");
}

static void needs_the_capability(void)
{
	struct shared *f = owned_pair();

	AS_USER(OWNER, OWNER)
		expect_no_flag_change(f);
	EXPECT_EQ(flags_of("f"), 0);
}

static void root_without_the_capability(void)
{
	struct shared *f = mk_shared("f", 10);
	pid_t pid;

	mk_file("f", 10, 1);
	pid = EXPECT_OK(fork());
	if (!pid) {
		drop_cap(CAP_LINUX_IMMUTABLE);
		expect_no_flag_change(f);
		_exit(0);
	}
	reap(pid);
	EXPECT_EQ(flags_of("f"), 0);
}

static void write_map(const char *path)
{
	int fd = EXPECT_OK(open(path, O_WRONLY));

	EXPECT_OK(write(fd, "0 1000 1\n", 9));
	close(fd);
}

/* Root of a child user namespace owns the file and has every capability. */
static void root_of_a_user_namespace(void)
{
	struct shared *f = owned_pair();
	int ready[2], mapped[2];
	char path[40], c = 0;
	pid_t pid;

	EXPECT_OK(pipe(ready));
	EXPECT_OK(pipe(mapped));
	pid = EXPECT_OK(fork());
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			skip("no user namespaces");
		EXPECT_OK(write(ready[1], &c, 1));
		EXPECT_OK(read(mapped[0], &c, 1));
		EXPECT_OK(setresgid(0, 0, 0));
		EXPECT_OK(setresuid(0, 0, 0));
		expect_no_flag_change(f);
		_exit(0);
	}
	EXPECT_OK(read(ready[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	write_map(path);
	snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	write_map(path);
	EXPECT_OK(write(mapped[1], &c, 1));
	reap(pid);
	EXPECT_EQ(flags_of("f"), 0);
}

static void only_regular_files(void)
{
	static const char *const special[] = { "fifo", "null", "link" };
	size_t i;

	EXPECT_OK(mkdir("dir", 0755));
	EXPECT_ERR(set_flags("dir", SHARED_FL), EINVAL);
	EXPECT_ERR(set_xflags("dir", SHARED_XFLAGS, 0), EINVAL);
	EXPECT_EQ(flags_of("dir"), 0);
	EXPECT_OK(mkfifo("fifo", 0644));
	EXPECT_OK(mknod("null", S_IFCHR | 0666, 0x103));
	EXPECT_OK(symlink("dir", "link"));
	/* Their ioctls never reach the filesystem, by one errno or other. */
	for (i = 0; i < ARRAY_SIZE(special); i++)
		CHECK(set_flags(special[i], SHARED_FL) < 0,
		      "%s: expected a refusal", special[i]);
}

static void not_with_append(void)
{
	mk_file("f", 10, 1);
	EXPECT_ERR(set_flags("f", SHARED_FL | FS_APPEND_FL), EINVAL);
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_OK(set_flags("f", FS_APPEND_FL));
	EXPECT_ERR(set_flags("f", SHARED_FL | FS_APPEND_FL), EINVAL);
	EXPECT_EQ(flags_of("f"), FS_APPEND_FL);
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_ERR(set_flags("f", SHARED_FL | FS_APPEND_FL), EINVAL);
	EXPECT_EQ(flags_of("f"), SHARED_FL);
}

static void not_a_swapfile(void)
{
	int fd = EXPECT_OK(open("f", O_CREAT | O_RDWR, 0600));
	static char zeroes[65536];
	int i;

	for (i = 0; i < 16; i++)
		EXPECT_OK(write(fd, zeroes, sizeof(zeroes)));
	EXPECT_OK(fsync(fd));
	close(fd);
	if (RUN("mkswap", "f") || swapon("f", 0))
		skip("cannot swap on a file here: %s", errno_name(errno));
	CHECK(set_flags("f", SHARED_FL) < 0 && errno == ETXTBSY,
	      "expected ETXTBSY, got %s", errno_name(errno));
	EXPECT_OK(swapoff("f"));
	EXPECT_EQ(flags_of("f"), 0);
}

static void not_with_verity(void)
{
	struct fsverity_enable_arg arg = {
		.version = 1, .hash_algorithm = 1, .block_size = 4096,
	};
	struct scratch fs;
	int fd;

	scratch_ext4(&fs, 16 << 20,
		     (const char *const[]){ "-b", "4096", "-O", "verity",
						     NULL }, "");
	scratch_enter(&fs);
	mk_file("f", 5000, 1);
	fd = EXPECT_OK(open("f", O_RDONLY));
	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &arg))
		skip("no fs-verity: %s", errno_name(errno));
	close(fd);
	EXPECT_ERR(set_flags("f", SHARED_FL), EINVAL);
	EXPECT_EQ(flags_of("f"), 0);
	mk_shared("g", 5000);
	fd = EXPECT_OK(open("G1/g", O_RDONLY));
	EXPECT_ERR(ioctl(fd, FS_IOC_ENABLE_VERITY, &arg), EPERM);
	close(fd);
	scratch_leave();
	scratch_release(&fs);
}

static void writer_refuses_the_flag(void)
{
	unsigned int flags;
	int fd;

	mk_file("f", 10, 1);
	fd = EXPECT_OK(open("f", O_RDWR));
	EXPECT_ERR(set_flags("f", SHARED_FL), ETXTBSY);
	EXPECT_ERR(set_xflags("f", SHARED_XFLAGS, 0), ETXTBSY);
	EXPECT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags |= SHARED_FL;
	EXPECT_ERR(ioctl(fd, FS_IOC_SETFLAGS, &flags), ETXTBSY);
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_EQ(EXPECT_OK(pwrite(fd, "x", 1, 0)), 1);
	close(fd);
	EXPECT_OK(set_flags("f", SHARED_FL));
}

static void mapping_refuses_the_flag(void)
{
	char *map;
	int fd;

	mk_file("f", 4096, 1);
	fd = EXPECT_OK(open("f", O_RDWR));
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	close(fd);
	EXPECT_ERR(set_flags("f", SHARED_FL), ETXTBSY);
	/* Read-only now, but mprotect() could make it writable again. */
	EXPECT_OK(mprotect(map, 4096, PROT_READ));
	EXPECT_ERR(set_flags("f", SHARED_FL), ETXTBSY);
	EXPECT_EQ(flags_of("f"), 0);
	EXPECT_OK(munmap(map, 4096));
	EXPECT_OK(set_flags("f", SHARED_FL));
}

static void readers_allow_the_flag(void)
{
	char *map;
	int fd;

	mk_file("f", 4096, 1);
	fd = EXPECT_OK(open("f", O_RDONLY));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_ERR(mprotect(map, 4096, PROT_READ | PROT_WRITE), EACCES);
	EXPECT_EQ(flags_of("f"), SHARED_FL);
}

static void running_program_allows_the_flag(void)
{
	struct shared *prog;
	pid_t pid;

	CHECK(!RUN("cp", "/bin/sleep", "C/prog"), "cannot copy a program");
	pid = start_program("C/prog");
	EXPECT_ERR(open("C/prog", O_RDWR), ETXTBSY);
	prog = share("prog");
	close(EXPECT_OK(open("G1/prog", O_RDWR)));
	expect_broken(prog, G1);
	kill(pid, 9);
	EXPECT_OK(waitpid(pid, NULL, 0));
}

static void owner_cannot_touch_attributes(void)
{
	static const unsigned int flags[] = {
		FS_NODUMP_FL, FS_NOATIME_FL, FS_SYNC_FL,
	};
	struct fsxattr fsx;
	size_t i;

	mk_file("C/f", 10, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	share("f");
	AS_USER(OWNER, OWNER) {
		for (i = 0; i < ARRAY_SIZE(flags); i++)
			EXPECT_ERR(set_flags("G1/f", SHARED_FL | flags[i]),
				   EPERM);
		EXPECT_OK(get_fsx("G1/f", &fsx));
		fsx.fsx_xflags |= FS_XFLAG_NODUMP;
		EXPECT_ERR(set_fsx("G1/f", &fsx), EPERM);
		EXPECT_OK(get_fsx("G1/f", &fsx));
		fsx.fsx_projid = 17;
		CHECK(set_fsx("G1/f", &fsx) < 0,
		      "project id: expected a refusal");
	}
}

/* For all names, as of any immutable file, and nothing is broken by it. */
static void root_changes_other_attributes(void)
{
	struct shared *f = mk_shared("f", 10);
	unsigned int flags;

	f->ctime_moves = true;
	if (on_ext4())
		EXPECT_ERR(set_flags("G1/f", SHARED_FL | FS_NOATIME_FL), EPERM);
	else
		EXPECT_OK(set_flags("G1/f", SHARED_FL | FS_NOATIME_FL));
	EXPECT_OK(get_flags("G2/f", &flags));
	EXPECT_EQ(flags & FS_NOATIME_FL, on_ext4() ? 0 : FS_NOATIME_FL);
	EXPECT_EQ(flags & SHARED_FL, SHARED_FL);
	EXPECT_OK(set_flags("G1/f", SHARED_FL));
}

static void owner_cannot_set_the_version(void)
{
	static const char *const opts[] = { "-O", "^metadata_csum", NULL };
	int before, after, fd;
	struct scratch fs;

	scratch_ext4(&fs, 16 << 20, opts, "");
	scratch_enter(&fs);
	mk_file("C/f", 10, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	share("f");
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	EXPECT_OK(ioctl(fd, IOC_GETVERSION, &before));
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(ioctl(fd, IOC_SETVERSION, &(int){ before + 1 }),
			   EPERM);
	EXPECT_OK(ioctl(fd, IOC_GETVERSION, &after));
	EXPECT_EQ(after, before);
	close(fd);
	scratch_leave();
	scratch_release(&fs);
}

/* A file of OWNER's with its blocks as on ext3. */
static void without_extents(const char *path)
{
	int fd = EXPECT_OK(open(path, O_CREAT | O_EXCL | O_RDWR, 0644));
	unsigned int flags;

	EXPECT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags &= ~FS_EXTENT_FL;
	EXPECT_OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	pattern_write(fd, 0, 5000, SHARED_SEED);
	EXPECT_OK(fchown(fd, OWNER, OWNER));
	EXPECT_OK(fsync(fd));
	close(fd);
}

static void expect_extents(const char *path, bool want)
{
	unsigned int flags;

	EXPECT_OK(get_flags(path, &flags));
	CHECK(!(flags & FS_EXTENT_FL) == !want, "%s: expected extents: %d",
	      path, want);
}

static void owner_cannot_move_the_blocks(void)
{
	struct scratch fs;
	int fd;

	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	without_extents("own");
	fd = EXPECT_OK(open("own", O_RDONLY));
	AS_USER(OWNER, OWNER)
		EXPECT_OK(ioctl(fd, IOC_MIGRATE));
	close(fd);
	expect_extents("own", true);

	without_extents("C/f");
	share("f");
	expect_extents("C/f", false);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	EXPECT_ERR(ioctl(fd, IOC_MIGRATE), EPERM);
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(ioctl(fd, IOC_MIGRATE), EPERM);
	close(fd);
	expect_extents("C/f", false);
	scratch_leave();
	scratch_umount(&fs);
	scratch_fsck(&fs);
}

static void not_inherited(void)
{
	int fd;

	mk_shared("f", 100);
	CHECK(!RUN("cp", "-a", "G1/f", "G1/copy"), "cp -a: expected success");
	EXPECT_EQ(flags_of("G1/copy"), 0);
	mk_file("G1/new", 10, 1);
	EXPECT_EQ(flags_of("G1/new"), 0);
	fd = EXPECT_OK(open("G1", O_TMPFILE | O_RDWR, 0600));
	close(fd);
	close(EXPECT_OK(open("G1/copy", O_RDWR)));
}

static void fsck(struct scratch *fs)
{
	int status;

	if (on_xfs()) {
		scratch_fsck(fs);
		return;
	}
	status = RUN("e2fsck", "-f", "-y", fs->image);
	CHECK(status <= 1, "e2fsck -f: expected status 0 or 1, got %d",
	      status);
}

static void survives_remount_and_fsck(void)
{
	struct snapshot before;
	struct scratch fs;

	scratch_disk(&fs, 16 << 20);
	scratch_enter(&fs);
	mk_file("f", 5000, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	snapshot_take("f", &before);
	EXPECT_OK(mount(NULL, fs.mnt, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_OK(mount(NULL, fs.mnt, NULL, MS_REMOUNT, NULL));
	EXPECT_SAME("f", &before, 0);
	scratch_umount(&fs);
	fsck(&fs);
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_SAME("f", &before, 0);
	EXPECT_OK(link("f", "G1/f"));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_SAME("f", &before, IGN_CTIME);
	scratch_leave();
	scratch_release(&fs);
}

static void survives_journal_replay(void)
{
	struct snapshot before;
	struct scratch fs;
	int fd;

	scratch_disk(&fs, 16 << 20);
	scratch_enter(&fs);
	mk_file("f", 5000, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	snapshot_take("f", &before);
	fd = EXPECT_OK(open("f", O_RDONLY));
	EXPECT_OK(fsync(fd));
	close(fd);
	fd = EXPECT_OK(open(".", O_RDONLY));
	EXPECT_OK(ioctl(fd, IOC_SHUTDOWN, &(__u32){ SHUTDOWN_LOGFLUSH }));
	close(fd);
	scratch_umount(&fs);
	scratch_mount(&fs, "");		/* replays */
	scratch_enter(&fs);
	EXPECT_SAME("f", &before, 0);
	scratch_leave();
	scratch_umount(&fs);
	fsck(&fs);
}

/* Files on @fs get the bit of IXUNLINK, and that of IMMUTABLE or not. */
static void set_bits_on_disk(struct scratch *fs, bool immutable)
{
	int status;

	if (on_xfs())
		status = RUN("xfs_db", "-x", "-c", "path /f", "-c",
			     "write v3.flags2 0x4000000000000000", "-c",
			     immutable ? "write core.immutable 1" :
					 "write core.immutable 0", fs->image);
	else
		status = RUN("debugfs", "-w", "-R", immutable ?
			     "sif f flags 0x8080010" : "sif f flags 0x8080000",
			     fs->image);
	CHECK(!status, "debugger: expected success");
}

/* Without any other bit in di_flags2, as xfs_db writes all of them. */
static void scratch_plain(struct scratch *fs)
{
	if (on_xfs())
		scratch_xfs(fs, "-m bigtime=0,reflink=0", "");
	else
		scratch_ext4(fs, 16 << 20, NULL, "");
}

/*
 * What an unpatched ext4's chattr -i leaves on disk: one without the other.
 * It means nothing here, and a later chattr +i is not to wake it.
 */
static void stray_bit_on_disk(void)
{
	struct scratch fs;
	unsigned int flags;

	scratch_plain(&fs);
	scratch_enter(&fs);
	mk_file("f", 5000, 1);
	scratch_umount(&fs);
	set_bits_on_disk(&fs, false);
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_EQ(flags_of("f"), 0);
	close(EXPECT_OK(open("f", O_RDWR)));
	EXPECT_OK(get_flags("f", &flags));
	EXPECT_OK(set_flags("f", flags | FS_IMMUTABLE_FL));
	EXPECT_EQ(flags_of("f"), FS_IMMUTABLE_FL);
	EXPECT_ERR(unlink("f"), EPERM);
	scratch_leave();
	scratch_release(&fs);
}

/* The attribute on disk as the design fixes it. */
static void bits_on_disk(void)
{
	struct scratch fs;

	scratch_plain(&fs);
	scratch_enter(&fs);
	mk_file("f", 5000, 1);
	scratch_umount(&fs);
	set_bits_on_disk(&fs, true);
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_EQ(flags_of("f"), SHARED_FL);
	EXPECT_OK(link("f", "G1/f"));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	EXPECT_EQ(flags_of("G1/f"), 0);
	EXPECT_EQ(flags_of("f"), SHARED_FL);
	scratch_leave();
	scratch_release(&fs);
}

/* No di_flags2 there, so no attribute. */
static void refused_on_old_inodes(void)
{
	struct scratch fs;

	scratch_xfs(&fs, "-m crc=0", "");
	scratch_enter(&fs);
	mk_file("f", 10, 1);
	EXPECT_ERR(set_flags("f", SHARED_FL), EOPNOTSUPP);
	EXPECT_ERR(set_xflags("f", SHARED_XFLAGS, 0), EOPNOTSUPP);
	EXPECT_EQ(flags_of("f"), 0);
	scratch_leave();
	scratch_release(&fs);
}

/* The unpatched baseline: the plain attribute is what it always was. */
static void plain_immutable_is_as_ever(void)
{
	mk_file("f", 10, 1);
	mk_file("other", 10, 2);
	EXPECT_OK(set_flags("f", FS_IMMUTABLE_FL));
	EXPECT_ERR(open("f", O_RDWR), EPERM);
	EXPECT_ERR(open("f", O_RDONLY | O_TRUNC), EPERM);
	EXPECT_ERR(truncate("f", 0), EPERM);
	EXPECT_ERR(chmod("f", 0600), EPERM);
	EXPECT_ERR(chmod("f", 0644), EPERM);
	EXPECT_ERR(chown("f", 1, 1), EPERM);
	EXPECT_ERR(link("f", "g"), EPERM);
	EXPECT_ERR(unlink("f"), EPERM);
	EXPECT_ERR(rename("f", "g"), EPERM);
	EXPECT_ERR(rename("other", "f"), EPERM);
	EXPECT_ERR(access("f", W_OK), EPERM);
	pattern_check("f", 0, 10, 1);
}

static const struct test tests[] = {
	{ "set and cleared by either ioctl, seen by both", both_views },
	{ "the modifier can be added to and taken from immutable",
	  modifier_comes_and_goes },
	{ "without IMMUTABLE it reads back as nothing", alone_is_nothing },
	{ "an unaware chattr -i clears both", unaware_chattr },
	{ "chattr(1) clears both and sets plain immutable", real_chattr },
	{ "an owner without the capability gets EPERM",
	  needs_the_capability },
	{ "root without the capability gets EPERM",
	  root_without_the_capability },
	{ "root of a child user namespace gets EPERM",
	  root_of_a_user_namespace },
	{ "directories and special files are refused", only_regular_files },
	{ "not together with APPEND", not_with_append },
	{ "not on an active swap file", not_a_swapfile, NEED_DISK },
	{ "not on a verity file, nor verity on a shared file",
	  not_with_verity, NEED_EXT4 },
	{ "a writer elsewhere: ETXTBSY", writer_refuses_the_flag },
	{ "a writable mapping after close: ETXTBSY",
	  mapping_refuses_the_flag },
	{ "readers and read-only mappings are no writers",
	  readers_allow_the_flag },
	{ "a running program can be shared, and its name written",
	  running_program_allows_the_flag },
	{ "the owner cannot change any other attribute",
	  owner_cannot_touch_attributes },
	{ "root can, where immutable files have them changed",
	  root_changes_other_attributes },
	{ "the owner cannot set the inode version",
	  owner_cannot_set_the_version, NEED_EXT4 },
	{ "the owner cannot have the blocks moved",
	  owner_cannot_move_the_blocks, NEED_EXT4 },
	{ "not inherited, not copied by cp -a", not_inherited },
	{ "survives remount and fsck", survives_remount_and_fsck, NEED_DISK },
	{ "survives a crash and journal replay", survives_journal_replay,
	  NEED_DISK },
	{ "a stray bit on disk means nothing and stays so",
	  stray_bit_on_disk, NEED_DISK },
	{ "on disk it is the bits of the design", bits_on_disk, NEED_DISK },
	{ "refused where inodes have no room for it", refused_on_old_inodes,
	  NEED_XFS },
	{ "plain immutable is what it always was",
	  plain_immutable_is_as_ever, NEED_NOTHING },
};

TEST_MAIN("flags", tests)
