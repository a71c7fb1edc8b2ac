/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log that grows, is turned (NAME becomes NAME.old and a new one begins), or is made
 * empty by somebody. Its writer has never more than one of them open.
 *
 *	_cleanup_console_log_ struct console_log f = CONSOLE_LOG(dir, name);
 *
 *	console_log_watch(&f, err)		before the first look, so that nothing
 *						comes between them
 *	console_log_read(&f, show, ctx, err)	what has come since the last time
 *	console_log_follow(&f, g, &s, err)
 */
#ifndef COWLINK_CONSOLE_LOG_H
#define COWLINK_CONSOLE_LOG_H

#include "console-text.h"
#include "guest.h"

struct console_log {
	int dir;		/* borrowed */
	const char *name;	/* borrowed */
	int watch_fd;
	int fd;			/* -1: there is none yet */
	off_t offset;		/* read so far */
};

#define CONSOLE_LOG(dir_fd, file_name) \
	{ .dir = (dir_fd), .name = (file_name), .watch_fd = -1, .fd = -1 }
#define _cleanup_console_log_ __attribute__((cleanup(console_log_release)))

/* Only for console_log_follow(). */
int console_log_watch(struct console_log *f, struct err *err);

/* All that is new goes to @to, in its order; at first what is left in NAME.old. */
int console_log_read(struct console_log *f,
		     int (*to)(void *ctx, const char *text, size_t len), void *ctx,
		     struct err *err);
void console_log_release(struct console_log *f);

/* Show what comes until the guest, which runs, has ended and its keeper has written how,
 * or until nobody reads our output. */
int console_log_follow(struct console_log *f, const struct guest *g, struct console_text *s,
		       struct err *err);

#endif
