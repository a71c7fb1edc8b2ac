/* SPDX-License-Identifier: GPL-2.0-only */
/* Which filesystem this is, for messages and for refusing what cannot work. */
#ifndef COWLINK_FSINFO_H
#define COWLINK_FSINFO_H

#include <stdbool.h>

#include "err.h"

/* "ext4", "XFS", "btrfs"...; "this file system" when it is not known by name. */
const char *fsinfo_name(int fd);

bool fsinfo_is_read_only(int fd);

/* No device can be opened on the mount of @fd. */
bool fsinfo_is_nodev(int fd);

/* The names that fsinfo_check_pool() uses: what a crash left of them is nobody's. */
#define FSINFO_PROBE_A "probe.a"
#define FSINFO_PROBE_B "probe.b"

/*
 * Can a pool be here? Tries in the writable directory @fd what a pool needs (hard
 * links, unnamed files that get a name, exchanging two names, trusted xattrs).
 * -EOPNOTSUPP with the reason, or why even trying failed. fsinfo_remove_probes()
 * afterwards in any case.
 */
int fsinfo_check_pool(int fd, const char *path, struct err *err);

/* 0 also when there are none. */
int fsinfo_remove_probes(int fd);

#endif
