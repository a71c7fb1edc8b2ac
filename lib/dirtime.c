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

/* IN_ATTRIB: of the directory itself; those of what lies in it are left out. */
#define CHANGES (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB)

#define HIDDEN_PREFIX ".ixunlink-"
#define EVENT_MAX (sizeof(struct inotify_event) + NAME_MAX + 1)

static int watch(struct dirtime *dt)
{
	char path[40];

	if (dt->inotify < 0)
		dt->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (dt->inotify < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dt->dirfd);
	return inotify_add_watch(dt->inotify, path, CHANGES | IN_ONLYDIR);
}

static void unwatch(struct dirtime *dt)
{
	if (dt->watch >= 0)
		(void)inotify_rm_watch(dt->inotify, dt->watch); /* or gone itself */
	dt->watch = -1;
}

void dirtime_begin(struct dirtime *dt, int dirfd)
{
	dt->dirfd = dirfd;
	dt->begun = true;
	dt->watch = watch(dt);
	/* after the watch: a change before this is in the time we keep */
	if (dt->watch >= 0 && fdio_statx(dirfd, NULL, &dt->before) < 0)
		unwatch(dt);
}

struct seen {
	unsigned int named;
	unsigned int hidden;
};

static bool is_noted(const struct dirtime *dt, const char *name)
{
	unsigned int i;

	/* the last ones come last */
	for (i = dt->name_count; i; i--)
		if (!strcmp(dt->names[i - 1], name))
			return true;
	return false;
}

/* Take in one event; false for one that is not of our kind. */
static bool count_event(const struct dirtime *dt, const struct inotify_event *e,
			const char *name, struct seen *seen)
{
	if (e->wd >= 0 && e->wd != dt->watch)
		return true; /* of an earlier watch */
	if (!e->len)
		return false; /* the directory itself, or too many events */
	if (e->mask & IN_ATTRIB)
		return true;
	if (e->mask & (IN_MOVED_FROM | IN_MOVED_TO) && is_noted(dt, name))
		seen->named++;
	else if (e->mask & (IN_CREATE | IN_MOVED_FROM) &&
		 !strncmp(name, HIDDEN_PREFIX, strlen(HIDDEN_PREFIX)))
		seen->hidden++;
	else
		return false;
	return true;
}

static bool count_events(const struct dirtime *dt, const char *buf, ssize_t len,
			 struct seen *seen)
{
	const char *p = buf;
	bool ours = true;

	while (p < buf + len) {
		struct inotify_event e;

		memcpy(&e, p, sizeof(e));
		p += sizeof(e);
		ours = count_event(dt, &e, p, seen) && ours;
		p += e.len;
	}
	return ours;
}

/* Read what has happened: nothing but what we noted? That is forgotten then. */
static bool only_ours(struct dirtime *dt)
{
	char buf[16 * EVENT_MAX];
	struct seen seen = { 0 };
	bool ours = true;
	ssize_t len;

	do {
		len = fdio_read(dt->inotify, buf, sizeof(buf));
		if (len > 0)
			ours = count_events(dt, buf, len, &seen) && ours;
		/* with room for one more event there was none */
	} while (len > (ssize_t)(sizeof(buf) - EVENT_MAX));
	ours = ours && (len > 0 || len == -EAGAIN) &&
	       seen.named == dt->named &&
	       (!seen.hidden || seen.hidden == dt->hidden);
	dt->name_count = dt->named = dt->hidden = 0;
	return ours;
}

void dirtime_note(struct dirtime *dt, const char *name, unsigned int named,
		  unsigned int hidden)
{
	if (dt->watch < 0 || !(named + hidden))
		return;
	dt->changed = true;
	dt->names[dt->name_count++] = name;
	dt->named += named;
	dt->hidden += hidden;
	if (dt->name_count == DIRTIME_NAMES)
		dt->foreign = !only_ours(dt) || dt->foreign;
}

static void restore(struct dirtime *dt)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = dt->before.stx_mtime.tv_sec,
		  .tv_nsec = dt->before.stx_mtime.tv_nsec },
	};

	/* a failure leaves a later time than need be: harmless */
	if (fx_utimens(dt->dirfd, times) || only_ours(dt))
		return;
	times[1].tv_nsec = UTIME_NOW;
	if (fx_utimens(dt->dirfd, times) < 0)
		(void)fx_utimens(dt->dirfd, times);
}

void dirtime_end(struct dirtime *dt)
{
	if (!dt->begun)
		return;
	if (dt->watch >= 0 && dt->changed && only_ours(dt) && !dt->foreign)
		restore(dt);
	unwatch(dt);
	*dt = (struct dirtime){ .inotify = dt->inotify, .watch = -1 };
}

void dirtime_release(struct dirtime *dt)
{
	dirtime_end(dt);
	cleanup_close(&dt->inotify);
}
