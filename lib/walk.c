// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "strbuf.h"

struct name {
	uint64_t ino;
	size_t offset;		/* of the NUL-terminated name in frame.names */
};

/* A directory whose content is being visited. */
struct frame {
	int fd;
	struct statx stx;
	size_t path_len;	/* of this directory's path */
	size_t name_start;	/* where its own name begins in that path */
	struct strbuf names;
	struct name *index;
	size_t count;
	size_t next;
};

struct walk {
	const struct walk_ops *ops;
	void *ctx;
	struct err *err;
	struct strbuf path;
	struct frame *frames;
	size_t depth;		/* frames in use */
	size_t alloc;
	uint64_t mnt_id;
};

static void frame_release(struct frame *f)
{
	cleanup_close(&f->fd);
	strbuf_release(&f->names);
	free(f->index);
}

static void walk_release(struct walk *w)
{
	while (w->depth)
		frame_release(&w->frames[--w->depth]);
	free(w->frames);
	strbuf_release(&w->path);
}

static int add_name(struct frame *f, const struct dirent *d, size_t *alloc)
{
	size_t len = strlen(d->d_name) + 1;

	if (f->count == *alloc) {
		size_t want = *alloc ? *alloc * 2 : 64;
		struct name *index = realloc(f->index, want * sizeof(*index));

		if (!index)
			return -ENOMEM;
		f->index = index;
		*alloc = want;
	}
	f->index[f->count].ino = d->d_ino;
	f->index[f->count].offset = f->names.len;
	f->count++;
	return strbuf_add(&f->names, d->d_name, len);
}

static int by_inode(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int read_names(struct frame *f)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *d;
	size_t alloc = 0;
	int r = fdio_names_open(f->fd, ".", &dir);

	while (!r && (d = fdio_names_next(dir, &r)))
		r = add_name(f, d, &alloc);
	if (!r && f->count)
		qsort(f->index, f->count, sizeof(*f->index), by_inode);
	return r;
}

static int fail(struct walk *w, int code)
{
	if (w->err && !w->err->code)
		err_errno(w->err, code, "cannot walk '%s'",
			  w->path.len ? strbuf_str(&w->path) : ".");
	return code;
}

/* The callback may swallow the error; without one it ends the walk. A name that
 * is gone is what happens in a living tree. */
static int report(struct walk *w, const struct walk_entry *e, int code)
{
	if (code == -ENOENT && e->depth)
		return 0;
	if (!w->ops->error)
		return fail(w, code);
	return w->ops->error(e, code, w->ctx);
}

static int push_frame(struct walk *w, const struct frame *f)
{
	if (w->depth == w->alloc) {
		size_t want = w->alloc ? w->alloc * 2 : 16;
		struct frame *frames =
			realloc(w->frames, want * sizeof(*frames));

		if (!frames)
			return -ENOMEM;
		w->frames = frames;
		w->alloc = want;
	}
	w->frames[w->depth++] = *f;
	return 0;
}

/* Takes @fd. */
static int enter_dir(struct walk *w, struct walk_entry *e, int fd,
		     const struct statx *stx)
{
	struct frame f = { .fd = fd, .stx = *stx, .path_len = w->path.len,
			   .name_start = w->path.len - strlen(e->name) };
	int r = 0;

	e->fd = fd;
	if (w->ops->enter)
		r = w->ops->enter(e, w->ctx);
	if (r) {
		frame_release(&f);
		return r == WALK_SKIP ? 0 : fail(w, r);
	}
	r = read_names(&f);
	if (r < 0) {
		/* leave() still comes: the directory was entered */
		f.count = 0;
		r = report(w, e, r);
	}
	if (!r)
		r = push_frame(w, &f);
	if (r)
		frame_release(&f);
	return r;
}

static int visit_dir(struct walk *w, struct walk_entry *e)
{
	struct statx stx;
	int fd;
	int r;

	if (e->depth > WALK_DEPTH_MAX)
		return report(w, e, -ELOOP);
	if (e->stx->stx_mnt_id != w->mnt_id)
		return report(w, e, -EXDEV);
	fd = fdio_open_dir(e->dirfd, e->name);
	if (fd < 0)
		return report(w, e, fd);
	/* what was opened counts: the name may be another directory by now */
	r = fdio_statx(fd, NULL, &stx);
	if (!r && stx.stx_mnt_id != w->mnt_id)
		r = -EXDEV;
	if (r) {
		cleanup_close(&fd);
		return report(w, e, r);
	}
	e->stx = &stx;
	return enter_dir(w, e, fd, &stx);
}

static int visit_name(struct walk *w, struct frame *f, const char *name)
{
	struct statx stx;
	struct walk_entry e = { .dirfd = f->fd, .name = name, .fd = -1,
				.depth = w->depth, .stx = &stx };
	int r = strbuf_add_component(&w->path, name);

	if (r)
		return fail(w, r);
	e.path = strbuf_str(&w->path);
	r = fdio_statx(f->fd, name, &stx);
	if (r)
		return report(w, &e, r);
	if (S_ISDIR(stx.stx_mode))
		return visit_dir(w, &e);
	if (stx.stx_mnt_id != w->mnt_id)
		return report(w, &e, -EXDEV);
	r = w->ops->file ? w->ops->file(&e, w->ctx) : 0;
	return r < 0 ? fail(w, r) : 0;
}

static int leave_dir(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];
	struct walk_entry e = { .dirfd = -1, .fd = f->fd, .stx = &f->stx,
				.depth = w->depth - 1 };
	int r = 0;

	strbuf_setlen(&w->path, f->path_len);
	e.path = strbuf_str(&w->path);
	e.name = e.path + f->name_start;
	if (w->depth > 1)
		e.dirfd = w->frames[w->depth - 2].fd;
	if (w->ops->leave)
		r = w->ops->leave(&e, w->ctx);
	frame_release(&w->frames[--w->depth]);
	return r < 0 ? fail(w, r) : 0;
}

static int enter_root(struct walk *w, int rootfd)
{
	struct statx stx;
	struct walk_entry e = { .dirfd = -1, .name = "", .path = "",
				.stx = &stx };
	int fd = fdio_open_dir(rootfd, ".");
	int r;

	if (fd < 0)
		return fail(w, fd);
	r = fdio_statx(fd, NULL, &stx);
	if (r) {
		cleanup_close(&fd);
		return fail(w, r);
	}
	w->mnt_id = stx.stx_mnt_id;
	return enter_dir(w, &e, fd, &stx);
}

int walk_tree(int rootfd, const struct walk_ops *ops, void *ctx,
	      struct err *err)
{
	struct walk w = { .ops = ops, .ctx = ctx, .err = err };
	int r = enter_root(&w, rootfd);

	while (!r && w.depth) {
		struct frame *f = &w.frames[w.depth - 1];

		strbuf_setlen(&w.path, f->path_len);
		if (f->next == f->count) {
			r = leave_dir(&w);
		} else {
			size_t at = f->index[f->next++].offset;

			r = visit_name(&w, f, f->names.buf + at);
		}
	}
	walk_release(&w);
	return r;
}
