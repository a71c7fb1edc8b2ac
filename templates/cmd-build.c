// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdbool.h>

#include "make-tree.h"
#include "mmdebstrap.h"
#include "tree-out.h"
#include "vtemplate.h"

/*
 * The archive goes from the pipe into the template as it comes. When mmdebstrap
 * fails its archive ends too early as well; its own failure is the one to report.
 */
static int import_stream(struct cmd_ctx *ctx, const struct recipe *recipe,
			 struct make_tree *mt, struct tree_stats *stats)
{
	struct mmdebstrap child;
	struct err ended = { 0 };
	int r = mmdebstrap_start(recipe, &child, &ctx->err);
	int status;

	if (r < 0)
		return r;
	r = tree_import_tar(ctx->pool, child.tar_fd, "mmdebstrap",
			    mt->rootfs_fd, stats, &ctx->err);
	/* -EINVAL is about the archive, anything else about the pool */
	status = mmdebstrap_finish(&child, r < 0 && r != -EINVAL, &ended);
	if (status < 0) {
		ctx->err = ended;
		return status;
	}
	return r;
}

int cmd_build(struct cmd_ctx *ctx)
{
	const struct make_tree_origin origin = { .text = ctx->argv[1] };
	_cleanup_make_tree_ struct make_tree mt = MAKE_TREE_INIT;
	_cleanup_recipe_ struct recipe recipe = RECIPE_INIT;
	struct tree_stats stats = { 0 };
	int r = tree_name_check(TREE_TEMPLATE, ctx->argv[0], &ctx->err);

	if (!r)
		r = recipe_read(ctx->argv[1], &recipe, &ctx->err);
	if (!r)
		r = make_tree_begin(ctx->pool, TREE_TEMPLATE, ctx->argv[0],
				    ctx->pool->engine.engine, &origin, &mt,
				    &ctx->err);
	if (!r)
		r = import_stream(ctx, &recipe, &mt, &stats);
	if (!r)
		r = make_tree_publish(&mt, &stats, &ctx->err);
	return r < 0 ? r : tree_made_show(ctx->pool, &mt.row, &stats, ctx->json,
					  &ctx->err);
}
