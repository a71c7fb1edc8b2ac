// SPDX-License-Identifier: GPL-2.0-only
/* From the header of an archive entry to status and xattrs. */
#include <endian.h>
#include <errno.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "cleanup.h"
#include "log.h"
#include "tree-tar.h"

#define ID_MAX 0xfffffffeLL	/* the last one, -1, means "none" */

/* tar has no other: names of an ACL entry in the order of their values. */
static const struct {
	int tar;
	uint16_t tag;
} acl_tags[] = {
	{ ARCHIVE_ENTRY_ACL_USER_OBJ, ACL_USER_OBJ },
	{ ARCHIVE_ENTRY_ACL_USER, ACL_USER },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_GROUP_OBJ },
	{ ARCHIVE_ENTRY_ACL_GROUP, ACL_GROUP },
	{ ARCHIVE_ENTRY_ACL_MASK, ACL_MASK },
	{ ARCHIVE_ENTRY_ACL_OTHER, ACL_OTHER },
};

static uint16_t acl_tag(int tar)
{
	size_t i;

	for (i = 0; i < sizeof(acl_tags) / sizeof(*acl_tags); i++)
		if (acl_tags[i].tar == tar)
			return acl_tags[i].tag;
	return 0;
}

/* Takes @value. */
static int add_xattr(struct iattr *attr, const char *name, void *value,
		     size_t size)
{
	struct xattr *xattrs;
	size_t i;

	for (i = 0; i < attr->xattr_count; i++)
		if (!strcmp(attr->xattrs[i].name, name)) {
			free(attr->xattrs[i].value);
			attr->xattrs[i].value = value;
			attr->xattrs[i].size = size;
			return 0;
		}
	xattrs = reallocarray(attr->xattrs, attr->xattr_count + 1,
			      sizeof(*xattrs));
	if (xattrs)
		attr->xattrs = xattrs;
	if (xattrs)
		xattrs[attr->xattr_count].name = strdup(name);
	if (!xattrs || !xattrs[attr->xattr_count].name) {
		free(value);
		return -ENOMEM;
	}
	xattrs[attr->xattr_count].value = value;
	xattrs[attr->xattr_count].size = size;
	attr->xattr_count++;
	return 0;
}

static int compare_acl(const void *a, const void *b)
{
	const struct posix_acl_xattr_entry *x = a;
	const struct posix_acl_xattr_entry *y = b;
	unsigned int tx = le16toh(x->e_tag);
	unsigned int ty = le16toh(y->e_tag);

	/* the tags' values are in the order the kernel wants */
	if (tx != ty)
		return tx < ty ? -1 : 1;
	if (le32toh(x->e_id) != le32toh(y->e_id))
		return le32toh(x->e_id) < le32toh(y->e_id) ? -1 : 1;
	return 0;
}

/* One entry of an ACL; -EINVAL when it names somebody by name only. */
static int fill_acl_entry(struct posix_acl_xattr_entry *e, int tar_tag,
			  int perm, int id, const char *name, const char *path,
			  struct err *err)
{
	uint16_t tag = acl_tag(tar_tag);
	bool named = tag == ACL_USER || tag == ACL_GROUP;

	if (!tag)
		return err_set(err, -EINVAL,
			       "'%s' has an ACL that is not a POSIX one", path);
	if (named && id < 0)
		return err_set(err, -EINVAL,
			       "the ACL of '%s' gives no number for '%s'; "
			       "archive with --xattrs-include='*', not --acls",
			       path,
			       name ? name : "");
	e->e_tag = htole16(tag);
	e->e_perm = htole16(perm & 7);
	e->e_id = htole32(named ? (uint32_t)id : (uint32_t)ACL_UNDEFINED_ID);
	return 0;
}

/* The mode's group bits are the mask where there is one: chmod sets that. */
static void take_mask(struct iattr *attr, const struct posix_acl_xattr_entry *e)
{
	if (le16toh(e->e_tag) != ACL_MASK)
		return;
	attr->stx.stx_mode &= ~070;
	attr->stx.stx_mode |= (le16toh(e->e_perm) & 7) << 3;
}

