// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carry out the plan on an engine that links.
 *
 * Batches of groups: for each group a master is found or made, one sync puts all
 * of them on disk, then names are exchanged (exchange.c). What is left of a group when its
 * master has a name of each tree, or as many as allowed, or turned out to be another file with
 * the same key, goes on to a later batch with the next master.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "array.h"
#include "cleanup.h"
#include "cmd-signal.h"
#include "fdio.h"
#include "fx.h"
#include "iattr.h"
#include "log.h"
#include "progress.h"
#include "share.h"
#include "store.h"
#include "strbuf.h"

/* One descriptor for each group; the work that is begun before the deadline comes; and what
 * must fit on the disk a second time before the first byte is freed. There are two
 * batches. */
#define BATCH_GROUPS 1024
#define BATCH_FILES 8192
#define BATCH_BYTES (UINT64_C(128) << 20)

/* Descriptors that the program needs beside those of masters, and each worker. */
#define FDS_BESIDE 64
#define FDS_PER_WORKER 8

static struct file *next_member(struct run *run, const struct job *job,
				size_t *ret_left)
{
	struct file *first = NULL;
	size_t i;

	*ret_left = 0;
	for (i = 0; i < job->group->count; i++) {
		struct file *f = file_of(run, job->group, i);

		if (f->tried)
			continue;
		if (!first)
			first = f;
		++*ret_left;
	}
	return first;
}

static void decide_rest(struct run *run, const struct job *job,
			 enum skip_reason reason)
{
	size_t i;

	for (i = 0; i < job->group->count; i++)
		if (!file_of(run, job->group, i)->tried)
			share_decide(file_of(run, job->group, i), reason);
}

/* --- masters ------------------------------------------------------------------------- */

static bool tree_holds(struct share *s, size_t tree, const struct statx *master)
{
	bool has;

	(void)pthread_mutex_lock(&s->lock);
	has = run_holds(s->run, master->stx_ino, tree);
	(void)pthread_mutex_unlock(&s->lock);
	return has;
}

struct holder {
	struct share *share;
	size_t tree;
};

static bool holds(const struct statx *master, void *ctx)
{
	const struct holder *h = ctx;

	return tree_holds(h->share, h->tree, master);
}

/* Find or make a master that @f is equal to and its tree has no name of. */
static int intern_member(struct share *s, struct opener *o,
			 const struct file *f, struct master *ret,
			 struct err *err)
{
	_cleanup_close_ int fd = opener_open(o, f);
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	struct run *run = s->run;
	struct holder holder = { .share = s, .tree = file_tree(run, f) };
	const struct store_avoid avoid = { .has = holds, .ctx = &holder };
	bool within = run->policy.within_guest;
	struct statx seen;
	int r = fd < 0 ? fd : iattr_read_fd(fd, &attr);

	if (r < 0)
		return err_errno(err, r, "cannot read '%s'",
				 file_text(run, f, &path));
	file_statx(run, f, &seen);
	if (!statx_unchanged(&attr.stx, &seen))
		return err_set(err, -EAGAIN, "changed since it was seen");
	return mtimes_intern(run, f, fd, &attr, within ? NULL : &avoid, ret,
			     err);
}

/* Is the error about this file, or must the run end? */
static bool is_about_file(int code)
{
	if (errno_is_damage(code)) /* unless reading gives it: is_unreadable() */
		return false;
	switch (code) {
	case -EINTR:	/* a signal asked for it: fx_interrupt() */
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EROFS:
		return false;
	default:
		return true;
	}
}

/* @fd is a file of that size, or why it could not be opened. */
static bool is_damaged(int fd, uint64_t size_bytes)
{
	struct digest content;

	return errno_is_damage(fd < 0 ? fd :
					hash_fd(fd, size_bytes, &content));
}

