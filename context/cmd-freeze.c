// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "cgroup.h"
#include "cleanup.h"
#include "guest.h"
#include "vserver.h"

static int freeze(struct cmd_ctx *ctx, bool on)
{
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = guest_must_run(&g, &ctx->err);
	if (!r)
		r = cgroup_open(&g.row, &cg, &ctx->err);
	return r ? r : cgroup_freeze(&cg, on, &ctx->err);
}

int cmd_freeze(struct cmd_ctx *ctx)
{
	return freeze(ctx, true);
}

int cmd_thaw(struct cmd_ctx *ctx)
{
	return freeze(ctx, false);
}
