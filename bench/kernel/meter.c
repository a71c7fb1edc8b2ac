// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures system calls for bench/kernel/inside and count; one number a line, in
 * nanoseconds, or with -i as the time stamp counter counts: instructions, where
 * "tests/run-qemu --count" made it so.
 *
 * meter [-i] write FILE...        for each: open for writing, change a byte, fsync, close
 * meter [-i] open FILE ROUNDS     per call: open(O_RDONLY) and close, many a round
 * meter [-i] stat FILE ROUNDS     per call: stat
 * meter [-i] walk DIR ROUNDS      what "find DIR -size +0" asks the kernel
 */
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define CALLS_PER_ROUND 20000

static int instructions;
static long found;

static long long now(void)
{
	struct timespec ts;

	if (instructions)
		return (long long)__rdtsc();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void write_byte(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", file);
	if (pwrite(fd, "x", 1, 0) != 1 || fsync(fd) != 0)
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
		long long start = now();
		int i;

		for (i = 0; i < CALLS_PER_ROUND; i++)
			call(file);
		printf("%lld\n", (now() - start) / CALLS_PER_ROUND);
	}
}

static int count_larger(const char *path, const struct stat *st, int type,
			struct FTW *where)
{
	(void)path;
	(void)where;
	found += type == FTW_F && st->st_size > 0;
	return 0;
}

/* By ourselves: find(1) would come from the host, and who waits for that is idle until
 * the next tick, so the counter would leap by what nobody executed. */
static void walks(const char *dir, int n)
{
	while (n-- > 0) {
		long long start = now();

		if (nftw(dir, count_larger, 20, FTW_PHYS) != 0)
			err(1, "%s", dir);
		printf("%lld\n", now() - start);
	}
	if (!found)
		errx(1, "%s: no file", dir);
}

static void writes(char **files)
{
	for (; *files; files++) {
		long long start = now();

		write_byte(*files);
		printf("%lld\n", now() - start);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "-i")) {
		instructions = 1;
		argc--;
		argv++;
	}
	if (argc >= 3 && !strcmp(argv[1], "write"))
		writes(argv + 2);
	else if (argc == 4 && !strcmp(argv[1], "open"))
		rounds(open_file, argv[2], atoi(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "stat"))
		rounds(stat_file, argv[2], atoi(argv[3]));
	else if (argc == 4 && !strcmp(argv[1], "walk"))
		walks(argv[2], atoi(argv[3]));
	else
		errx(2, "usage: meter [-i] write FILE... | open FILE ROUNDS | stat FILE ROUNDS | walk DIR ROUNDS");
	return 0;
}
