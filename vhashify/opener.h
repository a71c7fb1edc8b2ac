/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaching candidates again. One tree and one of its directories stay open, so that
 * candidates visited in order cost one open each. The tree is the one that was scanned or
 * it is not opened. Its name is locked meanwhile, but for a reader: who only reads is no
 * obstacle to a command that destroys the tree.
 */
#ifndef VHASHIFY_OPENER_H
#define VHASHIFY_OPENER_H

#include "vhashify.h"

struct opener {
	struct run *run;
	bool reader;
	size_t tree;
	int root;
	bool locked;		/* by this one, too: struct tree */
	int dir;
	uint32_t dir_index;	/* of `dir` in run.dirs */
	bool nodev;		/* of `root`'s mount */
	int status;		/* why `tree` could not be opened, or 0 */
};
#define OPENER_INIT(run_) { .run = (run_), .tree = SIZE_MAX, .root = -1, \
			    .dir = -1 }
#define READER_INIT(run_) { .run = (run_), .reader = true, .tree = SIZE_MAX, \
			    .root = -1, .dir = -1 }
#define _cleanup_opener_ __attribute__((cleanup(opener_release)))

/* The directory (borrowed until the next call) and name of @f. -EBUSY: locked;
 * -EAGAIN: the tree or the directory is not what it was; else -errno. */
int opener_locate(struct opener *o, const struct file *f, const char **ret_name);
/* The directory of @f is the one it has open: opener_locate() would not close it. */
bool opener_is_at(const struct opener *o, const struct file *f);
/* @f open for reading; the same errors. */
int opener_open(struct opener *o, const struct file *f);
void opener_release(struct opener *o);

/* What a failure to reach a file means for it. */
enum skip_reason reason_of_errno(int code);

#endif
