// SPDX-License-Identifier: GPL-2.0-only
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd-signal.h"
#include "confine.h"
#include "fdio.h"
#include "guestpty.h"
#include "mounts.h"
#include "net.h"

/* Tell the host what failed, and end. */
__attribute__((noreturn)) static void fail(const struct inside *in,
					   const char *what, int code)
{
	char text[256];
	int len = snprintf(text, sizeof(text), "%s: %s", what,
			   strerror(code < 0 ? -code : code));

	if (write(in->status_fd, text, len) != len)
		_exit(125);
	_exit(125);
}

static void must(const struct inside *in, int result, const char *what)
{
	if (result < 0)
		fail(in, what, errno);
}

static void become_root(const struct inside *in)
{
	must(in, setgroups(0, NULL), "cannot leave the host's groups");
	must(in, setresgid(0, 0, 0), "cannot become the guest's root");
	must(in, setresuid(0, 0, 0), "cannot become the guest's root");
	/* the host's memory is in ours until the exec */
	must(in, prctl(PR_SET_DUMPABLE, 0), "cannot hide");
}

/* --- the first process ------------------------------------------------------------ */

/* When the host dies before it is done, so do we: nothing has begun. */
static void wait_for_host(const struct inside *in)
{
	char byte;

	if (fdio_read(in->wait_fd, &byte, 1) != 1)
		_exit(125);
}

static void mount_at(const struct inside *in, const char *type,
		     const char *where, unsigned long flags,
		     const char *options, bool needed)
{
	int r = mount(type, where, type, flags, options);
	char what[64];

	if (r < 0 && needed) {
		(void)snprintf(what, sizeof(what), "cannot mount %s", where);
		fail(in, what, errno);
	}
}

/*
 * The host's /proc is still in sight, as the kernel wants it for mounting another
 * one; and the guest has not run yet, so no name below its root is a trap but those
 * that it left on disk: "proc" was made sure of to be a directory, /dev is ours.
 */
static void mount_own(const struct inside *in)
{
	unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	mount_at(in, "proc", "proc", safe, NULL, true);
	mount_at(in, "devpts", "dev/pts", MS_NOSUID | MS_NOEXEC,
		 "newinstance,ptmxmode=0666,mode=0620,gid=5", true);
	mount_at(in, "tmpfs", "dev/shm", MS_NOSUID | MS_NODEV, "mode=1777",
		 true);
	mount_at(in, "mqueue", "dev/mqueue", safe, NULL, false);
	mount_at(in, "cgroup2", "sys/fs/cgroup", safe, NULL, false);
}

/*
 * Where lxcfs is mounted on the host the guest sees its own share of the machine. It is
 * the host's path, looked up with the guest's rights, before the root changes; a lxcfs
 * that has crashed is none.
 */
