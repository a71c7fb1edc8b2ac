/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of cowlink, and all that differs between kernel versions:
 * with these inlines the C files are the same for each.
 */
#ifndef _FS_COWLINK_INTERNAL_H
#define _FS_COWLINK_INTERNAL_H

#include <linux/completion.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fileattr.h>
#include <linux/fsnotify_backend.h>
#include <linux/mnt_idmapping.h>
#include <linux/namei.h>
#include <linux/percpu.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/sysctl.h>
#include <linux/version.h>
#include <linux/xattr.h>

#include "cowlink.h"
#include "internal.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/filelock.h>
#endif

/**
 * struct cowlink_creds - credentials of one break
 * @create: makes the copy and gives it its metadata and its name. Its owner is
 *          the file's, its one capability is CAP_DAC_OVERRIDE, for directories
 *          that the caller may not write: it may write the file, and the copy
 *          keeps owner and mode. No capability that lifts quota or reserves.
 * @copy:   writes the data. The caller's owner and no capability, so that
 *          blocks reserved for root stay reserved.
 * @list:   lists the extended attributes; CAP_SYS_ADMIN to see trusted ones.
 */
struct cowlink_creds {
	const struct cred *create;
	const struct cred *copy;
	const struct cred *list;
};

/**
 * struct cl_break - a break that is going on, or cowlink_hold()
 * @node: in cl_active, hashed by @inode
 * @inode: what the name refers to, referenced by @dentry
 * @dentry: the name; no reference, the breaker has one as long as this is hashed.
 *          NULL for cowlink_hold(), which uses none of what follows.
 * @ref: one for the breaker and one for each waiter
 * @done: completed when @error and @result are valid
 * @error: result of the break
 * @result: if there was no error, what the name stands for now; with reference
 */
struct cl_break {
	struct hlist_node node;
	struct inode *inode;
	struct dentry *dentry;
	refcount_t ref;
	struct completion done;
	int error;
	struct dentry *result;
};

/**
 * struct cowlink_job - what a caller wants, and what it has cost
 * @path: the name, and the mount it was found by
 * @keep: how many bytes of the content are wanted, at most
 * @last_walk: nobody walks again if the name is gone
 * @op: what for
 * @copied: bytes written to the copy
 * @cloned: bytes that the copy shares with the original
 * @start_ns: when the work began
 */
struct cowlink_job {
	const struct path *path;
	loff_t keep;
	bool last_walk;
	enum cowlink_op op;
	u64 copied;
	u64 cloned;
	u64 start_ns;
};

/* Why a link cannot be broken, whoever asks for it. */
enum cowlink_denial {
	COWLINK_ALLOWED,
	COWLINK_READ_ONLY,
	COWLINK_DISABLED,
	COWLINK_UNSUPPORTED,
	COWLINK_SWAPFILE,
	COWLINK_MOUNT_ROOT,
	COWLINK_MOUNTPOINT,
	COWLINK_GONE,
	COWLINK_RLIMIT,
	COWLINK_MAX_BYTES,
	COWLINK_DIRECTORY,
	COWLINK_TOO_MANY,
};

/**
 * enum cowlink_counter - what is counted, for /proc/sys/fs/cowlink/
 * @COWLINK_BREAKS: names that got a private copy
 * @COWLINK_BYTES_COPIED: bytes written to copies, also to those thrown away
 * @COWLINK_BYTES_CLONED: bytes that copies share with the original
 * @COWLINK_RACES_LOST: callers who found somebody else at the same name and
 *                      waited, or whose name was gone when they had the copy
 * @COWLINK_FAILED: callers who got an error, refusals included
 */
enum cowlink_counter {
	COWLINK_BREAKS,
	COWLINK_BYTES_COPIED,
	COWLINK_BYTES_CLONED,
	COWLINK_RACES_LOST,
	COWLINK_FAILED,
	COWLINK_NR_COUNTERS,
};

struct cowlink_counters {
	unsigned long n[COWLINK_NR_COUNTERS];
};

DECLARE_PER_CPU(struct cowlink_counters, cowlink_counters);

static inline void cowlink_count(enum cowlink_counter which, unsigned long by)
{
	this_cpu_add(cowlink_counters.n[which], by);
}

extern int cowlink_sysctl_enabled;
extern int cowlink_sysctl_fsync;
extern unsigned long cowlink_sysctl_max_bytes;

