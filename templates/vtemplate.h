/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of vtemplate; the table is in vtemplate.c, one file for each. */
#ifndef COWLINK_VTEMPLATE_H
#define COWLINK_VTEMPLATE_H

#include <stdint.h>

#include "cmd.h"

struct init_opts {
	bool unprotected;
	uint64_t link_limit;
};

struct clone_opts {
	const char *engine;
	bool keep_identity;
};

struct destroy_opts {
	bool template;
};

struct check_opts {
	bool repair;
	bool rebuild;
	bool scrub;
	uint64_t rate;		/* MB a second */
};

int cmd_init(struct cmd_ctx *ctx);
int cmd_import(struct cmd_ctx *ctx);
int cmd_build(struct cmd_ctx *ctx);
int cmd_list(struct cmd_ctx *ctx);
int cmd_show(struct cmd_ctx *ctx);
int cmd_clone(struct cmd_ctx *ctx);
int cmd_destroy(struct cmd_ctx *ctx);
int cmd_check(struct cmd_ctx *ctx);
int cmd_gc(struct cmd_ctx *ctx);

#endif
