// SPDX-License-Identifier: GPL-2.0-only
#include "cleanup.h"
#include "guest.h"
#include "launch.h"
#include "terminal.h"
#include "vserver.h"

static int run(struct cmd_ctx *ctx, char *const *argv)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = guest_must_run(&g, &ctx->err);
	/* the processes that we make would each have a copy of it */
	g.pool = NULL;
	cmd_close_pool(ctx);
	return r ? r : guest_exec(&g, argv, NULL, &ctx->err);
}

int cmd_exec(struct cmd_ctx *ctx)
{
	return run(ctx, ctx->argv + 1);
}

int cmd_enter(struct cmd_ctx *ctx)
{
	int r = terminal_check("for a program without one there is exec",
			       &ctx->err);

	return r ? r : run(ctx, NULL);
}
