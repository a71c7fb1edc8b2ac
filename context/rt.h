/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real time. A guest has what the settings rt.prio and rt.time allow, nothing unless
 * they are set: they are RLIMIT_RTPRIO and RLIMIT_RTTIME of each of its processes, and
 * the guest's root has no capability that counts against these. SCHED_DEADLINE no guest
 * can ask for; the host gives it to a process by its number.
 */
#ifndef COWLINK_RT_H
#define COWLINK_RT_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "guest.h"

/* So much processor time, within so long of the begin of each period. */
struct rt_deadline {
	uint64_t runtime_us;
	uint64_t deadline_us;
	uint64_t period_us;
};

/* For the table of settings. */
int rt_check_prio(const struct setting_key *key, const char *value,
		  struct err *err);
int rt_check_time(const struct setting_key *key, const char *value,
		  struct err *err);

/* "250", "250us", "20ms", "1s" as microseconds; -EINVAL. */
int rt_parse_time(const char *text, uint64_t *ret_us);

/* The limit that a value of rt.prio or rt.time means; "" is none of it. -EINVAL. */
int rt_limit(const struct setting_key *key, const char *value,
	     struct rlimit *ret);

/* Put it into force for all processes of a guest that runs. What has a higher priority
 * than it may have from now on is lowered. */
int rt_apply(const struct guest *g, const struct setting_key *key,
	     const char *value, struct err *err);

/* May we use rt_give()? -EOPNOTSUPP with the reason. */
int rt_may_give(struct err *err);

/* Put process @pid under SCHED_DEADLINE, and none of its children. */
int rt_give(pid_t pid, const struct rt_deadline *d, struct err *err);

#endif
