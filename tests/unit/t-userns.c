// SPDX-License-Identifier: GPL-2.0-only
/*
 * A limit of one process, when its number becomes another's between the look and the call.
 * A helper makes that happen: it buries the first one, and makes a second one with the same
 * number, which the kernel lets root choose.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "unit.h"

/* As context/userns.h has them, which is not the library's. */
int userns_open_process(pid_t pid, int pidfd);
bool userns_process_is_there(int dir);
int userns_set_limit(uint32_t context, pid_t pid, int dir, int resource,
		     const struct rlimit *limit);

#define CONTEXT	     28672
#define SOFT_BEFORE  60
#define SOFT_AFTER   50

static int told[2];		/* by the helper: a number, then a word for the shell */

__attribute__((noreturn)) static void sleep_for_ever(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		(void)pause();
}

static pid_t with_number(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&pid,
		.set_tid_size = 1,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Children of a child, so that it can bury them while we wait. */
__attribute__((noreturn)) static void helper(const sigset_t *wanted)
{
	pid_t pid = fork();
	int sig;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!pid)
		sleep_for_ever();
	if (write(told[1], &pid, sizeof(pid)) != sizeof(pid) || sigwait(wanted, &sig))
		_exit(1);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	pid = with_number(pid);
	if (!pid)
		sleep_for_ever();
	if (write(told[1], pid < 0 ? "n\n" : "y\n", 2) != 2)
		_exit(1);
	sleep_for_ever();
}

static rlim_t soft_of(pid_t pid)
{
	struct rlimit limit = { 0 };

	(void)prlimit(pid, RLIMIT_NOFILE, NULL, &limit);
	return limit.rlim_cur;
}

static int set_soft(pid_t pid, int dir, rlim_t soft)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = soft;
	return userns_set_limit(CONTEXT, pid, dir, RLIMIT_NOFILE, &limit);
}

static void test_reuse(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int dir = userns_open_process(pid, pidfd);

	ok(dir >= 0 && userns_process_is_there(dir), "a process by its directory");
	is_int(set_soft(pid, dir, SOFT_AFTER), -ESRCH,
	       "one that was buried meanwhile is gone");
	ok(!kill(pid, 0) && soft_of(pid) == SOFT_BEFORE,
	   "and the limit of who has its number now is what it was");
	ok(!userns_process_is_there(dir) && userns_open_process(pid, pidfd) == -ESRCH,
	   "which nobody takes for it");
	is_int(set_soft(pid, dir, SOFT_AFTER), -ESRCH, "nor changes it");
	is_int(soft_of(pid), SOFT_BEFORE, "really");
	close(pidfd);
	close(dir);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	dir = userns_open_process(pid, pidfd);
	ok(!set_soft(pid, dir, SOFT_AFTER) && soft_of(pid) == SOFT_AFTER,
	   "but for who means that one");
	close(pidfd);
	close(dir);
}

/* Before the limit is set, and only the first time. */
static void arrange(pid_t pid)
{
	char command[128];

	(void)snprintf(command, sizeof(command),
		       "prlimit:1:kill -USR1 %d && read -r made <&%d && test $made = y", pid,
		       told[0]);
	(void)setenv("COWLINK_FAULT_EXEC", command, 1);
}

int main(void)
{
	struct rlimit limit;
	sigset_t wanted;
	pid_t first;
	pid_t h;

	unit_plan(7);
	/* what has that number is there already: only who may choose is told so */
	if (geteuid() || with_number(getpid()) >= 0 || errno != EEXIST) {
		unit_skip(7, "only root chooses the numbers of processes");
		return unit_done();
	}
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = SOFT_BEFORE;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)sigemptyset(&wanted);
	(void)sigaddset(&wanted, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &wanted, NULL);
	if (pipe(told) < 0 || (h = fork()) < 0)
		return 1;
	if (!h)
		helper(&wanted);
	arrange(h);
	if (read(told[0], &first, sizeof(first)) != sizeof(first))
		return 1;
	test_reuse(first);
	(void)kill(first, SIGKILL);	/* the second one: nobody buries it before */
	(void)kill(h, SIGKILL);
	(void)waitpid(h, NULL, 0);
	return unit_done();
}
