// SPDX-License-Identifier: GPL-2.0-only
/* Durations, times of day, and when they have come. */
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "deadline.h"
#include "unit.h"

#define HOUR_NS (3600 * INT64_C(1000000000))

/* 2026-01-31 23:00:00 UTC */
#define NOW_NS (INT64_C(1769900400) * 1000000000)

static bool left_is(const char *text, int64_t want)
{
	struct err err = { 0 };
	int64_t got = -1;

	if (!deadline_parse(text, NOW_NS, &got, &err) && got == want)
		return true;
	printf("# %s is %lld: %s\n", text, (long long)got, err.msg);
	return false;
}

static bool is_refused(const char *text)
{
	struct err err = { 0 };
	int64_t got = -1;

	return deadline_parse(text, NOW_NS, &got, &err) < 0 && got == -1 &&
	       err.msg[0];
}

static void test_durations(void)
{
	ok(left_is("2h", 2 * HOUR_NS) && left_is("90m", HOUR_NS * 3 / 2) &&
		   left_is("1h30m", HOUR_NS * 3 / 2) &&
		   left_is("36s", HOUR_NS / 100) && left_is("1d", 24 * HOUR_NS),
	   "durations");
	ok(left_is("0s", 0) && left_is("366d", 366 * 24 * HOUR_NS),
	   "from nothing to a year");
	ok(is_refused("367d") && is_refused("366d1s") &&
		   is_refused("99999999999999999999999h"),
	   "not more");
	ok(is_refused("") && is_refused("2") && is_refused("h") &&
		   is_refused("2h30") && is_refused("2 h") &&
		   is_refused("-2h") && is_refused("2H") && is_refused("2hx") &&
		   is_refused("1.5h"),
	   "and no junk");
}

static void test_times(void)
{
	ok(left_is("23:30", HOUR_NS / 2) && left_is("06:00", 7 * HOUR_NS),
	   "a time of today, and of tomorrow");
	ok(left_is("23:00", 24 * HOUR_NS), "now is tomorrow");
	ok(is_refused("24:00") && is_refused("6:00") && is_refused("06:60") &&
		   is_refused("06:00:00") && is_refused("0600") &&
		   is_refused("06-00") && is_refused("06:0"),
	   "and no junk");
}

/* The clocks go forward in the night to 2026-03-29. */
static void test_short_night(void)
{
	const int64_t eleven_ns = INT64_C(1774735200) * 1000000000;
	struct err err = { 0 };
	int64_t left_ns = 0;

	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	ok(!deadline_parse("06:00", eleven_ns, &left_ns, &err) &&
		   left_ns == 6 * HOUR_NS,
	   "a night that is an hour shorter");
}

int main(void)
{
	(void)setenv("TZ", "UTC", 1);
	unit_plan(12);
	test_durations();
	test_times();
	test_short_night();
	ok(!deadline_passed(), "none at first");
	deadline_begin(DEADLINE_NONE);
	ok(!deadline_passed(), "none was given");
	deadline_begin(366 * 24 * HOUR_NS);
	ok(!deadline_passed(), "one that is far off");
	(void)raise(SIGUSR1);
	ok(deadline_passed(), "SIGUSR1");
	return unit_done();
}
