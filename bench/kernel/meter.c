// SPDX-License-Identifier: GPL-2.0-only
/*
 * Times system calls for bench/kernel/inside; one number a line, nanoseconds.
 *
 * meter write FILE...        for each: open for writing, change a byte, close
 * meter open FILE ROUNDS     per call: open(O_RDONLY) and close, many a round
 * meter stat FILE ROUNDS     per call: stat
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CALLS_PER_ROUND 20000

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void write_byte(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", file);
	if (pwrite(fd, "x", 1, 0) != 1)
		err(1, "writing %s", file);
	if (close(fd) != 0)
		err(1, "closing %s", file);
}

static void open_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", file);
	close(fd);
}

static void stat_file(const char *file)
{
	struct stat st;

	if (stat(file, &st) != 0)
		err(1, "%s", file);
}

static void rounds(void (*call)(const char *), const char *file, int n)
{
	while (n-- > 0) {
		long long start = now_ns();
		int i;

		for (i = 0; i < CALLS_PER_ROUND; i++)
			call(file);
		printf("%lld\n", (now_ns() - start) / CALLS_PER_ROUND);
	}
}

int main(int argc, char **argv)
{
	int i;

	if (argc >= 3 && !strcmp(argv[1], "write")) {
		for (i = 2; i < argc; i++) {
			long long start = now_ns();

			write_byte(argv[i]);
			printf("%lld\n", now_ns() - start);
		}
	} else if (argc == 4 && !strcmp(argv[1], "open")) {
		rounds(open_file, argv[2], atoi(argv[3]));
	} else if (argc == 4 && !strcmp(argv[1], "stat")) {
		rounds(stat_file, argv[2], atoi(argv[3]));
	} else {
		fprintf(stderr, "usage: meter write FILE... | open FILE ROUNDS | stat FILE ROUNDS\n");
		return 2;
	}
	return 0;
}
