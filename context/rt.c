// SPDX-License-Identifier: GPL-2.0-only
#include "rt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <linux/nsfs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "cmd.h"
#include "fdio.h"
#include "userns.h"

#define PRIO_MAX_RT 99
/* A guest that makes processes faster than we look has no time for anything else. */
#define PASSES 100

/* --- values --------------------------------------------------------------------------- */

int rt_parse_time(const char *text, uint64_t *ret_us)
{
	static const struct {
		const char *name;
		uint64_t us;
	} units[] = { { "", 1 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 } };
	size_t len = strspn(text, "0123456789");
	char number[24];
	uint64_t n;
	size_t i;

	if (!len || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (parse_number(number, &n) < 0)
		return -EINVAL;
	for (i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(text + len, units[i].name))
			break;
	if (i == sizeof(units) / sizeof(*units) || n > INT64_MAX / units[i].us)
		return -EINVAL;
	*ret_us = n * units[i].us;
	return 0;
}

static int parse_time_limit(const char *text, rlim_t *ret)
{
	uint64_t us;
	int r = 0;

	if (!strcmp(text, "unlimited")) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	r = rt_parse_time(text, &us);
	*ret = us;
	return r;
}

/* The soft limit is SIGXCPU, which a program may ignore, the hard one is SIGKILL: so
 * there has to be time between them. */
static int time_limit(const char *value, struct rlimit *ret)
{
	size_t len = strcspn(value, ":");
	char soft[32];
	int r;

	if (len >= sizeof(soft))
		return -EINVAL;
	memcpy(soft, value, len);
	soft[len] = '\0';
	r = parse_time_limit(soft, &ret->rlim_cur);
	if (!r && value[len])
		r = parse_time_limit(value + len + 1, &ret->rlim_max);
	else
		ret->rlim_max = ret->rlim_cur == RLIM_INFINITY ?
					RLIM_INFINITY :
					ret->rlim_cur * 2;
	return r || ret->rlim_cur > ret->rlim_max ? -EINVAL : 0;
}

int rt_limit(const struct setting_key *key, const char *value,
	     struct rlimit *ret)
{
	uint64_t n = 0;
	int r = 0;

	if (*value && key->number == RLIMIT_RTTIME)
		return time_limit(value, ret);
	if (*value)
		r = parse_number(value, &n);
	*ret = (struct rlimit){ .rlim_cur = n, .rlim_max = n };
	return r || n > PRIO_MAX_RT ? -EINVAL : 0;
}

static int check(const struct setting_key *key, const char *value,
		 const char *wanted, struct err *err)
{
	struct rlimit limit;

	return rt_limit(key, value, &limit) < 0 ?
		       err_usage(err, "%s: '%s' is not %s", key->name, value,
				 wanted) :
		       0;
}

int rt_check_prio(const struct setting_key *key, const char *value,
		  struct err *err)
{
	return check(key, value, "a number from 0 to 99", err);
}

int rt_check_time(const struct setting_key *key, const char *value,
		  struct err *err)
{
	return check(key, value, "a time like '20ms', SOFT:HARD or 'unlimited'",
		     err);
}

/* --- all processes of a guest --------------------------------------------------------- */

/* One that has ended needs no limit. */
static int unless_gone(void)
{
	return errno == ESRCH ? 0 : -errno;
}

/* The process namespace of a process, whose number is in *@ret, or -errno. */
static int open_namespace(int process, struct stat *ret)
{
	int fd = openat(process, "ns/pid", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret) == 0)
		return fd < 0 ? -errno : fd;
	cleanup_close(&fd);
	return -errno;
}

/* Is it in the namespace @guest, or in one that was made there? */
static bool is_inside(int process, const struct stat *guest)
{
	struct stat st;
	int fd = open_namespace(process, &st);
	bool found = false;

	while (fd >= 0 && !found) {
		int parent;

		found = !fstat(fd, &st) && st.st_ino == guest->st_ino &&
			st.st_dev == guest->st_dev;
		/* that of the host has none */
		parent = found ? -1 : ioctl(fd, NS_GET_PARENT);
		cleanup_close(&fd);
		fd = parent;
	}
	cleanup_close(&fd);
	return found;
}

