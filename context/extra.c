// SPDX-License-Identifier: GPL-2.0-only
#include "extra.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"

/* --- words --------------------------------------------------------------------------- */

static int parse_options(const char *text, uint64_t *attributes)
{
	char copy[64];
	char *save;
	char *w;

	*attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	(void)snprintf(copy, sizeof(copy), "%s", text);
	for (w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (!strcmp(w, "ro"))
			*attributes |= MOUNT_ATTR_RDONLY;
		else if (!strcmp(w, "noexec"))
			*attributes |= MOUNT_ATTR_NOEXEC;
		else if (!strcmp(w, "suid"))
			*attributes &= ~(uint64_t)MOUNT_ATTR_NOSUID;
		else if (strcmp(w, "rw"))
			return -EINVAL;
	}
	return 0;
}

/* Relative, without empty, "." and ".." components, and not in what is ours. */
static int check_target(const char *target)
{
	static const char *const ours[] = { "dev", "proc", "sys" };
	const char *p = target;
	size_t i;

	do {
		size_t len = strcspn(p, "/");

		if (!len || (*p == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
			return -EINVAL;
		p += len;
	} while (*p && *++p);
	if (p > target && p[-1] == '/')
		return -EINVAL;
	for (i = 0; i < 3; i++)
		if (strcspn(target, "/") == strlen(ours[i]) &&
		    !strncmp(target, ours[i], strlen(ours[i])))
			return -EINVAL;
	return 0;
}

/* Cuts @word at its colons. */
static int parse_one(char *word, struct extra *ret)
{
	char *target = strchr(word, ':');
	char *options = target ? strchr(target + 1, ':') : NULL;

	if (!target)
		return -EINVAL;
	*target++ = '\0';
	if (options)
		*options++ = '\0';
	if (*word != '/' || *target != '/' ||
	    strlen(word) >= sizeof(ret->source) ||
	    strlen(target) >= sizeof(ret->target))
		return -EINVAL;
	(void)snprintf(ret->source, sizeof(ret->source), "%s", word);
	(void)snprintf(ret->target, sizeof(ret->target), "%s", target + 1);
	ret->fd = -1;
	if (parse_options(options ? options : "", &ret->attributes) < 0)
		return -EINVAL;
	return check_target(ret->target);
}

static int parse(const char *value, struct extra_list *ret)
{
	char copy[SETTING_VALUE_SIZE];
	char *save;
	char *w;

	ret->count = 0;
	(void)snprintf(copy, sizeof(copy), "%s", value);
	for (w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (ret->count == EXTRA_MAX ||
		    parse_one(w, &ret->list[ret->count]) < 0)
			return -EINVAL;
		ret->count++;
	}
	return 0;
}

/* --- sources ------------------------------------------------------------------------- */

/* For the message: how much of @path is the first symlink on it, 0 when there is none. */
static int first_symlink(const char *path)
{
	char part[256];
	size_t len = 0;
	struct stat st;

	while (path[len]) {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		(void)snprintf(part, sizeof(part), "%.*s", (int)len, path);
		if (!lstat(part, &st) && S_ISLNK(st.st_mode))
			return (int)len;
	}
	return 0;
}

/*
 * A directory of the host, by the host's rights. Where it is below one that a guest has,
 * the guest can put a symlink into its path, to /etc for one. So none is followed, not
 * even when it is set: nobody would see then where it leads.
 */
static int open_source(const char *path, struct err *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	int r = fd < 0 ? -errno : fd;
	int len = r == -ELOOP ? first_symlink(path) : 0;

	if (len)
		return err_set(err, r,
			       "cannot take '%s': '%.*s' is a symlink, which nobody "
			       "follows; write the path that it leads to",
			       path, len, path);
	return r < 0 ? err_errno(err, r, "cannot take '%s'", path) : fd;
}

/* One that is not there yet may be there when the guest starts. */
static int check_sources(const struct extra_list *l, struct err *err)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		struct err why = { 0 };
		_cleanup_close_ int fd = open_source(l->list[i].source, &why);

		if (fd == -ELOOP)
			return err_set(err, fd, "%s", why.msg);
	}
	return 0;
}

int extra_check(const struct setting_key *key, const char *value,
		struct err *err)
{
	struct extra_list l;

