// SPDX-License-Identifier: GPL-2.0-only
/*
 * FS_IOC_LINK_UNIFY: let a name refer to another inode of equal content, if it
 * still refers to the one that was looked at.
 *
 * With link(2) and rename(2) alone this cannot be done without loss: between the
 * look and the rename, a write through the name may have broken its link, and
 * the rename would throw away what was written. Here the look and the rename are
 * under one hold of the directory lock. A name whose link is being broken is left
 * alone; a break that begins later finds the name replaced and walks again.
 *
 * Both inodes are IXUNLINK and held so; so neither changes between the comparison,
 * which takes as long as it takes and holds no lock, and the replacement.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <uapi/linux/cowlink.h>

#include "cowlink_internal.h"

/* Not equal: the one errno that nothing else here returns. */
#define CL_DIFFERS	(-EBADE)

static int cl_compare_attr(struct inode *a, struct inode *b, u32 flags)
{
	struct iattr ta, tb;

	cl_get_times(a, &ta);
	cl_get_times(b, &tb);
	if (i_size_read(a) != i_size_read(b) || a->i_mode != b->i_mode ||
	    !uid_eq(a->i_uid, b->i_uid) || !gid_eq(a->i_gid, b->i_gid) ||
	    (!(flags & COWLINK_UNIFY_ANY_MTIME) &&
	     !timespec64_equal(&ta.ia_mtime, &tb.ia_mtime)))
		return CL_DIFFERS;
	return 0;
}

static int cl_read_chunk(struct file *file, void *buf, loff_t pos, size_t len)
{
	while (len) {
		ssize_t n = kernel_read(file, buf, len, &pos);

		if (n <= 0)
			return n ?: -EIO;
		buf += n;
		len -= n;
	}
	return 0;
}

static int cl_compare_range(struct file *a, struct file *b, loff_t size,
			    void *buf_a, void *buf_b)
{
	loff_t pos = 0;
	int err;

	while (pos < size) {
		size_t len;

		if (fatal_signal_pending(current))
			return -EINTR;
		/* Where both have a hole there is nothing to compare. */
		pos = min(cowlink_next_data(a, pos, NULL),
			  cowlink_next_data(b, pos, NULL));
		len = min_t(loff_t, size - pos, COWLINK_CHUNK);
		err = cl_read_chunk(a, buf_a, pos, len);
		if (!err)
			err = cl_read_chunk(b, buf_b, pos, len);
		if (err)
			return err;
		if (memcmp(buf_a, buf_b, len))
			return CL_DIFFERS;
		pos += len;
		cond_resched();
	}
	return 0;
}

