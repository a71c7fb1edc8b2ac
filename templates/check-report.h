/* SPDX-License-Identifier: GPL-2.0-only */
/* What `vtemplate check` says in the end. */
#ifndef COWLINK_CHECK_REPORT_H
#define COWLINK_CHECK_REPORT_H

#include "check.h"
#include "cmd.h"
#include "scrub.h"

/* The problems, and of a scrub what it did; else @st is NULL. The exit status, or -errno
 * with a message. */
int check_report(struct cmd_ctx *ctx, const struct problems *ps,
		 const struct scrub_stats *st);

#endif
