// SPDX-License-Identifier: GPL-2.0-only
/*
 * swapper ROUNDS DIR OUTSIDE: a guest that plays tricks. ROUNDS times, in DIR:
 *
 *	victim.d	a directory, then a symlink to OUTSIDE, and back
 *	victim.f	a file, then a symlink to OUTSIDE/secret, a fifo, a device
 *			(the null device), a directory, and back
 *	victim.t	written anew, then truncated to nothing
 *
 * Each change is a rename, so that the name always exists. Ends by itself.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CONTENT_BYTES 300000

static char content[CONTENT_BYTES];

static void must(int r, const char *what)
{
	if (r < 0 && errno != EEXIST)
		err(2, "%s", what);
}

/* Make what the names are exchanged with. */
static void prepare(const char *outside)
{
	char secret[4096];

	if (snprintf(secret, sizeof(secret), "%s/secret", outside) >=
	    (int)sizeof(secret))
		errx(2, "path too long");
	must(symlink(outside, "swap.link-d"), "symlink");
	must(symlink(secret, "swap.link-f"), "symlink");
	must(mkfifo("swap.fifo", 0600), "mkfifo");
	must(mknod("swap.dev", S_IFCHR | 0600, makedev(1, 3)), "mknod");
	must(mkdir("swap.dir", 0700), "mkdir");
}

static void exchange(const char *a, const char *b)
{
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) < 0)
		err(2, "exchange %s %s", a, b);
}

/* Somebody else may share the file meanwhile: always a new write of the name. */
static void rewrite(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0)
		err(2, "%s", name);
	if (write(fd, content, sizeof(content)) != sizeof(content))
		err(2, "%s", name);
	close(fd);
	if (truncate(name, 0) < 0)
		err(2, "%s", name);
}

int main(int argc, char **argv)
{
	static const char *const others[] = { "swap.link-f", "swap.fifo",
					      "swap.dev", "swap.dir" };
	long rounds;
	size_t i;

	if (argc != 4)
		errx(2, "usage: swapper ROUNDS DIR OUTSIDE");
	rounds = strtol(argv[1], NULL, 10);
	if (chdir(argv[2]) < 0)
		err(2, "%s", argv[2]);
	memset(content, 'x', sizeof(content));
	prepare(argv[3]);
	while (rounds-- > 0) {
		exchange("victim.d", "swap.link-d");
		exchange("victim.d", "swap.link-d");
		for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
			exchange("victim.f", others[i]);
			exchange("victim.f", others[i]);
		}
		rewrite("victim.t");
	}
	return 0;
}