static int cl_compare_content(struct file *a, struct file *b)
{
	void *buf;
	int err;

	buf = kvmalloc(2 * COWLINK_CHUNK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = cl_compare_range(a, b, i_size_read(file_inode(a)), buf,
			       buf + COWLINK_CHUNK);
	kvfree(buf);
	return err;
}

/* Not to move the caller's position, nor to read with his O_DIRECT. */
static struct file *cl_reopen(struct file *file)
{
	return dentry_open(&file->f_path, O_RDONLY | O_LARGEFILE |
			   (__force int)__FMODE_NONOTIFY, current_cred());
}

static int cl_compare(struct file *master, struct file *victim, u32 flags)
{
	struct file *a, *b;
	int err;

	err = cl_compare_attr(file_inode(master), file_inode(victim), flags);
	if (err)
		return err;
	a = cl_reopen(master);
	if (IS_ERR(a))
		return PTR_ERR(a);
	b = cl_reopen(victim);
	err = PTR_ERR_OR_ZERO(b);
	if (!err) {
		err = cl_compare_content(a, b);
		fput(b);
	}
	fput(a);
	return err;
}

/* With the directory locked: look, and replace. */
static int cl_unify_locked(struct file *dir, const char *name,
			   struct file *master, struct inode *victim,
			   struct inode **ret_deleg)
{
	struct dentry *parent = dir->f_path.dentry;
	struct inode *inode = file_inode(master);
	cl_idmap *idmap = cl_mnt_idmap(dir->f_path.mnt);
	struct dentry *dentry, *new;
	int err = 0;

	if (IS_DEADDIR(d_inode(parent)))
		return -ENOENT;
	dentry = lookup_one(idmap, name, parent, strlen(name));
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	if (d_inode(dentry) == inode)
		goto out;
	err = -ENOENT;
	if (d_is_negative(dentry))
		goto out;
	err = -ESTALE;
	if (d_inode(dentry) != victim)
		goto out;
	err = -ETXTBSY;
	if (cowlink_is_breaking(dentry))
		goto out;
	/* Also that the hidden name can be removed if it cannot be renamed. */
	err = -EPERM;
	if (check_sticky(idmap, d_inode(parent), inode) ||
	    check_sticky(idmap, d_inode(parent), victim))
		goto out;

	err = cowlink_try_break_deleg(inode, ret_deleg);
	if (!err)
		err = cowlink_try_break_deleg(victim, ret_deleg);
	if (err)
		goto out;
	new = cowlink_replace(idmap, parent, dentry, master->f_path.dentry);
	err = PTR_ERR_OR_ZERO(new);
	if (!err)
		dput(new);
out:
	dput(dentry);
	return err;
}

static int cl_unify_name(struct file *dir, const char *name,
			 struct file *master, struct inode *victim)
{
	struct inode *deleg;
	int err;

	do {
		deleg = NULL;
		err = mnt_want_write_file(dir);
		if (err)
			return err;
		inode_lock_nested(file_inode(dir), I_MUTEX_PARENT);
		err = cl_unify_locked(dir, name, master, victim, &deleg);
		inode_unlock(file_inode(dir));
		mnt_drop_write_file(dir);
		if (deleg)
			err = break_deleg_wait(&deleg) ?: -EWOULDBLOCK;
	} while (err == -EWOULDBLOCK && !fatal_signal_pending(current));
	return err;
}

/* With both inodes kept as they are: compare, then replace. */
static int cl_unify_held(struct file *dir, const char *name,
			 struct file *master, struct file *victim, u32 flags)
{
	int err = cl_compare(master, victim, flags);

	return err ?: cl_unify_name(dir, name, master, file_inode(victim));
}

static int cl_unify(struct file *dir, const char *name, struct file *master,
		    struct file *victim, u32 flags)
{
	struct cl_break hold_master, hold_victim;
	int err;

	err = cowlink_hold(&hold_master, file_inode(master));
	if (err)
		return err;
	err = cowlink_hold(&hold_victim, file_inode(victim));
	if (!err) {
		err = cl_unify_held(dir, name, master, victim, flags);
		cowlink_release(&hold_victim);
	}
	cowlink_release(&hold_master);
	return err;
}

static int cl_check_file(struct file *dir, struct file *file)
{
	if (!file || !(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!S_ISREG(file_inode(file)->i_mode))
		return -EINVAL;
	if (file_inode(file)->i_sb != file_inode(dir)->i_sb)
		return -EXDEV;
	return 0;
}

static int cl_unify_fds(struct file *dir, const char *name,
			const struct cowlink_unify *args)
{
	struct file *master = fget(args->master_fd);
	struct file *victim = fget(args->victim_fd);
	int err;

	err = cl_check_file(dir, master);
	if (!err)
		err = cl_check_file(dir, victim);
	if (!err && file_inode(master) == file_inode(victim))
		err = -EINVAL;
	if (!err)
		err = cl_unify(dir, name, master, victim, args->flags);
	if (victim)
		fput(victim);
	if (master)
		fput(master);
	return err;
}

/* Return: one component, to be freed with kfree(), or an ERR_PTR. */
static char *cl_get_name(u64 uptr)
{
	char *name = strndup_user(u64_to_user_ptr(uptr), NAME_MAX + 1);

	/* strndup_user() says EINVAL to what is too long */
	if (name == ERR_PTR(-EINVAL))
		return ERR_PTR(-ENAMETOOLONG);
	if (IS_ERR(name))
		return name;
	if (!*name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, "..")) {
		kfree(name);
		return ERR_PTR(-EINVAL);
	}
	return name;
}

static int cl_get_args(struct cowlink_unify *args, void __user *argp)
{
	u32 size;
	int err;

	if (get_user(size, (u32 __user *)argp))
		return -EFAULT;
	if (size < COWLINK_UNIFY_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(args, sizeof(*args), argp, size);
	if (err)
		return err;
	if (args->flags & ~COWLINK_UNIFY_ANY_MTIME)
		return -EINVAL;
	if (memchr_inv(args->reserved, 0, sizeof(args->reserved)))
		return -EINVAL;
	return 0;
}

/**
 * ioctl_link_unify - FS_IOC_LINK_UNIFY
 * @dir: the directory
 * @argp: struct cowlink_unify in user memory
 *
 * Replace the entry @name of the directory, if it still refers to the inode of
 * @victim_fd, by a link to the inode of @master_fd. Both must be IXUNLINK files
 * of this filesystem, open for reading and equal in size, mode, owner, group,
 * modification time and content; with COWLINK_UNIFY_ANY_MTIME the times may
 * differ, and the name has that of the master then. Extended attributes are not
 * compared: they cannot change either, and the caller knows which of them matter.
 *
 * Context: process context; reads both files.
 * Return: 0, also if the name refers to the inode of @master_fd already, or with
 * nothing changed a negative errno:
 *
 * -EBADE	the files are not equal
 * -ESTALE	the name refers to neither inode
 * -ENOENT	there is no such name
 * -EINVAL	not regular, not IXUNLINK, the same inode twice, @name is not one
 *		component, @size too small, unknown @flags, or @reserved not 0
 * -E2BIG	a newer structure with something in it that is not known
 * -ENAMETOOLONG, -EFAULT
 * -EBADF	a descriptor is not open for reading
 * -EXDEV	not on the filesystem of the directory
 * -ETXTBSY	somebody is about to write through the name
 * -EPERM	no CAP_LINUX_IMMUTABLE in the initial user namespace; the directory
 *		is immutable or append-only, or sticky and another user's
 * -EACCES	no permission to write to the directory
 * -ENOTDIR	@dir is no directory
 * -EOPNOTSUPP	the filesystem does not have the attribute
 * -EMLINK	the inode of @master_fd has no link left
 * -EBUSY	the name is a mount point
 * -EINTR	by a fatal signal
 * or what reading, link(2) and rename(2) return, e.g. -EROFS, -ENOSPC, -EIO.
 */
int ioctl_link_unify(struct file *dir, void __user *argp)
{
	struct cowlink_unify args;
	char *name;
	int err;

	BUILD_BUG_ON(sizeof(args) != COWLINK_UNIFY_SIZE_VER0);

	if (!S_ISDIR(file_inode(dir)->i_mode))
		return -ENOTDIR;
	if (!(file_inode(dir)->i_sb->s_iflags & SB_I_COWLINK))
		return -EOPNOTSUPP;
	if (!capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	err = cl_get_args(&args, argp);
	if (err)
		return err;
	name = cl_get_name(args.name);
	if (IS_ERR(name))
		return PTR_ERR(name);
	err = cl_unify_fds(dir, name, &args);
	kfree(name);
	return err;
}
