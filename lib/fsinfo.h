/* SPDX-License-Identifier: GPL-2.0-only */
/* Which filesystem this is, for messages and for refusing what cannot work. */
#ifndef COWLINK_FSINFO_H
#define COWLINK_FSINFO_H

#include <stdbool.h>

#include "err.h"

/* "ext4", "XFS", "btrfs"...; "this file system" when it is not known by name. */
const char *fsinfo_name(int fd);

bool fsinfo_is_read_only(int fd);

/*
 * Can a pool be here? Tries in the writable directory @fd what a pool needs (hard
 * links, unnamed files that get a name, exchanging two names, trusted xattrs) and
 * leaves nothing behind. -EOPNOTSUPP with the reason, or why even trying failed.
 */
int fsinfo_check_pool(int fd, const char *path, struct err *err);

#endif
