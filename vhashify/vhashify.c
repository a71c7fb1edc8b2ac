// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#include "clock.h"
#include "deadline.h"
#include "engine.h"
#include "fdio.h"
#include "history.h"
#include "log.h"
#include "options.h"
#include "progress.h"
#include "undo.h"
#include "vhashify.h"

static void read_candidates(struct run *run)
{
	digest_candidates(run);
	if (!run->cut && guess_settle(run))
		digest_candidates(run);
}

static int find_equal(struct run *run, struct err *err)
{
	int r = 0;

	if (run->links)
		r = masters_load(&run->masters, run->pool->catalog, err);
	if (!r)
		r = scan_trees(run, err);
	if (!r && !run->cut)
		r = choose_candidates(run, err);
	if (r < 0)
		return r;
	if (!run->cut && run->links)
		read_candidates(run);
	else if (!run->cut)
		digest_extents(run);
	if (run->cut) {
		run_leave_rest(run);
		return 0;
	}
	if (!run->links)
		return plan_extents(run, err);
	mtimes_settle(run);
	return plan_links(run, err);
}

/* The share phase ended with @r. What it found to be other files than they were taken for
 * goes through the same once more. */
static int share_mistaken(struct run *run, int r, struct err *err)
{
	if (!guess_revise(run))
		return r;
	if (!r && !run_is_over(run)) {
		guess_recall_lonely(run);
		masters_release(&run->masters);
		r = masters_load(&run->masters, run->pool->catalog, err);
		if (!r)
			digest_candidates(run);
	}
	if (!r && !run->cut)
		r = plan_links(run, err);
	if (r < 0 || run->cut) {
		run_leave_rest(run);
		return r;
	}
	return share_links(run, err);
}

static int check_engine(const struct pool *p, struct err *err)
{
	if (engine_links(p->engine.engine) ||
	    p->engine.engine == ENGINE_REFLINK)
		return 0;
	return err_set(err, -EOPNOTSUPP,
		       "nothing can be shared in the pool '%s': %s", p->path,
		       p->engine.why);
}

/* After an error in the last phase there is something to report nevertheless. */
static int report(struct cmd_ctx *ctx, struct run *run,
		  const struct err *error)
{
	struct totals t;
	int status;
	int r = 0;

	totals_count(run, &t);
	status = error	  ? cmd_exit_status(error) :
		 t.failed || t.broken_trees ? EXIT_SOME_FAILED :
		 run->cut ? EXIT_DEADLINE :
			    EXIT_OK;
	if (!run->dry_run)
		history_record(run, &t, status, !error);
	if (ctx->json)
		r = report_json(run, &t, error, &ctx->err);
	else
		report_text(run, &t);
	return r ? r : status;
}

static int share(struct cmd_ctx *ctx, struct run *run)
{
	const struct options *opts = ctx->opts;
	int r = trees_select(run, ctx->argv, ctx->argc, &ctx->err);
	int status;

	if (!r && opts->explain)
		r = explain_begin(run, opts->explain, &ctx->err);
	if (!r)
		r = find_equal(run, &ctx->err);
	if (r < 0)
		return r;
	if (opts->explain)
		return explain_report(run, ctx->json, &ctx->err);
	r = run->links ? share_links(run, &ctx->err) :
			 share_extents(run, &ctx->err);
	r = share_mistaken(run, r, &ctx->err);
	progress_end();
	if (!r && run->links && !run->dry_run)
		remember_run(run);
	status = report(ctx, run, r < 0 ? &ctx->err : NULL);
	return r < 0 ? r : status;
}

static unsigned int choose_jobs(uint64_t asked)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!asked)
		asked = cpus > 0 ? cpus : 1;
	return asked < JOBS_MAX ? asked : JOBS_MAX;
}