static bool has_damaged_master(const struct run *run, const struct file *f)
{
	size_t count, i;
	const struct object_row *rows =
		masters_by_key(&run->masters, &f->key, &count);

	for (i = 0; i < count; i++) {
		const struct store_item item = { .key = rows[i].key,
						 .replica = rows[i].replica };
		struct store_entry entry = { .shard_fd = -1 };
		char name[STORE_NAME_SIZE];
		_cleanup_close_ int fd =
			store_item_open(run->pool, &item, name, &entry);

		cleanup_close(&entry.shard_fd);
		if (is_damaged(fd, rows[i].size_bytes))
			return true;
	}
	return false;
}

/* No master was found or made for @f. When it is because @f, or one that is there, cannot be
 * read, which is seen by reading both again, that says why: the others go on. A failure to
 * write gives the same errors, and ends the run. */
static bool is_unreadable(struct share *s, struct opener *o,
			  const struct job *job, struct file *f, int code)
{
	_cleanup_strbuf_ struct strbuf title = STRBUF_INIT;
	_cleanup_close_ int fd = -1;

	if (!errno_is_damage(code))
		return false;
	fd = opener_open(o, f);
	if (is_damaged(fd, f->size_bytes)) {
		log_warning("cannot read %s: %s, skipping it",
			    file_title(s->run, f, &title), strerror(-code));
		share_decide(f, SKIP_UNREADABLE);
		return true;
	}
	if (!has_damaged_master(s->run, f))
		return false;
	log_warning("cannot read the shared copy of %s: %s, skipping "
		    "what equals it; see 'vtemplate check --scrub'",
		    file_title(s->run, f, &title), strerror(-code));
	decide_rest(s->run, job, SKIP_UNREADABLE);
	return true;
}

int share_note(struct share *s, struct job *job, struct file *f)
{
	share_decide(f, SKIP_NONE);
	job->progress = true;
	job->known = true;
	s->done_bytes += f->size_bytes;
	return run_hold(s->run, job->m.attr.stx.stx_ino, file_tree(s->run, f));
}

/* A master was found or made by @f. */
static int note_master(struct share *s, struct job *job, struct file *f)
{
	int r = 0;

	/* elsewhere the kernel sees to it */
	if (s->run->pool->engine.engine == ENGINE_UNPROTECTED)
		master_lease(&job->m);
	if (!job->m.created)
		return 0;
	(void)pthread_mutex_lock(&s->lock);
	s->run->new_masters++;
	s->run->new_bytes += job->m.attr.stx.stx_size;
	if (job->m.adopted)
		r = share_note(s, job, f);
	(void)pthread_mutex_unlock(&s->lock);
	return r;
}

/* Get a master for the job, by the first member that has one. */
static int find_master(struct share *s, struct opener *o, struct job *job,
		       struct err *err)
{
	struct run *run = s->run;

	for (;;) {
		_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
		struct err why = { 0 };
		size_t left;
		struct file *f = next_member(run, job, &left);
		int r;

		if (!f)
			return 0;
		if (left == 1 && !job->known) {
			/* the others fell out: nobody left to share with */
			share_decide(f, SKIP_UNIQUE);
			return 0;
		}
		if (f->guessed && !guess_holds(run, o, f)) {
			f->tried = true;
			continue;
		}
		r = intern_member(s, o, f, &job->m, &why);
		if (!r)
			return note_master(s, job, f);
		if (is_unreadable(s, o, job, f, r))
			continue;
		if (!is_about_file(r)) {
			*err = why;
			return r;
		}
		log_info("'%s': %s", file_text(run, f, &path), why.msg);
		if (reason_of_errno(r) == SKIP_NO_SPACE)
			decide_rest(run, job, SKIP_NO_SPACE);
		else
			share_decide(f, reason_of_errno(r));
	}
}

static int by_dir(const void *a, const void *b, void *ctx)
{
	const struct file *files = ctx;
	uint32_t x = ((const struct task *)a)->file;
	uint32_t y = ((const struct task *)b)->file;

	if (files[x].dir != files[y].dir)
		return files[x].dir < files[y].dir ? -1 : 1;
	return (x > y) - (x < y);
}

static int add_task(struct batch *b, uint32_t file, struct job *job)
{
	if (array_room(&b->tasks, b->task_count, &b->task_alloc))
		return -ENOMEM;
	b->tasks[b->task_count++] = (struct task){ .file = file, .job = job };
	return 0;
}

