// SPDX-License-Identifier: GPL-2.0-only
/*
 * appender PROCESSES RECORDS FILE...: each process appends RECORDS records to the
 * FILEs, opening the name anew each time, as programs do with logs. A record is one
 * write of one line "PROCESS NUMBER". A process stays with one file for a tenth of
 * its records, so that some files are hot and most have peace. Afterwards every
 * record must be in the file it was written to; appender --verify PROCESSES RECORDS
 * FILE... counts.
 *
 * There is no lock: an open for appending must lead to the inode that the name is,
 * as long as it is open.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int file_of(int process, int number, int records, int count)
{
	int burst = records / 10 ? records / 10 : 1;

	return (number / burst + 4 * process) % count;
}

static void append(const char *file, int process, int number)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%d %d\n", process, number);
	int fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", file);
	if (write(fd, line, (size_t)len) != len)
		err(2, "%s: write", file);
	if (close(fd) < 0)
		err(2, "%s: close", file);
}

static void run_process(int process, int records, char **files, int count)
{
	int i;

	for (i = 0; i < records; i++)
		append(files[file_of(process, i, records, count)], process, i);
}

static int run(int processes, int records, char **files, int count)
{
	int failed = 0;
	int status;
	int i;

	for (i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (!pid) {
			run_process(i, records, files, count);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

/* Each record once, in the file it belongs to. */
static int verify(int processes, int records, char **files, int count)
{
	unsigned char *seen = calloc((size_t)processes, (size_t)records);
	int bad = 0;
	int i;

	if (!seen)
		err(2, "memory");
	for (i = 0; i < count; i++) {
		FILE *f = fopen(files[i], "re");
		int process, number;

		if (!f)
			err(2, "%s", files[i]);
		while (fscanf(f, "%d %d\n", &process, &number) == 2) {
			if (process < 0 || process >= processes || number < 0 ||
			    number >= records ||
			    file_of(process, number, records, count) != i)
				errx(1, "%s: strange record", files[i]);
			seen[process * records + number]++;
		}
		if (!feof(f))
			errx(1, "%s: not a record", files[i]);
		fclose(f);
	}
	for (i = 0; i < processes * records; i++)
		if (seen[i] != 1) {
			printf("record %d %d: %d times\n", i / records,
			       i % records, seen[i]);
			bad = 1;
		}
	free(seen);
	return bad;
}

int main(int argc, char **argv)
{
	bool check = argc > 1 && !strcmp(argv[1], "--verify");
	int processes, records;

	argv += 1 + check;
	argc -= 1 + check;
	if (argc < 3)
		errx(2, "usage: appender [--verify] PROCESSES RECORDS FILE...");
	processes = atoi(argv[0]);
	records = atoi(argv[1]);
	return (check ? verify : run)(processes, records, argv + 2, argc - 2);
}
