/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log that grows, is turned (NAME becomes NAME.old and a new one begins), or is made
 * empty by somebody. Its writer has never more than one of them open.
 *
 *	_cleanup_log_file_ struct log_file f = LOG_FILE(dir, name);
 *
 *	log_file_watch(&f, err)			before the first look, so that nothing
 *						comes between them
 *	log_file_read(&f, show, ctx, err)	what has come since the last time
 *	log_follow(&f, g, &s, err)
 */
#ifndef COWLINK_LOG_FOLLOW_H
#define COWLINK_LOG_FOLLOW_H

#include "guest.h"
#include "log-show.h"

struct log_file {
	int dir;		/* borrowed */
	const char *name;	/* borrowed */
	int watch_fd;
	int fd;			/* -1: there is none yet */
	off_t offset;		/* read so far */
};

#define LOG_FILE(dir_fd, file_name) \
	{ .dir = (dir_fd), .name = (file_name), .watch_fd = -1, .fd = -1 }
#define _cleanup_log_file_ __attribute__((cleanup(log_file_release)))

/* Only for log_follow(). */
int log_file_watch(struct log_file *f, struct err *err);

/* All that is new goes to @to, in its order; at first what is left in NAME.old. */
int log_file_read(struct log_file *f,
		  int (*to)(void *ctx, const char *text, size_t len), void *ctx,
		  struct err *err);
void log_file_release(struct log_file *f);

/* Show what comes until the guest, which runs, has ended and its keeper has written how,
 * or until nobody reads our output. */
int log_follow(struct log_file *f, const struct guest *g, struct log_show *s,
	       struct err *err);

#endif
