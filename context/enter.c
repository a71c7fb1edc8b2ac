// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "fdio.h"
#include "guestpty.h"
#include "inside.h"
#include "launch.h"
#include "net.h"
#include "rt.h"
#include "terminal.h"
#include "userns.h"
#include "words.h"

#define NAMESPACES                                                          \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |        \
	 CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET)

/* The program's limits are those of the guest's first process. */
static int take_rlimits(const struct guest *g, struct err *err)
{
	struct rlimit limit;
	int r = userns_be_owner(g->row.context);
	int back;
	int i;

	for (i = 0; !r && i < RLIM_NLIMITS; i++)
		if (prlimit(g->run.pid, i, NULL, &limit) < 0 ||
		    setrlimit(i, &limit) < 0)
			r = -errno;
	back = userns_be_root();
	r = r ? r : back;
	return r < 0 ? err_errno(err, r, "cannot take over the guest's limits") :
		       0;
}

static volatile sig_atomic_t child;

static void pass_on(int sig)
{
	if (child > 0)
		(void)kill(child, sig); /* it may be gone */
}

/* Tells the nurse to kill the program. */
#define SIG_END SIGALRM

static void end_child(int sig)
{
	(void)sig;
	pass_on(SIGKILL);
}

static const int passed[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

/* SIG_BLOCK what is to be passed on, until it is known to whom, then SIG_UNBLOCK: by
 * then the program may have run, and told somebody who sends it something. */
static void hold_signals(int how)
{
	sigset_t set;
	size_t i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		(void)sigaddset(&set, passed[i]); /* all exist */
	(void)sigprocmask(how, &set, NULL);
}

/* The program is in a session of its own: what is sent to us, by a key too, is passed
 * on. We end when it ends. */
static void give_signals_away(void)
{
	struct sigaction a = { .sa_handler = pass_on, .sa_flags = SA_RESTART };
	size_t i;

	hold_signals(SIG_BLOCK);
	for (i = 0; i < sizeof(passed) / sizeof(*passed); i++)
		(void)sigaction(passed[i], &a, NULL);
}

/* The exit status, or 128 and the signal. */
static int wait_for(pid_t pid, struct err *err)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_errno(err, -errno, "cannot wait for the program");
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/* What goes to a process that is between the host and the guest, and comes back. */
struct passage {
	struct guest *guest;
	struct inside inside;
	int procs_fd;
	int pids[2];		/* the process that is inside, as we see it */
	int status[2];
	int tty[2];		/* where we have a terminal: the master of its own */
	const struct rt_deadline *rt;
	int gate[2];		/* with @rt: the program waits there until it has it */
};

/* Say what went wrong, as inside.c does. */
__attribute__((noreturn)) static void fail(const struct passage *p,
					   const struct err *err)
{
	if (write(p->status[1], err->msg, strlen(err->msg)) < 0)
		_exit(126);
	_exit(125);
}

/*
 * In a child of the nurse, since namespaces are changed for good; it has the nurse's
 * memory, and the nurse waits. Only a child of its own is inside the process namespace;
 * that one, with memory of its own, becomes its sibling, a child of the nurse. Until
 * the exec our memory is in the guest's sight, but not readable.
 */
__attribute__((noreturn)) static void pass(const struct passage *p)
{
	struct err err = { 0 };
	int pidfd = -1;
	pid_t pid;

	if (take_rlimits(p->guest, &err) < 0)
		fail(p, &err);
	if (prctl(PR_SET_DUMPABLE, 0) < 0 ||
	    setns(p->guest->run.pidfd, NAMESPACES) < 0) {
		err_errno(&err, -errno, "cannot enter guest '%s'",
			  p->guest->row.name);
		fail(p, &err);
	}
	pid = userns_clone(CLONE_PARENT, &pidfd);
	if (!pid)
		inside_exec(&p->inside, p->procs_fd);
	if (pid < 0) {
		err_errno(&err, pid, "cannot make a process in the guest");
		fail(p, &err);
	}
	_exit(write(p->pids[1], &pid, sizeof(pid)) != sizeof(pid));
}

/* The process has its cgroup now, whose processors count, and has not begun yet. Only
 * the host's root may give it this. */
static void open_gate(const struct passage *p)
{
	struct err err = { 0 };
	char byte = 0;

	(void)close(p->gate[1]);
	if (fdio_read(p->gate[0], &byte, 1) != 1)
		return; /* it has failed, and told so */
	if (rt_give(child, p->rt, &err) < 0) {
		(void)kill(child, SIGKILL); /* ours, and not yet waited for */
		(void)wait_for(child, NULL);
		fail(p, &err);
	}
	/* if it has ended it waits for nothing */
	(void)send(p->gate[0], &byte, 1, MSG_NOSIGNAL);
}

/*
 * The program's parent, in a child of ours. A guest has not ended until each of its
 * processes was buried, which only its parent can do. We may be stopped, or write to
 * a terminal that does not read; this one waits and nothing else, in a process group
 * of its own that no key reaches.
 */
__attribute__((noreturn)) static void nurse(const struct passage *p)
{
	const struct sigaction end = { .sa_handler = end_child,
				       .sa_flags = SA_RESTART };
	struct err err = { 0 };
	pid_t pid = 0;
	pid_t between;
	int status;

	between = vfork(); /* nothing that a guest could hold up is done in there */
	if (!between)
		pass(p);
	if (between < 0) {
		err_errno(&err, -errno, "cannot make a process");
		fail(p, &err);
	}
	(void)setpgid(0, 0);		      /* a new child can */
	(void)sigaction(SIG_END, &end, NULL); /* it exists */
	(void)close(p->pids[1]);
	(void)close(p->tty[1]);
	if (fdio_read(p->pids[0], &pid, sizeof(pid)) == sizeof(pid))
		child = pid;
	hold_signals(SIG_UNBLOCK);
	status = wait_for(between, &err);
	if (!child && status != 125) {
		err_set(&err, -ECANCELED, "the guest ended meanwhile");
		fail(p, &err);
	}
	if (child && p->rt)
		open_gate(p);
	/* whatever lock goes with a descriptor is the caller's */
	(void)syscall(SYS_close_range, 3, ~0U, 0);
	if (child)
		status = wait_for(child, &err);
	_exit(status < 0 ? 125 : status);
}

/* A job in the background shows what it has to tell, and leaves the keys to others. */
static bool in_background(void)
{
	return tcgetpgrp(STDIN_FILENO) != getpgrp();
}

/* Ours is the terminal's other side until the program ends; its exit status. */
static int attend(const struct passage *p, int master, pid_t pid, struct err *err)
{
	/* not yet waited for, so it is this one */
	_cleanup_close_ int end = syscall(SYS_pidfd_open, pid, 0);
	struct terminal t = { .input = master, .output = master, .end = end };
	int r = end < 0 ? err_errno(err, -errno, "cannot watch the program") : 0;

	(void)terminal_find(&t); /* there is one */
	if (p->inside.argv && in_background())
		t.keyboard = -1;
	if (!r)
		r = terminal_connect(&t, err);

	/* whoever lost the terminal hangs up */
	if (r < 0)
		(void)kill(pid, SIGHUP);
	return r < 0 ? r : wait_for(pid, err);
}

/* The program is inside, child of the nurse @pid, or failed to be. */
static int meet(struct passage *p, pid_t pid, struct err *err)
{
	_cleanup_close_ int master = -1;
	struct err no_terminal = { 0 };
	char text[256];
	ssize_t n;

	if (p->tty[0] >= 0)
		master = guestpty_take(p->tty[0], &no_terminal);
	n = fdio_read(p->status[0], text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = '\0';
		(void)waitpid(pid, NULL, 0);
		return err_set(err, -ECANCELED, "%s", text);
	}
	if (p->tty[0] < 0)
		return wait_for(pid, err);
	if (master >= 0)
		return attend(p, master, pid, err);
	(void)kill(pid, SIG_END); /* ours, and not yet waited for */
	(void)waitpid(pid, NULL, 0);
	return err_set(err, -ECANCELED, "%s", no_terminal.msg);
}

static int run_inside(struct passage *p, struct err *err)
{
	pid_t pid = fork();
	int r;

	if (!pid)
		nurse(p);
	if (pid < 0)
		return err_errno(err, -errno, "cannot make a process");
	child = pid;
	hold_signals(SIG_UNBLOCK);
	cleanup_close(&p->pids[1]);
	cleanup_close(&p->status[1]);
	cleanup_close(&p->tty[1]);
	cleanup_pair(p->gate);
	r = meet(p, pid, err);
	child = 0;
	return r;
}

static int with_pipes(struct passage *p, bool terminal, struct err *err)
{
	int r = 0;

	/* the exec of the program closes what it has of them */
	if (pipe2(p->pids, O_CLOEXEC) < 0 || pipe2(p->status, O_CLOEXEC) < 0 ||
	    (terminal && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    p->tty) < 0) ||
	    (p->rt && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				 p->gate) < 0))
		r = err_errno(err, -errno, "cannot make a pipe");
	p->inside.status_fd = p->status[1];
	p->inside.tty_fd = p->tty[1];
	p->inside.gate_fd = p->gate[1];
	if (!r)
		r = run_inside(p, err);
	cleanup_pair(p->pids);
	cleanup_pair(p->status);
	cleanup_pair(p->tty);
	cleanup_pair(p->gate);
	return r;
}

