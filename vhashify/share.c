// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carry out the plan on an engine that links.
 *
 * Batches of groups: for each group a master is found or made, one sync puts all
 * of them on disk, then names are exchanged, tree by tree. What is left of a group
 * when its master has as many links as allowed, or turned out to be another file
 * with the same key, goes on to the next round with the next master.
 */
#include <errno.h>
#include <stdlib.h>

#include "array.h"
#include "cleanup.h"
#include "dirtime.h"
#include "fdio.h"
#include "iattr.h"
#include "log.h"
#include "progress.h"
#include "store.h"
#include "vhashify.h"

/* One descriptor for each group; and what must fit on the disk a second time
 * before the first byte is freed. */
#define BATCH_GROUPS 256
#define BATCH_BYTES (UINT64_C(256) << 20)

/* Who can make files collide under one key gets so many masters a run. */
#define COLLISION_ROUNDS 4

/* A group being shared: its members still to come are those not `tried`. */
struct job {
	struct group *group;
	struct master m;
	uint32_t links;		/* it has, as far as we know */
	bool known;		/* a master was there, or a member is linked */
	bool progress;		/* this round came to a decision on a member */
	bool collided;		/* this round met different bytes */
	unsigned int collisions; /* rounds that did */
};

struct task {
	uint32_t file;
	struct job *job;
};

struct share {
	struct run *run;
	struct opener opener;
	struct staging scratch;
	struct dirtime dirtime;	/* of the directory at hand */
	struct job *jobs;
	size_t job_count;
	struct task *tasks;
	size_t task_alloc;
	uint64_t done_bytes, total_bytes; /* of names to be exchanged */
};

static struct file *member(struct run *run, const struct group *g, size_t i)
{
	return &run->files[run->order[g->first + i]];
}

/* The last word on a member; SKIP_NONE: it is shared. */
static void decide(struct file *f, enum skip_reason reason)
{
	f->tried = true;
	file_skip(f, reason);
}

