// SPDX-License-Identifier: GPL-2.0-only
/* `vhashify history`, and the entry each run makes for it. */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>

#include "churn.h"
#include "clock.h"
#include "json-out.h"
#include "log.h"
#include "options.h"

#define SHOWN_RUNS 30

void history_record(struct run *run, const struct totals *t, int status,
		    bool complete)
{
	struct catalog *c = run->pool->catalog;
	const struct run_row row = {
		.begun_ns = run->begun_ns,
		.ended_ns = realtime_ns(),
		.status = status,
		.trees = t->trees,
		.files = t->files,
		.hashed_files = run->hashed_files,
		.hashed_bytes = run->hashed_bytes,
		.shared_files = t->outcome[SKIP_NONE],
		.shared_bytes = t->shared_bytes,
		.new_masters = run->new_masters,
		.new_bytes = run->new_bytes,
		.failed_files = t->failed,
		.unreached_files = t->outcome[SKIP_NOT_REACHED],
		.unreached_trees = t->unreached_trees,
	};
	struct err err = { 0 };
	int r = catalog_begin(c, &err);

	if (!r)
		r = catalog_run_add(c, &row, &err);
	if (!r)
		r = churn_record(run, &err);
	if (!r && complete)
		r = run_keep_place(run, &err);
	if (!r)
		r = catalog_commit(c, &err);
	/* what was shared is shared, with an entry or without */
	if (r < 0) {
		catalog_rollback(c);
		log_warning("%s; the run is left out of the history", err.msg);
	}
}

static int print_run(const struct run_row *row, void *ctx)
{
	int64_t saved = row->shared_bytes - row->new_bytes;
	uint64_t seconds = (row->ended_ns - row->begun_ns) / 1000000000;
	char when[32], shared[32];

	printf("%-19s  %6" PRIu64 " s  %5" PRIu64 "  %9" PRIu64 "  %8" PRIu64
	       "  %s%-9s  %7" PRIu64 "  %6d%s\n",
	       format_time(when, row->begun_ns), seconds, row->trees, row->files,
	       row->shared_files, saved < 0 ? "-" : "",
	       format_bytes(shared, saved < 0 ? -saved : saved),
	       row->failed_files, row->status,
	       row->status == EXIT_DEADLINE ? " (deadline)" : "");
	return 0;
}

static int run_json(const struct run_row *row, void *ctx)
{
	const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "begun_ns", row->begun_ns },
		{ "ended_ns", row->ended_ns },
		{ "status", row->status },
		{ "scanned_trees", row->trees },
		{ "files", row->files },
		{ "hashed_files", row->hashed_files },
		{ "hashed_bytes", row->hashed_bytes },
		{ "shared_files", row->shared_files },
		{ "shared_bytes", row->shared_bytes },
		{ "new_masters", row->new_masters },
		{ "new_bytes", row->new_bytes },
		{ "failed_files", row->failed_files },
		{ "unreached_files", row->unreached_files },
		{ "unreached_trees", row->unreached_trees },
		{ "saved_bytes", row->shared_bytes - row->new_bytes },
	};
	struct json_object *o;
	size_t i;
	int r = json_add_object(ctx, NULL, &o);

	r |= json_add_bool(o, "deadline_reached", row->status == EXIT_DEADLINE);
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		r |= json_add_i64(o, numbers[i].name, numbers[i].value);
	return r;
}

static int print_churn(const struct churn_row *row, void *ctx)
{
	char prefix[4096], bytes[32];

	escape_bytes(prefix, sizeof(prefix), row->prefix, row->prefix_len);
	printf("%-16s  %4" PRIu64 "  %8" PRIu64 "  %8" PRIu64 "  %-9s  %s\n",
	       row->tree, row->runs, row->files, row->again_files,
	       format_bytes(bytes, row->bytes), prefix);
	return 0;
}

static int churn_json(const struct churn_row *row, void *ctx)
{
	struct json_object *o;
	int r = json_add_object(ctx, NULL, &o);

	r |= json_add_string(o, "kind", row->kind);
	r |= json_add_string(o, "name", row->tree);
	r |= json_add_name(o, "prefix", row->prefix, row->prefix_len);
	r |= json_add_u64(o, "runs", row->runs);
	r |= json_add_u64(o, "broken_files", row->files);
	r |= json_add_u64(o, "again_files", row->again_files);
	r |= json_add_u64(o, "broken_bytes", row->bytes);
	return r;
}

static int print_json(struct cmd_ctx *ctx, uint64_t limit, bool churn)
{
	struct catalog *c = ctx->pool->catalog;
	struct json_object *doc = json_document("vhashify");
	struct json_object *rows;
	int r = json_add_array(doc, churn ? "churn" : "runs", &rows);

	if (!r)
		r = churn ? catalog_churn_each(c, limit, churn_json, rows,
					       &ctx->err) :
			    catalog_run_each(c, limit, run_json, rows,
					     &ctx->err);
	return json_finish(doc, r, &ctx->err);
}

int cmd_history(struct cmd_ctx *ctx)
{
	const struct history_options *opts = ctx->opts;
	uint64_t limit = opts->limit ? opts->limit : SHOWN_RUNS;

	if (ctx->json)
		return print_json(ctx, limit, opts->churn);
	if (opts->churn) {
		printf("%-16s  %4s  %8s  %8s  %-9s  %s\n", "guest", "runs",
		       "broken", "again", "size", "below");
		return catalog_churn_each(ctx->pool->catalog, limit,
					  print_churn, NULL, &ctx->err);
	}
	printf("%-19s  %8s  %5s  %9s  %8s  %-9s  %7s  %6s\n", "begun", "took",
	       "trees", "files", "shared", "saved", "failed", "status");
	return catalog_run_each(ctx->pool->catalog, limit, print_run, NULL,
				&ctx->err);
}
