/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks: on a whole pool, for pool.c and pool-create.c; and how they are made. */
#ifndef COWLINK_POOL_LOCK_H
#define COWLINK_POOL_LOCK_H

#include <stdbool.h>
#include <sys/types.h>

#include "err.h"

#define POOL_LOCK_FILE "lock"

/* A descriptor whose closing unlocks. With @wait a notice says that it waits;
 * without, -EBUSY. */
int pool_lock(int pool_fd, const char *path, bool exclusive, bool wait,
	      struct err *err);

/* Lock one byte of a file for this descriptor: @type is F_RDLCK or F_WRLCK. Without @wait
 * -EBUSY; with it -EINTR when the command is to end. */
int lock_byte(int fd, off_t byte, short type, bool wait);

#endif
