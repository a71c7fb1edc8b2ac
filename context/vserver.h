/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of vserver; the table is in vserver.c, one file for each. */
#ifndef COWLINK_VSERVER_H
#define COWLINK_VSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd.h"

struct status_opts {
	bool repair;
};

/* Of start and stop. */
struct ended_opts {
	uint64_t ended;
};

struct rt_opts {
	const char *runtime;
	const char *period;
	const char *deadline;
};

struct log_opts {
	bool follow;
	uint64_t lines;
};

int cmd_start(struct cmd_ctx *ctx);
int cmd_stop(struct cmd_ctx *ctx);
int cmd_restart(struct cmd_ctx *ctx);
int cmd_state(struct cmd_ctx *ctx);
int cmd_exec(struct cmd_ctx *ctx);
int cmd_rt(struct cmd_ctx *ctx);
int cmd_enter(struct cmd_ctx *ctx);
int cmd_boot(struct cmd_ctx *ctx);
int cmd_halt(struct cmd_ctx *ctx);
int cmd_console(struct cmd_ctx *ctx);
int cmd_log(struct cmd_ctx *ctx);
int cmd_freeze(struct cmd_ctx *ctx);
int cmd_thaw(struct cmd_ctx *ctx);
int cmd_list(struct cmd_ctx *ctx);
int cmd_set(struct cmd_ctx *ctx);
int cmd_show(struct cmd_ctx *ctx);

#endif
