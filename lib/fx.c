// SPDX-License-Identifier: GPL-2.0-only
#include "fx.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cleanup.h"
#include "uapi/cowlink.h"

enum fault_kind { FAULT_NONE, FAULT_COUNT, FAULT_KILL, FAULT_ERROR };

static struct {
	bool ready;
	enum fault_kind kind;
	uint64_t at;		/* the effect to fail, from 1 */
	int error;		/* positive errno */
	const char *count_file;
	char exec_what[32];
	uint64_t exec_at;
	const char *exec_cmd;
} fault;

static atomic_uint_fast64_t effects;
static atomic_uint_fast64_t exec_seen;

static const struct {
	const char *name;
	int code;
} fault_errors[] = {
	{ "EIO", EIO },	      { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT },
	{ "EROFS", EROFS },   { "EMLINK", EMLINK }, { "ENOMEM", ENOMEM },
	{ "EPERM", EPERM },   { "EACCES", EACCES }, { "ETXTBSY", ETXTBSY },
	{ "ENOENT", ENOENT }, { "EINTR", EINTR },
};

static int fault_errno(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(fault_errors) / sizeof(*fault_errors); i++)
		if (!strcmp(name, fault_errors[i].name))
			return fault_errors[i].code;
	return EIO;
}

static void write_count(void)
{
	FILE *f = fopen(fault.count_file, "we");

	if (!f)
		return;
	(void)fprintf(f, "%llu\n", (unsigned long long)atomic_load(&effects));
	(void)fclose(f); /* a test's file; the test sees when it is missing */
}

static void parse_fault(const char *s)
{
	char *end;

	if (!s)
		return;
	if (!strncmp(s, "kill:", 5))
		fault.kind = FAULT_KILL;
	else if (!strncmp(s, "error:", 6))
		fault.kind = FAULT_ERROR;
	else if (!strcmp(s, "count"))
		fault.kind = FAULT_COUNT;
	else
		return;
	if (fault.kind == FAULT_COUNT)
		return;
	fault.at = strtoull(strchr(s, ':') + 1, &end, 10);
	fault.error = *end == ':' ? fault_errno(end + 1) : EIO;
}

/* WHAT:N:CMD */
static void parse_exec(const char *s)
{
	const char *colon = s ? strchr(s, ':') : NULL;
	char *end;

	if (!colon || (size_t)(colon - s) >= sizeof(fault.exec_what))
		return;
	memcpy(fault.exec_what, s, colon - s);
	fault.exec_at = strtoull(colon + 1, &end, 10);
	if (*end == ':')
		fault.exec_cmd = end + 1;
}

static void fault_init(void)
{
	if (fault.ready)
		return;
	fault.ready = true;
	parse_fault(secure_getenv("COWLINK_FAULT"));
	parse_exec(secure_getenv("COWLINK_FAULT_EXEC"));
	fault.count_file = secure_getenv("COWLINK_FAULT_COUNT");
	if (fault.count_file)
		(void)atexit(write_count);
}

static void run_command(const char *what)
{
	if (!fault.exec_cmd || strcmp(what, fault.exec_what))
		return;
	if (atomic_fetch_add(&exec_seen, 1) + 1 != fault.exec_at &&
	    fault.exec_at)
		return;
	if (system(fault.exec_cmd))	/* allowed: a test asked for it */
		(void)fprintf(stderr, "COWLINK_FAULT_EXEC: command failed\n");
}

int fx_step(const char *what)
{
	uint64_t n;

	fault_init();
	run_command(what);
	n = atomic_fetch_add(&effects, 1) + 1;
	if (n != fault.at)
		return 0;
	if (fault.kind == FAULT_KILL)
		(void)kill(getpid(), SIGKILL);
	return fault.kind == FAULT_ERROR ? -fault.error : 0;
}

/* The signal comes to one thread and ends what all of them do. */
static atomic_int interrupted_by;

void fx_interrupt(int signal)
{
	atomic_store(&interrupted_by, signal);
}

int fx_interrupted(void)
{
	return atomic_load(&interrupted_by);
}

/* The step of an effect that begins something. */
static int begin_step(const char *what)
{
	int r = fx_step(what);

	return !r && fx_interrupted() ? -EINTR : r;
}

/* One effect by one system call that returns -1 and errno. */
#define FX(what, call) FX_AFTER(fx_step(what), call)
#define FX_BEGIN(what, call) FX_AFTER(begin_step(what), call)
#define FX_AFTER(step, call)                                                  \
	({                                                                    \
		int fx_r_ = (step);                                           \
		if (!fx_r_) {                                                 \
			do                                                    \
				fx_r_ = (call);                               \
			while (fx_r_ < 0 && errno == EINTR);                  \
			if (fx_r_ < 0)                                        \
				fx_r_ = -errno;                               \
		}                                                             \
		fx_r_;                                                        \
	})

int fx_create(int dirfd, const char *name, int flags, mode_t mode)
{
	return FX_BEGIN("create", openat(dirfd, name,
					 flags | O_CREAT | O_EXCL | O_NOFOLLOW |
						 O_CLOEXEC,
					 mode));
}

