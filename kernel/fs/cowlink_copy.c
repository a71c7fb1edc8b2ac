// SPDX-License-Identifier: GPL-2.0-only
/*
 * The private copy of an IXUNLINK file: an unnamed inode in the directory of the
 * name it will get, complete and on disk before anybody can see it.
 *
 * The source cannot change meanwhile: no writable file of an IXUNLINK inode
 * exists, its metadata are immutable, and clearing the attribute is refused as
 * long as the break is registered.
 */
#include <linux/sched/signal.h>

#include "cowlink_internal.h"

/* Attributes of the inode that belong to the content, cf. copy up in overlayfs. */
#define CL_COPY_FL	(FS_SYNC_FL | FS_NOATIME_FL | FS_NODUMP_FL)

static struct cred *cl_prepare_cred(kuid_t fsuid, kgid_t fsgid)
{
	struct cred *cred = prepare_kernel_cred(&init_task);

	if (!cred)
		return NULL;
	cred->fsuid = fsuid;
	cred->fsgid = fsgid;
	cap_clear(cred->cap_inheritable);
	cap_clear(cred->cap_permitted);
	cap_clear(cred->cap_effective);
	cap_clear(cred->cap_ambient);
	return cred;
}

static void cl_raise(struct cred *cred, int cap)
{
	cap_raise(cred->cap_permitted, cap);
	cap_raise(cred->cap_effective, cap);
}

/**
 * cowlink_get_creds - make the credentials for breaking one link
 * @creds: to be filled in; freed with cowlink_put_creds(), also on error
 * @victim: the name whose link is broken
 *
 * Return: 0, or a negative errno.
 */
int cowlink_get_creds(struct cowlink_creds *creds, struct dentry *victim)
{
	struct inode *inode = d_inode(victim);
	struct cred *create, *copy, *list;
	int err = -ENOMEM;

	create = cl_prepare_cred(inode->i_uid, inode->i_gid);
	copy = cl_prepare_cred(current_fsuid(), current_fsgid());
	list = cl_prepare_cred(inode->i_uid, inode->i_gid);
	if (create && copy && list) {
		cl_raise(create, CAP_DAC_OVERRIDE);
		cl_raise(list, CAP_SYS_ADMIN);
		/* The copy gets the label of the original from the start. */
		err = security_inode_copy_up(victim, &create);
	}
	creds->create = create;
	creds->copy = copy;
	creds->list = list;
	return err;
}

void cowlink_put_creds(struct cowlink_creds *creds)
{
	/* put_cred() accepts NULL */
	put_cred(creds->create);
	put_cred(creds->copy);
	put_cred(creds->list);
}

/*
 * Read and written, not spliced: a splice ends with any signal, and open(2) of a
 * regular file does not. Only a fatal one ends the copy. *@done tells how far it
 * came, also on error.
 */
static int cl_copy_range(struct file *in, struct file *out, loff_t *done,
			 loff_t end, void *buf)
{
	loff_t pos = *done;
	ssize_t n;

	while (pos < end) {
		void *from = buf;

		if (fatal_signal_pending(current))
			return -EINTR;
		n = kernel_read(in, buf,
				min_t(loff_t, end - pos, COWLINK_CHUNK), &pos);
		if (n <= 0)
			return n ?: -EIO;
		while (*done < pos) {
			n = kernel_write(out, from, pos - *done, done);
			if (n <= 0)
				return n ?: -EIO;
			from += n;
		}
		cond_resched();
	}
	return 0;
}

/**
 * cowlink_next_data - find the next data of a file
 * @file: the file; its position is moved
 * @pos: where to start, before the end of the file
 * @ret_hole: if not NULL, set to the end of the data
 *
 * A filesystem that cannot tell is believed to have data up to the end; ext4 says
 * ENOENT for inline data that have grown and are not on disk yet.
 *
 * Return: where the data start, or the size of the file if there are none.
 */
