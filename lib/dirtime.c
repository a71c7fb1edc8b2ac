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

#include "fdio.h"
#include "fx.h"

#define CHANGES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)

static int inotify = -1;	/* for the life of the process */

static int watch(int dirfd)
{
	char path[40];

	if (inotify < 0)
		inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	return inotify_add_watch(inotify, path, CHANGES | IN_ONLYDIR);
}

static void unwatch(struct dirtime *dt)
{
	if (dt->watch >= 0)
		(void)inotify_rm_watch(inotify, dt->watch); /* or gone itself */
	dt->watch = -1;
}

void dirtime_begin(struct dirtime *dt, int dirfd)
{
	dt->dirfd = dirfd;
	dt->watch = watch(dirfd);
	/* after the watch: a change before this is in the time we keep */
	if (dt->watch >= 0 && fdio_statx(dirfd, NULL, &dt->before) < 0)
		unwatch(dt);
}

#define HIDDEN_PREFIX ".ixunlink-"

struct seen {
	unsigned int named;
	unsigned int hidden;
};

/* Take in one buffer of events; false for one that is not of our kind. */
static bool count_events(const char *buf, ssize_t len, int wd, const char *name,
			 struct seen *seen)
{
	const char *p = buf;

	while (p < buf + len) {
		const uint32_t moved = IN_MOVED_FROM | IN_MOVED_TO;
		struct inotify_event e;

		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		if (e.wd >= 0 && e.wd != wd) {
			p += e.len; /* of an earlier watch */
			continue;
		}
		if (!e.len)
			return false;
		if (e.mask & moved && !strcmp(p, name))
			seen->named++;
		else if (e.mask & (IN_CREATE | IN_MOVED_FROM) &&
			 !strncmp(p, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)))
			seen->hidden++;
		else
			return false;
		p += e.len;
	}
	return true;
}

static bool only_ours(int wd, const char *name, unsigned int named,
		      unsigned int hidden)
{
	char buf[4 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
	struct seen seen = { 0 };
	ssize_t len;

	while ((len = read(inotify, buf, sizeof(buf))) > 0)
		if (!count_events(buf, len, wd, name, &seen))
			return false;
	return len < 0 && errno == EAGAIN && seen.named == named &&
	       (!seen.hidden || seen.hidden == hidden);
}

void dirtime_end(struct dirtime *dt, const char *name, unsigned int named,
		 unsigned int hidden)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = dt->before.stx_mtime.tv_sec,
		  .tv_nsec = dt->before.stx_mtime.tv_nsec },
	};

	if (dt->watch < 0)
		return;
	/* a failure leaves a later time than need be: harmless */
	if (named + hidden && !fx_utimens(dt->dirfd, times) &&
	    !only_ours(dt->watch, name, named, hidden)) {
		times[1].tv_nsec = UTIME_NOW;
		if (fx_utimens(dt->dirfd, times) < 0)
			(void)fx_utimens(dt->dirfd, times);
	}
	unwatch(dt);
}
