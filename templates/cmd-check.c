// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "json-out.h"
#include "progress.h"
#include "rebuild.h"
#include "scrub.h"
#include "vtemplate.h"

/* Does it make the pool inconsistent now? */
static bool counts(const struct problem *pr)
{
	return !pr->repaired &&
	       problem_kind(pr->code)->severity != SEVERITY_INFO;
}

static uint64_t count_left(const struct problems *ps)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < ps->count; i++)
		left += counts(&ps->list[i]);
	return left;
}

static void print_names(const struct problem *pr)
{
	char path[512];
	size_t i;

	for (i = 0; i < pr->name_count; i++) {
		const struct problem_name *n = &pr->names[i];

		escape_bytes(path, sizeof(path), n->path, strlen(n->path));
		printf("  %s %s '%s': %s\n", n->intact ? "intact in" : "shared by",
		       tree_kind_name(n->kind), n->tree, path);
	}
}

static void print_problem(const struct problem *pr)
{
	const struct problem_kind *kind = problem_kind(pr->code);
	char subject[512];
	char size[32];

	escape_bytes(subject, sizeof(subject), pr->subject,
		     strlen(pr->subject));
	printf("%s: %s %s", severity_name(kind->severity), subject, kind->text);
	if (pr->size_bytes)
		printf(" (%s)", format_bytes(size, pr->size_bytes));
	if (pr->repaired)
		printf(": repaired (%s)", kind->repair ? kind->repair : "gone");
	else if (kind->repair)
		printf("; --repair would %s", kind->repair);
	putchar('\n');
	print_names(pr);
}

static int name_json(const struct problem_name *n, struct json_object *list)
{
	struct json_object *o;
	int r = json_add_object(list, NULL, &o);

	r |= json_add_string(o, "kind", tree_kind_name(n->kind));
	r |= json_add_string(o, "tree", n->tree);
	r |= json_add_name(o, "path", n->path, strlen(n->path));
	return r;
}

/* "shared" and "intact": the names of trees that a damaged master concerns. */
static int names_json(struct json_object *o, const struct problem *pr,
		      const char *key, bool intact)
{
	struct json_object *list;
	int r = json_add_array(o, key, &list);
	size_t i;

	for (i = 0; i < pr->name_count; i++)
		if (pr->names[i].intact == intact)
			r |= name_json(&pr->names[i], list);
	return r;
}

static int damage_json(struct json_object *o, const struct problem *pr)
{
	int r = 0;

	if (pr->target.has_stat && pr->target.name[0])
		r |= json_add_string(o, "reason", pr->target.name);
	if (pr->name_count) {
		r |= names_json(o, pr, "shared", false);
		r |= names_json(o, pr, "intact", true);
	}
	return r;
}

static int problem_json(const struct problem *pr, struct json_object *list)
{
	const struct problem_kind *kind = problem_kind(pr->code);
	struct json_object *o;
	int r = json_add_object(list, NULL, &o);

	r |= json_add_string(o, "code", kind->name);
	r |= json_add_string(o, "severity", severity_name(kind->severity));
	r |= json_add_name(o, "subject", pr->subject, strlen(pr->subject));
	r |= json_add_string(o, "text", kind->text);
	r |= json_add_bool(o, "repairable", kind->repair != NULL);
	r |= json_add_bool(o, "repaired", pr->repaired);
	if (pr->count)
		r |= json_add_u64(o, "count", pr->count);
	if (pr->size_bytes)
		r |= json_add_u64(o, "size_bytes", pr->size_bytes);
	r |= damage_json(o, pr);
	return r;
}

static int scrub_json(struct json_object *doc, const struct scrub_stats *st)
{
	struct json_object *o;
	int r = json_add_object(doc, "scrub", &o);

	r |= json_add_u64(o, "files", st->files);
	r |= json_add_u64(o, "read_bytes", st->read_bytes);
	r |= json_add_u64(o, "damaged", st->damaged);
	r |= json_add_bool(o, "resumed", st->resumed);
	return r;
}

static int report_json(const struct problems *ps, const struct scrub_stats *st,
		       struct err *err)
{
	struct json_object *doc = json_document("vtemplate");
	struct json_object *list;
	size_t i;
	int r = json_add_u64(doc, "inconsistent", count_left(ps));

	if (st)
		r |= scrub_json(doc, st);
	r |= json_add_array(doc, "problems", &list);
	for (i = 0; i < ps->count; i++)
		r |= problem_json(&ps->list[i], list);
	return json_finish(doc, r, err);
}

static void print_scrub(const struct problems *ps, const struct scrub_stats *st)
{
	char bytes[32];
	size_t i;

	printf("scrubbed %" PRIu64 " shared files, %s%s; %" PRIu64
	       " of them damaged\n",
	       st->files, format_bytes(bytes, st->read_bytes),
	       st->resumed ? ", going on from an earlier scrub" : "",
	       st->damaged);
	for (i = 0; i < ps->count; i++)
		if (ps->list[i].name_count) {
			printf("to restore a name: cp -a INTACT NAME.new && "
			       "mv NAME.new NAME (see vtemplate(8))\n");
			return;
		}
}

static int report(struct cmd_ctx *ctx, const struct problems *ps,
		  const struct scrub_stats *st)
{
	uint64_t left = count_left(ps);
	size_t i;

	if (ctx->json) {
		int r = report_json(ps, st, &ctx->err);

		if (r < 0)
			return r;
	} else {
		for (i = 0; i < ps->count; i++)
			print_problem(&ps->list[i]);
		if (st)
			print_scrub(ps, st);
		if (left)
			printf("%" PRIu64 " problems\n", left);
		else
			printf("the pool '%s' is consistent\n", ctx->pool_path);
	}
	return left ? EXIT_INCONSISTENT : EXIT_OK;
}

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
	return r ? r : report(ctx, ps, &st);
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
			r = report(ctx, &ps, NULL);
	}
	problems_release(&ps);
	return r;
}
