// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests need of the system: users, inode flags, quota, mounts.
 */
#include "harness.h"
#include "internal.h"

#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/capability.h>
#include <linux/loop.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/quota.h>

#define IOC_SHUTDOWN		_IOR('X', 125, __u32)
#define SHUTDOWN_NOLOGFLUSH	2

/* ---- processes --------------------------------------------------------- */

int as_user_begin(uid_t uid, gid_t gid)
{
	pid_t pid = EXPECT_OK(fork());

	if (pid) {
		reap(pid);
		return 0;
	}
	EXPECT_OK(setgroups(0, NULL));
	EXPECT_OK(setresgid(gid, gid, gid));
	EXPECT_OK(setresuid(uid, uid, uid));
	/* Else /proc/self belongs to root and hides our descriptors. */
	EXPECT_OK(prctl(PR_SET_DUMPABLE, 1));
	return 1;
}

void as_user_end(void)
{
	_exit(0);
}

void reap(pid_t pid)
{
	int status;

	EXPECT_OK(waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4)
		_exit(4);	/* skip() in the child */
	CHECK(WIFSIGNALED(status) == 0, "the child was ended by signal %d",
	      WTERMSIG(status));
	if (WEXITSTATUS(status))
		_exit(1);	/* the child has said why */
}

/* What a program said, as notes: always with VERBOSE, else if it failed. */
static void note_output(const char *name, int fd, bool wanted)
{
	char line[400];
	FILE *out;

	EXPECT_OK(lseek(fd, 0, SEEK_SET));
	out = fdopen(fd, "r");
	while (wanted && out && fgets(line, sizeof(line), out)) {
		line[strcspn(line, "\n")] = '\0';
		note("%s: %s", name, line);
	}
	if (out)
		fclose(out);
}

int run(const char *const argv[])
{
	int fd = EXPECT_OK(memfd_create("output", MFD_CLOEXEC)), status;
	pid_t pid = EXPECT_OK(fork());

	if (!pid) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	EXPECT_OK(waitpid(pid, &status, 0));
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	note_output(argv[0], fd, status || getenv("VERBOSE"));
	return status;
}

void drop_cap(int cap)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	EXPECT_OK(prctl(PR_CAPBSET_DROP, cap));
	EXPECT_OK(syscall(SYS_capget, &hdr, data));
	data[cap / 32].effective &= ~(1U << cap % 32);
	data[cap / 32].permitted &= ~(1U << cap % 32);
	data[cap / 32].inheritable &= ~(1U << cap % 32);
	EXPECT_OK(syscall(SYS_capset, &hdr, data));
}

pid_t start_program(const char *path)
{
	int gate[2];
	pid_t pid;
	char c;

	EXPECT_OK(pipe2(gate, O_CLOEXEC));
	pid = EXPECT_OK(fork());
	if (!pid) {
		execl(path, path, "1000", NULL);
		_exit(1);
	}
	close(gate[1]);
	EXPECT_EQ(read(gate[0], &c, 1), 0);	/* closed by exec, or at exit */
	close(gate[0]);
	EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
	return pid;
}

void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	/* Not there is another kernel; refused is a failure. */
	if (fd < 0 && errno == ENOENT)
		skip("no %s", path);
	CHECK(fd >= 0, "%s: %s", path, errno_name(errno));
	EXPECT_OK(write(fd, value, strlen(value)));
	close(fd);
}

/* ---- switches ---------------------------------------------------------- */

static struct knob {
	const char *path;
	char value[40];		/* "" if there is none */
} knobs[] = {
	{ "/proc/sys/fs/cowlink/enabled" },
	{ "/proc/sys/fs/cowlink/fsync" },
	{ "/proc/sys/fs/cowlink/max_bytes" },
	{ "/proc/sys/user/max_cowlink_breaks" },
	{ "/proc/sys/fs/protected_hardlinks" },
	{ "/proc/sys/fs/protected_regular" },
	{ "/proc/sys/fs/lease-break-time" },
};

static void read_knob(struct knob *knob)
{
	int fd = open(knob->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, knob->value,
				      sizeof(knob->value) - 1);

	knob->value[n > 0 ? n : 0] = '\0';
	close(fd);
}

void knobs_save(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		read_knob(&knobs[i]);
}

/* Not write_sysctl(), which ends a test: this is for between two. */
static void write_knob(const struct knob *knob)
{
	int fd = open(knob->path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(knob->value);

	if (fd < 0 || write(fd, knob->value, len) != len)
		note("cannot set %s back: %m", knob->path);
	close(fd);
}

void knobs_restore(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		struct knob now = { knobs[i].path };

		read_knob(&now);
		if (strcmp(now.value, knobs[i].value))
			write_knob(&knobs[i]);
	}
}

