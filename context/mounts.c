// SPDX-License-Identifier: GPL-2.0-only
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "catalog.h"
#include "cleanup.h"
#include "extra.h"
#include "fdio.h"
#include "fx.h"

/* One effect by one system call. */
#define MOUNT_STEP(call)                                  \
	({                                                \
		int step_ = fx_step("mount");             \
		step_ ? step_ : (call) < 0 ? -errno : 0;  \
	})

/* A directory at the top of the guest, never through a symlink that it made. */
static int open_top(int rootfs_fd, const char *name)
{
	int fd = openat(rootfs_fd, name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int move_to(int tree_fd, int dir_fd)
{
	return MOUNT_STEP(move_mount(tree_fd, "", dir_fd, "",
				     MOVE_MOUNT_F_EMPTY_PATH |
					     MOVE_MOUNT_T_EMPTY_PATH));
}

/* --- the root ------------------------------------------------------------------------ */

static int open_mountable(int rootfs_fd, int userns_fd, struct err *err)
{
	struct mount_attr attr = {
		/* device nodes that came with a template are dead */
		.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NODEV,
		/* sudo and su have to work, whatever the pool's mount says */
		.attr_clr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
		.userns_fd = userns_fd,
	};
	_cleanup_close_ int fd =
		open_tree(rootfs_fd, "",
			  AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r < 0)
		return err_errno(err, r, "cannot take the guest's tree");
	r = MOUNT_STEP(mount_setattr(fd, "", AT_EMPTY_PATH, &attr,
				     sizeof(attr)));
	if (r == -EINVAL)
		return err_set(err, -EOPNOTSUPP,
			       "the pool's filesystem cannot be mounted with "
			       "other ids on this kernel; ext4, XFS and btrfs can");
	if (r < 0)
		return err_errno(err, r, "cannot give the tree the guest's ids");
	return steal_fd(&fd);
}

static int own_namespace(struct err *err)
{
	int r = MOUNT_STEP(unshare(CLONE_NEWNS));

	if (!r)
		r = MOUNT_STEP(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE,
				     NULL));
	return r < 0 ? err_errno(err, r, "cannot make a mount namespace") : 0;
}

/* --- /dev ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	unsigned int minor;
	unsigned int major;
} nodes[] = {
	{ "null", 3, 1 },    { "zero", 5, 1 },	  { "full", 7, 1 },
	{ "random", 8, 1 },  { "urandom", 9, 1 }, { "tty", 0, 5 },
};

static const struct {
	const char *name;
	const char *target;
} links[] = {
	{ "fd", "/proc/self/fd" },    { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

static const char *const dev_dirs[] = { "pts", "shm", "mqueue" };

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static int make_node(int dir, size_t i, uint32_t id)
{
	int r = fx_mknodat(dir, nodes[i].name, S_IFCHR | 0666,
			   makedev(nodes[i].major, nodes[i].minor));

	if (!r)
		r = fx_fchmodat(dir, nodes[i].name, 0666);
	return r ? r : fx_fchownat(dir, nodes[i].name, id, id);
}

/* The nodes are made here, since a guest cannot: mknod(2) asks the host's root. */
static int fill_dev(int dir, uint32_t id)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < COUNT_OF(nodes); i++)
		r = make_node(dir, i, id);
	for (i = 0; !r && i < COUNT_OF(links); i++) {
		r = fx_symlinkat(links[i].target, dir, links[i].name);
		if (!r)
			r = fx_fchownat(dir, links[i].name, id, id);
	}
	for (i = 0; !r && i < COUNT_OF(dev_dirs); i++) {
		r = fx_mkdirat(dir, dev_dirs[i], 0755);
		if (!r)
			r = fx_fchownat(dir, dev_dirs[i], id, id);
	}
	/* its first process binds its console there */
	if (!r)
		r = fx_mknodat(dir, "console", S_IFREG | 0600, 0);
	if (!r)
		r = fx_fchownat(dir, "console", id, id);
	return r ? r : fx_fchown(dir, id, id);
}

