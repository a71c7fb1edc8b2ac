// SPDX-License-Identifier: GPL-2.0-only
#include "deadline.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define LONGEST_S (366 * INT64_C(86400))

static int64_t end_ns = DEADLINE_NONE;	/* CLOCK_BOOTTIME */
static volatile sig_atomic_t asked;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 'd':
		return 86400;
	case 'h':
		return 3600;
	case 'm':
		return 60;
	case 's':
		return 1;
	default:
		return 0;
	}
}

/* "1h30m" */
static int parse_duration(const char *text, int64_t *ret_s)
{
	int64_t total = 0;

	do {
		int64_t n = 0;

		if (!is_digit(*text))
			return -EINVAL;
		for (; is_digit(*text); text++) {
			n = n * 10 + (*text - '0');
			if (n > LONGEST_S)
				return -ERANGE;
		}
		if (!unit_seconds(*text))
			return -EINVAL;
		total += n * unit_seconds(*text++);
		if (total > LONGEST_S)
			return -ERANGE;
	} while (*text);
	*ret_s = total;
	return 0;
}

/* "06:00": two digits each, as the clock shows it. */
static bool is_time_of_day(const char *text)
{
	size_t i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : !is_digit(text[i]))
			return false;
	return !text[i] && (text[0] - '0') * 10 + text[1] - '0' < 24 &&
	       text[3] < '6';
}

static int time_of_day(const char *text, int64_t now_ns, int64_t *ret_left_ns)
{
	time_t now = now_ns / SECOND_NS;
	struct tm today, when;
	int64_t left_ns;

	if (!localtime_r(&now, &today))
		return -EOVERFLOW;
	today.tm_hour = (text[0] - '0') * 10 + text[1] - '0';
	today.tm_min = (text[3] - '0') * 10 + text[4] - '0';
	today.tm_sec = 0;
	today.tm_isdst = -1;	/* whatever holds then */
	when = today;
	left_ns = (int64_t)mktime(&when) * SECOND_NS - now_ns;
	if (left_ns <= 0) {
		when = today;
		when.tm_mday++;
		left_ns = (int64_t)mktime(&when) * SECOND_NS - now_ns;
	}
	*ret_left_ns = left_ns > 0 ? left_ns : 0;
	return 0;
}

int deadline_parse(const char *text, int64_t now_ns, int64_t *ret_left_ns,
		   struct err *err)
{
	int64_t seconds;
	int r;

	if (is_time_of_day(text)) {
		r = time_of_day(text, now_ns, ret_left_ns);
	} else {
		r = parse_duration(text, &seconds);
		if (!r)
			*ret_left_ns = seconds * SECOND_NS;
	}
	if (r == -ERANGE)
		return err_usage(err, "the deadline '%s' is too far off", text);
	if (r < 0)
		return err_usage(err,
				 "the deadline '%s' is neither a time like 06:00 "
				 "nor a duration like 2h or 90m",
				 text);
	return 0;
}

/* Time that the machine sleeps counts: the morning comes nevertheless. */
static int64_t now_boot_ns(void)
{
	struct timespec ts;

	/* fails for bad arguments only */
	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * SECOND_NS + ts.tv_nsec;
}

static void on_signal(int sig)
{
	asked = 1;
}

void deadline_begin(int64_t left_ns)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };

	/* these calls fail for bad arguments only */
	(void)sigemptyset(&sa.sa_mask);
	(void)sigaction(SIGUSR1, &sa, NULL);
	if (left_ns != DEADLINE_NONE)
		end_ns = now_boot_ns() + left_ns;
}

bool deadline_passed(void)
{
	return asked || (end_ns != DEADLINE_NONE && now_boot_ns() >= end_ns);
}
