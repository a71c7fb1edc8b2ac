/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One line on the terminal that tells how far we are.
 *
 *	progress_begin(forced, never);
 *	progress_phase();
 *	while (...)
 *		if (progress_due())
 *			progress_show("reading, %s", ...);
 *	progress_end();
 *
 * Shown when standard error is our terminal, we are in its foreground and two
 * seconds have passed; at most five times a second. With @forced at once and
 * wherever standard error leads. Messages wipe the line before they are printed.
 *
 * Any thread may show progress: log_lock() guards what is kept here.
 */
#ifndef COWLINK_PROGRESS_H
#define COWLINK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

void progress_begin(bool forced, bool never);
void progress_phase(void);
bool progress_due(void);
void progress_show(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ", 12.3 MB/s, 4 s left": of @total_bytes @done_bytes are done since the phase
 * began. Returns @buf. */
char *progress_rate(char buf[80], uint64_t done_bytes, uint64_t total_bytes);

void progress_end(void);

#endif
