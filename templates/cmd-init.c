// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>

#include "vtemplate.h"

int cmd_init(struct cmd_ctx *ctx)
{
	const struct init_opts *opts = ctx->opts;
	const struct pool_options pool_opts = {
		.unprotected = opts->unprotected,
		.link_limit = opts->link_limit,
	};
	struct pool *p;
	int r;

	if (opts->link_limit > POOL_LINK_LIMIT_MAX || opts->link_limit == 1 ||
	    opts->link_limit == 2)
		return err_usage(&ctx->err,
				 "--link-limit must be between 3 and %d",
				 POOL_LINK_LIMIT_MAX);
	r = pool_create(ctx->pool_path, &pool_opts, &ctx->err);
	if (r < 0)
		return r;
	/* says which engine the pool has got */
	r = pool_open(ctx->pool_path, POOL_RW, &p, &ctx->err);
	if (r < 0)
		return r;
	pool_warn(p);
	pool_announce(p);
	pool_close(p);
	printf("made the pool '%s'\n", ctx->pool_path);
	return 0;
}
