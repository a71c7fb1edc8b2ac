/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copy-on-write breaking of IXUNLINK hard links: what the VFS calls, and what
 * differs between kernel versions.
 *
 * A hook of the VFS does, in this order and holding no lock:
 *
 *	is the object IXUNLINK, and was it reached by name?
 *	would the caller be allowed to do it, but for the immutability?
 *	path_break_link()
 *	the unmodified operation, on the copy that @path is now
 *
 * so that nobody can cause a copy who could not change the file.
 */
#ifndef _FS_COWLINK_H
#define _FS_COWLINK_H

#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>

/* keep all of the content: for path_break_link() */
#define COWLINK_KEEP_ALL	LLONG_MAX

/* What a link is broken for; for those who watch. */
enum cowlink_op {
	COWLINK_OPEN,
	COWLINK_TRUNCATE,
	COWLINK_CHMOD,
	COWLINK_CHOWN,
	COWLINK_UTIMES,
	COWLINK_XATTR,
	COWLINK_LINK,
};

struct xattr_ctx;

/* from cowlink_before_...(): success, without the operation */
#define COWLINK_NOTHING_TO_DO	1

#ifdef CONFIG_FS_COWLINK

int path_break_link(struct path *path, loff_t keep, unsigned int lookup_flags,
		    enum cowlink_op op);
int path_may_break_link(const struct path *path);
bool path_became_ixunlink(const struct path *path, int error);
bool cowlink_inode_busy(const struct inode *inode);
bool cowlink_cleared_since(unsigned int *walks);
loff_t cowlink_open_keep(const struct path *path, int open_flag);

int ioctl_link_unify(struct file *dir, void __user *argp);

int cowlink_before_truncate(struct path *path, unsigned int lookup_flags,
			    loff_t length);
int cowlink_before_chmod(struct path *path, unsigned int lookup_flags,
			 umode_t mode);
int cowlink_before_chown(struct path *path, unsigned int lookup_flags,
			 uid_t user, gid_t group);
int cowlink_before_utimes(struct path *path, unsigned int lookup_flags,
			  const struct timespec64 *times);
int cowlink_before_setxattr(struct path *path, unsigned int lookup_flags,
			    const struct xattr_ctx *ctx);
int cowlink_before_removexattr(struct path *path, unsigned int lookup_flags,
			       const char *name);

#else

static inline int path_break_link(struct path *path, loff_t keep,
				  unsigned int lookup_flags,
				  enum cowlink_op op)
{
	return -EPERM;
}

static inline int path_may_break_link(const struct path *path)
{
	return -EPERM;
}

static inline bool path_became_ixunlink(const struct path *path, int error)
{
	return false;
}

static inline bool cowlink_inode_busy(const struct inode *inode)
{
	return false;
}

static inline bool cowlink_cleared_since(unsigned int *walks)
{
	return false;
}

static inline loff_t cowlink_open_keep(const struct path *path, int open_flag)
{
	return COWLINK_KEEP_ALL;
}

static inline int cowlink_before_truncate(struct path *path,
					  unsigned int lookup_flags,
					  loff_t length)
{
	return 0;
}

static inline int cowlink_before_chmod(struct path *path,
				       unsigned int lookup_flags, umode_t mode)
{
	return 0;
}

static inline int cowlink_before_chown(struct path *path,
				       unsigned int lookup_flags, uid_t user,
				       gid_t group)
{
	return 0;
}

static inline int cowlink_before_utimes(struct path *path,
					unsigned int lookup_flags,
					const struct timespec64 *times)
{
	return 0;
}

static inline int cowlink_before_setxattr(struct path *path,
					  unsigned int lookup_flags,
					  const struct xattr_ctx *ctx)
{
	return 0;
}

static inline int cowlink_before_removexattr(struct path *path,
					     unsigned int lookup_flags,
					     const char *name)
{
	return 0;
}

#endif /* CONFIG_FS_COWLINK */

/*
 * From the functions here, never to user space: walk the path again. Not ESTALE,
 * which is followed by one more walk only; COWLINK_WALKS make sure that changes
 * are not lost to who replaces the name meanwhile by a link of an equal file.
 */
#define EWALKAGAIN	600
#define COWLINK_WALKS	8
/* EPERM, which may have come from an attribute that is gone by now. */
#define EPERMAYBE	601
/* The rest of the variable is cowlink_cleared_since()'s. */
#define COWLINK_WALKS_MASK	0xff

/**
 * cowlink_retry - is the path to be looked up once more?
 * @error: result of the operation, which becomes one for user space if it is not
 * @lookup_flags: of the walk; LOOKUP_REVAL is added for the last one that
 *                -EWALKAGAIN can ask for
 * @walks: how many there were, from 0
 *
 * Comes before retry_estale(), which stays as it is.
 */
static inline bool cowlink_retry(int *error, unsigned int *lookup_flags,
				 unsigned int *walks)
{
	if (!IS_ENABLED(CONFIG_FS_COWLINK))
		return false;
	if (unlikely(*error == -EPERMAYBE)) {
		if (cowlink_cleared_since(walks))
			return true;
		*error = -EPERM;
	}
	if (likely(*error != -EWALKAGAIN))
		return false;
	if ((++*walks & COWLINK_WALKS_MASK) == COWLINK_WALKS)
		*lookup_flags |= LOOKUP_REVAL;
	return true;
}

/* A hook has something to do: an IXUNLINK object, reached by name. */
static inline bool cowlink_applies(const struct path *path, bool by_name)
{
	return by_name && IS_IXUNLINK(d_inode(path->dentry));
}

/*
 * An operation that wanted to write to @path failed with @error. If that was
 * because the attribute was being set after the hook had looked, walk again. The
 * result is cowlink_retry()'s to look at. What cannot have the attribute failed
 * for a reason of its own: the server of a filesystem, or the driver of a device,
 * is not asked twice.
 */
static inline int cowlink_raced(int error, const struct path *path,
				bool by_name, unsigned int lookup_flags)
{
	const struct dentry *dentry = path->dentry;

	if (likely(error != -EPERM && error != -ETXTBSY) || !by_name ||
	    !d_is_reg(dentry) || !(dentry->d_sb->s_iflags & SB_I_COWLINK))
		return error;
	if (!(lookup_flags & LOOKUP_REVAL) && path_became_ixunlink(path, error))
		return -EWALKAGAIN;
	return IS_ENABLED(CONFIG_FS_COWLINK) && error == -EPERM ? -EPERMAYBE :
								  error;
}

#endif /* _FS_COWLINK_H */
