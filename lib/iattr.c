// SPDX-License-Identifier: GPL-2.0-only
#include "iattr.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "uapi/cowlink.h"

/* What /proc/self/fd/N reaches without following a final symlink. */
#define FD_PATH_SIZE 40

static void fd_path(int fd, char path[FD_PATH_SIZE])
{
	(void)snprintf(path, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

bool xattr_is_copied(const char *name)
{
	return strncmp(name, IATTR_OWN_XATTR_PREFIX,
		       strlen(IATTR_OWN_XATTR_PREFIX)) &&
	       strcmp(name, "trusted.SGI_ACL_FILE") &&
	       strcmp(name, "trusted.SGI_ACL_DEFAULT");
}

/* The calls for open files spare a way through /proc, which costs more than all the
 * rest; O_PATH descriptors get EBADF from them. */
static ssize_t list_fd(int fd, char *names, size_t size)
{
	ssize_t n = flistxattr(fd, names, size);
	char path[FD_PATH_SIZE];

	if (n >= 0 || errno != EBADF)
		return n;
	fd_path(fd, path);
	return listxattr(path, names, size);
}

static ssize_t get_fd(int fd, const char *name, void *value, size_t size)
{
	ssize_t n = fgetxattr(fd, name, value, size);
	char path[FD_PATH_SIZE];

	if (n >= 0 || errno != EBADF)
		return n;
	fd_path(fd, path);
	return getxattr(path, name, value, size);
}

/* The names of all xattrs, NUL after NUL, malloc'ed; the length or -errno.
 * Tried again when an attribute appears between the two calls. */
static ssize_t list_names(int fd, char **ret)
{
	int tries;

	for (tries = 0; tries < 8; tries++) {
		_cleanup_free_ char *names = NULL;
		ssize_t size = list_fd(fd, NULL, 0);

		if (size < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
			return 0;
		if (size <= 0)
			return size < 0 ? -errno : 0;
		names = malloc(size);
		if (!names)
			return -ENOMEM;
		size = list_fd(fd, names, size);
		if (size >= 0) {
			*ret = steal_ptr(&names);
			return size;
		}
		if (errno != ERANGE)
			return -errno;
	}
	return -EAGAIN;
}

/* 0 with the value, -ENODATA when it went away meanwhile. */
static int read_value(int fd, struct xattr *x)
{
	int tries;

	for (tries = 0; tries < 8; tries++) {
		ssize_t size = get_fd(fd, x->name, NULL, 0);
		void *value;

		if (size < 0)
			return -errno;
		value = malloc(size ? size : 1);
		if (!value)
			return -ENOMEM;
		size = get_fd(fd, x->name, value, size);
		if (size >= 0) {
			x->value = value;
			x->size = size;
			return 0;
		}
		free(value);
		if (errno != ERANGE)
			return -errno;
	}
	return -EAGAIN;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name,
		      ((const struct xattr *)b)->name);
}

int iattr_read_xattrs(int fd, struct iattr *attr)
{
	_cleanup_free_ char *names = NULL;
	ssize_t len = list_names(fd, &names);
	size_t count = 0;
	char *p;

	if (len <= 0)
		return len;
	for (p = names; p < names + len; p += strlen(p) + 1)
		count++;
	attr->xattrs = calloc(count, sizeof(*attr->xattrs));
	if (!attr->xattrs)
		return -ENOMEM;
	for (p = names; p < names + len; p += strlen(p) + 1) {
		struct xattr *x = &attr->xattrs[attr->xattr_count];
		int r;

		if (!xattr_is_copied(p))
			continue;
		x->name = strdup(p);
		if (!x->name)
			return -ENOMEM;
		r = read_value(fd, x);
		if (r == -ENODATA) {
			free(steal_ptr(&x->name));
			continue;
		}
		attr->xattr_count++;
		if (r < 0)
			return r;
	}
	qsort(attr->xattrs, attr->xattr_count, sizeof(*attr->xattrs),
	      compare_names);
	return 0;
}

int iattr_read_fd(int fd, struct iattr *ret)
{
	struct iattr attr = IATTR_INIT;
	int r = fdio_statx(fd, NULL, &attr.stx);

	if (!r)
		r = iattr_read_xattrs(fd, &attr);
	if (r < 0) {
		iattr_release(&attr);
		return r;
	}
	*ret = attr;
	return 0;
}

int iattr_read_at(int dirfd, const char *name, struct iattr *ret)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : iattr_read_fd(fd, ret);
}

void iattr_release(struct iattr *attr)
{
	size_t i;

	for (i = 0; i < attr->xattr_count; i++) {
		free(attr->xattrs[i].name);
		free(attr->xattrs[i].value);
	}
	free(attr->xattrs);
	attr->xattrs = NULL;
	attr->xattr_count = 0;
}

static void times_of(const struct iattr *attr, struct timespec times[2])
{
	times[0].tv_sec = attr->stx.stx_atime.tv_sec;
	times[0].tv_nsec = attr->stx.stx_atime.tv_nsec;
	times[1].tv_sec = attr->stx.stx_mtime.tv_sec;
	times[1].tv_nsec = attr->stx.stx_mtime.tv_nsec;
}

static bool has_xattr(const struct iattr *attr, const char *name)
{
	struct xattr key = { .name = (char *)name };

	return attr->xattr_count &&
	       bsearch(&key, attr->xattrs, attr->xattr_count, sizeof(key),
		       compare_names);
}

/* A new file in a directory with a default ACL has ACLs that nobody gave it. */
static int drop_inherited(int fd, const struct iattr *attr)
{
	static const char *const inherited[] = { "system.posix_acl_access",
						 "system.posix_acl_default" };
	size_t i;
	int r;

	/* mostly there is nothing at all, and each removal is a transaction */
	if (!flistxattr(fd, NULL, 0))
		return 0;
	for (i = 0; i < 2; i++) {
		if (has_xattr(attr, inherited[i]))
			continue;
		r = fx_fremovexattr(fd, inherited[i]);
		if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP && r != -EACCES)
			return r;
	}
	return 0;
}

