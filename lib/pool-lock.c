// SPDX-License-Identifier: GPL-2.0-only
#include "pool-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <xxhash.h>

#include "cleanup.h"
#include "fx.h"
#include "log.h"
#include "pool.h"

#define POOL_BYTE 0

/* between two looks at a lock that somebody else has, in nanoseconds */
#define POLL_NS 20000000

/*
 * Open file description locks: they belong to the descriptor, so that two locks of
 * one process exclude each other and closing some other descriptor of the file
 * does not drop them, as it does with the older kind.
 */
static int try_lock_byte(int fd, off_t byte, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
			      .l_start = byte, .l_len = 1 };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
}

/*
 * Waiting is asking again, not F_OFD_SETLKW: that would sleep through a signal
 * which arrived just before, until the lock is free.
 */
int lock_byte(int fd, off_t byte, short type, bool wait)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int r;

	while ((r = try_lock_byte(fd, byte, type)) == -EBUSY && wait) {
		if (fx_interrupted())
			return -EINTR;
		(void)nanosleep(&pause, NULL);
	}
	return r;
}

static int open_lock_file(int pool_fd)
{
	int fd = openat(pool_fd, POOL_LOCK_FILE,
			O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int pool_lock(int pool_fd, const char *path, bool exclusive, bool wait,
	      struct err *err)
{
	_cleanup_close_ int fd = open_lock_file(pool_fd);
	short type = exclusive ? F_WRLCK : F_RDLCK;
	int r = fd;

	if (r == -ENOENT)
		return err_set(err, -EUCLEAN, "the pool '%s' has no lock file",
			       path);
	if (r >= 0)
		r = lock_byte(fd, POOL_BYTE, type, false);
	if (r == -EBUSY && wait) {
		log_notice("the pool '%s' is in use, waiting", path);
		r = lock_byte(fd, POOL_BYTE, type, true);
	}
	if (r == -EBUSY)
		return err_set(err, r, "the pool '%s' is in use", path);
	if (r < 0)
		return err_errno(err, r, "cannot lock the pool '%s'", path);
	return steal_fd(&fd);
}

/* Two names on one byte would only wait for each other without need. */
static off_t byte_of(int kind, const char *name)
{
	char text[300];
	int len = snprintf(text, sizeof(text), "%d/%s", kind, name);

	return 1 + (off_t)(XXH3_64bits(text, len) >> 2);
}

int pool_lock_name(struct pool *p, int kind, const char *name, bool wait,
		   struct err *err)
{
	_cleanup_close_ int fd = open_lock_file(p->fd);
	int r = fd;

	if (r >= 0)
		r = lock_byte(fd, byte_of(kind, name), F_WRLCK, wait);
	if (r == -EBUSY)
		return err_set(err, r, "another command is working on '%s'",
			       name);
	if (r < 0)
		return err_errno(err, r, "cannot lock '%s'", name);
	return steal_fd(&fd);
}

bool pool_is_busy(const struct pool *p)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
			      .l_start = POOL_BYTE, .l_len = 1 };
	_cleanup_close_ int own = -1;
	int fd = p->shared_lock_fd;

	/* our own lock does not stand in the way of its own descriptor */
	if (fd < 0)
		fd = own = openat(p->fd, POOL_LOCK_FILE,
				  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return false;
	return lock.l_type != F_UNLCK;
}
