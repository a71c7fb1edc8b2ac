// SPDX-License-Identifier: GPL-2.0-only
/*
 * --undo: names of masters become private files again, with all their metadata.
 *
 * The copies are made aside, by batches: one sync puts them on disk, then names are
 * given to them. Not by opening the name for writing, which has the kernel make the
 * copy: a guest could put a device there in that moment.
 */
#include "undo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json-out.h"
#include "log.h"
#include "opener.h"
#include "options.h"
#include "store.h"

#define BATCH_FILES 256
#define BATCH_BYTES (UINT64_C(256) << 20)

struct undo {
	struct run *run;
	size_t tree;
	const char *prefix;	/* what is asked for: "" or "a/b" */
	bool seen;		/* it is there */
	struct err *err;
	struct opener opener;
	struct staging scratch;
	struct dirtime dirtime;
	struct unify_copy *copies;
};

/* Is @path the prefix or below it? */
static bool is_inside(const char *prefix, const char *path)
{
	size_t len = strlen(prefix);

	return !len || (!strncmp(path, prefix, len) &&
			(!path[len] || path[len] == '/'));
}

static int on_enter(const struct walk_entry *e, void *ctx)
{
	struct undo *u = ctx;

	u->seen |= is_inside(u->prefix, e->path);
	/* or on the way to it */
	return is_inside(u->prefix, e->path) || !e->depth ||
			       is_inside(e->path, u->prefix) ?
		       0 :
		       WALK_SKIP;
}

static int on_file(const struct walk_entry *e, void *ctx)
{
	struct undo *u = ctx;
	int r;

	if (!is_inside(u->prefix, e->path))
		return 0;
	u->seen = true;
	if (!S_ISREG(e->stx->stx_mode))
		return 0;
	u->run->trees[u->tree].files++;
	r = store_is_master(u->run->pool, e->dirfd, e->name, e->stx, NULL);
	if (r < 0) {
		u->run->outcome[reason_of_errno(r)]++;
		return r == -ENOMEM ? r : 0;
	}
	return r ? run_add_file(u->run, u->tree, e) : 0;
}

static int on_error(const struct walk_entry *e, int code, void *ctx)
{
	struct undo *u = ctx;

	if (code == -ENOMEM)
		return code;
	if (is_inside(u->prefix, e->path)) {
		u->seen = true;
		u->run->outcome[SKIP_UNREADABLE]++;
		log_warning("cannot read '%s': %s, skipping it", e->path,
			    strerror(-code));
	}
	return 0;
}

static int collect(struct undo *u, const struct tree_target *target)
{
	static const struct walk_ops ops = { .enter = on_enter,
					     .file = on_file,
					     .error = on_error };
	struct run *run = u->run;
	_cleanup_close_ int root = -1;
	struct tree_row row;
	int r = pool_open_tree(run->pool, TREE_GUEST, target->name, &row, &root,
			       u->err);

	if (r < 0)
		return r;
	r = trees_add(run, &row, &u->tree, u->err);
	if (r < 0)
		return r;
	u->prefix = target->path;
	u->seen = false;
	r = walk_tree(root, &ops, u, u->err);
	if (!r && !u->seen)
		return err_set(u->err, -ENOENT, "there is no '%s' in guest '%s'",
			       target->path, target->name);
	return r;
}

/* The directory of a file that is still in the game, and what it was seen as; else its
 * reason is set. */
static int locate(struct undo *u, struct file *f, const char **ret_name,
		  struct statx *ret_seen)
{
	int dir;

	if (f->reason != SKIP_NONE)
		return -1;
	dir = opener_locate(&u->opener, f, ret_name);
	if (dir < 0)
		file_skip(f, reason_of_errno(dir));
	file_statx(u->run, f, ret_seen);
	return dir;
}

static int make_copy(struct undo *u, struct file *f, struct unify_copy *copy)
{
	enum skip_reason reason;
	struct statx seen;
	const char *name;
	int dir = locate(u, f, &name, &seen);
	int r;

	if (dir < 0)
		return 0;
	r = unify_copy(&u->scratch, dir, name, &seen, copy, &reason, u->err);
	if (!r && reason != SKIP_NONE)
		file_skip(f, reason);
	return r;
}

static int put_copy(struct undo *u, struct file *f,
		    const struct unify_copy *copy)
{
	enum skip_reason reason;
	struct statx seen;
	const char *name;
	int dir = locate(u, f, &name, &seen);
	int r;

	if (dir < 0)
		return 0;
	r = unify_undo(u->run->pool, &u->scratch, dir, name, &seen, copy,
		       &u->dirtime, &reason, u->err);
	dirtime_end(&u->dirtime);
	if (!r) {
		f->tried = true;
		file_skip(f, reason);
	}
	return r;
}

