/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When a long command comes to an end by itself: at a time it was given, or as soon as
 * somebody sends it SIGUSR1. It begins nothing new then, and finishes what it has begun.
 *
 *	r = deadline_parse("06:00", realtime_ns(), &left_ns, err);
 *	deadline_begin(left_ns);
 *	while (more && !deadline_passed())
 *		...
 */
#ifndef COWLINK_DEADLINE_H
#define COWLINK_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define DEADLINE_NONE INT64_MAX

/*
 * @text is a duration, of numbers with a unit each, "90m", "1h30m", units d, h, m, s; or
 * a time of day, "06:00": the next time that the clock, local time, shows that. How long
 * that is from @now_ns (CLOCK_REALTIME) on; err_usage() for anything else, and for what
 * is longer than 366 days.
 */
int deadline_parse(const char *text, int64_t now_ns, int64_t *ret_left_ns,
		   struct err *err);

/* From here on: @left_ns or DEADLINE_NONE, and SIGUSR1 counts. Once for each process. */
void deadline_begin(int64_t left_ns);

/* False before deadline_begin(); once true it stays true. Any thread may ask. */
bool deadline_passed(void);

#endif
