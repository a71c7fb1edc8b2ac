/* SPDX-License-Identifier: GPL-2.0-only */
/* What a process inherits, and a guest must not from whoever started it. */
#ifndef COWLINK_STARTER_H
#define COWLINK_STARTER_H

#include <sys/types.h>

/*
 * Be as a process that init(8) has started: scheduled as others are (SCHED_OTHER, nice 0,
 * no class of the disk's own, all processors, no memory policy), of no other personality,
 * and as near to the OOM killer as others. So a guest is the same by hand, from a shell of
 * real time and after a reboot; and with -1000 of its starter's (proc(5)) nothing in a
 * guest could be killed when that is at its memory limit.
 *
 * What this root may not change stays: less of nice or of oom_score_adj needs CAP_SYS_NICE
 * or CAP_SYS_RESOURCE. Resource limits stay, too: they are settings.
 */
void starter_forget(void);

/* The processors that the caller is held to are not those of @pid, 0 for ourselves: all that
 * its cgroup allows are. 0 or -errno. */
int starter_all_processors(pid_t pid);

#endif