static struct file *next_member(struct run *run, const struct job *job,
				size_t *ret_left)
{
	struct file *first = NULL;
	size_t i;

	*ret_left = 0;
	for (i = 0; i < job->group->count; i++) {
		struct file *f = member(run, job->group, i);

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
		if (!member(run, job->group, i)->tried)
			decide(member(run, job->group, i), reason);
}

struct holder {
	const struct run *run;
	size_t tree;
};

static bool holds(const struct statx *master, void *ctx)
{
	const struct holder *h = ctx;

	return run_holds(h->run, master->stx_ino, h->tree);
}

/* Find or make a master that @f is equal to and its tree has no name of. */
static int intern_member(struct share *s, struct file *f, struct master *ret,
			 struct err *err)
{
	_cleanup_close_ int fd = opener_open(&s->opener, f);
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct holder holder = { .run = s->run, .tree = file_tree(s->run, f) };
	const struct store_avoid avoid = { .has = holds, .ctx = &holder };
	bool within = s->run->policy.within_guest;
	struct statx seen;
	int r = fd < 0 ? fd : iattr_read_fd(fd, &attr);

	if (r < 0)
		return err_errno(err, r, "cannot read '%s%s'", FILE_PATH(s->run, f));
	file_statx(s->run, f, &seen);
	if (!statx_unchanged(&attr.stx, &seen))
		return -EAGAIN;
	return mtimes_intern(s->run, f, fd, &attr, within ? NULL : &avoid, ret,
			     err);
}

/* Is the error about this file, or must the run end? */
static bool is_about_file(int code)
{
	switch (code) {
	case -EINTR:	/* a signal asked for it: fx_interrupt() */
	case -EIO:
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EROFS:
	case -EUCLEAN:
		return false;
	default:
		return true;
	}
}

static void note_master(struct share *s, struct job *job)
{
	job->links = job->m.stx.stx_nlink;
	if (!job->m.created)
		return;
	s->run->new_masters++;
	s->run->new_bytes += job->m.stx.stx_size;
}

/* Get a master for the job, by the first member that has one. */
static int find_master(struct share *s, struct job *job, struct err *err)
{
	struct run *run = s->run;

	for (;;) {
		struct err why = { 0 };
		size_t left;
		struct file *f = next_member(run, job, &left);
		int r;

		if (!f)
			return 0;
		if (left == 1 && !job->known) {
			/* the others fell out: nobody left to share with */
			decide(f, SKIP_UNIQUE);
			return 0;
		}
		r = intern_member(s, f, &job->m, &why);
		if (!r) {
			note_master(s, job);
			return 0;
		}
		if (!is_about_file(r)) {
			*err = why;
			return r;
		}
		log_info("'%s%s': %s", FILE_PATH(run, f), why.msg);
		if (reason_of_errno(r) == SKIP_NO_SPACE)
			decide_rest(run, job, SKIP_NO_SPACE);
		else
			decide(f, reason_of_errno(r));
	}
}

/*
 * A tree gets one name of a master, the pool as many as its limit says. Links that
 * other commands make or remove meanwhile are not counted: the pool's limit only says
 * when a master is retired, and a few more or one replica too early harm nobody. What
 * must not be exceeded is the limit of the filesystem, which says EMLINK.
 */
static bool may_link(const struct share *s, const struct job *job,
		     const struct file *f)
{
	if (!s->run->policy.within_guest &&
	    run_holds(s->run, job->m.stx.stx_ino, file_tree(s->run, f)))
		return false;
	return job->links < s->run->pool->info.link_limit;
}

static int replace_member(struct share *s, const struct job *job,
			  const struct file *f, enum skip_reason *reason,
			  struct err *err)
{
	struct statx seen;
	struct unify_task task = { .pool = s->run->pool,
				   .scratch = &s->scratch,
				   .seen = &seen,
				   .m = &job->m,
				   .ignore_mtime = s->run->policy.ignore_mtime,
				   .dirtime = &s->dirtime };

	task.dirfd = opener_locate(&s->opener, f, &task.name);
	if (task.dirfd < 0) {
		*reason = reason_of_errno(task.dirfd);
		return 0;
	}
	file_statx(s->run, f, &seen);
	return unify_replace(&task, reason, err);
}

/* Exchange one name. Leaves the member untried when the next master shall do. */
static int share_member(struct share *s, struct job *job, struct file *f,
			struct err *err)
{
	enum skip_reason reason = SKIP_NONE;
	int r;

	if (!may_link(s, job, f))
		return 0;
	r = replace_member(s, job, f, &reason, err);
	if (r == -EMLINK)
		return 0;
	if (r < 0)
		return r;
	if (reason == SKIP_DIFFERENT && job->collisions < COLLISION_ROUNDS) {
		job->collided = true;
		return 0;
	}
	decide(f, reason);
	job->progress = true;
	if (reason)
		return 0;
	job->known = true;
	job->links++;
	return run_hold(s->run, job->m.stx.stx_ino, file_tree(s->run, f));
}

static int by_file(const void *a, const void *b)
{
	const struct task *x = a;
	const struct task *y = b;

	return (x->file > y->file) - (x->file < y->file);
}

static int add_task(struct share *s, size_t *count, uint32_t file,
		    struct job *job)
{
	if (array_room(&s->tasks, *count, &s->task_alloc))
		return -ENOMEM;
	s->tasks[(*count)++] = (struct task){ .file = file, .job = job };
	return 0;
}

/* All members still to come of jobs that have a master, in order of trees. */
static int collect_tasks(struct share *s, size_t *ret_count)
{
	size_t i, j;
	int r = 0;

	*ret_count = 0;
	for (j = 0; j < s->job_count; j++) {
		struct job *job = &s->jobs[j];
		const struct group *g = job->group;

		for (i = 0; !r && job->m.fd >= 0 && i < g->count; i++)
			if (!member(s->run, g, i)->tried)
				r = add_task(s, ret_count,
					     s->run->order[g->first + i], job);
	}
	if (!r && *ret_count)
		qsort(s->tasks, *ret_count, sizeof(*s->tasks), by_file);
	return r;
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

static int exchange_names(struct share *s, size_t count, struct err *err)
{
	const struct file *files = s->run->files;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < count; i++) {
		struct file *f = &s->run->files[s->tasks[i].file];

		r = share_member(s, s->tasks[i].job, f, err);
		if (f->tried && f->reason == SKIP_NONE)
			s->done_bytes += f->size_bytes;
		if (progress_due())
			show_progress(s);
		/* while the opener still has it open */
		if (r || i + 1 == count ||
		    !opener_is_at(&s->opener, &files[s->tasks[i + 1].file]))
			dirtime_end(&s->dirtime);
	}
	return r;
}

static void end_round(struct share *s, bool failed)
{
	size_t j;

	for (j = 0; j < s->job_count; j++) {
		struct job *job = &s->jobs[j];

		/* a filesystem that has fewer links than we were told */
		if (!failed && job->m.fd >= 0 && !job->progress &&
		    !job->collided)
			decide_rest(s->run, job, SKIP_REFUSED);
		job->collisions += job->collided;
		job->collided = false;
		job->progress = false;
		master_release(&job->m);
		job->m = (struct master)MASTER_INIT;
	}
}

/* One round: 1 when there may be something left for another one. */
static int share_round(struct share *s, struct err *err)
{
	size_t count = 0;
	size_t j;
	int r = 0;

	for (j = 0; !r && j < s->job_count; j++)
		r = find_master(s, &s->jobs[j], err);
	if (!r)
		r = collect_tasks(s, &count);
	/* also for masters that were there: another command may have made them
	 * a moment ago, and what they replace is on disk */
	if (!r && count)
		r = store_sync(s->run->pool, err);
	if (!r)
		r = exchange_names(s, count, err);
	end_round(s, r < 0);
	return r ? r : count > 0;
}

static int share_batch(struct share *s, struct err *err)
{
	int r;

	do
		r = share_round(s, err);
	while (r > 0);
	return r;
}

static size_t fill_batch(struct share *s, size_t next)
{
	struct run *run = s->run;
	uint64_t bytes = 0;
	size_t masters;

	s->job_count = 0;
	while (next < run->group_count && s->job_count < BATCH_GROUPS &&
	       bytes < BATCH_BYTES) {
		struct group *g = &run->groups[next++];
		const struct file *f = member(run, g, 0);

		bytes += f->size_bytes;
		s->jobs[s->job_count++] = (struct job){
			.group = g,
			.m = MASTER_INIT,
			.known = masters_by_key(&run->masters, &f->key,
						&masters),
		};
	}
	return next;
}

static uint64_t planned_bytes(struct run *run)
{
	uint64_t bytes = 0;
	size_t j;

	for (j = 0; j < run->group_count; j++)
		bytes += member(run, &run->groups[j], 0)->size_bytes *
			 run->groups[j].count;
	return bytes;
}

static int share_all(struct share *s, struct err *err)
{
	size_t next = 0;
	int r = staging_create(s->run->pool, &s->scratch, err);

	if (r < 0)
		return r;
	s->total_bytes = planned_bytes(s->run);
	progress_phase();
	while (!r && next < s->run->group_count && !run_is_over(s->run)) {
		next = fill_batch(s, next);
		r = share_batch(s, err);
	}
	/* what could not be put back lies there: recovery keeps it */
	if (r == -ENOTRECOVERABLE)
		return r;
	staging_release(&s->scratch);
	return r;
}

static void mark_unreached(struct run *run)
{
	size_t i, j;

	for (j = 0; j < run->group_count; j++)
		for (i = 0; i < run->groups[j].count; i++)
			if (!member(run, &run->groups[j], i)->tried)
				decide(member(run, &run->groups[j], i),
					SKIP_NOT_REACHED);
}

int share_links(struct run *run, struct err *err)
{
	struct share s = { .run = run, .opener = OPENER_INIT(run),
			   .scratch = STAGING_INIT,
			   .dirtime = DIRTIME_INIT };
	int r;

	if (!run->group_count)
		return 0;
	if (run->dry_run)
		return foresee_links(run, err);
	s.jobs = calloc(BATCH_GROUPS, sizeof(*s.jobs));
	r = s.jobs ? share_all(&s, err) : -ENOMEM;
	if (r < 0 || run->cut)
		mark_unreached(run);
	if (r < 0 && err && !err->code)
		err_errno(err, r, "cannot share");
	opener_release(&s.opener);
	free(s.jobs);
	free(s.tasks);
	return r;
}