/*
 * The members that shall become names of the job's master. A tree gets one name of a
 * master, the pool as many as its limit says. Links that other commands make or remove
 * meanwhile are not counted: the pool's limit only says when a master is retired, and a
 * few more or one replica too early harm nobody. What must not be exceeded is the limit
 * of the filesystem, which says EMLINK.
 */
static int add_tasks(struct share *s, struct batch *b, struct job *job)
{
	struct run *run = s->run;
	const struct statx *master = &job->m.attr.stx;
	uint32_t links = master->stx_nlink;
	size_t last_tree = SIZE_MAX;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < job->group->count; i++) {
		const struct file *f = file_of(run, job->group, i);
		size_t tree = file_tree(run, f);

		if (f->tried || links >= run->pool->info.link_limit)
			continue;
		if (!run->policy.within_guest &&
		    (tree == last_tree || tree_holds(s, tree, master)))
			continue;
		last_tree = tree;
		links++;
		r = add_task(b, run->order[job->group->first + i], job);
	}
	return r;
}

/* The tasks of jobs that have a master, in order of directories. */
static int collect_tasks(struct share *s, struct batch *b)
{
	size_t j;
	int r = 0;

	b->task_count = 0;
	for (j = 0; !r && j < b->job_count; j++) {
		if (b->jobs[j].m.fd < 0)
			continue;
		r = add_tasks(s, b, &b->jobs[j]);
	}
	if (!r && b->task_count)
		qsort_r(b->tasks, b->task_count, sizeof(*b->tasks), by_dir,
			s->run->files);
	return r;
}

int share_prepare(struct share *s, struct batch *b, struct err *err)
{
	_cleanup_opener_ struct opener o = READER_INIT(s->run);
	size_t j;
	int r = 0;

	for (j = 0; !r && j < b->job_count && !share_has_failed(s); j++)
		r = find_master(s, &o, &b->jobs[j], err);
	if (!r)
		r = collect_tasks(s, b);
	/* also for masters that were there: another command may have made them
	 * a moment ago, and what they replace is on disk */
	if (!r && b->task_count)
		r = store_sync(s->run->pool, err);
	return r;
}

/* --- batches ------------------------------------------------------------------------- */

void share_fail(struct share *s, int code, const struct err *err)
{
	(void)pthread_mutex_lock(&s->lock);
	if (!s->status || code == -ENOTRECOVERABLE) {
		s->err = *err;
		__atomic_store_n(&s->status, code, __ATOMIC_RELAXED);
	}
	(void)pthread_mutex_unlock(&s->lock);
}

bool share_has_failed(struct share *s)
{
	return __atomic_load_n(&s->status, __ATOMIC_RELAXED);
}

/* A master has done its part: is there work for another? */
static bool end_round(struct share *s, struct job *job)
{
	size_t left;

	/* a filesystem that has fewer links than we were told */
	if (!s->status && job->m.fd >= 0 && !job->progress && !job->collided)
		decide_rest(s->run, job, SKIP_REFUSED);
	job->collisions += job->collided;
	job->collided = false;
	job->progress = false;
	master_release(&job->m);
	job->m = (struct master)MASTER_INIT;
	return next_member(s->run, job, &left);
}

/* What the masters of a batch left goes on to others, beside new groups. */
static void end_batch(struct share *s, struct batch *b)
{
	size_t kept = 0;
	size_t j;

	for (j = 0; j < b->job_count; j++)
		if (end_round(s, &b->jobs[j]))
			b->jobs[kept++] = b->jobs[j];
	b->job_count = kept;
	b->task_count = 0;
}

/* The next groups of the plan; none when all have been, or the deadline has come. */
static void fill_batch(struct share *s, struct batch *b)
{
	struct run *run = s->run;
	uint64_t bytes = 0;
	size_t files = 0;
	size_t masters;

	if (s->next_group == run->group_count || run_is_over(run))
		return;
	while (s->next_group < run->group_count &&
	       b->job_count < s->batch_groups && files < BATCH_FILES &&
	       bytes < BATCH_BYTES) {
		struct group *g = &run->groups[s->next_group++];
		const struct file *f = file_of(run, g, 0);

		bytes += f->size_bytes;
		files += g->count;
		b->jobs[b->job_count++] = (struct job){
			.group = g,
			.m = MASTER_INIT,
			.known = masters_by_key(&run->masters, &f->key,
						&masters),
		};
	}
}

