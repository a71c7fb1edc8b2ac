/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keeper of a guest, context/init/vserver-keeper.c: the parent of the guest's
 * first process, so that it hears how that one ended, and the holder of its console.
 * It begins as a child of the start and is its own program when that is done.
 *
 *	struct keeper k = KEEPER_INIT;
 *
 *	r = keeper_prepare(&k, ...)	before the mount namespace is left
 *	pid = keeper_fork(&k)		0: in the child, which makes the first process
 *					and ends with keeper_stay()
 *	r = keeper_meet(&k, &pid, &pidfd, err)
 *	r = keeper_leave(&k, err)	or keeper_abort(&k)
 */
#ifndef COWLINK_KEEPER_H
#define COWLINK_KEEPER_H

#include <sys/types.h>

#include "cgroup.h"
#include "guest.h"

struct keeper {
	const struct guest *guest;
	pid_t pid;
	int program_fd;
	int mount_ns_fd;	/* the host's */
	int listen_fd;
	int log_fd;		/* the directory; -1: no log */
	int procs_fd;		/* of the cgroup of keepers, or -1 */
	int tty[2];		/* the first process sends its terminal's master here */
	int news[2];		/* the keeper writes a process id, then what failed */
	int go[2];		/* we write a byte when all is well */
};

#define KEEPER_INIT                                                         \
	{ .pid = -1, .program_fd = -1, .mount_ns_fd = -1, .listen_fd = -1,  \
	  .log_fd = -1, .procs_fd = -1, .tty = { -1, -1 },                  \
	  .news = { -1, -1 }, .go = { -1, -1 } }

int keeper_prepare(struct keeper *k, const struct guest *g,
		   const struct cgroup *cg, int run_fd, struct err *err);

/* 0 in the child, 1, or -errno. */
int keeper_fork(struct keeper *k, struct err *err);

/* In the child: @pid, or -errno, is what became of the first process. */
void keeper_stay(struct keeper *k, pid_t pid) __attribute__((noreturn));

/* The first process and a handle on it. Nobody waits for it until we let the keeper go
 * on, so its number stays its own. */
int keeper_meet(struct keeper *k, pid_t *ret_pid, int *ret_pidfd,
		struct err *err);

/* All is well: the keeper becomes a program of its own. When this returns 0 it is. */
int keeper_leave(struct keeper *k, struct err *err);

/* End both, and wait for it. */
void keeper_abort(struct keeper *k);
void keeper_release(struct keeper *k);

#endif