static void show_lxcfs(void)
{
	static const char *const files[] = { "cpuinfo",	  "diskstats", "loadavg",
					     "meminfo",	  "slabinfo",  "stat",
					     "swaps",	  "uptime" };
	const char *dir = secure_getenv("COWLINK_LXCFS");
	struct statx st;
	char from[128];
	char to[32];
	size_t i;

	if (!dir || !*dir)
		dir = "/var/lib/lxcfs";
	if (statx(AT_FDCWD, dir, AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 ||
	    !(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(from, sizeof(from), "%s/proc/%s", dir, files[i]);
		(void)snprintf(to, sizeof(to), "proc/%s", files[i]);
		(void)mount(from, to, NULL, MS_BIND, NULL); /* or the host's */
	}
}

/* The first terminal of the new devpts, by both of its names. */
static int make_console(const struct inside *in)
{
	int slave = guestpty_offer("dev/pts/ptmx", in->tty_fd);
	struct stat st;
	char path[32];

	if (slave < 0)
		fail(in, "cannot make a console", slave);
	must(in, fstat(slave, &st), "cannot make a console");
	(void)snprintf(path, sizeof(path), "dev/pts/%u", minor(st.st_rdev));
	must(in, mount(path, "dev/console", NULL, MS_BIND, NULL),
	     "cannot make /dev/console");
	return slave;
}

/* The caller's terminal is none of the guest's: it has its console. That is nobody's
 * controlling terminal until somebody inside takes it. */
static void take_console(const struct inside *in, int slave)
{
	int i;

	for (i = 0; i < 3; i++)
		must(in, dup2(slave, i), "cannot use the console");
	must(in, setsid(), "cannot make a session");
}

/*
 * The copy of the host's mounts is locked, its root too; a bind of it is ours to
 * move. What was locked below it, and its flags, stay locked.
 */
static void change_root(const struct inside *in)
{
	int console;

	must(in, mount(GUEST_MOUNT, GUEST_MOUNT, NULL, MS_BIND | MS_REC, NULL),
	     "cannot bind the root");
	must(in, chdir(GUEST_MOUNT), "cannot enter the root"); /* allowed: alone */
	mount_own(in);
	show_lxcfs();
	console = make_console(in);
	must(in, syscall(SYS_pivot_root, ".", "."), "cannot change the root");
	must(in, umount2(".", MNT_DETACH), "cannot leave the host's files");
	must(in, chdir("/"), "cannot enter the root"); /* allowed: alone */
	take_console(in, console);
}

/* All but standard input, output, error, the status and @also, or -1. */
static void close_others(const struct inside *in, int also)
{
	int a = in->status_fd;
	int b = also < 0 ? a : also;
	int low = a < b ? a : b;
	int high = a < b ? b : a;

	if (low > 3)
		(void)close_range(3, low - 1, 0);
	if (high > low + 1)
		(void)close_range(low + 1, high - 1, 0);
	(void)close_range(high + 1, ~0U, 0);
}

static void run_shell(char *const *envp)
{
	static char bash[] = "-bash";
	static char sh[] = "-sh";

	(void)execve("/bin/bash", (char *[]){ bash, NULL }, envp);
	(void)execve("/bin/sh", (char *[]){ sh, NULL }, envp);
}

static void run(const struct inside *in)
{
	char *const *envp = (char *const *)in->envp;

	if (!in->argv)
		run_shell(envp);
	else if (in->init_fd >= 0)
		(void)syscall(SYS_execveat, in->init_fd, "", in->argv, envp,
			      AT_EMPTY_PATH);
	else if (in->search)
		(void)execvpe(in->argv[0], in->argv, envp);
	else
		(void)execve(in->argv[0], in->argv, envp);
}

void inside_first(const struct inside *in)
{
	char what[128];
	int r;

	cmd_signals_reset();
	wait_for_host(in);
	become_root(in);
	must(in, unshare(CLONE_NEWCGROUP), "cannot make a cgroup namespace");
	must(in, sethostname(in->hostname, strlen(in->hostname)),
	     "cannot set the host name");
	if (in->own_net) {
		r = net_loopback_up();
		if (r < 0)
			fail(in, "cannot start the loopback", r);
	}
	change_root(in);
	close_others(in, in->init_fd);
	r = confine_userns(in->userns_max);
	if (r < 0)
		fail(in, "cannot set userns.max", r);
	r = confine(in->rule_net);
	if (r < 0)
		fail(in, "cannot confine the guest", r);
	run(in);
	(void)snprintf(what, sizeof(what), "cannot run '%.80s' in the guest",
		       in->argv[0]);
	fail(in, what, errno);
}

/* --- further ones -------------------------------------------------------------------- */

/* On a terminal of the guest, in the place of each descriptor of the operator's; a shell
 * has nothing else. */
static void take_terminal(const struct inside *in)
{
	int slave = guestpty_offer("/dev/pts/ptmx", in->tty_fd);
	int i;

	if (slave < 0)
		fail(in, "cannot open a terminal in the guest", slave);
	must(in, ioctl(slave, TIOCSCTTY, 0), "cannot use the terminal");
	for (i = 0; i < 3; i++)
		if (!in->argv || isatty(i))
			must(in, dup2(slave, i), "cannot use the terminal");
}

/* The host may have something to do with this process. If it ends, so do we. */
static void wait_at_gate(const struct inside *in)
{
	char byte = 0;

	if (write(in->gate_fd, &byte, 1) != 1 ||
	    fdio_read(in->gate_fd, &byte, 1) != 1)
		_exit(125);
}

void inside_exec(const struct inside *in, int procs_fd)
{
	int r;

	cmd_signals_reset();
	/* by a descriptor that the host's root opened: the guest's has no right to it */
	if (procs_fd >= 0)
		must(in, write(procs_fd, "0", 1),
		     "cannot enter the guest's cgroup");
	become_root(in);
	must(in, chdir("/"), "cannot enter the root"); /* allowed: alone */
	/* out of reach of /dev/tty, also where no descriptor is the operator's terminal */
	must(in, setsid(), "cannot make a session");
	if (in->tty_fd >= 0)
		take_terminal(in);
	close_others(in, in->gate_fd);
	r = confine(in->rule_net);
	if (r < 0)
		fail(in, "cannot confine the program", r);
	if (in->gate_fd >= 0)
		wait_at_gate(in);
	run(in);
	_exit(errno == ENOENT || errno == ENOTDIR ? 127 : 126);
}