/* A new tmpfs at the directory @name of the guest; the directory it is. */
static int mount_tmpfs(int root, const char *name, unsigned long flags,
		       const char *options)
{
	_cleanup_close_ int below = open_top(root, name);
	char path[40];
	int r = below;

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", below);
	r = MOUNT_STEP(mount("vserver", path, "tmpfs", flags, options));
	return r ? r : fdio_open_dir(root, name);
}

static int build_dev(int root, uint32_t context, struct err *err)
{
	_cleanup_close_ int dir = mount_tmpfs(root, "dev", MS_NOSUID,
					      "mode=755,size=1m,nr_inodes=1k");
	int r = dir < 0 ? dir : fill_dev(dir, CONTEXT_UID(context));

	return r < 0 ? err_errno(err, r, "cannot make the guest's /dev") : 0;
}

/* --- /sys ------------------------------------------------------------------------------ */

/* What programs look for; the network's devices are the host's and are shown. */
static const char *const sys_dirs[] = { "block", "bus",	   "class", "dev",
					"devices", "kernel", "module" };

static int show_sys(int dir, const char *name)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			    MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
		.propagation = MS_PRIVATE,
	};
	_cleanup_close_ int tree = -1;
	_cleanup_close_ int at = -1;
	char path[32];
	int r;

	(void)snprintf(path, sizeof(path), "/sys/%s", name);
	tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return errno == ENOENT ? 0 : -errno;
	r = fx_mkdirat(dir, name, 0755);
	if (!r)
		r = at = open_top(dir, name);
	if (r >= 0)
		r = MOUNT_STEP(mount_setattr(tree, "", AT_EMPTY_PATH, &attr,
					     sizeof(attr)));
	return r ? r : move_to(tree, at);
}

/* sysfs itself belongs to the owner of the network namespace: to the host. */
static int build_sys(int root, struct err *err)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int dir =
		mount_tmpfs(root, "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			    "mode=755,size=64k,nr_inodes=64");
	int r = dir < 0 ? dir : 0;
	size_t i;

	for (i = 0; !r && i < COUNT_OF(sys_dirs); i++)
		r = show_sys(dir, sys_dirs[i]);
	if (!r)
		r = fx_mkdirat(dir, "fs", 0755);
	if (!r)
		r = fx_mkdirat(dir, "fs/cgroup", 0755);
	/* or udevd thinks that it has devices to look after */
	if (!r)
		r = MOUNT_STEP(mount_setattr(dir, "", AT_EMPTY_PATH, &read_only,
					     sizeof(read_only)));
	return r < 0 ? err_errno(err, r, "cannot make the guest's /sys") : 0;
}

/* --- all of it --------------------------------------------------------------------------- */

/* On the host's side, where ids are as on disk: the guest's root is 0. */
static int make_mount_points(int rootfs_fd, struct err *err)
{
	static const char *const names[] = { "dev", "proc", "sys" };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++) {
		int fd = open_top(rootfs_fd, names[i]);
		int r = fd == -ENOENT ? fx_mkdirat(rootfs_fd, names[i], 0755) :
			fd < 0	      ? fd :
					0;

		cleanup_close(&fd);
		if (r < 0)
			return err_errno(err, r,
					 "the guest's /%s is no directory",
					 names[i]);
	}
	return 0;
}

int mounts_build(int rootfs_fd, int userns_fd, uint32_t context,
		 const char *extra, struct err *err)
{
	_cleanup_extra_ struct extra_list more = { 0 };
	_cleanup_close_ int root = -1;
	_cleanup_close_ int at = -1;
	int r = make_mount_points(rootfs_fd, err);

	if (r < 0)
		return r;
	r = extra_open(extra, rootfs_fd, userns_fd, &more, err);
	if (!r)
		r = root = open_mountable(rootfs_fd, userns_fd, err);
	if (r >= 0)
		r = own_namespace(err);
	if (r < 0)
		return r;
	at = open(GUEST_MOUNT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = at < 0 ? -errno : move_to(root, at);
	if (r < 0)
		return err_errno(err, r, "cannot mount the guest's tree");
	r = build_dev(root, context, err);
	if (!r)
		r = build_sys(root, err);
	return r ? r : extra_place(&more, root, err);
}