int fx_tmpfile(int dirfd)
{
	return FX_BEGIN("tmpfile",
		  openat(dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

static int write_all(int fd, const char *p, size_t len, off_t offset)
{
	while (len) {
		ssize_t n = offset < 0 ? write(fd, p, len) :
					 pwrite(fd, p, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		p += n;
		len -= n;
		if (offset >= 0)
			offset += n;
	}
	return 0;
}

int fx_write(int fd, const void *buf, size_t len)
{
	int r = begin_step("write");

	return r ? r : write_all(fd, buf, len, -1);
}

int fx_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	int r = begin_step("write");

	return r ? r : write_all(fd, buf, len, offset);
}

int fx_ftruncate(int fd, off_t size_bytes)
{
	return FX("ftruncate", ftruncate(fd, size_bytes));
}

int fx_clone(int fd, int src_fd)
{
	int r = FX_BEGIN("clone", ioctl(fd, FICLONE, src_fd));

	/* other filesystem, no reflink, not a file that can: all "not here" */
	if (r == -EXDEV || r == -ENOTTY || r == -EINVAL || r == -ENOSYS)
		r = -EOPNOTSUPP;
	return r;
}

int fx_link_unify(int dirfd, struct cowlink_unify *args)
{
	args->size = sizeof(*args);
	return FX_BEGIN("unify", ioctl(dirfd, FS_IOC_LINK_UNIFY, args));
}

int fx_unify_back(int dirfd, struct cowlink_unify *args)
{
	args->size = sizeof(*args);
	return FX("unify", ioctl(dirfd, FS_IOC_LINK_UNIFY, args));
}

int fx_dedupe(int src_fd, struct file_dedupe_range *range)
{
	return FX_BEGIN("dedupe", ioctl(src_fd, FIDEDUPERANGE, range));
}

int fx_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return FX_BEGIN("mkdir", mkdirat(dirfd, name, mode));
}

int fx_symlinkat(const char *target, int dirfd, const char *name)
{
	return FX_BEGIN("symlink", symlinkat(target, dirfd, name));
}

int fx_mknodat(int dirfd, const char *name, mode_t mode, dev_t dev)
{
	return FX_BEGIN("mknod", mknodat(dirfd, name, mode, dev));
}

int fx_linkat(int olddir, const char *oldname, int newdir, const char *newname)
{
	return FX_BEGIN("link", linkat(olddir, oldname, newdir, newname, 0));
}

/* AT_EMPTY_PATH is for who has CAP_DAC_READ_SEARCH in the initial namespace; newer kernels
 * let whoever opened the file. Others get ENOENT. The way through /proc is for all, and
 * costs more. */
static int link_fd(int fd, int newdir, const char *newname)
{
	char path[40];
	int r = linkat(fd, "", newdir, newname, AT_EMPTY_PATH);

	if (r == 0 || errno != ENOENT)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, newdir, newname, AT_SYMLINK_FOLLOW);
}

int fx_link_fd(int fd, int newdir, const char *newname)
{
	return FX_BEGIN("link", link_fd(fd, newdir, newname));
}

int fx_renameat(int olddir, const char *oldname, int newdir,
		const char *newname, unsigned int flags)
{
	return FX("rename", renameat2(olddir, oldname, newdir, newname, flags));
}

int fx_unlinkat(int dirfd, const char *name, int flags)
{
	return FX("unlink", unlinkat(dirfd, name, flags));
}

int fx_fchown(int fd, uid_t uid, gid_t gid)
{
	return FX("chown", fchown(fd, uid, gid));
}

int fx_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid)
{
	return FX("chown",
		  fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int fx_fchmod(int fd, mode_t mode)
{
	return FX("chmod", fchmod(fd, mode));
}

int fx_fchmodat(int dirfd, const char *name, mode_t mode)
{
	return FX("chmod", fchmodat(dirfd, name, mode, 0));
}

int fx_utimens(int fd, const struct timespec times[2])
{
	return FX("utimens", futimens(fd, times));
}

int fx_utimensat(int dirfd, const char *name, const struct timespec times[2])
{
	return FX("utimens",
		  utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW));
}

int fx_fsetxattr(int fd, const char *name, const void *value, size_t size)
{
	return FX("setxattr", fsetxattr(fd, name, value, size, 0));
}

int fx_fremovexattr(int fd, const char *name)
{
	return FX("removexattr", fremovexattr(fd, name));
}

int fx_setxattrat(int dirfd, const char *file, const char *name,
		  const void *value, size_t size)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, file) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	return FX("setxattr", lsetxattr(path, name, value, size, 0));
}

int fx_setflags(int fd, unsigned int flags)
{
	/* its number says long, what the kernel reads is an int */
	unsigned int arg[2] = { flags, 0 };

	return FX("setflags", ioctl(fd, FS_IOC_SETFLAGS, arg));
}

int fx_setprojid(int fd, uint32_t projid, uint32_t xflags)
{
	struct fsxattr fa;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &fa) < 0)
		return -errno;
	fa.fsx_projid = projid;
	fa.fsx_xflags |= xflags;
	return FX("setprojid", ioctl(fd, FS_IOC_FSSETXATTR, &fa));
}

int fx_fsync(int fd)
{
	return FX("fsync", fsync(fd));
}

int fx_syncfs(int fd)
{
	return FX("syncfs", syncfs(fd));
}
