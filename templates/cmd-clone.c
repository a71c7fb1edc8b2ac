// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "cleanup.h"
#include "log.h"
#include "make-tree.h"
#include "tree-out.h"
#include "vtemplate.h"

static int unavailable(struct cmd_ctx *ctx, const char *name, const char *why)
{
	return err_set(&ctx->err, -EOPNOTSUPP,
		       "the engine '%s' is not available here: %s", name, why);
}

/* Which engine the clone gets: what was asked for if this pool has it. */
static int choose_engine(struct cmd_ctx *ctx, const char *name,
			 enum engine *ret)
{
	const struct engine_probe *probe = &ctx->pool->engine;
	enum engine wanted;

	*ret = probe->engine;
	if (!name)
		return 0;
	if (engine_parse(name, &wanted) < 0 || wanted == ENGINE_UNPROTECTED)
		return err_usage(&ctx->err,
				 "'%s' is no engine: kernel, reflink or copy",
				 name);
	if (wanted == ENGINE_KERNEL && probe->engine != ENGINE_KERNEL)
		return unavailable(ctx, name, probe->why);
	if (wanted == ENGINE_REFLINK && !probe->reflink)
		return unavailable(ctx, name, "its filesystem cannot reflink");
	*ret = wanted;
	return 0;
}

/*
 * A template that is destroyed while we walk it loses files, and the walk takes
 * a vanished name for a living tree's business. Its row says DESTROYING before
 * anything is moved, so when the row still says READY nothing was.
 */
static int check_still_there(struct cmd_ctx *ctx, const struct tree_row *tmpl)
{
	struct tree_row now;
	int r = catalog_tree_find(ctx->pool->catalog, TREE_TEMPLATE,
				  tmpl->name, &now, &ctx->err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT || now.state != TREE_READY ||
	    strcmp(now.uuid, tmpl->uuid))
		return err_set(&ctx->err, -ESTALE,
			       "template '%s' was destroyed meanwhile",
			       tmpl->name);
	return 0;
}

int cmd_clone(struct cmd_ctx *ctx)
{
	const struct clone_opts *opts = ctx->opts;
	_cleanup_make_tree_ struct make_tree mt = MAKE_TREE_INIT;
	_cleanup_close_ int src = -1;
	struct tree_stats stats = { 0 };
	struct tree_row tmpl;
	enum engine engine;
	int r;

	r = tree_name_check(TREE_GUEST, ctx->argv[1], &ctx->err);
	if (!r)
		r = choose_engine(ctx, opts->engine, &engine);
	if (!r)
		r = pool_open_tree(ctx->pool, TREE_TEMPLATE, ctx->argv[0],
				   &tmpl, &src, &ctx->err);
	if (!r) {
		const struct make_tree_origin origin = { tmpl.name, tmpl.uuid };

		r = make_tree_begin(ctx->pool, TREE_GUEST, ctx->argv[1],
				    engine, &origin, &mt, &ctx->err);
	}
	if (!r)
		r = tree_clone(ctx->pool, src, mt.rootfs_fd, engine,
			       opts->keep_identity ? NULL : ctx->argv[1],
			       &stats, &ctx->err);
	if (!r)
		r = check_still_there(ctx, &tmpl);
	if (!r)
		r = make_tree_publish(&mt, &stats, &ctx->err);
	return r < 0 ? r : tree_made_show(ctx->pool, &mt.row, &stats, ctx->json,
					  &ctx->err);
}
