// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of a guest whose init.style is "reap": runs one command, passes
 * on the signals it gets, buries whoever was left to it, and ends with the command's
 * exit status; with it ends the guest. Usage: vserver-init COMMAND [ARGUMENT...]
 *
 * Statically linked, and nothing but system calls, since each guest has one.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

static void run(char **argv, char **envp, const sigset_t *mask)
{
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execve(argv[0], argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Bury all that are dead; the status of @command when it is one of them, or -1. */
static int bury(pid_t command)
{
	int result = -1;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == command)
			result = status_of(status);
	return result;
}

int main(int argc, char **argv, char **envp)
{
	sigset_t all;
	sigset_t before;
	pid_t command;
	int status = -1;

	if (argc < 2)
		return 2;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	command = fork();
	if (!command)
		run(argv + 1, envp, &before);
	if (command < 0)
		return 125;
	while (status < 0) {
		siginfo_t info;
		int sig = sigwaitinfo(&all, &info);

		if (sig == SIGCHLD)
			status = bury(command);
		else if (sig > 0)
			(void)kill(command, sig); /* it may be dead already */
	}
	return status;
}
