/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replace a name in a directory of somebody else without leaving a trace in its
 * mtime. Programs judge by it whether a directory has changed (icon and font
 * caches, make, backups); a file that gives way to an equal one is no change.
 *
 *	dirtime_begin(&dt, dirfd);
 *	r = fx_renameat(..., dirfd, name, RENAME_EXCHANGE);
 *	dirtime_end(&dt, name, 2, 0);
 *
 * If anybody else makes, removes or renames something there meanwhile, the
 * directory gets the present time instead of the old one: such a change must be
 * seen. We learn of it by inotify, and of every one: a change and its event happen
 * under the directory's lock, which setting the time takes too, so whatever came
 * before our setting has its event in the queue when that returns, and whatever
 * comes after sets the time itself. The change time (ctime) cannot be restored.
 *
 * One inotify instance serves the process, because closing one waits for a grace
 * period of the kernel (10 ms); so one thread at a time.
 *
 * Best effort: where inotify cannot be had, the mtime stays as the exchange left
 * it. A crash between the two leaves it so as well.
 */
#ifndef COWLINK_DIRTIME_H
#define COWLINK_DIRTIME_H

#include <sys/stat.h>

struct dirtime {
	int dirfd;		/* borrowed */
	int watch;		/* -1: leave the time alone */
	struct statx before;
};

void dirtime_begin(struct dirtime *dt, int dirfd);
/*
 * Our own doings were @named events of @name (an exchange is two: it went and it
 * came; a rename to it is one) and @hidden events of the kernel's names that begin
 * with ".ixunlink-" (FS_IOC_LINK_UNIFY: made, renamed away), or none of these, as
 * some filesystems need no such name. Both 0: we did nothing.
 */
void dirtime_end(struct dirtime *dt, const char *name, unsigned int named,
		 unsigned int hidden);

#endif
