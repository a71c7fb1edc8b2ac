// SPDX-License-Identifier: GPL-2.0-only
#include "fsinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "cleanup.h"
#include "fx.h"

/* What <linux/magic.h> of Debian 12 does not name. */
#define XFS_MAGIC 0x58465342
#define CIFS_MAGIC 0xff534d42
#define EXFAT_MAGIC 0x2011bab0
#define NTFS3_MAGIC 0x7366746e

static const struct {
	unsigned int magic;
	const char *name;
	const char *refusal;	/* NULL: what it can do decides */
} filesystems[] = {
	{ EXT4_SUPER_MAGIC, "ext4", NULL },
	{ XFS_MAGIC, "XFS", NULL },
	{ BTRFS_SUPER_MAGIC, "btrfs", NULL },
	{ TMPFS_MAGIC, "tmpfs", NULL },
	{ F2FS_SUPER_MAGIC, "f2fs", NULL },
	{ OVERLAYFS_SUPER_MAGIC, "overlayfs",
	  "it gives a file another inode when it is written" },
	{ NFS_SUPER_MAGIC, "NFS",
	  "other machines can change its files behind our locks" },
	{ CIFS_MAGIC, "CIFS",
	  "other machines can change its files behind our locks" },
	{ SMB2_SUPER_MAGIC, "SMB",
	  "other machines can change its files behind our locks" },
	{ V9FS_MAGIC, "9p",
	  "other machines can change its files behind our locks" },
	{ FUSE_SUPER_MAGIC, "FUSE",
	  "its links and locks are what its daemon makes of them" },
	{ MSDOS_SUPER_MAGIC, "vfat", "it has no hard links" },
	{ EXFAT_MAGIC, "exFAT", "it has no hard links" },
	{ NTFS3_MAGIC, "NTFS", "it has no Unix owners and modes" },
	{ PROC_SUPER_MAGIC, "proc", "it holds no files" },
	{ SYSFS_MAGIC, "sysfs", "it holds no files" },
};

/* Index in the table, or -1. */
static int identify(int fd)
{
	struct statfs sf;
	size_t i;

	if (fstatfs(fd, &sf) < 0)
		return -1;
	for (i = 0; i < sizeof(filesystems) / sizeof(*filesystems); i++)
		if (filesystems[i].magic == (unsigned int)sf.f_type)
			return i;
	return -1;
}

const char *fsinfo_name(int fd)
{
	int i = identify(fd);

	return i < 0 ? "this file system" : filesystems[i].name;
}

static bool has_mount_flag(int fd, unsigned long flag)
{
	struct statvfs sv;

	return fstatvfs(fd, &sv) == 0 && sv.f_flag & flag;
}

bool fsinfo_is_read_only(int fd)
{
	return has_mount_flag(fd, ST_RDONLY);
}

bool fsinfo_is_nodev(int fd)
{
	return has_mount_flag(fd, ST_NODEV);
}

/* Each test returns what the system call said. */
struct trial {
	int dirfd;
	int fd;		/* an unnamed file, then FSINFO_PROBE_A */
};

static int try_tmpfile(struct trial *t)
{
	t->fd = fx_tmpfile(t->dirfd);
	return t->fd < 0 ? t->fd :
			   fx_link_fd(t->fd, t->dirfd, FSINFO_PROBE_A);
}

static int try_link(struct trial *t)
{
	return fx_linkat(t->dirfd, FSINFO_PROBE_A, t->dirfd, FSINFO_PROBE_B);
}

static int try_exchange(struct trial *t)
{
	return fx_renameat(t->dirfd, FSINFO_PROBE_A, t->dirfd, FSINFO_PROBE_B,
			   RENAME_EXCHANGE);
}

static int try_xattr(struct trial *t)
{
	return fx_fsetxattr(t->fd, "trusted.cowlink.probe", "1", 1);
}

static const struct {
	int (*run)(struct trial *t);
	const char *what;
} trials[] = {
	{ try_tmpfile, "unnamed files" },
	{ try_link, "hard links" },
	{ try_exchange, "exchanging two names" },
	{ try_xattr, "trusted extended attributes" },
};

/* Full, out of memory, forbidden: says nothing about the filesystem. */
static bool is_passing(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -ENOMEM ||
	       code == -EROFS || code == -EIO || code == -EACCES ||
	       code == -EINTR;
}

static int refuse(int code, const char *path, int fd, const char *what,
		  struct err *err)
{
	if (is_passing(code))
		return err_errno(err, code, "cannot make files in '%s'", path);
	return err_set(err, -EOPNOTSUPP,
		       "'%s' cannot hold a pool: %s does not give us %s", path,
		       fsinfo_name(fd), what);
}

static int run_trials(struct trial *t, const char *path, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(trials) / sizeof(*trials); i++) {
		int r = trials[i].run(t);

		if (r < 0)
			return refuse(r, path, t->dirfd, trials[i].what, err);
	}
	return 0;
}

static int remove_if_there(int fd, const char *name)
{
	int r = fx_unlinkat(fd, name, 0);

	return r == -ENOENT ? 0 : r;
}

int fsinfo_remove_probes(int fd)
{
	int a = remove_if_there(fd, FSINFO_PROBE_A);
	int b = remove_if_there(fd, FSINFO_PROBE_B);

	return a ? a : b;
}

int fsinfo_check_pool(int fd, const char *path, struct err *err)
{
	struct trial t = { .dirfd = fd, .fd = -1 };
	int which = identify(fd);
	int r;

	if (which >= 0 && filesystems[which].refusal)
		return err_set(err, -EOPNOTSUPP,
			       "'%s' cannot hold a pool: it is on %s, and %s",
			       path, filesystems[which].name,
			       filesystems[which].refusal);
	r = fsinfo_remove_probes(fd);
	if (r < 0)
		return err_errno(err, r, "cannot remove files in '%s'", path);
	r = run_trials(&t, path, err);
	cleanup_close(&t.fd);
	return r;
}
