// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

static const char *log_name = "cowlink";
static int level = LOG_NOTICE;
static void (*before)(void);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *const level_prefix[] = {
	[LOG_ERROR] = "", [LOG_WARNING] = "warning: ", [LOG_NOTICE] = "",
	[LOG_INFO] = "", [LOG_DEBUG] = "debug: ",
};

void log_init(const char *name)
{
	log_name = name;
}

void log_adjust(int delta)
{
	level += delta;
	if (level < LOG_ERROR)
		level = LOG_ERROR;
	if (level > LOG_DEBUG)
		level = LOG_DEBUG;
}

int log_level(void)
{
	return level;
}

void log_before(void (*fn)(void))
{
	before = fn;
}

void log_lock(void)
{
	(void)pthread_mutex_lock(&lock);
}

void log_unlock(void)
{
	(void)pthread_mutex_unlock(&lock);
}

void log_msg(enum log_level lvl, const char *fmt, ...)
{
	char text[2048];
	char escaped[2048];
	va_list ap;

	if ((int)lvl > level)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	escape_bytes(escaped, sizeof(escaped), text, strlen(text));
	log_lock(); /* what comes before belongs to it */
	if (before)
		before();
	/* one write per line, so that two processes do not mix theirs */
	(void)fprintf(stderr, "%s: %s%s\n", log_name, level_prefix[lvl],
		      escaped);
	log_unlock();
}
