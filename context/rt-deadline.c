// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rt.h"
#include "starter.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* As sched_setattr(2) takes it; some C libraries have a type for it, some have not. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

#define FLAG_RESET_ON_FORK 1

int rt_may_give(struct err *err)
{
	if (capng_get_caps_process() < 0 ||
	    !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_NICE))
		return err_set(err, -EOPNOTSUPP,
			       "real time needs CAP_SYS_NICE, which this root has not");
	return 0;
}

static int explain(int code, struct err *err)
{
	if (code == -EPERM)
		return err_set(err, code,
			       "SCHED_DEADLINE is for who may use all processors of a "
			       "root domain: set cpuset.cpus.partition=root, or take "
			       "cpuset.cpus away");
	if (code == -EBUSY)
		return err_set(err, code,
			       "others have been promised the processor time already: "
			       "ask for less, or see kernel.sched_rt_runtime_us");
	if (code == -EINVAL)
		return err_set(err, code,
			       "the kernel takes no such times: at least 2us, and a "
			       "period as kernel.sched_deadline_period_min_us and "
			       "_max_us say");
	return err_errno(err, code, "cannot set SCHED_DEADLINE");
}

int rt_give(pid_t pid, const struct rt_deadline *d, struct err *err)
{
	struct attributes a = { .size = sizeof(a),
				.policy = SCHED_DEADLINE,
				.flags = FLAG_RESET_ON_FORK,
				.runtime = d->runtime_us * 1000,
				.deadline = d->deadline_us * 1000,
				.period = d->period_us * 1000 };
	int r = starter_all_processors(pid);

	if (r < 0)
		return err_errno(err, r, "cannot set the processors");
	return syscall(SYS_sched_setattr, pid, &a, 0) < 0 ?
		       explain(-errno, err) :
		       0;
}
