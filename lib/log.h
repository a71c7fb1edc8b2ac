/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one sink for messages: standard error. Library functions do not log what
 * they return; each function either logs or returns an error.
 *
 *	error    the command, or one item of it, failed
 *	warning  something is not as it should be; the text ends by saying what
 *	         happens next ("skipping", "using copy instead")
 *	notice   what an operator wants to know unasked: the engine in use
 *	info     progress in words, with -v
 *	debug    decisions, with -v -v
 *
 * Any thread may log, and take the lock; the rest is for the first one, before there are
 * others.
 */
#ifndef COWLINK_LOG_H
#define COWLINK_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* @name is printed before each message; borrowed for the life of the process. */
void log_init(const char *name);

/* +1 for each -v, -1 for each -q, from LOG_NOTICE; errors are always shown. */
void log_adjust(int delta);

int log_level(void);

/* Call @fn before each message is written (a progress line is wiped then), with the lock
 * held; NULL: no longer. */
void log_before(void (*fn)(void));

/* Have standard error, and what @fn keeps, alone. Who has it does not log. A lock of our own,
 * not flockfile(3): ThreadSanitizer does not see that one. */
void log_lock(void);
void log_unlock(void);

void log_msg(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_msg(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_msg(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_msg(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_msg(LOG_DEBUG, __VA_ARGS__)

#endif
