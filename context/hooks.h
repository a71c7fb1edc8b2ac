/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs of the administrator that run on the host before and after a guest starts
 * and stops: /etc/cowlink/hooks/STAGE for every guest, then
 * /etc/cowlink/hooks/guests/NAME/STAGE (COWLINK_HOOKS names another directory). STAGE
 * is pre-start, post-start, pre-stop or post-stop.
 */
#ifndef COWLINK_HOOKS_H
#define COWLINK_HOOKS_H

#include "guest.h"

/* Run what there is; the first that does not end with 0 is an error. */
int hooks_run(const struct guest *g, const char *stage, struct err *err);

/* The same where it is too late to fail: a warning. */
void hooks_tell(const struct guest *g, const char *stage);

#endif
