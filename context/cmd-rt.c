// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "cleanup.h"
#include "guest.h"
#include "launch.h"
#include "rt.h"
#include "vserver.h"

/* The kernel counts in nanoseconds, in 63 bits. */
#define LONGEST_US 1000000000ULL

static int parse(const char *option, const char *text, uint64_t *ret,
		 struct err *err)
{
	if (!text)
		return err_usage(err, "--%s is missing", option);
	if (rt_parse_time(text, ret) < 0 || !*ret || *ret > LONGEST_US)
		return err_usage(err, "--%s: '%s' is not a time like '20ms'",
				 option, text);
	return 0;
}

static int parse_all(const struct rt_opts *o, struct rt_deadline *ret,
		     struct err *err)
{
	int r = parse("runtime", o->runtime, &ret->runtime_us, err);

	if (!r)
		r = parse("period", o->period, &ret->period_us, err);
	ret->deadline_us = ret->period_us;
	if (!r && o->deadline)
		r = parse("deadline", o->deadline, &ret->deadline_us, err);
	if (!r && ret->deadline_us > ret->period_us)
		r = err_usage(err, "--deadline is longer than --period");
	if (!r && ret->runtime_us > ret->deadline_us)
		r = err_usage(err, "--runtime is longer than --%s",
			      o->deadline ? "deadline" : "period");
	return r;
}

int cmd_rt(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	struct rt_deadline d;
	int r = parse_all(ctx->opts, &d, &ctx->err);

	if (!r)
		r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);
	if (!r)
		r = guest_must_run(&g, &ctx->err);
	if (!r)
		r = rt_may_give(&ctx->err);
	/* as for exec */
	g.pool = NULL;
	cmd_close_pool(ctx);
	return r ? r : guest_exec(&g, ctx->argv + 1, &d, &ctx->err);
}
