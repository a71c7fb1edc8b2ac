// SPDX-License-Identifier: GPL-2.0-only
/*
 * ixunlink get|set|clear FILE...
 *
 * The attribute of a shared inode, for shell tests: set makes FILE immutable
 * with free names, clear takes both flags away, get prints "shared", "immutable"
 * or "plain" for each. Exits 3 where the kernel does not know the attribute.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uapi/cowlink.h"

#define SHARED_FLAGS (FS_IMMUTABLE_FL | FS_IXUNLINK_FL)

static const char *state(unsigned int flags)
{
	if ((flags & SHARED_FLAGS) == SHARED_FLAGS)
		return "shared";
	return flags & FS_IMMUTABLE_FL ? "immutable" : "plain";
}

static int apply(const char *verb, const char *file)
{
	unsigned int flags = 0, wanted;
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		warn("%s", file);
		return 1;
	}
	if (!strcmp(verb, "get")) {
		puts(state(flags));
		close(fd);
		return 0;
	}
	wanted = flags & ~(unsigned int)SHARED_FLAGS;
	if (!strcmp(verb, "set"))
		wanted |= SHARED_FLAGS;
	if (ioctl(fd, FS_IOC_SETFLAGS, &wanted)) {
		warn("%s", file);
		return errno == EOPNOTSUPP ? 3 : 1;
	}
	/* A kernel without the attribute may drop the bit in silence. */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		flags = 0;
	close(fd);
	return (flags & SHARED_FLAGS) == (wanted & SHARED_FLAGS) ? 0 : 3;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 3 || (strcmp(argv[1], "get") && strcmp(argv[1], "set") &&
			 strcmp(argv[1], "clear")))
		errx(2, "usage: ixunlink get|set|clear FILE...");
	for (int i = 2; i < argc; i++) {
		int one = apply(argv[1], argv[i]);

		if (one > status)
			status = one;
	}
	return status;
}
