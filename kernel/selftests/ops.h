/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations that break a link, done by children, and whether they were done. */
#ifndef COWLINK_SELFTESTS_OPS_H
#define COWLINK_SELFTESTS_OPS_H

#include "harness.h"

#define OPS_SIZE	200000	/* of the files they are for */

struct op {
	const char *name;
	int (*fn)(const char *path);	/* -1 and errno */
	unsigned int changes;		/* enum snapshot_ignore, in the copy */
	off_t size;			/* of the copy, afterwards */
};

/* The first opens for writing, and writes; the second shortens. Ended by no name. */
extern const struct op ops[];
#define OP_OPEN		(&ops[0])
#define OP_TRUNCATE	(&ops[1])
#define FOR_EACH_OP(op)	for (op = ops; op->name; op++)

/* In a child, whose exit status is the errno, or 0. */
pid_t start_op(const struct op *op, const char *path);
/* It ends with that. */
void expect_result(pid_t pid, const struct op *op, int err);

/*
 * @op has been done at @path to a whole private file with one name, that was like
 * @before.
 */
void expect_done(const char *path, const struct op *op,
		 const struct snapshot *before);

#endif
