/* SPDX-License-Identifier: GPL-2.0-only */
/* What the drivers have in common; README tells how they are run. */
#ifndef COWLINK_FUZZ_H
#define COWLINK_FUZZ_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer calls it, or replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For readers of conffiles: what they tell must be a path, every byte of it there. */
static inline int fuzz_path(const char *path, size_t len, void *ctx)
{
	unsigned long *sum = ctx;
	size_t i;

	if (!len || len >= CONFFILES_MAX_BYTES || *path == '/')
		abort();
	for (i = 0; i < len; i++)
		*sum += (unsigned char)path[i];
	return 0;
}

/* A copy that ends where an overrun shows. */
static inline void *fuzz_copy(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	return memcpy(copy, data, size);
}

/* A descriptor of a file in memory with these bytes, for readers of files by name. */
static inline int fuzz_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

#endif
