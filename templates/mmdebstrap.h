/* SPDX-License-Identifier: GPL-2.0-only */
/* mmdebstrap as a child process that writes a tar archive into a pipe. */
#ifndef COWLINK_MMDEBSTRAP_H
#define COWLINK_MMDEBSTRAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "recipe.h"

struct mmdebstrap {
	pid_t pid;
	int tar_fd;	/* read the archive here */
};

/* -ENOENT when it is not installed is seen by mmdebstrap_finish() only. */
int mmdebstrap_start(const struct recipe *recipe, struct mmdebstrap *ret,
		     struct err *err);

/* Read what is left of the pipe and wait for the end; an error unless it ended
 * well. With @abandon it is not listened to any more and its result not asked. */
int mmdebstrap_finish(struct mmdebstrap *m, bool abandon, struct err *err);

#endif
