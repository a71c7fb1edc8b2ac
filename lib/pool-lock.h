/* SPDX-License-Identifier: GPL-2.0-only */
/* The lock on a whole pool, for pool.c and pool-create.c. */
#ifndef COWLINK_POOL_LOCK_H
#define COWLINK_POOL_LOCK_H

#include <stdbool.h>

#include "err.h"

#define POOL_LOCK_FILE "lock"

/* A descriptor whose closing unlocks. With @wait a notice says that it waits;
 * without, -EBUSY. */
int pool_lock(int pool_fd, const char *path, bool exclusive, bool wait,
	      struct err *err);

#endif
