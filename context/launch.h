/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's life: begin, end, and let somebody in. The caller has the lock. */
#ifndef COWLINK_LAUNCH_H
#define COWLINK_LAUNCH_H

#include "guest.h"

/*
 * Start it. On success it runs, also when we are killed in the next moment; on
 * failure nothing of it is left.
 *
 * The order: what limits is there before what is limited; the record is written
 * before the first process is let go. One killed before that takes the process with
 * it, and what lies about (a cgroup, a record) is used or replaced by the next start.
 */
int guest_start(struct guest *g, struct err *err);

/* Stop it: its signal, its time, then SIGKILL to all there is, of which a notice is
 * given. A guest that has stopped by itself is cleaned up after. */
int guest_stop(struct guest *g, struct err *err);

/* SIGKILL to its first process, with which all others end; when they have: 0. */
int guest_kill(int pidfd);

/* Remove record and console, unless by now they are those of another pool's guest. */
int guest_forget(const struct tree_row *row, int run_fd, struct err *err);

/* Remove what is left of one that does not run: processes, cgroup, record. */
int guest_clean(struct guest *g, struct err *err);

/* Run a program in it and wait; its exit status, 128+N after a signal, or -errno.
 * Without @argv a shell, on a terminal of the guest that is connected with ours. With
 * @rt, which may be NULL, it begins under SCHED_DEADLINE. */
struct rt_deadline;
int guest_exec(struct guest *g, char *const *argv,
	       const struct rt_deadline *rt, struct err *err);

#endif
