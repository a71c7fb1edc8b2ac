/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which guests run. No daemon knows: a guest that was started has a record in
 * /run/vserver (COWLINK_RUN names another directory), named by its context id, with
 * the process id of its first process and the time that process was started.
 * Together they cannot mean another process, and the record needs no removal when
 * the guest ends by itself: what it names is no longer there.
 *
 *	r = running_find(&row, &run, err);
 *	if (r > 0)
 *		... run.pidfd is the guest's first process ...
 *	running_release(&run);
 *
 * Whoever starts or stops a guest holds the lock on its name and, since each pool gives
 * the same numbers, running_lock() of its context.
 */
#ifndef COWLINK_RUNNING_H
#define COWLINK_RUNNING_H

#include <stdint.h>
#include <sys/types.h>

#include "catalog.h"
#include "err.h"

struct running {
	uint32_t context;
	pid_t pid;		/* of the guest's first process, as we see it */
	uint64_t started;	/* field 22 of /proc/PID/stat */
	char uuid[UUID_TEXT_SIZE];
	char name[TREE_NAME_MAX + 1];
	int pidfd;
};

#define RUNNING_INIT { .pidfd = -1 }
#define _cleanup_running_ __attribute__((cleanup(running_release)))

/* Who uses this context: 1 and *@ret, 0 when nobody does, or -errno. */
int running_by_context(uint32_t context, struct running *ret, struct err *err);

/* The same, but only if it is this guest. */
int running_find(const struct tree_row *row, struct running *ret,
		 struct err *err);

/* The same for who only tells of it: without a handle (@ret->pidfd), by which one would
 * know whether it has ended meanwhile. */
int running_see(const struct tree_row *row, struct running *ret,
		struct err *err);

/* Is @pid, 0 for any, what the record says of this guest, whether it lives or not? 1
 * or 0. */
int running_recorded(const struct tree_row *row, pid_t pid, struct err *err);
void running_release(struct running *r);

/* Wait for the host's lock on this context, or RUNNING_NETWORK, for who gives addresses: a
 * descriptor that holds it until it and each copy of it are closed, or -errno. */
#define RUNNING_NETWORK 0
int running_lock(uint32_t context, struct err *err);

/* Is the record of this context that of another guest, alive or not? 1 or 0. */
int running_is_anothers(const struct tree_row *row, struct err *err);

/* Open (and make) the directory of the records; a descriptor. */
int running_dir(struct err *err);

/* Record the process @pid, which cannot go away meanwhile, as the guest's. */
int running_write(int dirfd, const struct tree_row *row, pid_t pid,
		  struct err *err);
int running_remove(int dirfd, uint32_t context, struct err *err);

#endif
