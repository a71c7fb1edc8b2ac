// SPDX-License-Identifier: GPL-2.0-only
/*
 * hoard FILE [hold]: processes that open FILE until none can, or can be made, any more.
 * Prints "PROCESSES FILES FORK-ERRNO OPEN-ERRNO", of the last open; with "hold" all is
 * kept until killed.
 *
 * hoard bomb: processes that do nothing but make more of them, for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PROCESSES_MAX 1000

struct taken {
	int files;
	int error;
};

__attribute__((noreturn)) static void take(const char *file, int out)
{
	struct taken t = { 0 };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		_exit(1);
	while (open(file, O_RDONLY) >= 0)
		t.files++;
	t.error = errno;
	if (write(out, &t, sizeof(t)) != sizeof(t))
		_exit(1);
	for (;;)
		(void)pause();
}

__attribute__((noreturn)) static void bomb(void)
{
	for (;;)
		(void)fork();
}

int main(int argc, char **argv)
{
	struct taken last = { 0 };
	int processes = 0;
	int files = 0;
	pid_t pid = 0;
	int news[2];

	if (argc == 2 && !strcmp(argv[1], "bomb"))
		bomb();
	if (argc < 2 || (argc > 2 && strcmp(argv[2], "hold") != 0) || pipe(news)) {
		fprintf(stderr, "usage: hoard FILE [hold] | bomb\n");
		return 2;
	}
	while (processes < PROCESSES_MAX && (pid = fork()) >= 0) {
		if (!pid)
			take(argv[1], news[1]);
		if (read(news[0], &last, sizeof(last)) != sizeof(last))
			return 1;
		processes++;
		files += last.files;
	}
	if (printf("%d %d %s %s\n", processes, files,
		   pid < 0 ? strerrorname_np(errno) : "-",
		   strerrorname_np(last.error)) < 0 || fflush(stdout))
		return 1;
	while (argc > 2)
		(void)pause();
	return 0;
}
