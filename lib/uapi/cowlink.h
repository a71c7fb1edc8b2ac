/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user ABI of the cowlink kernel feature, for userland that is compiled with
 * headers that do not know it. `make check-uapi` compares these values with the
 * kernel series.
 */
#ifndef COWLINK_UAPI_H
#define COWLINK_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* FS_IOC_GETFLAGS/SETFLAGS; only meaningful together with FS_IMMUTABLE_FL. */
#ifndef FS_IXUNLINK_FL
#define FS_IXUNLINK_FL 0x08000000
#endif

/* FS_IOC_FSGETXATTR/FSSETXATTR; only meaningful with FS_XFLAG_IMMUTABLE. */
#ifndef FS_XFLAG_IXUNLINK
#define FS_XFLAG_IXUNLINK 0x40000000
#endif

#ifndef FS_IOC_LINK_UNIFY

/*
 * FS_IOC_LINK_UNIFY on a directory: replace the entry @name, if it still refers
 * to the inode of @victim_fd, by a link to the inode of @master_fd. Both are
 * frozen (FS_IXUNLINK_FL) and compared by the kernel; nothing that is written
 * through the name meanwhile gets lost. Extended attributes are not compared:
 * frozen they cannot change, so the caller does that before.
 *
 * Needs CAP_LINUX_IMMUTABLE in the initial user namespace and permission to write
 * to the directory. 0, also when @name refers to the master already; else
 * nothing has changed:
 *
 * EBADE      content, size, mode, owner, group or modification time differ; the
 *            last may with COWLINK_UNIFY_ANY_MTIME, and is the master's then
 * ESTALE     @name refers to neither inode: its link was broken, or it was
 *            replaced, after @victim_fd was opened
 * ENOENT     there is no such name
 * EINVAL     not regular, not frozen, the same inode twice, @name is not one
 *            component, @size too small, @flags unknown, @reserved not 0
 * E2BIG      @size beyond what this kernel knows, with something not 0 there
 * EBADF      a descriptor is not open for reading
 * EXDEV      not all on one filesystem
 * ETXTBSY    somebody is about to write through the name: its link is being broken
 * EPERM      capability; or the directory is immutable, append-only, or sticky and
 *            another user's
 * EACCES     the directory may not be written to
 * ENOTDIR    not on a directory
 * EOPNOTSUPP the filesystem has no FS_IXUNLINK_FL
 * ENOTTY     the kernel has no FS_IOC_LINK_UNIFY
 * EMLINK     the master has all the links it can have
 * EBUSY      @name is a mount point
 * and what reading, link(2) and rename(2) return: EROFS, ENOSPC, EDQUOT, EIO ...
 */
struct cowlink_unify {
	__u32 size;		/* sizeof(struct cowlink_unify) */
	__u32 flags;		/* 0 or COWLINK_UNIFY_ANY_MTIME */
	__s32 master_fd;	/* what @name shall be a link of; open for reading */
	__s32 victim_fd;	/* what it is a link of now; open for reading */
	__u64 name;		/* address of the name, NUL terminated */
	__u64 reserved[3];	/* 0 */
};

#define COWLINK_UNIFY_ANY_MTIME 0x1

#define FS_IOC_LINK_UNIFY _IOW('f', 0x90, struct cowlink_unify)

#endif

#endif
