// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of a batch become links to its masters, while the next batch is prepared, which
 * waits for the disk. A thread takes some directories after the other, so that a
 * directory's time is kept by one.
 */
#include <errno.h>

#include "log.h"
#include "progress.h"
#include "share.h"
#include "strbuf.h"

/* What a thread exchanges in this time costs less than to start it. */
#define TASKS_PER_THREAD 32

/* A thread takes so many, and what else there is in the last directory. */
#define TASKS_AT_ONCE 64

static int replace_member(struct share *s, struct worker *w,
			  const struct job *job, const struct file *f,
			  enum skip_reason *reason, struct err *err)
{
	struct statx seen;
	struct unify_task task = { .pool = s->run->pool,
				   .scratch = &w->scratch,
				   .seen = &seen,
				   .m = &job->m,
				   .ignore_mtime = s->run->policy.ignore_mtime,
				   .dirtime = &w->dirtime };

	task.dirfd = opener_locate(&w->opener, f, &task.name);
	if (task.dirfd < 0) {
		*reason = reason_of_errno(task.dirfd);
		return 0;
	}
	task.nodev = w->opener.nodev;
	task.unread = f->guessed;
	file_statx(s->run, f, &seen);
	return unify_replace(&task, reason, err);
}

static void show_progress(const struct share *s)
{
	uint64_t copies = s->run->new_bytes;
	uint64_t saved = s->done_bytes > copies ? s->done_bytes - copies : 0;
	char done[32], total[32], gain[32], rate[80];

	progress_show("sharing, %s of %s, %s saved%s",
		      format_bytes(done, s->done_bytes),
		      format_bytes(total, s->total_bytes),
		      format_bytes(gain, saved),
		      progress_rate(rate, s->done_bytes, s->total_bytes));
}

/* What unify_replace() said about a member. Leaves it untried when the next master shall
 * do. */
static int conclude(struct share *s, struct job *job, struct file *f, int r,
		    enum skip_reason reason)
{
	if (r < 0)
		return r == -EMLINK ? 0 : r;
	if (reason == SKIP_DIFFERENT && !f->guessed &&
	    job->collisions < COLLISION_ROUNDS) {
		job->collided = true;
		return 0;
	}
	if (!reason)
		return share_note(s, job, f);
	share_decide(f, reason);
	job->progress = true;
	return 0;
}

/* Of files that were guessed, this may be the first look. */
static void warn_unreadable(const struct run *run, const struct file *f)
{
	_cleanup_strbuf_ struct strbuf title = STRBUF_INIT;

	log_warning("cannot read %s, or its shared copy, skipping it",
		    file_title(run, f, &title));
}

static int exchange_name(struct share *s, struct worker *w,
			 const struct task *task, struct err *err)
{
	struct file *f = &s->run->files[task->file];
	enum skip_reason reason = SKIP_NONE;
	int r = replace_member(s, w, task->job, f, &reason, err);

	if (!r && reason == SKIP_UNREADABLE)
		warn_unreadable(s->run, f);
	(void)pthread_mutex_lock(&s->lock);
	r = conclude(s, task->job, f, r, reason);
	if (progress_due())
		show_progress(s);
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

/* The next tasks, with all that there are in the last directory; false when all are taken. */
static bool take_tasks(struct share *s, size_t *ret_start, size_t *ret_end)
{
	const struct batch *b = s->exchanged;
	const struct file *files = s->run->files;
	size_t end;

	(void)pthread_mutex_lock(&s->lock);
	*ret_start = end = s->next_task;
	while (end < b->task_count &&
	       (end < *ret_start + TASKS_AT_ONCE ||
		files[b->tasks[end].file].dir ==
			files[b->tasks[end - 1].file].dir))
		end++;
	*ret_end = s->next_task = end;
	(void)pthread_mutex_unlock(&s->lock);
	return end > *ret_start;
}

static int exchange_tasks(struct share *s, struct worker *w, size_t start,
			  size_t end, struct err *err)
{
	const struct task *tasks = s->exchanged->tasks;
	const struct file *files = s->run->files;
	size_t i;
	int r = 0;

	for (i = start; !r && i < end && !share_has_failed(s); i++) {
		r = exchange_name(s, w, &tasks[i], err);
		/* while the opener still has it open */
		if (i + 1 < end &&
		    !opener_is_at(&w->opener, &files[tasks[i + 1].file]))
			dirtime_end(&w->dirtime);
	}
	dirtime_end(&w->dirtime);
	return r;
}

/* What a thread begins with; *@ret_prepare for the first one. */
static struct worker *take_worker(struct share *s, struct batch **ret_prepare)
{
	struct worker *w;

	(void)pthread_mutex_lock(&s->lock);
	w = &s->workers[s->next_worker++];
	*ret_prepare = s->to_prepare;
	s->to_prepare = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	return w;
}

static void *work(void *ctx)
{
	struct share *s = ctx;
	struct batch *prepare;
	struct worker *w = take_worker(s, &prepare);
	struct err err = { 0 };
	size_t start, end;
	int r = 0;

	if (!w->scratch.pool && unify_needs_scratch(s->run->pool))
		r = staging_create(s->run->pool, &w->scratch, &err);
	if (!r && prepare)
		r = share_prepare(s, prepare, &err);
	while (!r && take_tasks(s, &start, &end))
		r = exchange_tasks(s, w, start, end, &err);
	/* between batches no tree of ours is locked */
	opener_release(&w->opener);
	if (r < 0)
		share_fail(s, r, &err);
	return NULL;
}

void exchange_names(struct share *s, struct batch *b, struct batch *next)
{
	size_t threads = run_jobs(s->run, b->task_count, TASKS_PER_THREAD);

	/* who prepares waits for the disk more than anything else */
	if (next->job_count && threads > 1)
		threads++;
	s->exchanged = b;
	s->to_prepare = next;
	s->next_task = 0;
	s->next_worker = 0;
	run_threads(threads, work, s);
}
