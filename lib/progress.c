// SPDX-License-Identifier: GPL-2.0-only
#include "progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "log.h"

#define FIRST_MS 2000
#define EVERY_MS 200

static bool enabled;
static bool forced;
static bool on_screen;
static uint64_t begun_ms, phase_ms, last_ms;

static uint64_t now_ms(void)
{
	struct timespec ts;

	/* fails for bad arguments only */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Standard error is nobody's to check: a lost progress line is no loss. */
static void wipe(void)
{
	if (on_screen)
		(void)fputs("\r\033[K", stderr);
	on_screen = false;
}

void progress_begin(bool force, bool never)
{
	forced = force;
	enabled = !never && (force || (isatty(2) && log_level() >= LOG_NOTICE));
	begun_ms = now_ms();
	log_before(wipe);
}

void progress_phase(void)
{
	phase_ms = now_ms();
	last_ms = 0;
}

/* When the line was shown last. */
static uint64_t shown_ms(void)
{
	uint64_t shown;

	log_lock();
	shown = last_ms;
	log_unlock();
	return shown;
}

bool progress_due(void)
{
	uint64_t now, shown;

	if (!enabled)
		return false;
	now = now_ms();
	shown = shown_ms();
	if (shown && now < shown + EVERY_MS)
		return false;
	if (forced)
		return true;
	return now >= begun_ms + FIRST_MS && tcgetpgrp(2) == getpgrp();
}

void progress_show(const char *fmt, ...)
{
	va_list ap;

	log_lock();
	wipe();
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fflush(stderr);
	on_screen = true;
	last_ms = now_ms();
	log_unlock();
}

char *progress_rate(char buf[80], uint64_t done_bytes, uint64_t total_bytes)
{
	uint64_t passed_ms = now_ms() - phase_ms;
	uint64_t rate = passed_ms ? done_bytes * 1000 / passed_ms : 0;
	char text[32];

	*buf = '\0';
	if (rate)
		(void)snprintf(buf, 80, ", %s/s, %" PRIu64 " s left",
			       format_bytes(text, rate),
			       (total_bytes - done_bytes) / rate);
	return buf;
}

void progress_end(void)
{
	wipe();
	enabled = false;
	log_before(NULL);
}
