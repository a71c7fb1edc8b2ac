/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VHASHIFY_HISTORY_H
#define VHASHIFY_HISTORY_H

#include "vhashify.h"

struct history_options {
	uint64_t limit;	/* 0: the last month, if it runs every night */
	bool churn;
};

/* Write the entry of this run; a failure is a warning. @complete: no error ended it. */
void history_record(struct run *run, const struct totals *t, int status,
		    bool complete);

int cmd_history(struct cmd_ctx *ctx);

#endif
