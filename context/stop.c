// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "cmd.h"
#include "console.h"
#include "fx.h"
#include "hooks.h"
#include "launch.h"
#include "log.h"
#include "net.h"
#include "words.h"

/* What SIGKILL takes is in the kernel's hands; a disk that hangs may hold it up. */
#define KILL_SECONDS 30

static int send_signal(int pidfd, int sig)
{
	int r = syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);

	return r < 0 && errno != ESRCH ? -errno : 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Wait for the end of the first process: 1, 0 when the time is up, or -errno. When
 * it has ended so has everything in its pid namespace. */
static int wait_for_end(int pidfd, uint64_t seconds)
{
	int64_t end = now_ms() + (int64_t)seconds * 1000;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int n;

	do {
		int64_t left = end - now_ms();

		n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (fx_interrupted())
			return -EINTR;
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int guest_kill(int pidfd)
{
	int r = send_signal(pidfd, SIGKILL);

	if (!r)
		r = wait_for_end(pidfd, KILL_SECONDS);
	return r < 0 ? r : r ? 0 : -ETIMEDOUT;
}

static int kill_all(struct guest *g, const struct cgroup *cg, struct err *err)
{
	int r;

	/* at once, so that nobody sees others go; where that is missing the
	 * kernel does it when the first one goes */
	(void)cgroup_kill(cg);
	r = guest_kill(g->run.pidfd);
	return r < 0 ? err_errno(err, r, "cannot kill guest '%s'",
				 g->row.name) :
		       1;
}

/* Only standard input, output and error, which are nothing, and the guest's process: what
 * the guest can hold up has no lock and nothing of the pool. */
static int keep_only(int pidfd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int i;

	if (null < 0)
		return -errno;
	for (i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return -errno;
	if ((pidfd > 3 && close_range(3, pidfd - 1, 0) < 0) ||
	    close_range(pidfd + 1, ~0U, 0) < 0)
		return -errno;
	return 0;
}

/* The guest's own way down, in a process of its own, since it may take for ever; it ends
 * with the one that asks. */
static pid_t ask(struct guest *g, const char *command)
{
	_cleanup_words_ struct words_list words = { 0 };
	pid_t parent = getpid();
	pid_t pid = fork();
	int r;

	if (pid)
		return pid;
	r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ?
		    -ESRCH :
		    words_split(command, false, &words);
	if (!r)
		r = keep_only(g->run.pidfd);
	if (!r)
		r = guest_exec(g, words.argv, NULL, NULL);
	_exit(r < 0 ? 126 : r);
}

/* What became of it is worth a word when the guest did not end by it. */
static void stop_asking(const struct guest *g, pid_t pid, bool told)
{
	int status = 0;

	if (pid <= 0)
		return;
	(void)kill(pid, SIGKILL); /* ours, and not yet waited for */
	(void)waitpid(pid, &status, 0);
	if (told && WIFEXITED(status) && WEXITSTATUS(status))
		log_notice("stop.command in guest '%s' ended with status %d",
			   g->row.name, WEXITSTATUS(status));
}

static int end_processes(struct guest *g, const struct cgroup *cg,
			 struct err *err)
{
	int sig = signal_parse(settings_get(&g->settings, "stop.signal"));
	const char *command = settings_get(&g->settings, "stop.command");
	uint64_t seconds = 0;
	pid_t asking = -1;
	int r = 0;

	/* checked when it was set */
	(void)parse_number(settings_get(&g->settings, "stop.timeout"), &seconds);
	if (command)
		asking = ask(g, command);
	if (asking < 0)
		r = send_signal(g->run.pidfd, sig);
	if (!r)
		r = wait_for_end(g->run.pidfd, seconds);
	stop_asking(g, asking, !r);
	if (r < 0)
		return err_errno(err, r, "cannot stop guest '%s'", g->row.name);
	return r ? 0 : kill_all(g, cg, err);
}

int guest_forget(const struct tree_row *row, int run_fd, struct err *err)
{
	int r = running_is_anothers(row, err);

	if (r)
		return r < 0 ? r : 0;
	r = console_remove(run_fd, row->context, err);
	return r < 0 ? r : running_remove(run_fd, row->context, err);
}

int guest_clean(struct guest *g, struct err *err)
{
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	_cleanup_close_ int dir = -1;
	int r = cgroup_open(&g->row, &cg, err);

	if (r < 0)
		return r;
	/* what was let in may outlive the first process by a moment */
	(void)cgroup_kill(&cg);
	r = net_down(&g->row, &cg, err);
	if (!r)
		r = cgroup_remove(&cg, err);
	if (!r)
		r = dir = running_dir(err);
	return r < 0 ? r : guest_forget(&g->row, dir, err);
}

static int end_guest(struct guest *g, const struct cgroup *cg,
		     struct err *err)
{
	int keeper;
	int r;

	hooks_tell(g, "pre-stop");
	/* what is frozen cannot hear */
	r = cgroup_frozen(cg) ? cgroup_freeze(cg, false, err) : 0;
	if (r < 0)
		return r;
	keeper = console_stopping(g->row.context);
	r = end_processes(g, cg, err);
	if (r < 0)
		cleanup_close(&keeper);
	else
		console_wait(keeper);
	return r;
}

int guest_stop(struct guest *g, struct err *err)
{
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	int recorded = running_recorded(&g->row, 0, err);
	int killed = 0;
	int r = recorded < 0 ? recorded : cgroup_open(&g->row, &cg, err);

	if (!r && g->runs)
		r = killed = end_guest(g, &cg, err);
	if (r < 0)
		return r;
	running_release(&g->run);
	g->runs = false;
	r = guest_clean(g, err);
	/* not for who stops what has not been started */
	if (!r && recorded)
		hooks_tell(g, "post-stop");
	if (!r && killed)
		log_notice("guest '%s' did not stop by itself and was killed",
			   g->row.name);
	return r;
}