static void share_groups(struct share *s)
{
	struct batch *now = &s->batches[0]; /* empty at first */
	struct batch *next = &s->batches[1];

	do {
		struct batch *done = now;

		fill_batch(s, next);
		exchange_names(s, now, next);
		end_batch(s, now);
		now = next;
		next = done;
	} while ((now->job_count || next->job_count) && !s->status);
	end_batch(s, now);
}

static uint64_t planned_bytes(struct run *run)
{
	uint64_t bytes = 0;
	size_t j;

	for (j = 0; j < run->group_count; j++)
		bytes += file_of(run, &run->groups[j], 0)->size_bytes *
			 run->groups[j].count;
	return bytes;
}

static size_t batch_groups(const struct share *s)
{
	size_t beside = FDS_BESIDE + s->worker_count * FDS_PER_WORKER;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 ||
	    lim.rlim_cur >= beside + 2 * BATCH_GROUPS)
		return BATCH_GROUPS;
	return lim.rlim_cur > beside + 2 ? (lim.rlim_cur - beside) / 2 : 1;
}

/* A worker gets its scratch directory when it has something to do. */
static int begin(struct share *s)
{
	struct run *run = s->run;
	size_t i;

	s->batches[0].jobs = calloc(BATCH_GROUPS, sizeof(struct job));
	s->batches[1].jobs = calloc(BATCH_GROUPS, sizeof(struct job));
	s->worker_count = run->jobs + 1;
	s->batch_groups = batch_groups(s);
	s->workers = calloc(s->worker_count, sizeof(*s->workers));
	if (!s->batches[0].jobs || !s->batches[1].jobs || !s->workers)
		return -ENOMEM;
	for (i = 0; i < s->worker_count; i++)
		s->workers[i] = (struct worker){ .opener = OPENER_INIT(run),
						 .scratch = STAGING_INIT,
						 .dirtime = DIRTIME_INIT };
	return 0;
}

static void end(struct share *s)
{
	size_t i;

	for (i = 0; s->workers && i < s->worker_count; i++) {
		dirtime_release(&s->workers[i].dirtime);
		/* what could not be put back lies there: recovery keeps it */
		if (s->status != -ENOTRECOVERABLE)
			staging_release(&s->workers[i].scratch);
	}
	for (i = 0; i < 2; i++) {
		free(s->batches[i].jobs);
		free(s->batches[i].tasks);
	}
	free(s->workers);
}

static void mark_unreached(struct run *run)
{
	size_t i, j;

	for (j = 0; j < run->group_count; j++)
		for (i = 0; i < run->groups[j].count; i++)
			if (!file_of(run, &run->groups[j], i)->tried)
				share_decide(file_of(run, &run->groups[j], i),
					SKIP_NOT_REACHED);
}

int share_links(struct run *run, struct err *err)
{
	struct share s = { .run = run, .lock = PTHREAD_MUTEX_INITIALIZER };

	if (!run->group_count)
		return 0;
	if (run->dry_run)
		return foresee_links(run, err);
	/* where the kernel exchanges there is no scratch directory, but files that are
	 * marked and directories whose time is to be set back */
	cmd_work_begin();
	s.status = begin(&s);
	s.total_bytes = planned_bytes(run);
	progress_phase();
	if (!s.status)
		share_groups(&s);
	end(&s);
	/* it may have come after the last effect that it stops */
	if (!s.status && fx_interrupted())
		s.status = -EINTR;
	cmd_work_end();
	if (s.status || run->cut)
		mark_unreached(run);
	if (s.err.code && err)
		*err = s.err;
	else if (s.status)
		err_errno(err, s.status, "cannot share");
	return s.status;
}
