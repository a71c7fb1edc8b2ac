/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuset.cpus.partition of a guest: its processors are taken away from everybody else,
 * so that a deadline of it can be promised and no real time of it disturbs others.
 *
 * A partition below another group that is none has to ask all groups above for the
 * processors, by cpuset.cpus.exclusive, which Linux has from 6.7 on. Before that
 * vserver.slice itself has to be a partition, which its owner decides.
 */
#ifndef COWLINK_LIMIT_CPUSET_H
#define COWLINK_LIMIT_CPUSET_H

#include <stdbool.h>

#include "err.h"

#define PARTITION_FILE "cpuset.cpus.partition"

/* Is the group, by its descriptor, anything but a member? */
bool partition_is(int fd);

/* Make the group @fd below @slice_fd a @value: root, isolated or member; with the
 * controller turned on. The kernel takes what it cannot do, and says so afterwards:
 * then it is a member again, and this fails with the kernel's reason. */
int partition_set(int slice_fd, int fd, const char *value, struct err *err);

#endif