/* By a directory's descriptor one walks in the tree that it is of, whatever the root is. */
static int no_directories(struct err *err)
{
	static const char *const names[] = { "input", "output", "error" };
	struct stat st;
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
			return err_set(err, -EINVAL,
				       "standard %s is a directory of the host, "
				       "from which the guest would reach others",
				       names[fd]);
	return 0;
}

int guest_exec(struct guest *g, char *const *argv,
	       const struct rt_deadline *rt, struct err *err)
{
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	_cleanup_close_ int procs = -1;
	const char *term = getenv("TERM");
	char term_line[80] = "TERM=linux";
	const char *envp[] = { "container=cowlink", "HOME=/root", "USER=root",
			       "LOGNAME=root", WORDS_PATH, term_line, NULL };
	struct passage p = { .guest = g,
			     .inside = { .argv = argv,
					 .envp = envp,
					 .init_fd = -1,
					 .rule_net = net_is_private(&g->row),
					 .search = true },
			     .pids = { -1, -1 },
			     .status = { -1, -1 },
			     .tty = { -1, -1 },
			     .rt = rt,
			     .gate = { -1, -1 } };
	struct terminal ours;
	int r = no_directories(err);

	if (!r)
		r = cgroup_open(&g->row, &cg, err);
	if (r < 0)
		return r;
	if (cgroup_frozen(&cg))
		return err_set(err, -EBUSY, "guest '%s' is frozen",
			       g->row.name);
	if (term && strlen(term) < 64)
		(void)snprintf(term_line, sizeof(term_line), "TERM=%s", term);
	procs = cgroup_procs(&cg, "supervisor", err);
	if (procs < 0 && procs != -ENOENT)
		return procs;
	p.procs_fd = procs;
	/* execvpe() takes this PATH, not the caller's */
	if (setenv("PATH", strchr(WORDS_PATH, '=') + 1, 1) < 0)
		return err_errno(err, -errno, "cannot set PATH");
	give_signals_away();
	return with_pipes(&p, terminal_find(&ours), err);
}