int iattr_apply_fd(int fd, const struct iattr *attr)
{
	struct timespec times[2];
	size_t i;
	int r;

	/* chown strips set-user-ID bits and capabilities, an ACL changes the
	 * mode's group bits, and each of them changes ctime only: so owner,
	 * xattrs, mode, times */
	r = fx_fchown(fd, attr->stx.stx_uid, attr->stx.stx_gid);
	if (!r)
		r = drop_inherited(fd, attr);
	for (i = 0; !r && i < attr->xattr_count; i++)
		r = fx_fsetxattr(fd, attr->xattrs[i].name,
				 attr->xattrs[i].value, attr->xattrs[i].size);
	if (!r)
		r = fx_fchmod(fd, attr->stx.stx_mode & 07777);
	times_of(attr, times);
	return r ? r : fx_utimens(fd, times);
}

int iattr_apply_at(int dirfd, const char *name, const struct iattr *attr)
{
	struct timespec times[2];
	size_t i;
	int r;

	r = fx_fchownat(dirfd, name, attr->stx.stx_uid, attr->stx.stx_gid);
	for (i = 0; !r && i < attr->xattr_count; i++)
		r = fx_setxattrat(dirfd, name, attr->xattrs[i].name,
				  attr->xattrs[i].value, attr->xattrs[i].size);
	if (!r && !S_ISLNK(attr->stx.stx_mode))
		r = fx_fchmodat(dirfd, name, attr->stx.stx_mode & 07777);
	times_of(attr, times);
	return r ? r : fx_utimensat(dirfd, name, times);
}

bool iattr_same_metadata(const struct iattr *a, const struct iattr *b)
{
	size_t i;

	if (a->stx.stx_mode != b->stx.stx_mode ||
	    a->stx.stx_uid != b->stx.stx_uid ||
	    a->stx.stx_gid != b->stx.stx_gid ||
	    a->stx.stx_size != b->stx.stx_size ||
	    a->stx.stx_mtime.tv_sec != b->stx.stx_mtime.tv_sec ||
	    a->stx.stx_mtime.tv_nsec != b->stx.stx_mtime.tv_nsec ||
	    a->xattr_count != b->xattr_count)
		return false;
	for (i = 0; i < a->xattr_count; i++) {
		const struct xattr *x = &a->xattrs[i];
		const struct xattr *y = &b->xattrs[i];

		if (strcmp(x->name, y->name) || x->size != y->size ||
		    memcmp(x->value, y->value, x->size))
			return false;
	}
	return true;
}

bool iflags_is_special(unsigned int flags)
{
	const unsigned int ours = FS_IMMUTABLE_FL | FS_IXUNLINK_FL;

	if (iflags_is_shared(flags))
		flags &= ~ours;
	return flags & (FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL |
			FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL |
			FS_NOATIME_FL | FS_NOCOMP_FL | FS_JOURNAL_DATA_FL |
			FS_NOTAIL_FL | FS_NOCOW_FL | FS_DAX_FL |
			FS_ENCRYPT_FL | FS_VERITY_FL);
}

int iflags_get(int fd, unsigned int *ret_flags)
{
	unsigned int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) {
		if (errno != ENOTTY && errno != EOPNOTSUPP && errno != ENOSYS)
			return -errno;
		flags = 0;
	}
	*ret_flags = flags;
	return 0;
}

bool iflags_is_shared(unsigned int flags)
{
	const unsigned int both = FS_IMMUTABLE_FL | FS_IXUNLINK_FL;

	return (flags & both) == both;
}

static int clear_projid(int fd)
{
	struct fsxattr fa;

	/* no project ids here: nothing to clear */
	if (ioctl(fd, FS_IOC_FSGETXATTR, &fa) < 0 || !fa.fsx_projid)
		return 0;
	return fx_setprojid(fd, 0, 0);
}

static int change_flags(int fd, unsigned int set, unsigned int clear)
{
	unsigned int flags;
	int r;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return errno == ENOTTY ? -EOPNOTSUPP : -errno;
	if ((flags & set) == set && !(flags & clear))
		return 0;
	r = fx_setflags(fd, (flags & ~clear) | set);
	return r == -ENOTTY ? -EOPNOTSUPP : r;
}

int iflags_share(int fd)
{
	int r = clear_projid(fd);

	return r ? r : change_flags(fd, FS_IMMUTABLE_FL | FS_IXUNLINK_FL, 0);
}

int iflags_unshare(int fd)
{
	return change_flags(fd, 0, FS_IMMUTABLE_FL | FS_IXUNLINK_FL);
}

int iflags_set_immutable(int fd, bool on)
{
	int r = on ? change_flags(fd, FS_IMMUTABLE_FL, 0) :
		     change_flags(fd, 0, FS_IMMUTABLE_FL);

	return r == -EOPNOTSUPP ? 0 : r;
}