static int run_vhashify(struct cmd_ctx *ctx)
{
	const struct options *opts = ctx->opts;
	struct run run = { .pool = ctx->pool, .dry_run = ctx->dry_run,
			   .no_cache = opts->no_cache,
			   .begun_ns = realtime_ns(),
			   .cut_file = SIZE_MAX };
	int r = check_engine(ctx->pool, &ctx->err);

	if (!r)
		r = policy_load(&run.policy, ctx->opts, &ctx->err);
	if (r < 0)
		return r;
	run.jobs = choose_jobs(opts->jobs);
	run.links = engine_links(ctx->pool->engine.engine);
	if (!opts->explain && !opts->undo)
		deadline_begin(run.policy.deadline_ns);
	progress_begin(opts->progress, opts->no_progress);
	r = opts->undo ? undo(ctx, &run) : share(ctx, &run);
	progress_end();
	run_release(&run);
	return r;
}

#define AT(member) offsetof(struct options, member)

static const struct cmd_opt options[] = {
	{ "min-size", 0, OPT_NUMBER, "N",
	  "leave files below N bytes alone (default 1)", AT(min_size_bytes) },
	{ "max-size", 0, OPT_NUMBER, "N", "leave files above N bytes alone",
	  AT(max_size_bytes) },
	{ "exclude", 0, OPT_LIST, "PATTERN",
	  "leave matching files alone; may be given again", AT(rules) },
	{ "include", 0, OPT_LIST, "PATTERN",
	  "take them although a later rule excludes them", AT(rules) },
	{ "rules", 0, OPT_LIST, "FILE",
	  "read such rules, +PATTERN, -PATTERN or ~PATTERN", AT(rules) },
	{ "skip-conffiles", 0, OPT_FLAG, NULL,
	  "leave configuration files of packages alone", AT(skip_conffiles) },
	{ "ignore-mtime", 0, OPT_FLAG, NULL,
	  "share what differs in its modification time only, which changes",
	  AT(ignore_mtime) },
	{ "within-guest", 0, OPT_FLAG, NULL,
	  "also link equal files of one guest to each other",
	  AT(within_guest) },
	{ "explain", 0, OPT_STRING, "PATH",
	  "change nothing; tell what becomes of GUEST/FILE, and why",
	  AT(explain) },
	{ "undo", 0, OPT_FLAG, NULL,
	  "give GUEST, or GUEST/PATH, private copies again", AT(undo) },
	{ "progress", 0, OPT_FLAG, NULL,
	  "show progress at once, whatever standard error is", AT(progress) },
	{ "no-progress", 0, OPT_FLAG, NULL, "never show progress",
	  AT(no_progress) },
	{ "jobs", 0, OPT_NUMBER, "N",
	  "work with N threads (default: one for each processor)",
	  AT(jobs) },
	{ "no-cache", 0, OPT_FLAG, NULL,
	  "look at everything, whatever the last run remembered",
	  AT(no_cache) },
	{ "deadline", 0, OPT_STRING, "WHEN",
	  "begin nothing new after so long (2h, 90m) or at that time (06:00)",
	  AT(deadline) },
	{ "config", 0, OPT_STRING, "FILE",
	  "instead of " VHASHIFY_CONFIG, AT(config) },
	{ 0 }
};

static const struct cmd_opt history_opts[] = {
	{ "limit", 0, OPT_NUMBER, "N", "so many of them (default 30)",
	  offsetof(struct history_options, limit) },
	{ "churn", 0, OPT_FLAG, NULL,
	  "tell what they shared and was private again at the next one",
	  offsetof(struct history_options, churn) },
	{ 0 }
};

static const struct cmd commands[] = {
	{ .min_operands = 0,
	  .max_operands = -1,
	  .flags = CMD_JSON | CMD_DRY_RUN | CMD_ROOT | CMD_POOL_RW,
	  .operands = "[GUEST...]",
	  .summary = "find equal files in guests and share them",
	  .opts = options,
	  .opts_size = sizeof(struct options),
	  .run = run_vhashify },
	{ .name = "history",
	  .flags = CMD_JSON | CMD_ROOT | CMD_POOL_RO,
	  .summary = "tell what past runs came to, the last one first",
	  .opts = history_opts,
	  .opts_size = sizeof(struct history_options),
	  .run = cmd_history },
	{ 0 }
};

static const struct cmd_tool tool = {
	.name = "vhashify",
	.summary = "find equal files in guests and templates, share them",
	.cmds = commands,
};

int main(int argc, char **argv)
{
	fdio_raise_nofile();
	return cmd_main(&tool, argc, argv);
}
