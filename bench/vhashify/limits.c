// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the file system alone takes for what no program that shares files can do
 * without. Threads take the files in turn.
 *
 * limits stat THREADS <FILES          statx(2) of each
 * limits read THREADS <FILES          open it, read it, close it
 * limits link THREADS <FILES          link(2) and rename(2): each file whose line is
 *                                     "FILE<TAB>NAME" gets that name, which is there
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_SIZE (128 << 10)
/* Neighbours in a directory stay with one thread. */
#define LINES_AT_A_TIME 64

struct thread {
	pthread_t id;
	int number;
	char *buffer;
};

static void (*work)(struct thread *t, char *line);
static char **lines;
static size_t line_count;
static atomic_size_t next_line;

static void look(struct thread *t, char *line)
{
	struct statx stx;

	(void)t;
	if (statx(AT_FDCWD, line, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx) < 0)
		err(1, "%s", line);
}

static void read_file(struct thread *t, char *line)
{
	int fd = open(line, O_RDONLY | O_NOATIME | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", line);
	do
		n = read(fd, t->buffer, BUFFER_SIZE);
	while (n == BUFFER_SIZE);
	if (n < 0 || close(fd) < 0)
		err(1, "%s", line);
}

static void link_file(struct thread *t, char *line)
{
	char *name = strchr(line, '\t');
	char temp[32];

	if (!name)
		errx(1, "no name in '%s'", line);
	*name++ = '\0';
	snprintf(temp, sizeof(temp), "limits.%d", t->number);
	if (link(line, temp) < 0 || rename(temp, name) < 0)
		err(1, "%s", name);
}

static void *run(void *ctx)
{
	struct thread *t = ctx;
	size_t i, end;

	for (;;) {
		i = atomic_fetch_add(&next_line, LINES_AT_A_TIME);
		end = i + LINES_AT_A_TIME < line_count ? i + LINES_AT_A_TIME : line_count;
		if (i >= end)
			return NULL;
		for (; i < end; i++)
			work(t, lines[i]);
	}
}

static void read_lines(void)
{
	size_t alloc = 0, size = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		if (line_count == alloc) {
			alloc = 2 * alloc + 1024;
			lines = realloc(lines, alloc * sizeof(*lines));
			if (!lines)
				err(1, "memory");
		}
		line[n - 1] = '\0';
		lines[line_count++] = line;
		line = NULL;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*work)(struct thread *t, char *line);
	} kinds[] = { { "stat", look }, { "read", read_file }, { "link", link_file } };
	int count = argc == 3 ? atoi(argv[2]) : 0;
	struct thread threads[64];
	size_t k;
	int i;

	for (k = 0; argc == 3 && k < sizeof(kinds) / sizeof(*kinds); k++)
		if (!strcmp(argv[1], kinds[k].name))
			work = kinds[k].work;
	if (!work || count < 1 || count > 64)
		errx(2, "usage: limits stat|read|link THREADS <FILES");
	read_lines();
	for (i = 0; i < count; i++) {
		threads[i].number = i;
		threads[i].buffer = malloc(BUFFER_SIZE);
		if (!threads[i].buffer ||
		    pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			errx(1, "cannot start a thread");
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	return 0;
}
