// SPDX-License-Identifier: GPL-2.0-only
/*
 * Engine `reflink`: no masters; equal files share extents. The kernel compares the
 * bytes itself, and nothing that a program can see changes but the space used. So
 * metadata do not matter here, nor does it matter whether two files are in one
 * tree.
 *
 * After a clone nearly all files are where their template's are. Where they are is
 * cheap to ask, so each place is read once, however many files are there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "log.h"
#include "opener.h"
#include "strbuf.h"

static void locate_file(struct opener *o, struct file *f)
{
	_cleanup_close_ int fd = opener_open(o, f);
	int r = fd < 0 ? fd : unify_extents(fd, f->size_bytes,
					    file_place(o->run, f));

	f->located = !r;
	/* other failures come back when the file is read, and count there */
	if (r == -ENODATA)
		file_skip(f, SKIP_NO_BLOCKS);
}

static bool same_place(const struct run *run, const struct file *a,
		       const struct file *b)
{
	return a->located && b->located &&
	       digest_equal(file_place(run, a), file_place(run, b));
}

/* The order of run.order is by place here, and unknown places are apart. */
static void read_places(struct run *run, struct opener *o, size_t count)
{
	const struct file *reader = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		struct file *f = &run->files[run->order[i]];

		if (reader && same_place(run, reader, f)) {
			f->key = reader->key;
			continue;
		}
		if (run_is_over(run))
			return;
		digest_file(run, o, f);
		reader = f->reason == SKIP_NONE ? f : NULL;
	}
}

void digest_extents(struct run *run)
{
	_cleanup_opener_ struct opener o = READER_INIT(run);
	size_t count = 0;
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		if (run->files[i].reason != SKIP_NONE)
			continue;
		if (run_is_over(run))
			return;
		locate_file(&o, &run->files[i]);
		if (run->files[i].reason == SKIP_NONE)
			run->order[count++] = i;
	}
	sort_by_place(run, count);
	read_places(run, &o, count);
}

/* The first member keeps its extents and gives them to the others. */
static void plan_group(struct run *run, struct group *g)
{
	struct file *source = file_of(run, g, 0);
	size_t i;

	for (i = 1; i < g->count; i++) {
		struct file *f = file_of(run, g, i);

		if (same_place(run, source, f))
			file_skip(f, SKIP_SHARED);
	}
}

int plan_extents(struct run *run, struct err *err)
{
	size_t i;
	int r = group_by_key(run, 2, err);

	for (i = 0; !r && i < run->group_count; i++)
		plan_group(run, &run->groups[i]);
	return r;
}

/* The others go on. Which of both it is about, the kernel does not say. */
static int leave_unreadable(const struct run *run, struct file *f,
			    struct err *err)
{
	_cleanup_strbuf_ struct strbuf title = STRBUF_INIT;

	log_warning("%s, skipping %s", err->msg, file_title(run, f, &title));
	err_clear(err);
	file_skip(f, SKIP_UNREADABLE);
	return 0;
}

static int share_file(struct opener *o, int src, struct file *f,
		      struct err *err)
{
	_cleanup_close_ int fd = opener_open(o, f);
	enum skip_reason reason = SKIP_NONE;
	int r;

	if (fd < 0) {
		file_skip(f, reason_of_errno(fd));
		return 0;
	}
	r = unify_dedupe(src, fd, f->size_bytes, &reason, err);
	if (errno_is_damage(r))
		return leave_unreadable(o->run, f, err);
	if (!r)
		file_skip(f, reason);
	return r;
}

static bool has_targets(const struct run *run, const struct group *g)
{
	size_t i;

	for (i = 1; i < g->count; i++)
		if (file_of(run, g, i)->reason == SKIP_NONE)
			return true;
	return false;
}

static void skip_rest(struct run *run, const struct group *g,
		      enum skip_reason reason)
{
	size_t i;

	for (i = 0; i < g->count; i++) {
		struct file *f = file_of(run, g, i);

		if (f->reason == SKIP_NONE && !f->tried)
			file_skip(f, reason);
	}
}

static void warn_lost(const struct run *run, const struct file *f)
{
	_cleanup_strbuf_ struct strbuf title = STRBUF_INIT;

	log_warning("the disk does not hold what is in memory of %s",
		    file_title(run, f, &title));
}

/* Open the first member whose bytes are on the disk. *@ret_fd -1, and a reason for all, if
 * there is none. */
static int open_source(struct run *run, const struct group *g,
		       struct opener *from, struct file **ret, int *ret_fd)
{
	size_t i;
	int r = 0;

	for (i = 0; i < g->count; i++) {
		struct file *f = file_of(run, g, i);
		_cleanup_close_ int fd = -1;

		if (f->reason != SKIP_NONE)
			continue;
		fd = opener_open(from, f);
		r = fd < 0 ? fd : unify_is_on_disk(fd, f->size_bytes, &f->key);
		if (r == -EINTR || r == -ENOMEM)
			return r;
		if (r > 0) {
			*ret = f;
			*ret_fd = steal_fd(&fd);
			return 0;
		}
		if (!r)
			warn_lost(run, f);
	}
	skip_rest(run, g, r ? reason_of_errno(r) : SKIP_UNREADABLE);
	return 0;
}

/* Two openers: source and target are in different trees mostly. */
static int share_group(struct run *run, const struct group *g,
		       struct opener *from, struct opener *to, struct err *err)
{
	struct file *source = file_of(run, g, 0);
	_cleanup_close_ int src = -1;
	size_t i;
	int r = 0;

	if (has_targets(run, g))
		r = open_source(run, g, from, &source, &src);
	if (r < 0)
		return err_errno(err, r, "cannot share extents");
	for (i = 0; !r && src >= 0 && i < g->count; i++) {
		struct file *f = file_of(run, g, i);

		if (f == source || f->reason != SKIP_NONE)
			continue;
		r = share_file(to, src, f, err);
		f->tried = !r;
	}
	/* the source stays what it was */
	if (source->reason == SKIP_NONE)
		file_skip(source, SKIP_SHARED);
	return r;
}

static void mark_unreached(struct run *run, size_t from)
{
	for (; from < run->group_count; from++)
		skip_rest(run, &run->groups[from], SKIP_NOT_REACHED);
}

int share_extents(struct run *run, struct err *err)
{
	_cleanup_opener_ struct opener from = READER_INIT(run);
	_cleanup_opener_ struct opener to = OPENER_INIT(run);
	size_t j;
	int r = 0;

	for (j = 0; !r && j < run->group_count && !run_is_over(run); j++) {
		struct group *g = &run->groups[j];

		if (run->dry_run)
			file_skip(file_of(run, g, 0),
				  SKIP_SHARED);
		else
			r = share_group(run, g, &from, &to, err);
	}
	if (r || run->cut)
		mark_unreached(run, r ? j - 1 : j);
	return r;
}
