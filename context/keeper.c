// SPDX-License-Identifier: GPL-2.0-only
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd-signal.h"
#include "console.h"
#include "fdio.h"
#include "fx.h"
#include "guestpty.h"
#include "log.h"
#include "userns.h"
#include "words.h"

#define PROGRAM "vserver-keeper"
/* What the program expects: 0 to 2 are /dev/null. */
enum { FD_MASTER = 3, FD_LISTEN, FD_LOG, FD_END };

void keeper_release(struct keeper *k)
{
	cleanup_close(&k->program_fd);
	cleanup_close(&k->mount_ns_fd);
	cleanup_close(&k->listen_fd);
	cleanup_close(&k->log_fd);
	cleanup_close(&k->procs_fd);
	cleanup_pair(k->tty);
	cleanup_pair(k->news);
	cleanup_pair(k->go);
}

int keeper_prepare(struct keeper *k, const struct guest *g,
		   const struct cgroup *cg, int run_fd, struct err *err)
{
	struct err no_log = { 0 };
	int r;

	k->guest = g;
	r = k->program_fd = words_open_helper(PROGRAM, err);
	if (r >= 0)
		r = k->listen_fd = console_listen(run_fd, g->row.context, err);
	if (r >= 0)
		r = k->procs_fd = cgroup_keepers(cg, err);
	if (r < 0 && r != -ENOENT)
		return r;
	k->log_fd = console_log_dir(&no_log);
	if (k->log_fd < 0)
		log_notice("%s; the console has no log", no_log.msg);
	k->mount_ns_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (k->mount_ns_fd < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, k->tty) < 0 ||
	    pipe2(k->news, O_CLOEXEC) < 0 || pipe2(k->go, O_CLOEXEC) < 0)
		return err_errno(err, -errno, "cannot make a console");
	return 0;
}

/* A key would end us together with the one that starts, in whatever order; so its end
 * alone counts, which we see. go_home() lets them through again. */
static void hold_keys(void)
{
	sigset_t keys;

	(void)sigemptyset(&keys);
	(void)sigaddset(&keys, SIGINT);
	(void)sigaddset(&keys, SIGQUIT);
	(void)sigaddset(&keys, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &keys, NULL);
}

int keeper_fork(struct keeper *k, struct err *err)
{
	k->pid = fork();
	if (!k->pid) {
		hold_keys();
		cleanup_close(&k->news[0]);
		cleanup_close(&k->go[1]);
		return 0;
	}
	if (k->pid < 0)
		return err_errno(err, -errno, "cannot make a process");
	cleanup_close(&k->news[1]);
	cleanup_close(&k->go[0]);
	cleanup_pair(k->tty);
	return 1;
}

/* --- in the child ---------------------------------------------------------------------- */

static pid_t first;	/* the guest's first process */

__attribute__((noreturn)) static void fail(const struct keeper *k,
					   const char *what, int code)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "%s: %s", what,
			   strerror(code < 0 ? -code : code));

	(void)kill(first, SIGKILL); /* ours, and not yet waited for */
	(void)waitpid(first, NULL, 0);
	_exit(write(k->news[1], text, len) == len ? 125 : 126);
}

static void must(const struct keeper *k, int result, const char *what)
{
	if (result < 0)
		fail(k, what, errno);
}

/* The one that starts us may be killed, or fail. Then nothing has begun. */
static void wait_for_go(const struct keeper *k)
{
	char byte;

	if (fdio_read(k->go[0], &byte, 1) == 1)
		return;
	(void)kill(first, SIGKILL); /* ours, and not yet waited for */
	(void)waitpid(first, NULL, 0);
	_exit(125);
}

/* Out of the mount namespace that was made for the guest, or the host could never
 * unmount what is in it; out of the caller's session and cgroup. */
static void go_home(const struct keeper *k)
{
	must(k, setns(k->mount_ns_fd, CLONE_NEWNS), "cannot go back");
	must(k, chdir("/"), "cannot go back"); /* allowed: alone */
	if (k->procs_fd >= 0)
		must(k, write(k->procs_fd, "0", 1), "cannot enter the cgroup");
	must(k, setsid(), "cannot make a session");
	cmd_signals_reset();
}

