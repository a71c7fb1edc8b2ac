// SPDX-License-Identifier: GPL-2.0-only
#include "limit-cpuset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup-file.h"

#define LIST_SIZE 4096
#define EXCLUSIVE "cpuset.cpus.exclusive"

bool partition_is(int fd)
{
	char text[128];

	return !cgroup_file_read(fd, PARTITION_FILE, text, sizeof(text)) &&
	       strcmp(text, "member") != 0;
}

/* What the slice has asked for stays: it takes nothing from anybody, but from who
 * would want to have it alone. */
static int ask_above(int slice_fd, const char *cpus)
{
	char old[LIST_SIZE];
	char both[2 * LIST_SIZE];
	int r = cgroup_file_read(slice_fd, EXCLUSIVE, old, sizeof(old));

	if (r < 0)
		return r;
	(void)snprintf(both, sizeof(both), "%s%s%s", old, *old ? "," : "", cpus);
	return cgroup_file_write(slice_fd, EXCLUSIVE, both);
}

static int ask(int slice_fd, int fd, const char *cpus)
{
	int r = ask_above(slice_fd, cpus);

	if (!r)
		r = cgroup_file_write(fd, EXCLUSIVE, cpus);
	return r == -ENOENT ? 0 : r;
}

static void take_back(int fd)
{
	/* what failed is told already; before 6.7 there is no such file */
	(void)cgroup_file_write(fd, PARTITION_FILE, "member");
	(void)cgroup_file_write(fd, EXCLUSIVE, "");
}

/* @answer like "root invalid (Cpu list in cpuset.cpus not exclusive)" */
static int refuse(int slice_fd, const char *value, char *answer, struct err *err)
{
	char *reason = strchr(answer, '(');

	if (!partition_is(slice_fd) &&
	    faccessat(slice_fd, EXCLUSIVE, F_OK, 0) < 0)
		return err_set(err, -EOPNOTSUPP,
			       "cannot set " PARTITION_FILE
			       " to '%s': before Linux 6.7 vserver.slice has to be "
			       "a partition itself",
			       value);
	if (reason)
		reason[strcspn(reason, ")")] = '\0';
	return err_set(err, -EBUSY, "cannot set " PARTITION_FILE " to '%s': %s",
		       value, reason ? reason + 1 : answer);
}

int partition_set(int slice_fd, int fd, const char *value, struct err *err)
{
	char cpus[LIST_SIZE];
	char answer[256];
	int r = cgroup_file_read(fd, "cpuset.cpus", cpus, sizeof(cpus));

	if (!strcmp(value, "member")) {
		take_back(fd);
		return 0;
	}
	if (!r && !*cpus)
		return err_set(err, -EINVAL,
			       "cannot set " PARTITION_FILE
			       ": cpuset.cpus has to say of which processors");
	if (!r)
		r = ask(slice_fd, fd, cpus);
	if (!r)
		r = cgroup_file_write(fd, PARTITION_FILE, value);
	if (!r)
		r = cgroup_file_read(fd, PARTITION_FILE, answer, sizeof(answer));
	if (!r && !strcmp(answer, value))
		return 0;
	take_back(fd);
	return r < 0 ? err_errno(err, r, "cannot set " PARTITION_FILE " to '%s'",
				 value) :
		       refuse(slice_fd, value, answer, err);
}
