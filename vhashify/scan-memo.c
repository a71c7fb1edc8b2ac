// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scan where it need not look: at directories that did not change since the last
 * one, and at names of inodes that are known to be masters. memo.h tells why that is
 * safe. The names of a master are told by their directory alone, but for the first
 * of each run, which is looked at: the catalog's list of masters is a cache too, and
 * inode numbers are used again.
 *
 * What counts comes out the same as without: every name of a master is one file
 * that is shared already, every other regular file is looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>

#include "clock.h"
#include "fdio.h"
#include "log.h"
#include "progress.h"
#include "scan.h"

int scan_memo_begin(struct scan *s)
{
	const struct tree_row *row = &s->run->trees[s->tree].row;
	struct pool *p = s->run->pool;
	struct err err = { 0 };
	int r;

	s->memo.before_ns = realtime_ns() - MEMO_RACY_NS;
	if (s->run->no_cache)
		return 0;
	(void)pthread_mutex_lock(&p->catalog_lock);
	r = catalog_scan_get(p->catalog, row->id, &s->row, &err);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	if (r == -ENOMEM)
		return r;
	if (r < 0 && r != -ENOENT)
		log_info("%s; looking at everything", err.msg);
	if (!r && !memo_open(&s->old, s->row.dirs, s->row.dirs_size))
		log_info("what is remembered of %s '%s' is of no use",
			 tree_kind_name(row->kind), row->name);
	return 0;
}

/* What is as it was need not be kept: the catalog has it. */
static int keep_seen(struct scan *s)
{
	struct tree *t = &s->run->trees[s->tree];
	int r = memo_finish(&s->memo, &t->seen, &t->seen_size);

	if (r < 0)
		return r;
	t->seen_check = hash_bytes(t->seen, t->seen_size);
	t->seen_changed = t->seen_size != s->row.dirs_size ||
			  t->seen_check != hash_bytes(s->row.dirs,
						      s->row.dirs_size);
	if (!t->seen_changed) {
		free(t->seen);
		t->seen = NULL;
	}
	return 0;
}

int scan_memo_end(struct scan *s, int r)
{
	struct tree *t = &s->run->trees[s->tree];

	s->run->dirs_read += s->memo.count - s->memo.copied;
	s->run->dirs_remembered += s->memo.copied;
	if (!r)
		r = keep_seen(s);
	t->digests_size = s->row.digests_size;
	t->digests_check = hash_bytes(s->row.digests, t->digests_size);
	/* keys with the time of another file are none to remember */
	if (!s->run->policy.ignore_mtime)
		remember_digests(s->run, s->row.digests, t->digests_size);
	scan_row_release(&s->row);
	memo_writer_release(&s->memo);
	return r;
}

/* All masters it was full of are masters still. */
static bool is_of_use(const struct scan *s, const struct memo_record *record)
{
	struct memo_record r = *record;
	uint64_t i, ino;

	for (i = 0; i < r.shared; i++)
		if (!memo_next_inode(&r, &ino) ||
		    !set_has(&s->run->masters.known, ino))
			return false;
	for (i = 0; i < r.names; i++)
		if (!memo_next_name(&r))
			return false;
	return true;
}

static bool find(const struct scan *s, const struct statx *dir,
		 struct memo_record *ret)
{
	return s->old.count && memo_find(&s->old, dir, ret) &&
	       is_of_use(s, ret);
}

static void count_shared(struct scan *s, uint64_t count)
{
	s->run->trees[s->tree].files += count;
	s->run->outcome[SKIP_SHARED] += count;
	if (progress_due())
		scan_show_progress(s);
}

/* A directory where nothing needs a look is not even opened. */
int scan_pass(const struct walk_entry *e, void *ctx)
{
	struct scan *s = ctx;
	struct memo_record record;
	int r;

	/* enter() asks the rules */
	if (s->run->policy.rules.count || !find(s, e->stx, &record) ||
	    record.names)
		return 0;
	r = memo_copy(&s->memo, e->stx, &record);
	if (r < 0)
		return r;
	count_shared(s, record.shared);
	return WALK_SKIP;
}

int scan_recall(const struct walk_entry *dir, struct walk_names *names,
		void *ctx)
{
	struct scan *s = ctx;
	struct memo_record record;
	uint64_t i, ino;
	int r;

	s->copies[dir->depth] = 0;
	if (!find(s, dir->stx, &record))
		return memo_begin(&s->memo, dir->stx);
	r = memo_copy(&s->memo, dir->stx, &record);
	s->copies[dir->depth] = s->memo.count;
	count_shared(s, record.shared);
	for (i = 0; i < record.shared; i++)
		(void)memo_next_inode(&record, &ino); /* is_of_use() saw them */
	for (i = 0; !r && i < record.names; i++)
		r = walk_recall(names, memo_next_name(&record));
	return r < 0 ? r : 1;
}

/* 1: a name of a master; the first of each is looked at. */
static int is_shared(struct scan *s, const struct walk_entry *dir,
		     const struct walk_name *n)
{
	struct statx stx;
	const struct walk_entry e = { .dirfd = dir->fd, .name = n->name,
				      .path = n->name, .fd = -1,
				      .depth = dir->depth + 1, .stx = &stx };

	if (!set_has(&s->run->masters.known, n->ino))
		return 0;
	if (set_has(&s->run->confirmed, n->ino))
		return 1;
	if (fdio_statx(dir->fd, n->name, &stx) || !S_ISREG(stx.stx_mode) ||
	    stx.stx_ino != n->ino || stx.stx_nlink < 2 ||
	    stx.stx_mnt_id != dir->stx->stx_mnt_id ||
	    scan_judge_linked(s, &e) != SKIP_SHARED)
		return 0;
	return set_add(&s->run->confirmed, n->ino) ? -ENOMEM : 1;
}

int scan_name(const struct walk_entry *dir, const struct walk_name *n,
	      void *ctx)
{
	struct scan *s = ctx;
	int r = 0;

	if (n->type == DT_REG)
		r = is_shared(s, dir, n);
	else if (n->type != DT_DIR && n->type != DT_UNKNOWN)
		return WALK_SKIP; /* concerns nobody */
	if (r < 0)
		return r;
	if (!r)
		return memo_add_name(&s->memo, n->name);
	r = memo_add_inode(&s->memo, n->ino);
	if (r < 0)
		return r;
	count_shared(s, 1);
	return WALK_SKIP;
}
