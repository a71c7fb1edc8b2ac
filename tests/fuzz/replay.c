// SPDX-License-Identifier: GPL-2.0-only
/* A driver without libFuzzer: replay FILE... gives it each of them, once. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>

#include "conffiles.h"
#include "fuzz.h"

static void replay(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	uint8_t *data = size < 0 ? NULL : malloc(size + 1);

	if (!data || pread(fd, data, size, 0) != size)
		err(2, "%s", name);
	(void)close(fd);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 2)
		errx(2, "usage: %s FILE...", argv[0]);
	for (i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%d inputs\n", argc - 1);
	return 0;
}