/* ---- inode flags ------------------------------------------------------- */

/*
 * Flags that say how a file is stored come back as they are: on ext4 leaving
 * out FS_EXTENT_FL is an order to convert the file.
 */
#define LAYOUT_FL	(FS_EXTENT_FL | FS_INLINE_DATA_FL | FS_INDEX_FL)

int fd_set_flags(int fd, unsigned int flags)
{
	unsigned int now;

	if (ioctl(fd, FS_IOC_GETFLAGS, &now))
		return -1;
	flags |= now & LAYOUT_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* ioctl() on a fresh read-only descriptor, closed without touching errno. */
static int path_ioctl(const char *path, unsigned long request, void *arg)
{
	int fd, ret, err;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = ioctl(fd, request, arg);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

int get_flags(const char *path, unsigned int *ret)
{
	*ret = 0;
	return path_ioctl(path, FS_IOC_GETFLAGS, ret);
}

int set_flags(const char *path, unsigned int flags)
{
	int fd, ret, err;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = fd_set_flags(fd, flags);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

int get_fsx(const char *path, struct fsxattr *ret)
{
	memset(ret, 0, sizeof(*ret));
	return path_ioctl(path, FS_IOC_FSGETXATTR, ret);
}

int set_fsx(const char *path, const struct fsxattr *fsx)
{
	struct fsxattr copy = *fsx;

	return path_ioctl(path, FS_IOC_FSSETXATTR, &copy);
}

int set_project(const char *path, unsigned int projid, bool inherit)
{
	struct fsxattr fsx;

	if (get_fsx(path, &fsx))
		return -1;
	fsx.fsx_projid = projid;
	if (inherit)
		fsx.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	return set_fsx(path, &fsx);
}

unsigned int get_project(const char *path)
{
	struct fsxattr fsx;

	EXPECT_OK(get_fsx(path, &fsx));
	return fsx.fsx_projid;
}

bool prjquota_enforced(const char *path)
{
	struct if_dqblk dq;
	bool on = false;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return false;
	on = !syscall(SYS_quotactl_fd, fd, QCMD(Q_GETQUOTA, PRJQUOTA), 0,
		      &dq);
	close(fd);
	return on;
}

int set_acl(const char *path, bool is_default, unsigned int user_obj,
	    uid_t named, unsigned int named_perm, unsigned int group_obj,
	    unsigned int mask, unsigned int other)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entry[5];
	} acl = {
		.header = { POSIX_ACL_XATTR_VERSION },
		.entry = {
			{ ACL_USER_OBJ, user_obj, ACL_UNDEFINED_ID },
			{ ACL_USER, named_perm, named },
			{ ACL_GROUP_OBJ, group_obj, ACL_UNDEFINED_ID },
			{ ACL_MASK, mask, ACL_UNDEFINED_ID },
			{ ACL_OTHER, other, ACL_UNDEFINED_ID },
		},
	};

	return setxattr(path, is_default ? "system.posix_acl_default" :
			"system.posix_acl_access", &acl, sizeof(acl), 0);
}

/* ---- unification -------------------------------------------------------- */

int unify_at(int dir, const char *name, int master, int victim)
{
	struct cowlink_unify arg = {
		.size = sizeof(arg), .master_fd = master, .victim_fd = victim,
		.name = (uintptr_t)name,
	};

	return ioctl(dir, FS_IOC_LINK_UNIFY, &arg);
}

int unify(const char *dir, const char *name, const char *master,
	  const char *victim)
{
	int d = EXPECT_OK(open(dir, O_RDONLY | O_DIRECTORY));
	int m = EXPECT_OK(open(master, O_RDONLY));
	int v = EXPECT_OK(open(victim, O_RDONLY));
	int ret, err;

	errno = 0;
	ret = unify_at(d, name, m, v);
	err = errno;
	close(v);
	close(m);
	close(d);
	errno = err;
	return ret;
}

/* ---- what is free ------------------------------------------------------ */

void free_now(struct statvfs *ret)
{
	int fd = EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));

	if (on_xfs()) {
		EXPECT_OK(ioctl(fd, FIFREEZE, 0));
		EXPECT_OK(ioctl(fd, FITHAW, 0));
	} else {
		sync();
	}
	close(fd);
	EXPECT_OK(statvfs(".", ret));
}

/* Tenths of a second until what is freed in the background must be free. */
#define PATIENCE	200

