// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaking IXUNLINK links before truncate(2), chmod(2), chown(2) and utimes(2):
 * each function asks what the operation itself will ask, but for the immutable
 * attribute, and only then makes the copy. The operation follows and asks again.
 *
 * chmod and chown that change nothing succeed at once, without a break and
 * without a new change time: "chown -R" of a container must not copy it.
 */
#include <linux/capability.h>
#include <linux/cred.h>

#include "cowlink_internal.h"

/*
 * What notify_change() will test. Never pass ATTR_KILL_PRIV or ATTR_FORCE to
 * setattr_prepare(): the first removes file capabilities, of the shared inode,
 * and the second skips the tests. setattr_prepare() may take S_ISGID from the
 * mode, so @attr tells afterwards what would be set.
 */
static int cl_may_setattr(const struct path *path, struct iattr *attr)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	int err;

	attr->ia_valid &= ~(ATTR_KILL_SUID | ATTR_KILL_SGID | ATTR_KILL_PRIV |
			    ATTR_FORCE);
	if ((attr->ia_valid & ATTR_UID) &&
	    !vfsuid_has_fsmapping(idmap, inode->i_sb->s_user_ns,
				  attr->ia_vfsuid))
		return -EOVERFLOW;
	if ((attr->ia_valid & ATTR_GID) &&
	    !vfsgid_has_fsmapping(idmap, inode->i_sb->s_user_ns,
				  attr->ia_vfsgid))
		return -EOVERFLOW;
	/* An owner without a mapping may only be replaced. */
	if (!(attr->ia_valid & ATTR_UID) &&
	    !vfsuid_valid(i_uid_into_vfsuid(idmap, inode)))
		return -EOVERFLOW;
	if (!(attr->ia_valid & ATTR_GID) &&
	    !vfsgid_valid(i_gid_into_vfsgid(idmap, inode)))
		return -EOVERFLOW;

	err = setattr_prepare(idmap, path->dentry, attr);
	if (err)
		return err;
	return security_inode_setattr(idmap, path->dentry, attr);
}

/**
 * cowlink_before_truncate - break the link of a file that is to be truncated
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @length: the new length in bytes
 *
 * The copy has no more than the content that is left. Should the truncation then
 * fail, for lack of memory or with an I/O error, the file is shorter already.
 *
 * Return: 0 to go on with @path, or a negative errno.
 */
int cowlink_before_truncate(struct path *path, unsigned int lookup_flags,
			    loff_t length)
{
	struct inode *inode = d_inode(path->dentry);
	int err;

	err = cl_check_mount(path);
	if (!err)
		err = inode_permission(cl_mnt_idmap(path->mnt), inode,
				       MAY_WRITE | MAY_BREAK_LINK);
	if (!err)
		err = security_path_truncate(path);
	if (err)
		return err;
	/* What the truncation itself would fail with; no need for a copy. */
	if (length > i_size_read(inode)) {
		err = inode_newsize_ok(inode, length);
		if (err)
			return err;
	}
	return path_break_link(path, length, lookup_flags, COWLINK_TRUNCATE);
}

/**
 * cowlink_before_chmod - break the link of a file whose mode is to change
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @mode: as given to chmod(2)
 *
 * Return: 0 to go on with @path, COWLINK_NOTHING_TO_DO if the file has this mode
 * already, or a negative errno.
 */
int cowlink_before_chmod(struct path *path, unsigned int lookup_flags,
			 umode_t mode)
{
	struct inode *inode = d_inode(path->dentry);
	struct iattr attr = {
		.ia_valid = ATTR_MODE | ATTR_CTIME,
		.ia_mode = (mode & S_IALLUGO) | (inode->i_mode & ~S_IALLUGO),
	};
	int err;

	err = cl_check_mount(path);
	if (!err)
		err = security_path_chmod(path, mode);
	if (!err)
		err = cl_may_setattr(path, &attr);
	if (err)
		return err;
	if (attr.ia_mode == inode->i_mode)
		return COWLINK_NOTHING_TO_DO;
	return path_break_link(path, COWLINK_KEEP_ALL, lookup_flags,
			       COWLINK_CHMOD);
}

/*
 * chown(2) takes setuid, setgid and file capabilities from a file, whatever the
 * owner. Return: 1 if there is something to take, with @attr as notify_change()
 * would make it; 0, or a negative errno.
 */
