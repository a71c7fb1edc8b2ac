// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bench/vserver/run runs in and around guests. Times are CLOCK_MONOTONIC, which
 * host and guests share, in nanoseconds.
 *
 * first                        as a guest's first program: write the time to /first,
 *                              and wait for a signal
 * first exec FILE COMMAND...   write the time to FILE and become COMMAND
 * first time N COMMAND...      run it N times, print what each took
 * first calls N                N rounds of 200,000 system calls, print what one took
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 200000

extern char **environ;

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Whole when it has its name: somebody waits for it. */
static void write_time(const char *path, long long time)
{
	char new[4096];
	FILE *f;

	snprintf(new, sizeof(new), "%s.new", path);
	f = fopen(new, "w");
	if (!f || fprintf(f, "%lld\n", time) < 0 || fclose(f) != 0 || rename(new, path) != 0)
		err(1, "%s", path);
}

static void end(int sig)
{
	(void)sig;
	_exit(0);
}

/* Signals that the inits of the peers and ours are stopped by. */
static void wait_for_end(void)
{
	signal(SIGTERM, end);
	signal(SIGINT, end);
	signal(SIGPWR, end);
	for (;;)
		pause();
}

static void time_command(int n, char **argv)
{
	posix_spawn_file_actions_t quiet;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	while (n-- > 0) {
		long long start = now();
		int status;
		pid_t pid;

		if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) != 0)
			errx(1, "cannot run %s", argv[0]);
		if (waitpid(pid, &status, 0) < 0 || status != 0)
			errx(1, "%s failed", argv[0]);
		printf("%lld\n", now() - start);
	}
}

static void time_calls(int n)
{
	while (n-- > 0) {
		long long start = now();
		int i;

		for (i = 0; i < CALLS; i++)
			syscall(SYS_getppid);
		printf("%lld\n", (now() - start) / CALLS);
	}
}

int main(int argc, char **argv)
{
	long long start = now();

	if (argc == 1) {
		write_time("/first", start);
		wait_for_end();
	} else if (argc > 3 && !strcmp(argv[1], "exec")) {
		write_time(argv[2], now());
		execvp(argv[3], argv + 3);
		err(1, "%s", argv[3]);
	} else if (argc > 3 && !strcmp(argv[1], "time")) {
		time_command(atoi(argv[2]), argv + 3);
	} else if (argc == 3 && !strcmp(argv[1], "calls")) {
		time_calls(atoi(argv[2]));
	} else {
		errx(2, "usage: first [exec FILE COMMAND... | time N COMMAND... | calls N]");
	}
	return 0;
}
