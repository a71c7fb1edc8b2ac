// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "array.h"
#include "cleanup.h"
#include "fdio.h"
#include "strbuf.h"

#define READ_BYTES 65536

/* Descriptors that whoever walks needs beside one for each level. */
#define FDS_BESIDE 64

struct name {
	uint64_t ino;
	size_t offset;		/* of the NUL-terminated name in `bytes` */
	unsigned char type;
};

struct walk_names {
	struct strbuf bytes;
	struct name *index;
	size_t count;
	size_t alloc;
};

/* A directory whose content is being visited. */
struct frame {
	int fd;
	struct statx stx;
	size_t path_len;	/* of this directory's path */
	size_t name_start;	/* where its own name begins in that path */
	struct walk_names names;
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
	char *buf;		/* READ_BYTES, for getdents64(2) */
};

static void frame_release(struct frame *f)
{
	cleanup_close(&f->fd);
	strbuf_release(&f->names.bytes);
	free(f->names.index);
}

static void walk_release(struct walk *w)
{
	while (w->depth)
		frame_release(&w->frames[--w->depth]);
	free(w->frames);
	free(w->buf);
	strbuf_release(&w->path);
}

static int add_name(struct walk_names *n, const char *name, uint64_t ino,
		    unsigned char type)
{
	if (array_room(&n->index, n->count, &n->alloc))
		return -ENOMEM;
	n->index[n->count++] = (struct name){ .ino = ino,
					      .offset = n->bytes.len,
					      .type = type };
	return strbuf_add(&n->bytes, name, strlen(name) + 1);
}

int walk_recall(struct walk_names *names, const char *name)
{
	return add_name(names, name, 0, DT_UNKNOWN);
}

static int by_inode(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* By the descriptor that is open already, which nobody else reads from. */
static int read_names(struct walk *w, struct frame *f)
{
	ssize_t len, pos;
	int r = 0;

	if (!w->buf)
		w->buf = malloc(READ_BYTES);
	if (!w->buf)
		return -ENOMEM;
	while (!r && (len = getdents64(f->fd, w->buf, READ_BYTES)) > 0) {
		for (pos = 0; !r && pos < len;) {
			const struct dirent64 *d = (void *)(w->buf + pos);

			pos += d->d_reclen;
			if (!is_dots(d->d_name))
				r = add_name(&f->names, d->d_name, d->d_ino,
					     d->d_type);
		}
	}
	if (!r && len < 0)
		r = -errno;
	if (!r && f->names.count)
		qsort(f->names.index, f->names.count, sizeof(*f->names.index),
		      by_inode);
	return r;
}

/* Leave out what the caller knows by the name alone. */
static int choose_names(struct walk *w, const struct walk_entry *e,
			struct walk_names *names)
{
	size_t kept = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < names->count; i++) {
		const struct walk_name n = {
			.name = names->bytes.buf + names->index[i].offset,
			.ino = names->index[i].ino,
			.type = names->index[i].type,
		};

		r = w->ops->name(e, &n, w->ctx);
		if (r < 0)
			return r;
		if (r != WALK_SKIP)
			names->index[kept++] = names->index[i];
	}
	names->count = kept;
	return 0;
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
	if (array_room(&w->frames, w->depth, &w->alloc))
		return -ENOMEM;
	w->frames[w->depth++] = *f;
	return 0;
}

/* The names to visit. 0, or what ends the walk. */
static int get_names(struct walk *w, const struct walk_entry *e,
		     struct frame *f)
{
	int r = 0;

	if (w->ops->recall)
		r = w->ops->recall(e, &f->names, w->ctx);
	if (r)
		return r < 0 ? fail(w, r) : 0;
	r = read_names(w, f);
	if (r < 0) {
		/* leave() still comes: the directory was entered */
		f->names.count = 0;
		return report(w, e, r);
	}
	if (w->ops->name)
		r = choose_names(w, e, &f->names);
	return r < 0 ? fail(w, r) : 0;
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
	r = get_names(w, e, &f);
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
	if (w->ops->pass) {
		r = w->ops->pass(e, w->ctx);
		if (r)
			return r == WALK_SKIP ? 0 : fail(w, r);
	}
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

size_t walk_at_once(void)
{
	struct rlimit lim;
	rlim_t many;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 1;
	many = lim.rlim_cur / (WALK_DEPTH_MAX + FDS_BESIDE);
	return many > 1 ? many : 1;
}

int walk_tree(int rootfd, const struct walk_ops *ops, void *ctx,
	      struct err *err)
{
	struct walk w = { .ops = ops, .ctx = ctx, .err = err };
	int r = enter_root(&w, rootfd);

	while (!r && w.depth) {
		struct frame *f = &w.frames[w.depth - 1];

		strbuf_setlen(&w.path, f->path_len);
		if (f->next == f->names.count) {
			r = leave_dir(&w);
		} else {
			size_t at = f->names.index[f->next++].offset;

			r = visit_name(&w, f, f->names.bytes.buf + at);
		}
	}
	walk_release(&w);
	return r;
}
