// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints, read through an instance of tracefs: nobody else's are in it.
 */
#include "harness.h"

#include <sys/mount.h>

static void tracing_write(const struct tracing *tr, const char *file,
			  const char *value)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", tr->dir, file);
	write_sysctl(path, value);
}

static void enable_event(const struct tracing *tr, const char *event,
			 const char *value)
{
	char file[100];

	snprintf(file, sizeof(file), "events/%s/enable", event);
	tracing_write(tr, file, value);
}

void tracing_begin(struct tracing *tr, const char *const events[])
{
	char path[100];
	int fd;

	/* In this test's mount namespace only, as the instance is the kernel's. */
	if (mkdir("/tmp/cowlink-tracing", 0700) && errno != EEXIST)
		FAIL("mkdir: %m");
	if (mount("tracing", "/tmp/cowlink-tracing", "tracefs", 0, NULL))
		skip("no tracefs: %s", errno_name(errno));
	snprintf(tr->dir, sizeof(tr->dir),
		 "/tmp/cowlink-tracing/instances/cowlink-%d", getpid());
	EXPECT_OK(mkdir(tr->dir, 0700));
	while (*events)
		enable_event(tr, *events++, "1");
	snprintf(path, sizeof(path), "%s/trace_pipe", tr->dir);
	fd = EXPECT_OK(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	tr->pipe = fdopen(fd, "r");
	CHECK(tr->pipe, "fdopen: %m");
}

/* A line is "TASK-PID [CPU] FLAGS TIME: EVENT: FIELDS". */
const char *tracing_next(struct tracing *tr)
{
	static char line[1000];
	char *colon;

	clearerr(tr->pipe);
	while (fgets(line, sizeof(line), tr->pipe)) {
		line[strcspn(line, "\n")] = '\0';
		colon = strstr(line, ": ");
		if (colon)
			return colon + 2;
	}
	return NULL;
}

const char *tracing_await(struct tracing *tr, const char *event)
{
	size_t len = strlen(event);
	const char *line;

	while (!(line = tracing_next(tr)))
		usleep(1000);
	CHECK(!strncmp(line, event, len) && line[len] == ':',
	      "expected %s, got '%s'", event, line);
	return line;
}

const char *tracing_field(const char *line, const char *key)
{
	static char value[100];
	char search[40];
	const char *p;

	snprintf(search, sizeof(search), " %s ", key);
	p = strstr(line, search);
	CHECK(p, "no field '%s' in '%s'", key, line);
	snprintf(value, sizeof(value), "%s", p + strlen(search));
	value[strcspn(value, " ")] = '\0';
	return value;
}

long long tracing_number(const char *line, const char *key)
{
	return atoll(tracing_field(line, key));
}

void tracing_end(struct tracing *tr)
{
	fclose(tr->pipe);
	EXPECT_OK(rmdir(tr->dir));
	EXPECT_OK(umount2("/tmp/cowlink-tracing", MNT_DETACH));
}