void cowlink_trace_begin(struct cowlink_job *job);
void cowlink_trace_end(const struct cowlink_job *job, struct dentry *copy,
		       int error);
void cowlink_trace_denied(const struct cowlink_job *job,
			  enum cowlink_denial reason, int error);

/* Bytes read at once, and between two looks for a fatal signal. */
#define COWLINK_CHUNK	(64 * 1024)

int cowlink_get_creds(struct cowlink_creds *creds, struct dentry *victim);
void cowlink_put_creds(struct cowlink_creds *creds);
loff_t cowlink_next_data(struct file *file, loff_t pos, loff_t *ret_hole);
struct file *cowlink_copy(struct cowlink_job *job, struct dentry *parent,
			  const struct cowlink_creds *creds);

/* The order of errors is that of the operations: EROFS comes first. */
static inline int cl_check_mount(const struct path *path)
{
	return __mnt_is_readonly(path->mnt) ? -EROFS : 0;
}

static inline bool cl_is_acl(const char *name)
{
	return !strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS) ||
	       !strcmp(name, XATTR_NAME_POSIX_ACL_DEFAULT);
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

typedef struct mnt_idmap cl_idmap;
#define CL_NOP_IDMAP	(&nop_mnt_idmap)
#define CL_SYSCTL_END
#define CL_CONST_TABLE	const

static inline cl_idmap *cl_mnt_idmap(const struct vfsmount *mnt)
{
	return mnt_idmap(mnt);
}

static inline struct file *cl_tmpfile_open(const struct path *dir, umode_t mode,
					   int flags, const struct cred *cred)
{
	return kernel_tmpfile_open(CL_NOP_IDMAP, dir, mode, flags, cred);
}

static inline struct posix_acl *cl_get_acl(struct inode *inode)
{
	return get_inode_acl(inode, ACL_TYPE_ACCESS);
}

static inline int cl_set_acl(struct dentry *dentry, struct posix_acl *acl)
{
	return set_posix_acl(CL_NOP_IDMAP, dentry, ACL_TYPE_ACCESS, acl);
}

/* do_set_acl() reads the ACL before it asks for permission. */
#define CL_ACL_SYNTAX_FIRST	true

/* Of no user space any more: with the ids that the filesystem will store. */
static inline struct posix_acl *cl_acl_from_xattr(cl_idmap *idmap,
						  struct inode *inode,
						  const void *value,
						  size_t size)
{
	struct user_namespace *fs_ns = i_user_ns(inode);
	struct posix_acl_entry *e, *end;
	struct posix_acl *acl;

	if (!size)
		return NULL;
	acl = posix_acl_from_xattr(current_user_ns(), value, size);
	if (IS_ERR_OR_NULL(acl))
		return acl;
	FOREACH_ACL_ENTRY(e, acl, end) {
		if (e->e_tag == ACL_USER)
			e->e_uid = from_vfsuid(idmap, fs_ns,
					       VFSUIDT_INIT(e->e_uid));
		else if (e->e_tag == ACL_GROUP)
			e->e_gid = from_vfsgid(idmap, fs_ns,
					       VFSGIDT_INIT(e->e_gid));
	}
	return acl;
}

static inline int cl_security_set_acl(cl_idmap *idmap, struct dentry *dentry,
				      const char *name, const void *value,
				      size_t size, struct posix_acl *acl)
{
	return security_inode_set_acl(idmap, dentry, name, acl);
}

static inline int cl_security_remove_acl(cl_idmap *idmap, struct dentry *dentry,
					 const char *name)
{
	return security_inode_remove_acl(idmap, dentry, name);
}

/* Return: 1 to copy the attribute, 0 to leave it out, or a negative errno. */
static inline int cl_wants_xattr(struct dentry *src, const char *name)
{
	int err = security_inode_copy_up_xattr(src, name);

	if (err == -ECANCELED)
		return 0;
	return err == 0 || err == -EOPNOTSUPP ? 1 : err;
}

static inline void cl_get_times(const struct inode *inode, struct iattr *attr)
{
	attr->ia_atime = inode_get_atime(inode);
	attr->ia_mtime = inode_get_mtime(inode);
}

static inline void cl_rename_idmap(struct renamedata *rd, cl_idmap *idmap)
{
	rd->old_mnt_idmap = idmap;
	rd->new_mnt_idmap = idmap;
}

#else /* 6.1 */

