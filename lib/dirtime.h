/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exchange names in a directory of somebody else without leaving a trace in its
 * mtime. Programs judge by it whether a directory has changed (icon and font
 * caches, make, backups); an exchange of a file for an equal one is no change.
 *
 *	dirtime_begin(&dt, dirfd);
 *	r = fx_renameat(..., dirfd, name, RENAME_EXCHANGE);	done @moves times
 *	dirtime_end(&dt, name, moves);
 *
 * If anybody else makes, removes or renames something there meanwhile, the
 * directory gets the present time instead of the old one: such a change must be
 * seen. We learn of it by inotify, and of every one: a change and its event happen
 * under the directory's lock, which setting the time takes too, so whatever came
 * before our setting has its event in the queue when that returns, and whatever
 * comes after sets the time itself. The change time (ctime) cannot be restored.
 *
 * Best effort: where inotify cannot be had, the mtime stays as the exchange left
 * it. A crash between the two leaves it so as well.
 */
#ifndef COWLINK_DIRTIME_H
#define COWLINK_DIRTIME_H

#include <sys/stat.h>

struct dirtime {
	int dirfd;		/* borrowed */
	int inotify;		/* -1: leave the time alone */
	struct statx before;
};

void dirtime_begin(struct dirtime *dt, int dirfd);
void dirtime_end(struct dirtime *dt, const char *name, unsigned int moves);

#endif
