// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a command on a terminal and type: on-pty [TEXT TYPE]... -- COMMAND [ARG]...
 * TYPE is typed when TEXT has come, in this order (a backslash and "n" is Enter, "D"
 * Ctrl-], "Z" Ctrl-Z, "S" a change of the size to 33x99). What comes goes to standard
 * output. Exit status: the command's, 128+N, 124 when a TEXT never came, 123 when the
 * terminal is not left as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static char seen[1 << 16];
static size_t len;	/* of what was seen since the last answer */

static int open_pair(int *slave)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) || unlockpt(master))
		return -1;
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return *slave < 0 || ioctl(master, TIOCSWINSZ, &size) ? -1 : master;
}

static void run(int slave, char **argv)
{
	int i;

	setsid();
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		_exit(125);
	for (i = 0; i < 3; i++)
		dup2(slave, i);
	execvp(argv[0], argv);
	_exit(127);
}

static void type(int master, const char *keys)
{
	struct winsize size = { .ws_row = 33, .ws_col = 99 };

	for (; *keys; keys++) {
		char c = *keys;

		if (c == '\\') {
			c = *++keys == 'n' ? '\r' :
			    *keys == 'D'   ? 0x1d :
			    *keys == 'Z'   ? 0x1a :
					     *keys;
			if (c == 'S') {
				if (ioctl(master, TIOCSWINSZ, &size) < 0)
					exit(125);
				continue;
			}
		}
		if (write(master, &c, 1) != 1)
			exit(125);
	}
}

/* Read; 0 when there is no more. */
static int hear(int master)
{
	ssize_t n;

	if (len > sizeof(seen) / 2) {
		memmove(seen, seen + len / 2, len - len / 2);
		len -= len / 2;
	}
	n = read(master, seen + len, sizeof(seen) - 1 - len);
	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (write(STDOUT_FILENO, seen + len, n) != n)
		exit(125);
	len += n;
	return 1;
}

/* Not what comes in two reads only, nor what was answered already. */
static int has_come(const char *text)
{
	char *at = memmem(seen, len, text, strlen(text));

	if (!at)
		return 0;
	len -= at + strlen(text) - seen;
	memmove(seen, at + strlen(text), len);
	return 1;
}

/* The command has ended, and we hold the slave: so read only what is there. */
static void hear_rest(int master)
{
	struct pollfd p = { .fd = master, .events = POLLIN };

	while (poll(&p, 1, 0) > 0 && (p.revents & POLLIN) && hear(master))
		;
}

static void on_child(int sig)
{
}

int main(int argc, char **argv)
{
	struct sigaction a = { .sa_handler = on_child };
	struct termios before;
	struct termios after;
	sigset_t chld;
	sigset_t old;
	char **step = argv + 1;
	char **command = step;
	int slave = -1;
	int master = open_pair(&slave);
	int status;
	pid_t pid;

	while (*command && strcmp(*command, "--"))
		command++;
	if (master < 0 || !*command || tcgetattr(slave, &before))
		return 125;
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	sigaction(SIGCHLD, &a, NULL);
	pid = fork();
	if (!pid) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		run(slave, command + 1);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct pollfd p = { .fd = master, .events = POLLIN };

		if (ppoll(&p, 1, NULL, &old) > 0)
			(void)hear(master);
		while (step < command && has_come(step[0])) {
			type(master, step[1]);
			step += 2;
		}
	}
	hear_rest(master);
	if (step < command) {
		fprintf(stderr, "on-pty: '%s' did not come\n", step[0]);
		return 124;
	}
	/* the session is gone, the settings are the terminal's */
	if (tcgetattr(slave, &after) || after.c_lflag != before.c_lflag ||
	    after.c_iflag != before.c_iflag || after.c_oflag != before.c_oflag)
		return 123;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