/* To the numbers the program knows, by way of numbers that are free. */
static void place_files(struct keeper *k, int master)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int from[FD_END] = { null, null, null, master, k->listen_fd,
			     k->log_fd < 0 ? null : k->log_fd };
	int high[FD_END];
	int i;

	k->program_fd = fcntl(k->program_fd, F_DUPFD_CLOEXEC, 2 * FD_END);
	must(k, k->program_fd, "cannot place a file");
	k->news[1] = fcntl(k->news[1], F_DUPFD_CLOEXEC, 2 * FD_END);
	must(k, k->news[1], "cannot place a file");
	for (i = 0; i < FD_END; i++) {
		high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 2 * FD_END);
		must(k, high[i], "cannot place a file");
	}
	for (i = 0; i < FD_END; i++)
		must(k, dup2(high[i], i), "cannot place a file");
	must(k, close_range(FD_END, ~0U, CLOSE_RANGE_CLOEXEC),
	     "cannot close files");
}

/* Variables that say where things are, and nothing else of the caller's. */
static char **environment(void)
{
	static const char *const kept[] = { "COWLINK_POOL=", "COWLINK_RUN=",
					    "COWLINK_LOG=", "COWLINK_CONFIG=",
					    "COWLINK_HOOKS=", "COWLINK_LXCFS=",
					    "ASAN_OPTIONS=", "UBSAN_OPTIONS=",
					    "PATH=" };
	static char *list[sizeof(kept) / sizeof(*kept) + 1];
	size_t n = 0;
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		char **e = environ;

		while (*e && strncmp(*e, kept[i], strlen(kept[i])))
			e++;
		if (*e)
			list[n++] = *e;
	}
	return list;
}

static void run_program(const struct keeper *k)
{
	char self[PATH_MAX];
	char log[CONSOLE_LOG_NAME_SIZE];
	char number[16];
	char *argv[] = { (char *)PROGRAM, number, log, self,
			 k->guest->pool->path, (char *)k->guest->row.name, NULL };
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	must(k, (int)n, "cannot find this program");
	self[n] = '\0';
	(void)snprintf(number, sizeof(number), "%d", first);
	console_log_name(&k->guest->row, log);
	(void)syscall(SYS_execveat, k->program_fd, "", argv, environment(),
		      AT_EMPTY_PATH);
}

void keeper_stay(struct keeper *k, pid_t pid)
{
	struct err err = { 0 };
	int master;

	if (write(k->news[1], &pid, sizeof(pid)) != sizeof(pid) || pid < 0)
		_exit(125); /* the one that starts is gone, so is what it began */
	first = pid;
	cleanup_close(&k->tty[1]);
	wait_for_go(k);
	master = guestpty_take(k->tty[0], &err);
	if (master < 0)
		fail(k, err.msg, master);
	go_home(k);
	place_files(k, master);
	run_program(k);
	fail(k, "cannot run " PROGRAM, errno);
}

/* --- in the one that starts ---------------------------------------------------------- */

/* What the keeper says, to its end. */
static int hear(struct keeper *k, struct err *err)
{
	char text[256];
	ssize_t n = fdio_read(k->news[0], text, sizeof(text) - 1);

	if (n < 0)
		return err_errno(err, (int)n, "cannot hear of the keeper");
	text[n] = '\0';
	return n ? err_set(err, -ECANCELED, "%s", text) : 0;
}

int keeper_meet(struct keeper *k, pid_t *ret_pid, int *ret_pidfd,
		struct err *err)
{
	pid_t pid;

	if (fdio_read(k->news[0], &pid, sizeof(pid)) != sizeof(pid))
		return err_set(err, -ECANCELED, "the guest's keeper ended");
	if (pid < 0)
		return userns_failed(pid, "cannot make the guest's namespaces",
				     err);
	*ret_pid = pid;
	*ret_pidfd = syscall(SYS_pidfd_open, pid, 0);
	return *ret_pidfd < 0 ? err_errno(err, -errno, "cannot watch the guest") :
				0;
}

int keeper_leave(struct keeper *k, struct err *err)
{
	int r = fx_write(k->go[1], "g", 1);

	return r < 0 ? err_errno(err, r, "the guest's keeper is gone") :
		       hear(k, err);
}

void keeper_abort(struct keeper *k)
{
	if (k->pid <= 0)
		return;
	/* it ends when it sees this, and takes the first process with it */
	cleanup_pair(k->go);
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
	k->pid = -1;
}