	if (parse(value, &l) < 0)
		return err_usage(err,
				 "%s: '%s' is not SOURCE:TARGET[:ro,noexec,suid] "
				 "..., both absolute, TARGET not in /dev, /proc "
				 "or /sys", key->name, value);
	return check_sources(&l, err);
}

void extra_release(struct extra_list *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		cleanup_close(&l->list[i].fd);
}

/* --- mounts -------------------------------------------------------------------------- */

static int take(struct extra *e, int userns_fd, struct err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP | e->attributes,
				   .propagation = MS_PRIVATE,
				   .userns_fd = userns_fd };
	_cleanup_close_ int source = -1;
	int r = fx_step("mount");

	if (e->attributes & MOUNT_ATTR_NOSUID)
		attr.attr_clr = 0;
	else
		attr.attr_clr = MOUNT_ATTR_NOSUID;
	if (r)
		return err_errno(err, r, "cannot take '%s'", e->source);
	source = open_source(e->source, err);
	if (source < 0)
		return source;
	e->fd = open_tree(source, "",
			  AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (e->fd < 0)
		return err_errno(err, -errno, "cannot take '%s'", e->source);
	if (mount_setattr(e->fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return errno == EINVAL ?
			       err_set(err, -EOPNOTSUPP,
				       "the filesystem of '%s' cannot be mounted "
				       "with other ids on this kernel", e->source) :
			       err_errno(err, -errno,
					 "cannot give '%s' the guest's ids",
					 e->source);
	return 0;
}

static int open_target(int root, const char *path, struct err *err)
{
	int fd = fdio_open_beneath(root, path, O_PATH | O_DIRECTORY);

	if (fd == -ELOOP || fd == -ENOTDIR)
		return err_set(err, fd,
			       "cannot mount at '/%s' in the guest: a symlink or "
			       "a file is in the way", path);
	if (fd == -EXDEV)
		return err_set(err, fd,
			       "cannot mount at '/%s' in the guest: another mount "
			       "is in the way", path);
	return fd < 0 && fd != -ENOENT ?
		       err_errno(err, fd, "cannot mount at '/%s' in the guest",
				 path) :
		       fd;
}

/* Its last component is made, as the host's root: 0 on disk is the guest's. */
static int make_target(int rootfs_fd, const char *target, struct err *err)
{
	_cleanup_close_ int parent = -1;
	_cleanup_close_ int there = open_target(rootfs_fd, target, err);
	const char *slash = strrchr(target, '/');
	char above[256] = ".";
	int r = 0;

	if (there != -ENOENT)
		return there < 0 ? there : 0;
	if (slash)
		(void)snprintf(above, sizeof(above), "%.*s",
			       (int)(slash - target), target);
	parent = open_target(rootfs_fd, above, err);
	if (parent >= 0)
		r = fx_mkdirat(parent, slash ? slash + 1 : target, 0755);
	if (parent == -ENOENT || r < 0)
		return err_errno(err, r < 0 ? r : parent,
				 "cannot make '/%s' in the guest", target);
	return parent < 0 ? parent : 0;
}

int extra_open(const char *value, int rootfs_fd, int userns_fd,
	       struct extra_list *ret, struct err *err)
{
	size_t i;
	int r = 0;

	if (value && parse(value, ret) < 0)
		return err_set(err, -EUCLEAN,
			       "the catalog's 'mount' makes no sense");
	for (i = 0; !r && i < ret->count; i++) {
		r = make_target(rootfs_fd, ret->list[i].target, err);
		if (!r)
			r = take(&ret->list[i], userns_fd, err);
	}
	return r;
}

static int place(const struct extra *e, int root, struct err *err)
{
	_cleanup_close_ int at = open_target(root, e->target, err);
	int r = at;

	if (at == -ENOENT)
		return err_errno(err, at, "cannot mount at '/%s' in the guest",
				 e->target);
	if (at >= 0)
		r = fx_step("mount");
	if (!r && move_mount(e->fd, "", at, "",
			     MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		r = -errno;
	return at < 0 ? at :
	       r < 0  ? err_errno(err, r, "cannot mount '%s' at '/%s'", e->source,
				  e->target) :
			0;
}

int extra_place(const struct extra_list *l, int root, struct err *err)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < l->count; i++)
		r = place(&l->list[i], root, err);
	return r;
}
