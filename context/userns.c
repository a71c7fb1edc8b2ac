// SPDX-License-Identifier: GPL-2.0-only
#include "userns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "cleanup.h"
#include "fx.h"

pid_t userns_clone(uint64_t flags, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uintptr_t)&pidfd,
		/* a sibling takes that of its elder */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid < 0 ? -errno : pid;
}

/* Is a change of the user to leave the capabilities alone? */
static void keep_capabilities(bool keep)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0)
		return;
	bits = keep ? bits | SECBIT_NO_SETUID_FIXUP :
		      bits & ~SECBIT_NO_SETUID_FIXUP;
	/* who may not, does it with what any owner has: mostly enough */
	(void)prctl(PR_SET_SECUREBITS, bits);
}

int userns_be_owner(uint32_t context)
{
	int r;

	keep_capabilities(true);
	r = setresuid(-1, CONTEXT_UID(context), -1) < 0 ? -errno : 0;
	if (r < 0)
		keep_capabilities(false);
	return r;
}

int userns_be_root(void)
{
	int r = setresuid(-1, 0, -1) < 0 ? -errno : 0;

	keep_capabilities(false);
	return r;
}

int userns_prlimit(uint32_t context, pid_t pid, int resource,
		   const struct rlimit *new, struct rlimit *old)
{
	int r = userns_be_owner(context);
	int back;

	if (r < 0)
		return r;
	r = prlimit(pid, resource, new, old) < 0 ? -errno : 0;
	back = userns_be_root();
	return r ? r : back;
}

int userns_open_process(pid_t pid, int pidfd)
{
	_cleanup_close_ int dir = -1;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH)
		return -ESRCH;
	return steal_fd(&dir);
}

bool userns_process_is_there(int dir)
{
	return !faccessat(dir, "stat", F_OK, 0);
}

int userns_set_limit(uint32_t context, pid_t pid, int dir, int resource,
		     const struct rlimit *limit)
{
	struct rlimit old;
	int r = userns_process_is_there(dir) ? fx_step("prlimit") : -ESRCH;

	if (!r)
		r = userns_prlimit(context, pid, resource, limit, &old);
	if (userns_process_is_there(dir))
		return r;
	/* it is not ours to fail if that one has gone, too */
	if (!r)
		(void)userns_prlimit(context, pid, resource, &old, NULL);
	return -ESRCH;
}

static int write_map(pid_t pid, const char *file, uint32_t context)
{
	_cleanup_close_ int fd = -1;
	char path[48];
	char map[48];
	int len;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	len = snprintf(map, sizeof(map), "0 %u 65536\n", CONTEXT_UID(context));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fx_write(fd, map, len);
}

int userns_map(pid_t pid, uint32_t context, struct err *err)
{
	int r = write_map(pid, "uid_map", context);

	if (!r)
		r = write_map(pid, "gid_map", context);
	return r < 0 ? err_errno(err, r,
				 "cannot map the ids of context %u", context) :
		       0;
}

/* Whoever made us ends us, also when it is killed itself. We have its memory, and write
 * to our stack only. */
static int wait_for_kill(void *parent)
{
	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != *(const pid_t *)parent)
		return 1;
	for (;;)
		(void)pause();
}

int userns_failed(int r, const char *what, struct err *err)
{
	/* it has nothing to do with a disk */
	if (r == -ENOSPC)
		return err_set(err, r, "%s: the kernel's limit is reached: raise "
				       "the sysctls user.max_*_namespaces", what);
	return err_errno(err, r, "%s", what);
}

int userns_open(uint32_t context, struct err *err)
{
	static char stack[16384] __attribute__((aligned(16)));
	pid_t parent = getpid();
	pid_t pid = clone(wait_for_kill, stack + sizeof(stack),
			  CLONE_VM | CLONE_NEWUSER | SIGCHLD, &parent);
	char path[48];
	int fd = -1;
	int r;

	if (pid < 0)
		return userns_failed(-errno, "cannot make a user namespace", err);
	r = userns_map(pid, context, err);
	if (!r) {
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			r = err_errno(err, -errno,
				      "cannot open a user namespace");
	}
	(void)kill(pid, SIGKILL);	/* our own child, not yet waited for */
	(void)waitpid(pid, NULL, 0);
	return r < 0 ? r : fd;
}
