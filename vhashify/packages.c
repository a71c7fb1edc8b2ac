// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest in the middle of an upgrade is full of files that are about to change or
 * to be replaced; it is left for the next run. Package managers say that they are
 * at work by a lock on a file, which can be seen from outside. (apk uses flock(2),
 * which cannot be asked about without taking it for a moment.)
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "fdio.h"
#include "vhashify.h"

static const struct {
	const char *manager;
	const char *path;
} locks[] = {
	{ "dpkg", "var/lib/dpkg/lock-frontend" },
	{ "dpkg", "var/lib/dpkg/lock" },
	{ "rpm", "var/lib/rpm/.rpm.lock" },
	{ "rpm", "usr/lib/sysimage/rpm/.rpm.lock" },
};

static bool is_locked(int rootfs_fd, const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat st;
	/* the guest may have put a fifo or a device there: look first */
	_cleanup_close_ int handle =
		fdio_open_beneath(rootfs_fd, path, O_PATH | O_NOFOLLOW);
	_cleanup_close_ int fd = -1;

	if (handle < 0 || fstat(handle, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	fd = fdio_reopen(handle);
	if (fd < 0)
		return false;
	return !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK;
}

const char *packages_busy(int rootfs_fd)
{
	size_t i;

	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		if (is_locked(rootfs_fd, locks[i].path))
			return locks[i].manager;
	return NULL;
}
