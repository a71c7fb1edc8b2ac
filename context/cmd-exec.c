// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "cleanup.h"
#include "guest.h"
#include "launch.h"
#include "vserver.h"

int cmd_exec(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r && !g.runs)
		r = err_set(&ctx->err, -ESRCH, "guest '%s' is not running",
			    g.row.name);
	return r ? r : guest_exec(&g, ctx->argv + 1, &ctx->err);
}
