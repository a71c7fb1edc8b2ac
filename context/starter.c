// SPDX-License-Identifier: GPL-2.0-only
#include "starter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"

int starter_all_processors(pid_t pid)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	return sched_setaffinity(pid, sizeof(all), &all) < 0 ? -errno : 0;
}

static void be_scheduled_as_others(void)
{
	const struct sched_param none = { .sched_priority = 0 };

	(void)sched_setscheduler(0, SCHED_OTHER, &none);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0));
	(void)starter_all_processors(0);
}

static void be_killed_as_others(void)
{
	_cleanup_close_ int fd =
		open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)dprintf(fd, "0");
}

void starter_forget(void)
{
	be_scheduled_as_others();
	be_killed_as_others();
	(void)syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0);
	(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	(void)personality(PER_LINUX);
}