static int add_acl(struct archive_entry *entry, int type, const char *xattr,
		   const char *path, struct iattr *attr, struct err *err)
{
	_cleanup_free_ struct posix_acl_xattr_header *h = NULL;
	struct posix_acl_xattr_entry *e;
	int count = archive_entry_acl_reset(entry, type);
	int got_type, perm, tag, id;
	const char *name;
	size_t used = 0;

	if (!count)
		return 0;
	h = calloc(1, sizeof(*h) + count * sizeof(*e));
	if (!h)
		return err_errno(err, -ENOMEM, "cannot read '%s'", path);
	h->a_version = htole32(POSIX_ACL_XATTR_VERSION);
	e = (struct posix_acl_xattr_entry *)(h + 1);
	while (used < (size_t)count &&
	       archive_entry_acl_next(entry, type, &got_type, &perm, &tag, &id,
				      &name) == ARCHIVE_OK) {
		int r = fill_acl_entry(&e[used], tag, perm, id, name, path, err);

		if (r < 0)
			return r;
		if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
			take_mask(attr, &e[used]);
		used++;
	}
	qsort(e, used, sizeof(*e), compare_acl);
	return add_xattr(attr, xattr, steal_ptr(&h),
			 sizeof(*h) + used * sizeof(*e));
}

static int add_acls(struct archive_entry *entry, const char *path,
		    struct iattr *attr, struct err *err)
{
	int types = archive_entry_acl_types(entry);
	int r;

	if (types & ARCHIVE_ENTRY_ACL_TYPE_NFS4)
		return err_set(err, -EINVAL,
			       "'%s' has an ACL that is not a POSIX one", path);
	r = add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
		    "system.posix_acl_access", path, attr, err);
	if (!r)
		r = add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
			    "system.posix_acl_default", path, attr, err);
	return r;
}

/* Attributes of other systems ("com.apple.quarantine") have no place here. */
static bool is_linux_xattr(const char *name)
{
	static const char *const prefixes[] = { "user.", "trusted.",
						"security.", "system." };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static int add_xattrs(struct archive_entry *entry, const char *path,
		      struct iattr *attr)
{
	const char *name;
	const void *value;
	size_t size;
	int r = 0;

	(void)archive_entry_xattr_reset(entry); /* a count, which we don't need */
	while (!r && archive_entry_xattr_next(entry, &name, &value, &size) ==
			     ARCHIVE_OK) {
		void *copy;

		if (!xattr_is_copied(name))
			continue;
		if (!is_linux_xattr(name)) {
			log_warning("'%s' has the attribute '%s', which Linux "
				    "does not know, leaving it out", path, name);
			continue;
		}
		copy = malloc(size ? size : 1);
		if (!copy)
			return -ENOMEM;
		if (size)
			memcpy(copy, value, size);
		r = add_xattr(attr, name, copy, size);
	}
	return r;
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name,
		      ((const struct xattr *)b)->name);
}

static int fill_status(struct archive_entry *entry, const char *path,
		       struct statx *stx, struct err *err)
{
	la_int64_t uid = archive_entry_uid(entry);
	la_int64_t gid = archive_entry_gid(entry);

	if (uid < 0 || uid > ID_MAX || gid < 0 || gid > ID_MAX)
		return err_set(err, -EINVAL,
			       "'%s' has an owner that is no valid number",
			       path);
	stx->stx_mode = archive_entry_filetype(entry) |
			(archive_entry_perm(entry) & 07777);
	stx->stx_uid = uid;
	stx->stx_gid = gid;
	stx->stx_size = archive_entry_size(entry);
	stx->stx_rdev_major = archive_entry_rdevmajor(entry);
	stx->stx_rdev_minor = archive_entry_rdevminor(entry);
	stx->stx_mtime.tv_sec = archive_entry_mtime(entry);
	stx->stx_mtime.tv_nsec = archive_entry_mtime_nsec(entry);
	stx->stx_atime = stx->stx_mtime;
	if (archive_entry_atime_is_set(entry)) {
		stx->stx_atime.tv_sec = archive_entry_atime(entry);
		stx->stx_atime.tv_nsec = archive_entry_atime_nsec(entry);
	}
	return 0;
}

int tar_entry_attr(struct archive_entry *entry, const char *path,
		   struct iattr *ret, struct err *err)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	int r = fill_status(entry, path, &attr.stx, err);

	if (!r) {
		r = add_xattrs(entry, path, &attr);
		if (r < 0)
			err_errno(err, r, "cannot read '%s'", path);
	}
	if (!r)
		r = add_acls(entry, path, &attr, err);
	if (r < 0)
		return r;
	if (attr.xattr_count)
		qsort(attr.xattrs, attr.xattr_count, sizeof(*attr.xattrs),
		      compare_xattrs);
	*ret = attr;
	attr = (struct iattr)IATTR_INIT;
	return 0;
}