/* The files from @start on that make a batch. */
static size_t batch_end(const struct run *run, size_t start)
{
	uint64_t bytes = 0;
	size_t end = start;

	while (end < run->file_count && end - start < BATCH_FILES &&
	       bytes < BATCH_BYTES)
		bytes += run->files[end++].size_bytes;
	return end;
}

static int undo_batch(struct undo *u, size_t start, size_t end)
{
	struct file *files = u->run->files;
	size_t i;
	int r = 0;

	for (i = 0; i < BATCH_FILES; i++)
		u->copies[i].fd = -1;
	for (i = start; !r && i < end; i++)
		r = make_copy(u, &files[i], &u->copies[i - start]);
	/* what takes a name's place is on disk before */
	if (!r)
		r = store_sync(u->run->pool, u->err);
	for (i = start; !r && i < end; i++)
		r = put_copy(u, &files[i], &u->copies[i - start]);
	for (i = 0; i < BATCH_FILES; i++)
		cleanup_close(&u->copies[i].fd);
	return r;
}

static int undo_all(struct undo *u)
{
	struct run *run = u->run;
	size_t start, end, i;
	int r;

	u->copies = calloc(BATCH_FILES, sizeof(*u->copies));
	if (!u->copies)
		return err_errno(u->err, -ENOMEM, "cannot undo");
	r = staging_create(run->pool, &u->scratch, u->err);
	for (start = 0; !r && start < run->file_count; start = end) {
		end = batch_end(run, start);
		r = undo_batch(u, start, end);
	}
	opener_release(&u->opener);
	dirtime_release(&u->dirtime);
	/* what could not be put back lies there: recovery keeps it */
	if (r != -ENOTRECOVERABLE)
		staging_release(&u->scratch);
	free(u->copies);
	for (i = 0; r < 0 && i < run->file_count; i++)
		if (!run->files[i].tried && run->files[i].reason == SKIP_NONE)
			file_skip(&run->files[i], SKIP_NOT_REACHED);
	return r;
}

static int report_as_json(const struct run *run, const struct totals *t,
			  const struct err *error, struct err *err)
{
	struct json_object *doc = json_document("vhashify");
	int r = 0;

	r |= json_add_bool(doc, "undo", true);
	r |= json_add_bool(doc, "dry_run", run->dry_run);
	r |= json_add_u64(doc, "files", t->files);
	r |= json_add_u64(doc, "private_files", t->outcome[SKIP_NONE]);
	r |= json_add_u64(doc, "private_bytes", t->shared_bytes);
	r |= json_add_u64(doc, "failed_files", t->failed);
	r |= report_json_skips(doc, t);
	r |= report_json_failures(doc, run, t);
	return report_json_end(doc, error, r, err);
}

static int report(struct cmd_ctx *ctx, const struct run *run, bool failed)
{
	struct totals t;
	char buf[32];

	totals_count(run, &t);
	if (ctx->json) {
		int r = report_as_json(run, &t, failed ? &ctx->err : NULL,
				       &ctx->err);

		if (r < 0)
			return r;
	} else {
		printf("%10" PRIu64 "  files %s private copies%s, %s\n",
		       t.outcome[SKIP_NONE], run->dry_run ? "would get" : "have",
		       run->dry_run ? "" : " now",
		       format_bytes(buf, t.shared_bytes));
		report_skips(&t);
	}
	return t.failed ? EXIT_SOME_FAILED : EXIT_OK;
}

int undo(struct cmd_ctx *ctx, struct run *run)
{
	struct undo u = { .run = run, .err = &ctx->err,
			  .opener = OPENER_INIT(run),
			  .scratch = STAGING_INIT,
			  .dirtime = DIRTIME_INIT };
	int status, i;
	int r = 0;

	if (!ctx->argc)
		return err_usage(&ctx->err,
				 "--undo needs a guest, or a path in one");
	if (((const struct options *)ctx->opts)->deadline)
		return err_usage(&ctx->err, "--undo has no deadline");
	if (!run->links)
		return err_set(&ctx->err, -EOPNOTSUPP,
			       "the pool '%s' shares extents: every file in it "
			       "is private",
			       run->pool->path);
	for (i = 0; !r && i < ctx->argc; i++) {
		struct tree_target target;

		r = tree_target_parse(run->pool, ctx->argv[i], &target,
				      &ctx->err);
		if (!r && target.kind != TREE_GUEST)
			r = err_usage(&ctx->err, "'%s' is not in a guest",
				      ctx->argv[i]);
		if (!r)
			r = collect(&u, &target);
	}
	if (r < 0)
		return r;
	if (!run->dry_run)
		r = undo_all(&u);
	status = report(ctx, run, r < 0);
	return r < 0 ? r : status;
}