/* @thread is its directory in /proc, empty once it has ended. Its number may be another's
 * then: that one gets back what it had. */
static int set_policy(int thread, pid_t tid, int policy,
		      const struct sched_param *param)
{
	struct sched_param old;
	int old_policy = sched_getscheduler(tid);

	if (old_policy < 0 || sched_getparam(tid, &old) < 0 ||
	    sched_setscheduler(tid, policy, param) < 0)
		return unless_gone();
	if (userns_process_is_there(thread))
		return 1;
	(void)sched_setscheduler(tid, old_policy, &old); /* if it still is there */
	return 0;
}

/* A limit holds for what is asked for later: 1 when this one had to be lowered. */
static int lower(int thread, pid_t tid, rlim_t max)
{
	int policy = sched_getscheduler(tid);
	int kind = policy & ~SCHED_RESET_ON_FORK;
	struct sched_param param;

	if (policy < 0 || sched_getparam(tid, &param) < 0)
		return unless_gone();
	if ((kind != SCHED_FIFO && kind != SCHED_RR) ||
	    (rlim_t)param.sched_priority <= max)
		return 0;
	param.sched_priority = (int)max;
	if (!max)
		policy = SCHED_OTHER | (policy & SCHED_RESET_ON_FORK);
	return set_policy(thread, tid, policy, &param);
}

/* By the directory of a process: it is empty once that has ended. */
static int lower_threads(int process, rlim_t max)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int changed = 0;
	int r = fdio_names_open(process, "task", &d);

	while (r >= 0 && (e = fdio_names_next(d, &r))) {
		_cleanup_close_ int thread =
			openat(dirfd(d), e->d_name,
			       O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (thread < 0)
			continue;
		r = lower(thread, (pid_t)strtol(e->d_name, NULL, 10), max);
		changed |= r > 0;
	}
	return r == -ENOENT || r == -ESRCH ? 0 : r < 0 ? r : changed;
}

/* 1 when there was something to do. */
static int limit_one(pid_t pid, int process, uint32_t context,
		     const struct setting_key *key, const struct rlimit *limit)
{
	struct rlimit old;
	int changed = 0;
	int r = userns_prlimit(context, pid, key->number, NULL, &old);

	if (!r)
		changed = old.rlim_cur != limit->rlim_cur ||
			  old.rlim_max != limit->rlim_max;
	if (changed)
		r = userns_set_limit(context, pid, process, key->number, limit);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (key->number == RLIMIT_RTPRIO)
		r = lower_threads(process, limit->rlim_max);
	return r < 0 ? r : changed || r;
}

static int limit_pass(int proc, uint32_t context, const struct stat *guest,
		      const struct setting_key *key, const struct rlimit *limit)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int changed = 0;
	int r = fdio_names_open(proc, ".", &d);

	while (r >= 0 && (e = fdio_names_next(d, &r))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		_cleanup_close_ int process = -1;

		if (pid > 0)
			process = openat(proc, e->d_name,
					 O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (process < 0 || !is_inside(process, guest))
			continue;
		r = limit_one(pid, process, context, key, limit);
		changed |= r > 0;
	}
	return r < 0 ? r : changed;
}

/* A child that was made meanwhile has what its parent had: until none is found. */
int rt_apply(const struct guest *g, const struct setting_key *key,
	     const char *value, struct err *err)
{
	_cleanup_close_ int proc =
		open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int process = -1;
	_cleanup_close_ int ns = -1;
	struct stat guest;
	struct rlimit limit;
	int passes = 0;
	int r = proc < 0 ? -errno : rt_limit(key, value, &limit);

	if (!r)
		r = process = userns_open_process(g->run.pid, g->run.pidfd);
	if (r >= 0)
		r = ns = open_namespace(process, &guest);
	if (r >= 0)
		r = userns_set_limit(g->row.context, g->run.pid, process,
				     key->number, &limit);
	while (!r &&
	       (r = limit_pass(proc, g->row.context, &guest, key, &limit)) > 0)
		r = ++passes < PASSES ? 0 : -EBUSY;
	return r < 0 ? err_errno(err, r, "cannot set %s to '%s'", key->name,
				 value) :
		       0;
}