typedef struct user_namespace cl_idmap;
#define CL_NOP_IDMAP	(&init_user_ns)
#define CL_SYSCTL_END	{ }
#define CL_CONST_TABLE

static inline cl_idmap *cl_mnt_idmap(const struct vfsmount *mnt)
{
	return mnt_user_ns(mnt);
}

static inline struct file *cl_tmpfile_open(const struct path *dir, umode_t mode,
					   int flags, const struct cred *cred)
{
	return vfs_tmpfile_open(CL_NOP_IDMAP, dir, mode, flags, cred);
}

static inline struct posix_acl *cl_get_acl(struct inode *inode)
{
	return get_acl(inode, ACL_TYPE_ACCESS);
}

static inline int cl_set_acl(struct dentry *dentry, struct posix_acl *acl)
{
	return set_posix_acl(CL_NOP_IDMAP, d_inode(dentry), ACL_TYPE_ACCESS,
			     acl);
}

/* The handler of the attribute reads the ACL, after all others were asked. */
#define CL_ACL_SYNTAX_FIRST	false

/* @value is what setxattr_convert() has made of it. */
static inline struct posix_acl *cl_acl_from_xattr(cl_idmap *idmap,
						  struct inode *inode,
						  const void *value,
						  size_t size)
{
	return vfs_set_acl_prepare(idmap, i_user_ns(inode), value, size);
}

static inline int cl_security_set_acl(cl_idmap *idmap, struct dentry *dentry,
				      const char *name, const void *value,
				      size_t size, struct posix_acl *acl)
{
	return security_inode_setxattr(idmap, dentry, name, value, size, 0);
}

static inline int cl_security_remove_acl(cl_idmap *idmap, struct dentry *dentry,
					 const char *name)
{
	return security_inode_removexattr(idmap, dentry, name);
}

/*
 * Return: 1 to copy the attribute, 0 to leave it out, or a negative errno. EVM
 * has no hook here yet; its HMAC covers the inode number and must not be copied.
 */
static inline int cl_wants_xattr(struct dentry *src, const char *name)
{
	int err;

	if (!strcmp(name, XATTR_NAME_EVM))
		return 0;
	err = security_inode_copy_up_xattr(name);
	if (err == 1)
		return 0;
	return err == 0 || err == -EOPNOTSUPP ? 1 : err;
}

static inline void cl_get_times(const struct inode *inode, struct iattr *attr)
{
	attr->ia_atime = inode->i_atime;
	attr->ia_mtime = inode->i_mtime;
}

static inline void cl_rename_idmap(struct renamedata *rd, cl_idmap *idmap)
{
	rd->old_mnt_userns = idmap;
	rd->new_mnt_userns = idmap;
}

#endif

/*
 * Breaks that run now are counted for the user of the task, in its namespace
 * and those above. Return: false if there are as many as may be.
 */
static inline bool cl_get_ucounts(struct ucounts **ret)
{
#ifdef CONFIG_FS_COWLINK_UCOUNTS
	*ret = inc_ucount(current_user_ns(), current_euid(),
			  UCOUNT_COWLINK_BREAKS);
	return *ret;
#else
	*ret = NULL;
	return true;
#endif
}

static inline void cl_put_ucounts(struct ucounts *ucounts)
{
#ifdef CONFIG_FS_COWLINK_UCOUNTS
	dec_ucount(ucounts, UCOUNT_COWLINK_BREAKS);
#endif
}

/* Return: the new dentry or an ERR_PTR, -EOPNOTSUPP for "do it otherwise". */
static inline struct dentry *cl_replace_link(cl_idmap *idmap,
					     struct dentry *source,
					     struct inode *dir,
					     struct dentry *victim)
{
#ifdef CONFIG_FS_REPLACE_LINK
	return vfs_replace_link(idmap, source, dir, victim, NULL);
#else
	return ERR_PTR(-EOPNOTSUPP);
#endif
}

bool cowlink_is_breaking(struct dentry *dentry);
int cowlink_hold(struct cl_break *hold, struct inode *inode);
void cowlink_release(struct cl_break *hold);
int cowlink_try_break_deleg(struct inode *inode, struct inode **deleg);
struct dentry *cowlink_replace(cl_idmap *idmap, struct dentry *parent,
			       struct dentry *victim, struct dentry *source);

#endif /* _FS_COWLINK_INTERNAL_H */