static int cl_chown_strips(cl_idmap *idmap, struct dentry *dentry,
			   struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	umode_t mode = inode->i_mode & ~S_ISUID;
	int err;

	if (setattr_should_drop_sgid(idmap, inode))
		mode &= ~S_ISGID;
	if (mode != inode->i_mode) {
		attr->ia_valid |= ATTR_MODE;
		attr->ia_mode = mode;
	}
	err = security_inode_need_killpriv(dentry);
	if (err < 0)
		return err;
	return err > 0 || mode != inode->i_mode;
}

static bool cl_chown_is_noop(cl_idmap *idmap, const struct inode *inode,
			     const struct iattr *attr)
{
	if ((attr->ia_valid & ATTR_UID) &&
	    !vfsuid_eq(attr->ia_vfsuid, i_uid_into_vfsuid(idmap, inode)))
		return false;
	if ((attr->ia_valid & ATTR_GID) &&
	    !vfsgid_eq(attr->ia_vfsgid, i_gid_into_vfsgid(idmap, inode)))
		return false;
	return true;
}

/* Return: 0 and @attr filled in, or -EINVAL for an id that is not mapped. */
static int cl_chown_attr(struct iattr *attr, uid_t user, gid_t group)
{
	kuid_t uid = make_kuid(current_user_ns(), user);
	kgid_t gid = make_kgid(current_user_ns(), group);

	attr->ia_valid = ATTR_CTIME;
	attr->ia_vfsuid = INVALID_VFSUID;
	attr->ia_vfsgid = INVALID_VFSGID;
	if (user != (uid_t)-1) {
		if (!uid_valid(uid))
			return -EINVAL;
		attr->ia_valid |= ATTR_UID;
		attr->ia_vfsuid = VFSUIDT_INIT(uid);
	}
	if (group != (gid_t)-1) {
		if (!gid_valid(gid))
			return -EINVAL;
		attr->ia_valid |= ATTR_GID;
		attr->ia_vfsgid = VFSGIDT_INIT(gid);
	}
	return 0;
}

/**
 * cowlink_before_chown - break the link of a file whose owner is to change
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @user: as given to chown(2)
 * @group: as given to chown(2)
 *
 * Return: 0 to go on with @path, COWLINK_NOTHING_TO_DO if the file has this owner
 * and group and nothing that chown(2) would strip, or a negative errno.
 */
int cowlink_before_chown(struct path *path, unsigned int lookup_flags,
			 uid_t user, gid_t group)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	struct iattr attr;
	int strips, err;
	kuid_t uid;
	kgid_t gid;

	err = cl_check_mount(path);
	if (!err)
		err = cl_chown_attr(&attr, user, group);
	if (err)
		return err;
	uid = from_vfsuid(idmap, i_user_ns(inode), attr.ia_vfsuid);
	gid = from_vfsgid(idmap, i_user_ns(inode), attr.ia_vfsgid);
	err = security_path_chown(path, uid, gid);
	if (err)
		return err;
	strips = cl_chown_strips(idmap, path->dentry, &attr);
	if (strips < 0)
		return strips;
	err = cl_may_setattr(path, &attr);
	if (err)
		return err;
	if (!strips && cl_chown_is_noop(idmap, inode, &attr))
		return COWLINK_NOTHING_TO_DO;
	return path_break_link(path, COWLINK_KEEP_ALL, lookup_flags,
			       COWLINK_CHOWN);
}

static bool cl_is_now(const struct timespec64 *times)
{
	return !times || (times[0].tv_nsec == UTIME_NOW &&
			  times[1].tv_nsec == UTIME_NOW);
}

/**
 * cowlink_before_utimes - break the link of a file whose times are to be set
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @times: access and modification time as for utimensat(2), or NULL for now;
 *         their nanoseconds have been checked
 *
 * Return: 0 to go on with @path, or a negative errno.
 */
int cowlink_before_utimes(struct path *path, unsigned int lookup_flags,
			  const struct timespec64 *times)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	struct iattr attr = {
		.ia_valid = ATTR_CTIME | ATTR_MTIME | ATTR_ATIME,
	};
	int err;

	err = cl_check_mount(path);
	if (err)
		return err;
	if (cl_is_now(times)) {
		attr.ia_valid |= ATTR_TOUCH;
		/* The owner may, and who may write. */
		if (!inode_owner_or_capable(idmap, inode))
			err = inode_permission(idmap, inode,
					       MAY_WRITE | MAY_BREAK_LINK);
	} else {
		attr.ia_valid |= ATTR_TIMES_SET;
	}
	if (!err)
		err = cl_may_setattr(path, &attr);
	if (err)
		return err;
	return path_break_link(path, COWLINK_KEEP_ALL, lookup_flags,
			       COWLINK_UTIMES);
}
