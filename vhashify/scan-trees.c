// SPDX-License-Identifier: GPL-2.0-only
/*
 * The trees are walked by several threads, each tree by one of them. What a walk finds goes
 * into a struct run of its own, its part, and the parts come into the run in the order of
 * the trees, so that the outcome is the same for any number of threads. Trees differ in
 * size: a thread goes on with the next one while an earlier one is being walked, but not
 * further ahead than AHEAD_MAX trees, whose candidates wait in memory meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "churn.h"
#include "log.h"
#include "progress.h"
#include "scan.h"

#define AHEAD_MAX (2 * JOBS_MAX)

/* A tree that was walked, or need not be, and comes into the run when it is its turn. */
struct walked {
	bool done;
	struct run *part;	/* NULL: nothing was found */
};

struct walks {
	struct run *run;

	/* For what follows, and for all of the run that a walk changes or that was not
	 * known before the first one. */
	pthread_mutex_t lock;
	pthread_cond_t moved;	/* next_in went on, or all shall end */
	size_t next;		/* tree that nobody has taken yet */
	size_t next_in;		/* tree whose part comes into the run next */
	struct walked ahead[AHEAD_MAX];	/* trees from next_in on, going round */
	struct err err;		/* why a thread gave up, and with it all */
};

/* --- parts --------------------------------------------------------------------------- */

/* What a thread takes from one part to the next: which masters it has looked at, and the
 * last block of paths, which is not full. */
static void keep_common(struct run *to, struct run *from)
{
	to->confirmed = from->confirmed;
	to->paths = from->paths;
	to->dirs_above = from->dirs_above;
	from->confirmed = (struct set){ 0 };
	from->paths = NULL;
	from->dirs_above = NULL;
}

/* The part of a tree borrows what is the same for all. */
static struct run *begin_part(const struct run *run, struct run *common)
{
	struct run *part = malloc(sizeof(*part));

	if (!part)
		return NULL;
	*part = (struct run){ .pool = run->pool,
			      .policy = run->policy,
			      .dry_run = run->dry_run,
			      .links = run->links,
			      .no_cache = run->no_cache,
			      .trees = run->trees,
			      .tree_count = run->tree_count,
			      .masters = run->masters,
			      .explain = run->explain };
	keep_common(part, common);
	return part;
}

static void part_release(struct run *part)
{
	if (!part)
		return;
	free(part->broken);
	files_release(part);
	set_release(&part->holders);
	set_release(&part->confirmed);
	free(part);
}

static void add_explain(struct run *run, const struct run *part, size_t tree)
{
	if (tree != run->explain.tree)
		return;
	run->explain = part->explain;
	if (run->explain.path && run->explain.file != SIZE_MAX)
		run->explain.file += run->file_count;
}

static int add_part(struct run *run, struct run *part, size_t tree)
{
	size_t i;
	int r = churn_move(run, part);

	add_explain(run, part, tree);
	if (!r)
		r = files_move(run, part);
	if (!r)
		r = set_add_all(&run->holders, &part->holders);
	for (i = 0; i < SKIP_REASON_COUNT; i++)
		run->outcome[i] += part->outcome[i];
	run->dirs_read += part->dirs_read;
	run->dirs_remembered += part->dirs_remembered;
	return r;
}

/* --- trees ---------------------------------------------------------------------------- */

/* With the lock held. */
static void fail(struct walks *ws, const struct err *err)
{
	if (!ws->err.code)
		ws->err = *err;
	(void)pthread_cond_broadcast(&ws->moved);
}

/* With the lock held: @part, which is used up, or NULL is what @tree adds; all trees whose
 * turn it is now come into the run. */
static void put_in(struct walks *ws, size_t tree, struct run *part)
{
	struct walked *w = &ws->ahead[tree % AHEAD_MAX];
	struct err err = { 0 };
	int r = 0;

	*w = (struct walked){ .done = true, .part = part };
	for (;;) {
		w = &ws->ahead[ws->next_in % AHEAD_MAX];
		if (!w->done)
			break;
		if (w->part && !r)
			r = add_part(ws->run, w->part, ws->next_in);
		part_release(w->part);
		*w = (struct walked){ 0 };
		ws->next_in++;
	}
	(void)pthread_cond_broadcast(&ws->moved);
	if (r < 0) {
		err_errno(&err, r, "cannot scan");
		fail(ws, &err);
	}
}

/* Shall @tree be walked? With the lock held: what comes after a tree that the deadline has
 * cut off is cut off as well. */
static bool is_wanted(struct run *run, size_t tree)
{
	struct tree *t = &run->trees[tree];

	if (t->status == TREE_SCANNED && run_is_over(run))
		t->status = TREE_NOT_REACHED;
	return t->status == TREE_SCANNED;
}

/* Take the next tree. False: there is none, or all shall end. */
static bool take(struct walks *ws, size_t *ret)
{
	while (!ws->err.code && ws->next < ws->run->tree_count) {
		if (ws->next == ws->next_in + AHEAD_MAX) {
			(void)pthread_cond_wait(&ws->moved, &ws->lock);
			continue;
		}
		*ret = ws->next++;
		if (is_wanted(ws->run, *ret))
			return true;
		put_in(ws, *ret, NULL);
	}
	return false;
}

/* With the lock held, but not while it walks. */
static void walk_one(struct walks *ws, struct run *common, size_t tree)
{
	struct run *part = begin_part(ws->run, common);
	struct err err = { 0 };
	int r;

	if (!part) {
		err_errno(&err, -ENOMEM, "cannot scan");
		fail(ws, &err);
		return;
	}
	(void)pthread_mutex_unlock(&ws->lock);
	r = scan_tree(part, tree, &err);
	(void)pthread_mutex_lock(&ws->lock);
	keep_common(common, part);
	put_in(ws, tree, part);
	if (r < 0)
		fail(ws, &err);
}

static void *walk_some(void *ctx)
{
	struct walks *ws = ctx;
	struct run common = { 0 };
	size_t tree;

	(void)pthread_mutex_lock(&ws->lock);
	while (take(ws, &tree))
		walk_one(ws, &common, tree);
	files_move_paths(ws->run, &common);
	(void)pthread_mutex_unlock(&ws->lock);
	files_release(&common);
	set_release(&common.confirmed);
	return NULL;
}

static size_t threads_wanted(const struct run *run)
{
	size_t most = walk_at_once();

	if (run->jobs < most)
		most = run->jobs;
	return run->tree_count < most ? run->tree_count : most;
}

int scan_trees(struct run *run, struct err *err)
{
	struct walks ws = { .run = run,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .moved = PTHREAD_COND_INITIALIZER };
	size_t i;

	progress_phase();
	run_threads(threads_wanted(run), walk_some, &ws);
	for (i = 0; i < AHEAD_MAX; i++)
		part_release(ws.ahead[i].part);
	if (ws.err.code) {
		if (err)
			*err = ws.err;
		return ws.err.code;
	}
	if (!run_looks_at_all(run))
		log_info("%" PRIu64 " directories read, %" PRIu64
			 " are as they were",
			 run->dirs_read, run->dirs_remembered);
	return 0;
}
