/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest sees of the filesystem, put together by the host in a mount namespace
 * of its own, in which the guest's tree stands at GUEST_MOUNT. The guest's namespace
 * is made as a copy of it by a less privileged user, and so the kernel locks what was
 * set here: the guest can neither take away `nodev` nor what covers /dev and /sys.
 */
#ifndef COWLINK_MOUNTS_H
#define COWLINK_MOUNTS_H

#include <stdint.h>

#include "err.h"

/* A directory that every host has, that every user may pass, and that is not used
 * by what starts a guest. Covered in our namespace only. */
#define GUEST_MOUNT "/run"

/* Enter a mount namespace of our own and build there. @rootfs_fd is the tree on the
 * host, @userns_fd has the guest's ids; @extra is the setting "mount" or NULL. */
int mounts_build(int rootfs_fd, int userns_fd, uint32_t context,
		 const char *extra, struct err *err);

#endif
