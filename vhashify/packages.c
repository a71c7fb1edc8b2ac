// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest in the middle of an upgrade is full of files that are about to change or
 * to be replaced; it is left for the next run. Package managers say that they are
 * at work by a lock on a file, which can be seen from outside. A lock by flock(2), as
 * apk takes it, cannot be asked about, and taking it ourselves for a moment would make
 * an apk that begins in that moment give up; so the kernel's list tells.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "cleanup.h"
#include "fdio.h"
#include "vhashify.h"

static const struct {
	const char *manager;
	const char *path;
	bool by_flock;		/* too; else fcntl(2) */
} locks[] = {
	{ "dpkg", "var/lib/dpkg/lock-frontend", false },
	{ "dpkg", "var/lib/dpkg/lock", false },
	{ "rpm", "var/lib/rpm/.rpm.lock", false },
	{ "rpm", "usr/lib/sysimage/rpm/.rpm.lock", false },
	{ "apk", "lib/apk/db/lock", true },
	{ "apk", "usr/lib/apk/db/lock", true },
};

static void close_list(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* read only */
}

/* "1: FLOCK  ADVISORY  WRITE 4711 08:01:1234 0 EOF"; btrfs has other device numbers
 * there than stat(2) tells. */
static bool is_flocked(int handle, const struct stat *st)
{
	_cleanup_(close_list) FILE *list = fopen("/proc/locks", "re");
	struct statfs sfs;
	bool any_dev = !fstatfs(handle, &sfs) &&
		       (uint32_t)sfs.f_type == BTRFS_SUPER_MAGIC;
	char line[256];

	while (list && fgets(line, sizeof(line), list)) {
		unsigned int dev_major, dev_minor;
		uint64_t ino;

		if (sscanf(line, "%*d: FLOCK %*s %*s %*d %x:%x:%" SCNu64,
			   &dev_major, &dev_minor, &ino) != 3)
			continue;
		if (ino == st->st_ino &&
		    (any_dev || (dev_major == major(st->st_dev) &&
				 dev_minor == minor(st->st_dev))))
			return true;
	}
	return false;
}

static bool is_locked(int rootfs_fd, const char *path, bool by_flock)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	/* the guest may have put a fifo or a device there: look first */
	_cleanup_close_ int handle =
		fdio_open_beneath(rootfs_fd, path, O_PATH | O_NOFOLLOW);
	_cleanup_close_ int fd = -1;

	if (handle < 0 || fstat(handle, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (by_flock && is_flocked(handle, &st))
		return true;
	fd = fdio_reopen(handle, 0);
	if (fd < 0)
		return false;
	return !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK;
}

const char *packages_busy(int rootfs_fd)
{
	size_t i;

	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		if (is_locked(rootfs_fd, locks[i].path, locks[i].by_flock))
			return locks[i].manager;
	return NULL;
}
