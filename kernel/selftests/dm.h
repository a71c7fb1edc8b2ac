/* SPDX-License-Identifier: GPL-2.0-only */
/* Device-mapper devices of one target, for the length of a test. */
#ifndef COWLINK_SELFTESTS_DM_H
#define COWLINK_SELFTESTS_DM_H

#include <stdint.h>

struct dm_device {
	char name[48];
	char node[32];		/* in /dev */
	uint64_t sectors;	/* of 512 bytes */
};

/*
 * A new device of @sectors whose one target is @target with @params. Skips the
 * test where the kernel has no such target.
 */
void dm_create(struct dm_device *dm, uint64_t sectors, const char *target,
	       const char *params);

/* A message to the target. */
void dm_message(const struct dm_device *dm, const char *text);

/* The device must not be in use any more. */
void dm_remove(const struct dm_device *dm);

#endif
