// SPDX-License-Identifier: GPL-2.0-only
#include "dirtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"

#define CHANGES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

static int watch(int dirfd)
{
	_cleanup_close_ int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[40];

	if (fd < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	if (inotify_add_watch(fd, path, CHANGES | IN_ONLYDIR) < 0)
		return -1;
	return steal_fd(&fd);
}

void dirtime_begin(struct dirtime *dt, int dirfd)
{
	dt->dirfd = dirfd;
	dt->inotify = watch(dirfd);
	/* after the watch: a change before this is in the time we keep */
	if (dt->inotify >= 0 && fdio_statx(dirfd, NULL, &dt->before) < 0) {
		cleanup_close(&dt->inotify);
		dt->inotify = -1;
	}
}

/* Count the moves of @name in one buffer of events; -1 for anything else. */
static int count_moves(const char *buf, ssize_t len, const char *name)
{
	const char *p = buf;
	int moves = 0;

	while (p < buf + len) {
		struct inotify_event e;

		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		if (!(e.mask & (IN_MOVED_FROM | IN_MOVED_TO)) || !e.len ||
		    strcmp(p, name))
			return -1;
		moves++;
		p += e.len;
	}
	return moves;
}

/* An exchange is two events: the name went away, and it came. */
static bool only_ours(int inotify, const char *name, unsigned int moves)
{
	char buf[4 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	unsigned int seen = 0;
	ssize_t len;

	while ((len = read(inotify, buf, sizeof(buf))) > 0) {
		int n = count_moves(buf, len, name);

		if (n < 0)
			return false;
		seen += n;
	}
	return len < 0 && errno == EAGAIN && seen == 2 * moves;
}

void dirtime_end(struct dirtime *dt, const char *name, unsigned int moves)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = dt->before.stx_mtime.tv_sec,
		  .tv_nsec = dt->before.stx_mtime.tv_nsec },
	};

	if (dt->inotify < 0)
		return;
	/* a failure leaves a later time than need be: harmless */
	if (moves && !fx_utimens(dt->dirfd, times) &&
	    !only_ours(dt->inotify, name, moves)) {
		times[1].tv_nsec = UTIME_NOW;
		if (fx_utimens(dt->dirfd, times) < 0)
			(void)fx_utimens(dt->dirfd, times);
	}
	cleanup_close(&dt->inotify);
	dt->inotify = -1;
}
