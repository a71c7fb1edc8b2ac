// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaking IXUNLINK links before setxattr(2) and removexattr(2), which is also
 * how POSIX ACLs are changed: as in cowlink_attr.c, ask first what the operation
 * will ask, in its order, then make the copy.
 *
 * What can be seen without writing is an answer too: that the attribute exists
 * already, or does not, and that it has this value. So neither XATTR_CREATE of
 * what is there nor setting again what was set, by "setfacl -R" over all of a
 * container, copies anything.
 */
#include <linux/capability.h>
#include <linux/slab.h>

#include "cowlink_internal.h"

#ifdef CONFIG_FS_POSIX_ACL

static bool cl_acl_entry_equal(const struct posix_acl_entry *a,
			       const struct posix_acl_entry *b)
{
	if (a->e_tag != b->e_tag || a->e_perm != b->e_perm)
		return false;
	if (a->e_tag == ACL_USER)
		return uid_eq(a->e_uid, b->e_uid);
	if (a->e_tag == ACL_GROUP)
		return gid_eq(a->e_gid, b->e_gid);
	return true;
}

static bool cl_acl_equal(const struct posix_acl *a, const struct posix_acl *b)
{
	unsigned int i;

	if (!a || !b)
		return a == b;
	if (a->a_count != b->a_count)
		return false;
	for (i = 0; i < a->a_count; i++) {
		if (!cl_acl_entry_equal(&a->a_entries[i], &b->a_entries[i]))
			return false;
	}
	return true;
}

/*
 * An ACL that says no more than the mode is stored as the mode alone. Return: 0
 * if setting @acl would change the file, COWLINK_NOTHING_TO_DO, or an errno.
 */
static int cl_acl_changes(cl_idmap *idmap, struct inode *inode,
			  struct posix_acl *acl)
{
	umode_t mode = inode->i_mode;
	struct posix_acl *old;
	bool same;
	int err;

	if (acl) {
		err = posix_acl_update_mode(idmap, inode, &mode, &acl);
		if (err)
			return err;
	}
	old = cl_get_acl(inode);
	if (IS_ERR(old))
		return PTR_ERR(old);
	same = mode == inode->i_mode && cl_acl_equal(acl, old);
	posix_acl_release(old);
	return same ? COWLINK_NOTHING_TO_DO : 0;
}

/* What set_posix_acl() will test, and whether there is anything to do. */
static int cl_may_set_posix_acl(const struct path *path, const char *name,
				struct posix_acl *acl)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	int err;

	if (!IS_POSIXACL(inode) || !inode->i_op->set_acl)
		return -EOPNOTSUPP;
	/* Regular files have none. */
	if (!strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT))
		return acl ? -EACCES : COWLINK_NOTHING_TO_DO;
	if (!inode_owner_or_capable(idmap, inode))
		return -EPERM;
	if (acl) {
		err = posix_acl_valid(inode->i_sb->s_user_ns, acl);
		if (err)
			return err;
	}
	return cl_acl_changes(idmap, inode, acl);
}

static int cl_may_set_acl(const struct path *path, const char *name,
			  const void *value, size_t size)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	struct posix_acl *acl;
	int err;

	acl = cl_acl_from_xattr(idmap, inode, value, size);
	if (CL_ACL_SYNTAX_FIRST && IS_ERR(acl))
		return PTR_ERR(acl);
	err = xattr_may_break_link(idmap, inode, name);
	if (!err)
		err = cl_security_set_acl(idmap, path->dentry, name, value,
					  size, acl);
	if (!err)
		err = PTR_ERR_OR_ZERO(acl);
	if (!err)
		err = cl_may_set_posix_acl(path, name, acl);
	if (!IS_ERR(acl))
		posix_acl_release(acl);
	return err;
}

static int cl_may_remove_acl(const struct path *path, const char *name)
{
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	int err;

	err = xattr_may_break_link(idmap, d_inode(path->dentry), name);
	if (!err)
		err = cl_security_remove_acl(idmap, path->dentry, name);
	return err ?: cl_may_set_posix_acl(path, name, NULL);
}

#else

static int cl_may_set_acl(const struct path *path, const char *name,
			  const void *value, size_t size)
{
	return -EOPNOTSUPP;
}

static int cl_may_remove_acl(const struct path *path, const char *name)
{
	return -EOPNOTSUPP;
}

#endif /* CONFIG_FS_POSIX_ACL */

