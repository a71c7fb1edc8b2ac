// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "cleanup.h"
#include "guest.h"
#include "launch.h"
#include "log.h"
#include "net.h"
#include "vserver.h"

static int start(struct guest *g, struct err *err)
{
	int r = guest_start(g, err);

	const char *open = r ? NULL : net_exposure(&g->settings);

	if (!r)
		log_info("guest '%s' runs, process %d", g->row.name, g->run.pid);
	if (open)
		log_notice("guest '%s' can reach %s", g->row.name, open);
	return r;
}

static int stop(struct guest *g, struct err *err)
{
	bool ran = g->runs;
	int r = guest_stop(g, err);

	if (r > 0)
		log_notice("guest '%s' did not stop by itself and was killed",
			   g->row.name);
	else if (!r && !ran)
		log_info("guest '%s' was not running", g->row.name);
	return r < 0 ? r : 0;
}

int cmd_start(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	return r ? r : start(&g, &ctx->err);
}

int cmd_stop(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	return r ? r : stop(&g, &ctx->err);
}

int cmd_restart(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = stop(&g, &ctx->err);
	return r ? r : start(&g, &ctx->err);
}
