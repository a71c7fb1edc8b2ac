/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scope cleanup for userland.
 *
 *	_cleanup_close_ int fd = -1;
 *	_cleanup_free_ char *path = NULL;
 *	...
 *	*ret_fd = steal_fd(&fd);
 *
 * A variable declared with one of these gives its resource back when it leaves
 * scope, whatever the way out, and keeps errno. Ownership leaves only through
 * steal_fd() and steal_ptr(). Never mix with goto in one function. A descriptor
 * whose last write matters is closed explicitly with fdio_close() and checked.
 */
#ifndef COWLINK_CLEANUP_H
#define COWLINK_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_dir_ _cleanup_(cleanup_dir)

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* What is closed is -1 then: its number may be another's the next moment. */
static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd < 0)
		return;
	(void)close(*fd); /* read-only or already failed: nothing to lose */
	*fd = -1;
	errno = saved;
}

/* Of a pipe or socketpair. */
static inline void cleanup_pair(int pair[2])
{
	cleanup_close(&pair[0]);
	cleanup_close(&pair[1]);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d); /* read only */
}

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define steal_ptr(pp)                              \
	({                                         \
		__typeof__(*(pp)) taken_ = *(pp);  \
		*(pp) = NULL;                      \
		taken_;                            \
	})

#endif