loff_t cowlink_next_data(struct file *file, loff_t pos, loff_t *ret_hole)
{
	loff_t size = i_size_read(file_inode(file));
	loff_t data = vfs_llseek(file, pos, SEEK_DATA);
	loff_t hole = size;

	if (data == -ENXIO)
		data = size;
	else if (data < 0)
		data = pos;
	else if (ret_hole)
		hole = vfs_llseek(file, data, SEEK_HOLE);
	if (ret_hole)
		*ret_hole = hole < 0 ? size : hole;
	return data;
}

/* Copy [pos, end) without filling the holes. */
static int cl_copy_extents(struct file *in, struct file *out, loff_t pos,
			   loff_t end, void *buf, u64 *copied)
{
	loff_t data, hole;
	int err = 0;

	for (data = cowlink_next_data(in, pos, &hole); data < end && !err;
	     data = hole < end ? cowlink_next_data(in, hole, &hole) : end) {
		loff_t done = data;

		err = cl_copy_range(in, out, &done, min(hole, end), buf);
		*copied += done - data;
	}
	return err;
}

static int cl_set_size(struct file *out, loff_t size)
{
	struct dentry *dentry = out->f_path.dentry;
	struct iattr attr = {
		.ia_valid = ATTR_SIZE | ATTR_FORCE,
		.ia_size = size,
	};
	int err;

	err = mnt_want_write_file(out);
	if (err)
		return err;
	inode_lock(d_inode(dentry));
	err = notify_change(CL_NOP_IDMAP, dentry, &attr, NULL);
	inode_unlock(d_inode(dentry));
	mnt_drop_write_file(out);
	return err;
}

/*
 * Where blocks can be shared they are, and no more of them than are wanted:
 * quota counts shared ones like others.
 *
 * Return: how many bytes need not be copied any more; what a clone that failed
 * halfway has done is taken back.
 */
static loff_t cl_clone(struct file *in, struct file *out, loff_t end)
{
	struct inode *inode = file_inode(in);
	loff_t len = end;

	if (end < i_size_read(inode))
		len = round_down(end, i_blocksize(inode));
	if (!len || !in->f_op->remap_file_range)
		return 0;
	if (vfs_clone_file_range(in, 0, out, 0, len, 0) == len)
		return len;
	return cl_set_size(out, 0);
}

static int cl_clone_or_copy(struct cowlink_job *job, struct file *in,
			    struct file *out, loff_t end)
{
	loff_t done = cl_clone(in, out, end);
	void *buf;
	int err;

