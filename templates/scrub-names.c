// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who shares a damaged master, and who has an intact file that could take its place:
 * one walk over all trees for all that is damaged. Where nothing is, no walk.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "log.h"
#include "pool.h"
#include "scrub.h"
#include "store.h"
#include "walk.h"

/* One is enough to restore from; more show that it is no accident. */
#define INTACT_MAX 3

struct search {
	struct problems *problems;
	const struct tree_row *row;
};

static bool is_damage(const struct problem *pr)
{
	return pr->code == PROBLEM_QUARANTINED ||
	       pr->code == PROBLEM_MASTER_DAMAGED;
}

static int add_name(struct problem *pr, const struct tree_row *row,
		    const char *path, bool intact)
{
	struct problem_name *names = reallocarray(
		pr->names, pr->name_count + 1, sizeof(*names));
	struct problem_name n = { .kind = row->kind, .intact = intact };

	if (!names)
		return -ENOMEM;
	pr->names = names;
	n.tree = strdup(row->name);
	n.path = strdup(path);
	if (!n.tree || !n.path) {
		free(n.tree);
		free(n.path);
		return -ENOMEM;
	}
	names[pr->name_count++] = n;
	pr->intact_count += intact;
	return 0;
}

/* What has the same size and time may be the same; its key says whether it is. */
static bool may_be_intact(const struct problem *pr, const struct statx *stx)
{
	const struct problem_target *t = &pr->target;

	return pr->intact_count < INTACT_MAX && t->has_stat &&
	       stx->stx_size == t->size_bytes &&
	       stx->stx_mtime.tv_sec == t->mtime.tv_sec &&
	       stx->stx_mtime.tv_nsec == t->mtime.tv_nsec;
}

static int look_at(struct search *s, struct problem *pr,
		   const struct walk_entry *e)
{
	_cleanup_close_ int fd = -1;

	if (e->stx->stx_ino == pr->target.ino)
		return add_name(pr, s->row, e->path, false);
	if (!may_be_intact(pr, e->stx))
		return 0;
	fd = fdio_open(e->dirfd, e->name, O_RDONLY);
	if (fd < 0 || master_is_whole(fd, &pr->target.key) != 1)
		return 0;
	return add_name(pr, s->row, e->path, true);
}

static int on_file(const struct walk_entry *e, void *ctx)
{
	struct search *s = ctx;
	size_t i;
	int r = 0;

	if (!S_ISREG(e->stx->stx_mode))
		return 0;
	for (i = 0; !r && i < s->problems->count; i++)
		if (is_damage(&s->problems->list[i]))
			r = look_at(s, &s->problems->list[i], e);
	return r;
}

static int on_error(const struct walk_entry *e, int code, void *ctx)
{
	const struct search *s = ctx;
	char path[512];

	escape_bytes(path, sizeof(path), e->path, strlen(e->path));
	log_warning("%s '%s': cannot look at '%s': %s",
		    tree_kind_name(s->row->kind), s->row->name, path,
		    strerror(-code));
	return 0;
}

static int search_tree(struct pool *p, struct search *s, struct err *err)
{
	static const struct walk_ops ops = { .file = on_file,
					     .error = on_error };
	_cleanup_close_ int fd = -1;
	struct tree_row row;
	int r;

	if (s->row->state != TREE_READY)
		return 0;
	r = pool_open_tree(p, s->row->kind, s->row->name, &row, &fd, err);
	if (r < 0) {
		log_warning("%s", err->msg);
		err_clear(err);
		return 0;
	}
	return walk_tree(fd, &ops, s, err);
}

static int search_kind(struct pool *p, enum tree_kind kind, struct problems *ps,
		       struct err *err)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	struct search s = { .problems = ps };
	size_t count = 0;
	size_t i;
	int r = catalog_tree_list(p->catalog, kind, &rows, &count, err);

	for (i = 0; !r && i < count; i++) {
		s.row = &rows[i];
		r = search_tree(p, &s, err);
	}
	return r;
}

int scrub_names(const char *pool_path, struct problems *ps, struct err *err)
{
	struct pool *p;
	bool any = false;
	size_t i;
	int r;

	for (i = 0; i < ps->count; i++)
		any |= is_damage(&ps->list[i]);
	if (!any)
		return 0;
	r = pool_open(pool_path, POOL_RO, &p, err);
	if (r < 0)
		return r;
	r = search_kind(p, TREE_TEMPLATE, ps, err);
	if (!r)
		r = search_kind(p, TREE_GUEST, ps, err);
	pool_close(p);
	return r;
}
