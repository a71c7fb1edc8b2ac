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
	char open[sizeof(g->unix_open.msg) + 80];
	int r = guest_start(g, err);

	if (!r)
		log_info("guest '%s' runs, process %d", g->row.name, g->run.pid);
	if (!r && net_exposure(g, open, sizeof(open)))
		log_notice("guest '%s' can reach %s", g->row.name, open);
	return r;
}

static int stop(struct guest *g, struct err *err)
{
	bool ran = g->runs;
	int r = guest_stop(g, err);

	if (!r && !ran)
		log_info("guest '%s' was not running", g->row.name);
	return r;
}

/*
 * The keeper calls when the guest has ended by itself: then it is what it was with, or
 * somebody was faster. 1 to go on, 0 when there is nothing to do.
 */
static int still_wanted(const struct cmd_ctx *ctx, const struct guest *g,
			struct err *err)
{
	const struct ended_opts *o = ctx->opts;

	if (!o->ended)
		return 1;
	return g->runs ? 0 : running_recorded(&g->row, (pid_t)o->ended, err);
}

int cmd_start(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = still_wanted(ctx, &g, &ctx->err);
	return r <= 0 ? r : start(&g, &ctx->err);
}

int cmd_stop(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = still_wanted(ctx, &g, &ctx->err);
	return r <= 0 ? r : stop(&g, &ctx->err);
}

int cmd_restart(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = stop(&g, &ctx->err);
	return r ? r : start(&g, &ctx->err);
}