void expect_free_at(const char *file, int line, const struct statvfs *want)
{
	struct statvfs now;
	int tries;

	for (tries = 0; tries < PATIENCE; tries++) {
		sync();
		EXPECT_OK(statvfs(".", &now));
		if (!on_xfs() || (now.f_bfree == want->f_bfree &&
				  now.f_ffree == want->f_ffree))
			break;
		usleep(100000);
	}
	if (now.f_bfree != want->f_bfree || now.f_ffree != want->f_ffree)
		fail_at(file, line, "expected %llu blocks and %llu inodes to be free, got %llu and %llu",
			(unsigned long long)want->f_bfree,
			(unsigned long long)want->f_ffree,
			(unsigned long long)now.f_bfree,
			(unsigned long long)now.f_ffree);
}

/* ---- mounts ------------------------------------------------------------ */

void bind_remount(const char *path, unsigned long flags)
{
	EXPECT_OK(mount(path, path, NULL, MS_BIND, NULL));
	EXPECT_OK(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | flags, NULL));
}

int loop_attach(const char *image, char *dev, size_t dev_size)
{
	int control, backing, fd = -1, tries;
	struct loop_config config = {
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};

	control = EXPECT_OK(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
	backing = EXPECT_OK(open(image, O_RDWR | O_CLOEXEC));
	config.fd = backing;
	for (tries = 0; tries < 20; tries++) {
		int n = EXPECT_OK(ioctl(control, LOOP_CTL_GET_FREE));

		snprintf(dev, dev_size, "/dev/loop%d", n);
		fd = EXPECT_OK(open(dev, O_RDWR | O_CLOEXEC));
		if (!ioctl(fd, LOOP_CONFIGURE, &config))
			break;
		CHECK(errno == EBUSY, "%s: LOOP_CONFIGURE: %m", dev);
		close(fd);
		fd = -1;
	}
	CHECK(fd >= 0, "no free loop device");
	close(control);
	close(backing);
	return fd;
}

void scratch_mount(struct scratch *fs, const char *mount_opts)
{
	int fd = loop_attach(fs->image, fs->dev, sizeof(fs->dev));

	EXPECT_OK(mount(fs->dev, fs->mnt, fs->type, 0, mount_opts));
	close(fd);
}

#define MAX_WORDS	32

/* mkfs.TYPE, the words of @opts, the image. */
static void mkfs(const char *type, const char *image, const char *const opts[])
{
	const char *argv[MAX_WORDS] = { NULL, "-q", NULL };
	char program[32];
	size_t n = 3;

	snprintf(program, sizeof(program), "mkfs.%s", type);
	argv[0] = program;
	argv[2] = strcmp(type, "ext4") ? "-f" : "-F";
	while (opts && *opts && n < ARRAY_SIZE(argv) - 2)
		argv[n++] = *opts++;
	argv[n++] = image;
	CHECK(!run(argv), "%s failed on '%s'", program, image);
}

static void make_xfs(const char *image, const char *format, size_t groups)
{
	char data[40];
	const char *words[MAX_WORDS] = { "-d", data, "-l", "size=16m" };
	char *copy = strdup(format ?: ""), *word;
	size_t n = 4;

	snprintf(data, sizeof(data), "agcount=%zu", groups);
	for (word = strtok(copy, " "); word && n < MAX_WORDS - 1;
	     word = strtok(NULL, " "))
		words[n++] = word;
	/* What xfstests says, without which there are none below 300 MB. */
	EXPECT_OK(setenv("TEST_DIR", "/", 1));
	EXPECT_OK(setenv("TEST_DEV", "/", 1));
	EXPECT_OK(setenv("QA_CHECK_FS", "1", 1));
	mkfs("xfs", image, words);
	free(copy);
}

void mkfs_xfs(const char *image, const char *mkfs_opts)
{
	make_xfs(image, mkfs_opts ?: getenv("COWLINK_MKFS_XFS"), 2);
}

#define SCRATCH	"/tmp/cowlink-scratch"

static const struct scratch *scratch_below;

void scratch_place(const struct scratch *below)
{
	scratch_below = below;
}

static void scratch_image(struct scratch *fs, const char *type,
			  size_t size_bytes)
{
	static int serial;
	int fd;

	fs->type = type;
	/* The mount namespace is this test's own: nothing outlives it. */
	EXPECT_OK(mkdir(SCRATCH, 0700) && errno != EEXIST ? -1 : 0);
	if (!serial)
		EXPECT_OK(mount("scratch", SCRATCH, "tmpfs", 0, "mode=0755"));
	snprintf(fs->image, sizeof(fs->image), "%s/img%d",
		 scratch_below ? scratch_below->mnt : SCRATCH, serial);
	snprintf(fs->mnt, sizeof(fs->mnt), SCRATCH "/mnt%d", serial++);
	EXPECT_OK(mkdir(fs->mnt, 0755));
	fd = EXPECT_OK(open(fs->image, O_CREAT | O_RDWR | O_EXCL, 0600));
	EXPECT_OK(ftruncate(fd, size_bytes));
	close(fd);
}

void scratch_ext4(struct scratch *fs, size_t size_bytes,
		  const char *const mkfs_opts[], const char *mount_opts)
{
	scratch_image(fs, "ext4", size_bytes);
	mkfs("ext4", fs->image, mkfs_opts);
	scratch_mount(fs, mount_opts);
}

void scratch_xfs(struct scratch *fs, const char *mkfs_opts,
		 const char *mount_opts)
{
	scratch_image(fs, "xfs", 64 << 20);
	mkfs_xfs(fs->image, mkfs_opts);
	scratch_mount(fs, mount_opts);
}

void scratch_large_xfs(struct scratch *fs, size_t groups, size_t size_bytes)
{
	scratch_image(fs, "xfs", size_bytes);
	make_xfs(fs->image, "", groups);
	scratch_mount(fs, "");
}

void scratch_disk(struct scratch *fs, size_t ext4_bytes)
{
	if (on_xfs())
		scratch_xfs(fs, NULL, "");
	else
		scratch_ext4(fs, ext4_bytes, NULL, "");
}

/* Says what it does, and that it does not know the bit of a shared file. */
static bool is_xfs_complaint(const char *line)
{
	static const char *const idle[] = {
		"Phase ", "        - ", "No modify flag set", "done",
		"Cannot get host filesystem geometry",
		"Repair may fail if there is a sector size mismatch",
		"the image and the host filesystem",
		"Bad flags2 set in inode", "would fix bad flags2",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(idle); i++)
		if (!strncmp(line, idle[i], strlen(idle[i])))
			return false;
	return true;
}

bool xfs_is_clean(const char *image)
{
	char line[400];
	bool clean = true;
	FILE *out;
	int status;

	snprintf(line, sizeof(line), "xfs_repair -n -P %s 2>&1", image);
	out = popen(line, "r");
	CHECK(out, "cannot run xfs_repair");
	while (fgets(line, sizeof(line), out)) {
		line[strcspn(line, "\n")] = '\0';
		if (!*line || !is_xfs_complaint(line))
			continue;
		note("xfs_repair: %s", line);
		clean = false;
	}
	status = pclose(out);
	if (!WIFEXITED(status))
		note("xfs_repair: ended by signal %d", WTERMSIG(status));
	/* Status 1 is also for the flag. */
	return clean && WIFEXITED(status) && WEXITSTATUS(status) <= 1;
}

void scratch_fsck(struct scratch *fs)
{
	if (!strcmp(fs->type, "xfs"))
		CHECK(xfs_is_clean(fs->image), "xfs_repair found something");
	else
		CHECK(!RUN("e2fsck", "-f", "-n", fs->image),
		      "e2fsck found something");
}

void scratch_umount(struct scratch *fs)
{
	test_root_leave();
	EXPECT_OK(umount2(fs->mnt, 0));
}

void scratch_check(struct scratch *fs, const char *mount_opts)
{
	scratch_umount(fs);
	scratch_fsck(fs);
	scratch_mount(fs, mount_opts);
	scratch_enter(fs);
}

void scratch_commit(void)
{
	int fd = EXPECT_OK(open("commit", O_CREAT | O_RDWR, 0600));

	EXPECT_OK(pwrite(fd, "x", 1, 0));
	EXPECT_OK(fsync(fd));
	close(fd);
}

void scratch_shutdown(const char *path)
{
	int fd = EXPECT_OK(open(path, O_RDONLY));

	EXPECT_OK(ioctl(fd, IOC_SHUTDOWN, &(__u32){ SHUTDOWN_NOLOGFLUSH }));
	close(fd);
}

void scratch_recover(struct scratch *fs, const char *mount_opts)
{
	scratch_umount(fs);
	scratch_mount(fs, mount_opts);
	scratch_check(fs, mount_opts);
}

void scratch_crash(struct scratch *fs, const char *mount_opts)
{
	scratch_shutdown(".");
	scratch_recover(fs, mount_opts);
}

void scratch_release(struct scratch *fs)
{
	scratch_umount(fs);
	EXPECT_OK(unlink(fs->image));
}

void scratch_enter(struct scratch *fs)
{
	test_root_enter(fs->mnt);
}

void scratch_leave(void)
{
	expect_others();
	test_root_leave();
}
