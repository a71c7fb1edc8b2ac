/* SPDX-License-Identifier: GPL-2.0-only */
/* The walk of one tree: scan.c and scan-memo.c. */
#ifndef VHASHIFY_SCAN_H
#define VHASHIFY_SCAN_H

#include "memo.h"
#include "strbuf.h"
#include "vhashify.h"
#include "walk.h"

struct scan {
	struct run *run;	/* what this walk finds: scan_tree() */
	size_t tree;
	struct err *err;
	struct strbuf path;	/* of the entry, as rules see it */
	struct set conffiles;	/* digests of paths; only with --skip-conffiles */
	/* what the rules say of the directories we are in */
	unsigned char verdicts[WALK_DEPTH_MAX + 1];
	/* and which of memo's records they were copied to; 0: they were read */
	size_t copies[WALK_DEPTH_MAX + 1];

	struct scan_row row;	/* what was remembered; may be nothing */
	struct memo old;	/* the same, open */
	struct memo_writer memo;
};

/*
 * Walk run.trees[@tree]. @part is a struct run of the walk's own with what is the same for
 * all trees; what is found is put there, but for that which belongs to the tree itself.
 * 0 also when the tree must be left out, or -errno.
 */
int scan_tree(struct run *part, size_t tree, struct err *err);

/* Why a regular file with several names is left alone. */
enum skip_reason scan_judge_linked(struct scan *s, const struct walk_entry *e);
/* Tell on the terminal, from time to time, how far we are. */
void scan_show_progress(const struct scan *s);

/* Around the walk: get what is remembered of the tree; keep what was seen. The
 * latter frees all; @r is the result so far. */
int scan_memo_begin(struct scan *s);
int scan_memo_end(struct scan *s, int r);

/* For struct walk_ops. */
int scan_pass(const struct walk_entry *e, void *ctx);
int scan_recall(const struct walk_entry *dir, struct walk_names *names,
		void *ctx);
int scan_name(const struct walk_entry *dir, const struct walk_name *n,
	      void *ctx);

#endif
