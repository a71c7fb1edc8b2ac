/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replace names in a directory of somebody else without leaving a trace in its
 * mtime. Programs judge by it whether a directory has changed (icon and font
 * caches, make, backups); a file that gives way to an equal one is no change.
 *
 *	struct dirtime dt = DIRTIME_INIT;
 *
 *	dirtime_begin(&dt, dirfd);
 *	r = fx_renameat(..., dirfd, name, RENAME_EXCHANGE);	any number of names
 *	dirtime_note(&dt, name, 2, 0);
 *	dirtime_end(&dt);
 *	dirtime_release(&dt);
 *
 * If anybody else makes, removes or renames something there meanwhile, or sets the
 * times of the directory, it keeps the time that the last change gave it instead of
 * the old one: such a change must be seen. We learn of it by inotify, and of every
 * one: a change and its event happen under the directory's lock, which setting the
 * time takes too, so whatever came before our setting has its event in the queue when
 * that returns, and whatever comes after sets the time itself. Not seen is who sets
 * the mtime alone, without the atime. The change time (ctime) cannot be restored.
 *
 * One directory at a time, any number one after the other: the inotify instance stays
 * until dirtime_release(), because closing it waits for a grace period of the kernel
 * (10 ms). Each thread has a struct dirtime of its own.
 *
 * Best effort: where inotify cannot be had, the mtime stays as the exchange left
 * it. A crash before the end leaves it so as well.
 */
#ifndef COWLINK_DIRTIME_H
#define COWLINK_DIRTIME_H

#include <stdbool.h>
#include <sys/stat.h>

/* Events are read when so many names have been noted. */
#define DIRTIME_NAMES 64

struct dirtime {
	int inotify;
	int dirfd;		/* borrowed */
	int watch;		/* -1: leave the time alone */
	bool begun;
	bool changed;		/* by us */
	bool foreign;		/* and by somebody else */
	struct statx before;

	/* our own doings of which the events have not been read */
	const char *names[DIRTIME_NAMES];
	unsigned int name_count;
	unsigned int named, hidden;
};
#define DIRTIME_INIT { .inotify = -1, .watch = -1 }

void dirtime_begin(struct dirtime *dt, int dirfd);
/*
 * Our own doings were @named events of @name (an exchange is two: it went and it
 * came; a rename to it is one) and @hidden events of the kernel's names that begin
 * with ".ixunlink-" (FS_IOC_LINK_UNIFY: made, renamed away), or none of these, as
 * some filesystems need no such name. Both 0: we did nothing. The name is borrowed
 * until the end.
 */
void dirtime_note(struct dirtime *dt, const char *name, unsigned int named,
		  unsigned int hidden);
/* Does nothing when there was no beginning. */
void dirtime_end(struct dirtime *dt);
void dirtime_release(struct dirtime *dt);	/* ends it first */

#endif
