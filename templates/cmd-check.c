// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "check-report.h"
#include "progress.h"
#include "rebuild.h"
#include "scrub.h"
#include "vtemplate.h"

/* Add to @all what @more has and it has not. */
static int merge(struct problems *all, const struct problems *more)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < more->count; i++) {
		const struct problem *pr = &more->list[i];
		struct problem *have = problems_find(all, pr);

		if (!have) {
			r = problems_add(all, pr->code, &pr->target, "%s",
					 pr->subject);
			have = r ? NULL : &all->list[all->count - 1];
		}
		if (have) {
			have->count = pr->count;
			have->size_bytes = pr->size_bytes;
		}
	}
	return r;
}

static void mark_repaired(struct problems *all, const struct problems *left)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		all->list[i].repaired = !problems_find(left, &all->list[i]);
}

/*
 * Look, mend, look again: what is gone the second time was repaired, and what came
 * to light by repairing something else is mended in a second round.
 */
static int repair(struct cmd_ctx *ctx, struct pool *p, struct problems *all)
{
	struct problems now = { 0 };
	int round;
	int r = check_scan(p, &now, &ctx->err);

	for (round = 0; !r && round < 2; round++) {
		r = merge(all, &now);
		if (r < 0)
			break;
		check_repair(p, &now);
		problems_release(&now);
		r = check_scan(p, &now, &ctx->err);
	}
	if (!r)
		r = merge(all, &now);
	if (!r)
		mark_repaired(all, &now);
	problems_release(&now);
	return r;
}

/* "The catalog is lost" is what to say then, whatever came of it. */
static int say_if_lost(struct cmd_ctx *ctx, int r)
{
	if (r < 0 && catalog_is_lost(ctx->pool_path))
		return err_set(&ctx->err, -EUCLEAN,
			       "the catalog of '%s' is lost; `vtemplate check "
			       "--rebuild` makes it again from the trees",
			       ctx->pool_path);
	return r;
}

static int scan_only(struct cmd_ctx *ctx, struct problems *ps)
{
	struct pool *p;
	int r = pool_open(ctx->pool_path, POOL_RO, &p, &ctx->err);

	if (r < 0)
		return say_if_lost(ctx, r);
	pool_warn(p);
	r = check_scan(p, ps, &ctx->err);
	pool_close(p);
	return r;
}

/* What opening the pool recovers is seen by looking before. */
static int scan_and_repair(struct cmd_ctx *ctx, struct problems *ps)
{
	const struct check_opts *opts = ctx->opts;
	struct pool *p;
	int r = 0;

	if (opts->rebuild && catalog_is_lost(ctx->pool_path))
		r = catalog_make_anew(ctx->pool_path, &ctx->err);
	if (!r)
		r = scan_only(ctx, ps);
	if (r < 0)
		return r;
	r = pool_open(ctx->pool_path, POOL_EXCLUSIVE, &p, &ctx->err);
	if (r < 0)
		return r;
	if (!ctx->json)
		pool_announce(p);
	if (opts->rebuild)
		r = check_rebuild_objects(p, &ctx->err);
	if (!r)
		r = repair(ctx, p, ps);
	pool_close(p);
	return r;
}

/* Data before order: what is damaged is known before anything is mended. */
static int scrub(struct cmd_ctx *ctx, struct problems *damaged,
		 struct scrub_stats *st)
{
	const struct check_opts *opts = ctx->opts;
	int r;

	progress_begin(false, ctx->json);
	r = scrub_store(ctx->pool_path, opts->rate * 1000000, damaged, st,
			&ctx->err);
	return say_if_lost(ctx, r);
}

static int check(struct cmd_ctx *ctx, struct problems *ps)
{
	const struct check_opts *opts = ctx->opts;

	return opts->repair || opts->rebuild ? scan_and_repair(ctx, ps) :
					       scan_only(ctx, ps);
}

static int check_and_scrub(struct cmd_ctx *ctx, struct problems *ps)
{
	struct scrub_stats st = { 0 };
	struct problems damaged = { 0 };
	int r = scrub(ctx, &damaged, &st);

	if (!r)
		r = check(ctx, ps);
	if (!r)
		r = merge(ps, &damaged);
	if (!r)
		r = scrub_names(ctx->pool_path, ps, &ctx->err);
	problems_release(&damaged);
	return r ? r : check_report(ctx, ps, &st);
}

int cmd_check(struct cmd_ctx *ctx)
{
	const struct check_opts *opts = ctx->opts;
	struct problems ps = { 0 };
	int r;

	if (opts->rate && !opts->scrub)
		return err_usage(&ctx->err, "--rate is for --scrub");
	if (opts->rate > UINT64_MAX / 1000000)
		return err_usage(&ctx->err, "--rate is too large");
	if (opts->scrub) {
		r = check_and_scrub(ctx, &ps);
	} else {
		r = check(ctx, &ps);
		if (!r)
			r = check_report(ctx, &ps, NULL);
	}
	problems_release(&ps);
	return r;
}