	if (done < 0)
		return done;
	job->cloned += done;
	if (done == end)
		return 0;
	/* Before the data, lest the filesystem allocates for a file that grows. */
	err = cl_set_size(out, end);
	if (err)
		return err;
	buf = kvmalloc(COWLINK_CHUNK, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = cl_copy_extents(in, out, done, end, buf, &job->copied);
	kvfree(buf);
	return err;
}

static int cl_copy_data(struct cowlink_job *job, struct file *out, loff_t end,
			const struct cowlink_creds *creds)
{
	const struct cred *old;
	struct file *in;
	int err;

	old = override_creds(creds->create);
	in = dentry_open(job->path, O_RDONLY | O_LARGEFILE | O_NOATIME |
			 (__force int)__FMODE_NONOTIFY, creds->create);
	revert_creds(old);
	if (IS_ERR(in))
		return PTR_ERR(in);

	old = override_creds(creds->copy);
	err = cl_clone_or_copy(job, in, out, end);
	revert_creds(old);
	fput(in);
	return err;
}

static int cl_set_xattr(struct dentry *dst, const char *name, const void *value,
			size_t size)
{
	struct inode *inode = d_inode(dst);
	int err;

	inode_lock(inode);
	/* Writing the data may have found that there is nothing to strip. */
	inode->i_flags &= ~S_NOSEC;
	/* Raw: security.capability keeps the root id it has on disk. */
	err = __vfs_setxattr(CL_NOP_IDMAP, dst, inode, name, value, size, 0);
	if (!err)
		security_inode_post_setxattr(dst, name, value, size, 0);
	inode_unlock(inode);
	return err;
}

static int cl_copy_xattr(struct dentry *src, struct dentry *dst,
			 const char *name)
{
	struct inode *inode = d_inode(src);
	ssize_t size;
	void *value;
	int err;

	/* ACLs go through the interface that keeps the cached ones right. */
	if (cl_is_acl(name))
		return 0;
	err = cl_wants_xattr(src, name);
	if (err <= 0)
		return err;

	size = __vfs_getxattr(src, inode, name, NULL, 0);
	if (size < 0)
		return size;
	value = kvmalloc(size + 1, GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	size = __vfs_getxattr(src, inode, name, value, size);
	err = size < 0 ? size : cl_set_xattr(dst, name, value, size);
	kvfree(value);
	return err;
}

static ssize_t cl_list_xattrs(struct dentry *src, char **list,
			      const struct cowlink_creds *creds)
{
	const struct cred *old = override_creds(creds->list);
	ssize_t size = vfs_listxattr(src, NULL, 0);

	*list = NULL;
	if (size > 0) {
		*list = kvmalloc(size, GFP_KERNEL);
		size = *list ? vfs_listxattr(src, *list, size) : -ENOMEM;
	}
	revert_creds(old);
	return size == -EOPNOTSUPP ? 0 : size;
}

static int cl_copy_xattrs(struct dentry *src, struct dentry *dst,
			  const struct cowlink_creds *creds)
{
	char *list, *name;
	ssize_t size = cl_list_xattrs(src, &list, creds);
	int err = size < 0 ? size : 0;

	for (name = list; !err && size > 0 && name < list + size;
	     name += strlen(name) + 1)
		err = cl_copy_xattr(src, dst, name);
	kvfree(list);
	return err;
}

/* Set, or clear: the copy may have got the default ACL of its directory. */
static int cl_copy_acl(struct dentry *src, struct dentry *dst)
{
	struct inode *inode = d_inode(dst);
	struct posix_acl *acl, *has;
	int err = 0;

	/* Linux 6.1 has the functions below only with the option. */
	if (!IS_ENABLED(CONFIG_FS_POSIX_ACL) || !IS_POSIXACL(inode))
		return 0;
	acl = cl_get_acl(d_inode(src));
	if (IS_ERR(acl))
		return PTR_ERR(acl);
	has = cl_get_acl(inode);
	if (IS_ERR(has)) {
		posix_acl_release(acl);
		return PTR_ERR(has);
	}
	if (acl || has) {
		inode_lock(inode);
		err = cl_set_acl(dst, acl);
		inode_unlock(inode);
	}
	posix_acl_release(has);
	posix_acl_release(acl);
	return err;
}

static int cl_copy_fileattr(struct dentry *src, struct dentry *dst)
{
	struct fileattr from = { .flags_valid = true };
	struct fileattr to = { .flags_valid = true };
	struct fileattr fa;
	int err;

	err = vfs_fileattr_get(src, &from);
	if (!err)
		err = vfs_fileattr_get(dst, &to);
	if (err == -ENOIOCTLCMD || err == -ENOTTY || err == -EOPNOTSUPP)
		return 0;
	if (err || !((from.flags ^ to.flags) & CL_COPY_FL))
		return err;
	fileattr_fill_flags(&fa, (to.flags & ~CL_COPY_FL) |
				 (from.flags & CL_COPY_FL));
	return vfs_fileattr_set(CL_NOP_IDMAP, dst, &fa);
}

/*
 * Owner, mode and times of the copy; asked for with the caller's credentials.
 *
 * A copy that was shortened has been modified. The truncation it is made for may
 * find nothing left to do: then it keeps the time, and XFS does not even strip
 * setuid and setgid from an empty file that is emptied.
 */
static void cl_get_attr(const struct path *path, loff_t end, struct iattr *attr)
{
	struct inode *from = d_inode(path->dentry);
	int kill;

	*attr = (struct iattr) {
		.ia_valid = ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_FORCE |
			    ATTR_ATIME | ATTR_ATIME_SET,
		.ia_vfsuid = VFSUIDT_INIT(from->i_uid),
		.ia_vfsgid = VFSGIDT_INIT(from->i_gid),
		.ia_mode = from->i_mode,
	};
	cl_get_times(from, attr);
	if (end == i_size_read(from)) {
		attr->ia_valid |= ATTR_MTIME | ATTR_MTIME_SET;
		return;
	}
	kill = setattr_should_drop_suidgid(cl_mnt_idmap(path->mnt), from);
	if (kill & ATTR_KILL_SUID)
		attr->ia_mode &= ~S_ISUID;
	if (kill & ATTR_KILL_SGID)
		attr->ia_mode &= ~S_ISGID;
}

static int cl_copy_metadata(struct dentry *src, struct file *tmp,
			    struct iattr *attr,
			    const struct cowlink_creds *creds)
{
	struct dentry *dst = tmp->f_path.dentry;
	int err;

	err = mnt_want_write_file(tmp);
	if (err)
		return err;
	err = cl_copy_xattrs(src, dst, creds);
	if (!err)
		err = cl_copy_acl(src, dst);
	if (!err)
		err = cl_copy_fileattr(src, dst);
	if (!err) {
		/*
		 * In one call, and last: writing strips setuid, changing the
		 * owner may, and both change the times.
		 */
		inode_lock(d_inode(dst));
		err = notify_change(CL_NOP_IDMAP, dst, attr, NULL);
		inode_unlock(d_inode(dst));
	}
	mnt_drop_write_file(tmp);
	return err;
}

static struct file *cl_open_tmpfile(struct vfsmount *mnt, struct dentry *parent,
				    const struct cowlink_creds *creds)
{
	struct path dir = { .mnt = mnt, .dentry = parent };
	struct file *tmp;
	int err;

	err = mnt_want_write(mnt);
	if (err)
		return ERR_PTR(err);
	tmp = cl_tmpfile_open(&dir, S_IFREG | 0600, O_RDWR | O_LARGEFILE |
			      (__force int)__FMODE_NONOTIFY, creds->create);
	mnt_drop_write(mnt);
	/* From here on the file itself counts as a writer of the mount. */
	return tmp;
}

/**
 * cowlink_copy - make an unnamed copy of an IXUNLINK file
 * @job: which file, and how much of it; what was copied is added up in it
 * @parent: directory to create the copy in
 * @creds: as made by cowlink_get_creds()
 *
 * Content with its holes, extended attributes, ACL, label, attributes, owner,
 * mode and access and modification time are those of the file. The copy is
 * synced to disk if any content was copied, so that its name never refers to
 * less than all of it. What was cloned as a whole needs no sync: its blocks are
 * on disk, as vfs_clone_file_range() has waited for those of the file, and a
 * filesystem that shares blocks commits that it does, and later the name, in
 * this order. Copy up in overlayfs relies on the same.
 *
 * Context: no locks held; reads and writes as much as the file is long.
 * Return: the copy, open for writing and linkable, or an ERR_PTR.
 */
struct file *cowlink_copy(struct cowlink_job *job, struct dentry *parent,
			  const struct cowlink_creds *creds)
{
	struct dentry *victim = job->path->dentry;
	loff_t end = min(job->keep, i_size_read(d_inode(victim)));
	u64 all_cloned = job->cloned + end;
	const struct cred *old;
	struct iattr attr;
	struct file *tmp;
	int err = 0;

	cl_get_attr(job->path, end, &attr);
	old = override_creds(creds->create);
	tmp = cl_open_tmpfile(job->path->mnt, parent, creds);
	revert_creds(old);
	if (IS_ERR(tmp))
		return tmp;

	if (end > 0)
		err = cl_copy_data(job, tmp, end, creds);
	if (!err) {
		old = override_creds(creds->create);
		err = cl_copy_metadata(victim, tmp, &attr, creds);
		if (!err && job->cloned < all_cloned &&
		    READ_ONCE(cowlink_sysctl_fsync))
			err = vfs_fsync(tmp, 0);
		revert_creds(old);
	}
	if (err) {
		fput(tmp);
		return ERR_PTR(err);
	}
	return tmp;
}