/* Return: COWLINK_NOTHING_TO_DO if the attribute has this value, 0, or an errno. */
static int cl_value_changes(struct dentry *dentry, const char *name,
			    const void *value, size_t size)
{
	struct inode *inode = d_inode(dentry);
	ssize_t n;
	void *old;
	bool same;

	if (!size)
		return COWLINK_NOTHING_TO_DO;
	old = kvmalloc(size, GFP_KERNEL);
	if (!old)
		return -ENOMEM;
	n = __vfs_getxattr(dentry, inode, name, old, size);
	same = n == size && !memcmp(old, value, size);
	kvfree(old);
	if (n < 0)
		return n;
	return same ? COWLINK_NOTHING_TO_DO : 0;
}

/* What the filesystem will say, as far as reading can tell. */
static int cl_xattr_changes(struct dentry *dentry, const char *name,
			    const void *value, size_t size, int flags)
{
	ssize_t old = __vfs_getxattr(dentry, d_inode(dentry), name, NULL, 0);

	if (old == -ENODATA)
		return flags & XATTR_REPLACE ? -ENODATA : 0;
	/* For one that cannot be written either, there is no handler. */
	if (old < 0)
		return old;
	if (flags & XATTR_CREATE)
		return -EEXIST;
	if (old != size)
		return 0;
	return cl_value_changes(dentry, name, value, size);
}

/* The tests of vfs_setxattr(), with the value that it will store. */
static int cl_may_setxattr(const struct path *path, const char *name,
			   const void *value, size_t size, int flags)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	const void *stored = value;
	int err;

	if (size && !strcmp(name, XATTR_NAME_CAPS)) {
		err = cap_convert_nscap(idmap, path->dentry, &stored, size);
		if (err < 0)
			return err;
		size = err;
	}
	err = xattr_may_break_link(idmap, inode, name);
	if (!err)
		err = security_inode_setxattr(idmap, path->dentry, name, stored,
					      size, flags);
	if (!err)
		err = cl_xattr_changes(path->dentry, name, stored, size, flags);
	if (stored != value)
		kfree(stored);
	return err;
}

static int cl_may_removexattr(const struct path *path, const char *name)
{
	struct inode *inode = d_inode(path->dentry);
	cl_idmap *idmap = cl_mnt_idmap(path->mnt);
	ssize_t size;
	int err;

	err = xattr_may_break_link(idmap, inode, name);
	if (!err)
		err = security_inode_removexattr(idmap, path->dentry, name);
	if (err)
		return err;
	size = __vfs_getxattr(path->dentry, inode, name, NULL, 0);
	return size < 0 ? size : 0;
}

/**
 * cowlink_before_setxattr - break the link of a file that is to get an attribute
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @ctx: the attribute, or ACL, as for do_setxattr(); not changed
 *
 * Should the filesystem find no room for the attribute after that, the name has
 * an equal copy.
 *
 * Return: 0 to go on with @path, COWLINK_NOTHING_TO_DO if the file has this
 * attribute already, or a negative errno.
 */
int cowlink_before_setxattr(struct path *path, unsigned int lookup_flags,
			    const struct xattr_ctx *ctx)
{
	const char *name = ctx->kname->name;
	int err = cl_check_mount(path);

	if (err)
		return err;
	if (cl_is_acl(name))
		err = cl_may_set_acl(path, name, ctx->kvalue, ctx->size);
	else
		err = cl_may_setxattr(path, name, ctx->kvalue, ctx->size,
				      ctx->flags);
	return err ?: path_break_link(path, COWLINK_KEEP_ALL, lookup_flags,
				      COWLINK_XATTR);
}

/**
 * cowlink_before_removexattr - break the link of a file that is to lose one
 * @path: an IXUNLINK file, reached by name; its dentry may be replaced
 * @lookup_flags: of the walk that found @path
 * @name: of the attribute, or ACL
 *
 * Return: 0 to go on with @path, COWLINK_NOTHING_TO_DO for an ACL that the file
 * does not have, or a negative errno; -ENODATA for an attribute.
 */
int cowlink_before_removexattr(struct path *path, unsigned int lookup_flags,
			       const char *name)
{
	int err = cl_check_mount(path);

	if (err)
		return err;
	if (cl_is_acl(name))
		err = cl_may_remove_acl(path, name);
	else
		err = cl_may_removexattr(path, name);
	return err ?: path_break_link(path, COWLINK_KEEP_ALL, lookup_flags,
				      COWLINK_XATTR);
}
