// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the file system alone takes for what no program that shares files can do
 * without. Threads take the files in turn.
 *
 * limits stat THREADS <FILES          statx(2) of each
 * limits read THREADS <FILES          open it, read it, close it
 * limits link THREADS <FILES          link(2) and rename(2): each file whose line is
 *                                     "FILE<TAB>NAME" gets that name, which is there
 *
 * And for what one cannot do without who loses no write of a guest to a file that nothing
 * protects:
 *
 * limits exchange THREADS <FILES      as link, after a comparison, of what is equal, and
 *                                     what the name was is compared once more before it is
 *                                     removed; the lines of a FILE follow each other
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
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
	char *buffer, *other;
	char *file;	/* open as fd, to be linked */
	int fd;
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

/* The line ends with the FILE then. */
static char *cut_name(char *line)
{
	char *name = strchr(line, '\t');

	if (!name)
		errx(1, "no name in '%s'", line);
	*name++ = '\0';
	return name;
}

static void link_file(struct thread *t, char *line)
{
	char *name = cut_name(line);
	char temp[32];

	snprintf(temp, sizeof(temp), "limits.%d", t->number);
	if (link(line, temp) < 0 || rename(temp, name) < 0)
		err(1, "%s", name);
}

static bool is_equal(struct thread *t, int a, int b)
{
	off_t at = 0;
	ssize_t n;

	do {
		n = pread(a, t->buffer, BUFFER_SIZE, at);
		if (n < 0)
			err(1, "cannot read");
		if (pread(b, t->other, BUFFER_SIZE, at) != n ||
		    memcmp(t->buffer, t->other, n) != 0)
			return false;
		at += n;
	} while (n == BUFFER_SIZE);
	return true;
}

static void open_file(struct thread *t, char *file)
{
	if (t->file && !strcmp(t->file, file))
		return;
	if (t->file)
		close(t->fd);
	t->file = file;
	t->fd = open(file, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (t->fd < 0)
		err(1, "%s", file);
}

static void exchange_file(struct thread *t, char *line)
{
	char *name = cut_name(line);
	char temp[32];
	int old;

	open_file(t, line);
	snprintf(temp, sizeof(temp), "limits.%d", t->number);
	old = open(name, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (old < 0)
		err(1, "%s", name);
	if (!is_equal(t, t->fd, old)) { /* upgraded, or edited */
		close(old);
		return;
	}
	if (linkat(t->fd, "", AT_FDCWD, temp, AT_EMPTY_PATH) < 0 ||
	    renameat2(AT_FDCWD, temp, AT_FDCWD, name, RENAME_EXCHANGE) < 0)
		err(1, "%s", name);
	look(t, temp);
	if (!is_equal(t, t->fd, old))
		errx(1, "'%s' has changed", name);
	if (unlink(temp) < 0 || close(old) < 0)
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
	} kinds[] = { { "stat", look }, { "read", read_file }, { "link", link_file },
		      { "exchange", exchange_file } };
	int count = argc == 3 ? atoi(argv[2]) : 0;
	struct thread threads[64];
	size_t k;
	int i;

	for (k = 0; argc == 3 && k < sizeof(kinds) / sizeof(*kinds); k++)
		if (!strcmp(argv[1], kinds[k].name))
			work = kinds[k].work;
	if (!work || count < 1 || count > 64)
		errx(2, "usage: limits stat|read|link|exchange THREADS <FILES");
	read_lines();
	for (i = 0; i < count; i++) {
		threads[i] = (struct thread){ .number = i,
					      .buffer = malloc(BUFFER_SIZE),
					      .other = malloc(BUFFER_SIZE) };
		if (!threads[i].buffer || !threads[i].other ||
		    pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
			errx(1, "cannot start a thread");
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	return 0;
}
