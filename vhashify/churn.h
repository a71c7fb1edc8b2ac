/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one run shares and the next one finds private again, so that an operator can
 * exclude what is not worth it.
 *
 * The catalog keeps, for each tree, digests of names that one of the last CHURN_WATCH_RUNS
 * runs made links: CHURN_NAMES of them, those with the smallest digests, which is a
 * sample as good as any. A scan looks at every private file anyway; one whose name is
 * among them was broken, or replaced, meanwhile. It is counted below its directory, for
 * which at most CHURN_PREFIXES of one tree are told apart: where there are more, all
 * are cut to fewer components. Names that were removed are not counted.
 */
#ifndef VHASHIFY_CHURN_H
#define VHASHIFY_CHURN_H

#include "vhashify.h"

#define CHURN_WATCH_RUNS 8
#define CHURN_NAMES 2048
#define CHURN_PREFIXES 16

/* A name of a tree; `run` shared it. Lists are in ascending order of `name`. */
struct churn_name {
	uint64_t name;
	int64_t run;
};

/* Before the scan of a tree. What cannot be read is not there. */
int churn_begin(struct run *run, size_t tree);
/* A regular file that is no name of a master; @file is its place in run.files, or
 * SIZE_MAX. */
int churn_see(struct run *run, size_t tree, const struct walk_entry *e,
	      size_t file);
/* What @from saw comes after what @to has, as its candidates are about to: before
 * files_move(). 0 or -ENOMEM. */
int churn_move(struct run *to, struct run *from);
/* After the run, in the transaction that has just added its entry to the history. */
int churn_record(struct run *run, struct err *err);
void churn_release(struct run *run);

#endif
