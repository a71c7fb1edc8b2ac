/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an inode has beside its content: status, extended attributes (ACLs, file
 * capabilities and security labels among them), inode flags and project id.
 *
 *	struct iattr attr = IATTR_INIT;		(_cleanup_iattr_ releases)
 *
 *	r = iattr_read_fd(fd, &attr);
 *	...
 *	r = iattr_apply_fd(newfd, &attr);
 *
 * Limits a guest cannot exceed: the kernel's own, 64 KiB for the list of names
 * and 64 KiB for one value (XATTR_LIST_MAX, XATTR_SIZE_MAX).
 */
#ifndef COWLINK_IATTR_H
#define COWLINK_IATTR_H

#include <linux/stat.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct xattr {
	char *name;
	void *value;
	size_t size;
};

struct iattr {
	struct statx stx;
	struct xattr *xattrs;	/* sorted by name in byte order */
	size_t xattr_count;
};

#define IATTR_INIT { 0 }
#define _cleanup_iattr_ __attribute__((cleanup(iattr_release)))

/* The tree identity lives in a trusted.cowlink.* attribute of a tree's root; it
 * belongs to the tree, not to the file, and is never copied or hashed. */
#define IATTR_OWN_XATTR_PREFIX "trusted.cowlink."

/* Does the attribute belong to the file? Not those above, nor the ACLs as XFS stores
 * them, which root sees there beside the ACLs themselves. */
bool xattr_is_copied(const char *name);

/* Status and xattrs of an open file or O_PATH descriptor. */
int iattr_read_fd(int fd, struct iattr *ret);

/* The same by name; of the symlink itself if it is one. */
int iattr_read_at(int dirfd, const char *name, struct iattr *ret);

/* The xattrs alone, when @attr has the status and no xattrs yet. The caller releases it
 * after an error, too. */
int iattr_read_xattrs(int fd, struct iattr *attr);

void iattr_release(struct iattr *attr);

/*
 * Give an open file or directory owner, xattrs, mode and times (atime, mtime) of
 * @attr, in the order that keeps set-user-ID bits and capabilities. Xattrs that
 * the target has and @attr does not (an inherited default ACL) are removed.
 */
int iattr_apply_fd(int fd, const struct iattr *attr);

/* The same for what cannot be opened: symlinks, fifos, devices, sockets. */
int iattr_apply_at(int dirfd, const char *name, const struct iattr *attr);

/* Equal in all that a master must share: type, mode, uid, gid, size, mtime in
 * ns and xattrs. */
bool iattr_same_metadata(const struct iattr *a, const struct iattr *b);

/* Does the inode carry a flag (chattr) that a shared master could not keep for
 * it: append-only, plain immutable, no-dump, synchronous, no-COW and so on? */
bool iflags_is_special(unsigned int flags);

/* FS_IOC_GETFLAGS; filesystems without flags give 0 flags and success. */
int iflags_get(int fd, unsigned int *ret_flags);

/* Both bits set: immutable, and unlink (and copy-on-write) allowed. */
bool iflags_is_shared(unsigned int flags);

/*
 * Turn the inode into a shared one: project id 0 first, then both flags in one
 * call. -ETXTBSY when anybody has it open for writing (we too), -EOPNOTSUPP where
 * kernel or filesystem do not know the attribute. @fd is read-only.
 */
int iflags_share(int fd);

/* Take both flags away again. -EBUSY while a copy of it is being made. */
int iflags_unshare(int fd);

/* Plain +i on or off, for store directories; success where flags do not exist. */
int iflags_set_immutable(int fd, bool on);

#endif
