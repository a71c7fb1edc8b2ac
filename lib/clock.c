// SPDX-License-Identifier: GPL-2.0-only
#include "clock.h"

#include <time.h>

int64_t realtime_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts); /* cannot fail */
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
