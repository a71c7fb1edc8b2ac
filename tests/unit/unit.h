/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests in C: TAP on standard output, exit status 1 when a point failed or
 * the number of points is not the planned one.
 *
 *	int main(void)
 *	{
 *		unit_plan(2);
 *		ok(digest_parse("", &d) < 0, "an empty digest is refused");
 *		is_int(r, -EAGAIN, "a shorter file is reported");
 *		return unit_done();
 *	}
 *
 * unit_skip() counts as @count points that are skipped for @reason.
 */
#ifndef COWLINK_UNIT_H
#define COWLINK_UNIT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int unit_planned, unit_run, unit_failed;

static inline void unit_plan(int points)
{
	unit_planned = points;
	printf("1..%d\n", points);
}

static inline bool ok(bool cond, const char *name)
{
	unit_run++;
	unit_failed += !cond;
	printf("%s %d - %s\n", cond ? "ok" : "not ok", unit_run, name);
	fflush(stdout);
	return cond;
}

static inline bool is_int(long long got, long long want, const char *name)
{
	if (!ok(got == want, name)) {
		printf("# got %lld, want %lld\n", got, want);
		return false;
	}
	return true;
}

static inline bool is_str(const char *got, const char *want, const char *name)
{
	if (!ok(got && want && !strcmp(got, want), name)) {
		printf("# got '%s'\n# want '%s'\n", got ? got : "(null)",
		       want ? want : "(null)");
		return false;
	}
	return true;
}

static inline void unit_skip(int count, const char *reason)
{
	while (count--)
		printf("ok %d # SKIP %s\n", ++unit_run, reason);
}

/* A directory of our own below $TMPDIR or /tmp; removed by the caller. */
static inline char *unit_tmpdir(char buf[256])
{
	const char *base = getenv("TMPDIR");

	snprintf(buf, 256, "%s/cowlink-unit-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(buf)) {
		perror("mkdtemp");
		exit(1);
	}
	return buf;
}

static inline int unit_done(void)
{
	if (unit_run != unit_planned) {
		printf("# planned %d points, ran %d\n", unit_planned, unit_run);
		return 1;
	}
	return unit_failed ? 1 : 0;
}

#endif
