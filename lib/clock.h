/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COWLINK_CLOCK_H
#define COWLINK_CLOCK_H

#include <stdint.h>

/* CLOCK_REALTIME in nanoseconds. */
int64_t realtime_ns(void);

#endif
