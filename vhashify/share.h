/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of sharing have in common: share.c and exchange.c. */
#ifndef VHASHIFY_SHARE_H
#define VHASHIFY_SHARE_H

#include <pthread.h>

#include "opener.h"

/* Who can make files collide under one key gets so many masters a run. */
#define COLLISION_ROUNDS 4

/* A group being shared: its members still to come are those not `tried`. */
struct job {
	struct group *group;
	struct master m;
	bool known;		/* a master was there, or a member is linked */
	bool progress;		/* this round came to a decision on a member */
	bool collided;		/* this round met different bytes */
	unsigned int collisions; /* rounds that did */
};

/* A name to be exchanged. */
struct task {
	uint32_t file;
	struct job *job;
};

struct batch {
	struct job *jobs;
	size_t job_count;
	struct task *tasks;	/* by directories */
	size_t task_count, task_alloc;
};

/* What a thread that exchanges names has of its own. */
struct worker {
	struct opener opener;
	struct staging scratch;
	struct dirtime dirtime;	/* of the directory at hand */
};

/*
 * While names of one batch are exchanged, by several threads, one of them prepares the
 * next batch.
 */
struct share {
	struct run *run;
	struct batch batches[2];
	size_t next_group;	/* that is in no batch yet */
	size_t batch_groups;	/* at most */
	struct worker *workers;
	size_t worker_count;

	/* The lock is for what follows; for run->holders, run->new_masters and
	 * run->new_bytes; and for jobs of the batch that is exchanged. */
	pthread_mutex_t lock;
	struct batch *exchanged;
	struct batch *to_prepare; /* NULL: none, or somebody is at it */
	size_t next_task;	/* that nobody has taken yet */
	unsigned int next_worker;
	uint64_t done_bytes, total_bytes; /* of names to be exchanged */
	int status;		/* why a thread gave up, and with it all */
	struct err err;
};

/* The last word on a member; SKIP_NONE: it is shared. */
static inline void share_decide(struct file *f, enum skip_reason reason)
{
	f->tried = true;
	file_skip(f, reason);
}

/* @f is a name of the job's master. With the lock; 0 or -ENOMEM. */
int share_note(struct share *s, struct job *job, struct file *f);

/* Threads begin nothing new after this. The first failure counts, or that a file lies in
 * a scratch directory and must be left there. */
void share_fail(struct share *s, int code, const struct err *err);
bool share_has_failed(struct share *s);

/* Find or make masters for the jobs of @b, put them on disk, collect the tasks. */
int share_prepare(struct share *s, struct batch *b, struct err *err);

/* Exchange the names of all tasks of @b, prepare @next; failures go to share_fail(). */
void exchange_names(struct share *s, struct batch *b, struct batch *next);

#endif
