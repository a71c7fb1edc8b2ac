// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would stop the removal half way is looked for before anything is moved:
 * mounts in the tree, and shared files on a kernel that does not know them, where
 * they can be neither unlinked nor changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "make-tree.h"
#include "running.h"
#include "vtemplate.h"
#include "walk.h"

/*
 * A kernel without the attribute shows a shared file as plain +i. A guest may have
 * set that on its own files, which is no obstacle; but those with several names
 * cannot be told from shared ones.
 */
static int look_for_shared(const struct walk_entry *e, void *ctx)
{
	if (!S_ISREG(e->stx->stx_mode) || e->stx->stx_nlink < 2 ||
	    !(e->stx->stx_attributes & STATX_ATTR_IMMUTABLE))
		return 0;
	*(bool *)ctx = true;
	return -ECANCELED; /* one is enough */
}

static int pass_error(const struct walk_entry *e, int code, void *ctx)
{
	return 0;
}

static int refuse_shared(struct pool *p, int tree_fd, const char *name,
			 struct err *err)
{
	static const struct walk_ops ops = { .file = look_for_shared,
					     .error = pass_error };
	bool found = false;

	if (p->engine.kernel)
		return 0;
	(void)walk_tree(tree_fd, &ops, &found, NULL);
	if (!found)
		return 0;
	return err_set(err, -EOPNOTSUPP,
		       "'%s' has shared files, which this kernel cannot "
		       "remove: boot the patched kernel", name);
}

/* "\040" and the like in /proc/self/mountinfo, in place. */
static void unescape_octal(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*out++ = (s[1] - '0') * 64 + (s[2] - '0') * 8 +
				 (s[3] - '0');
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* The mount point of one line, its fifth field; NULL when there is none. */
static char *mount_point(char *line)
{
	char *field = line;
	int i;

	for (i = 0; field && i < 4; i++) {
		field = strchr(field, ' ');
		field += !!field;
	}
	if (!field)
		return NULL;
	field[strcspn(field, " \n")] = '\0';
	unescape_octal(field);
	return field;
}

static bool is_at_or_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static int refuse_mounts(int tree_fd, const char *name, struct err *err)
{
	_cleanup_free_ char *line = NULL;
	char link[40];
	char dir[4096];
	size_t alloc = 0;
	ssize_t n;
	FILE *f;
	int r = 0;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", tree_fd);
	n = readlink(link, dir, sizeof(dir) - 1);
	f = fopen("/proc/self/mountinfo", "re");
	if (n < 0 || !f) {
		r = -errno;
		if (f)
			(void)fclose(f); /* read only */
		return err_errno(err, r, "cannot look for mounts");
	}
	dir[n] = '\0';
	while (!r && getline(&line, &alloc, f) >= 0) {
		const char *point = mount_point(line);

		if (point && is_at_or_below(point, dir))
			r = err_set(err, -EBUSY,
				    "'%s' has a mount at '%s': unmount it first",
				    name, point);
	}
	(void)fclose(f); /* read only */
	return r;
}

static int refuse_early(struct pool *p, const struct tree_row *row,
			struct err *err)
{
	_cleanup_close_ int fd =
		fdio_open_dir(pool_trees_fd(p, row->kind), row->name);
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, fd, "cannot open '%s'", row->name);
	r = refuse_mounts(fd, row->name, err);
	return r ? r : refuse_shared(p, fd, row->name, err);
}

static int refuse_running(const struct tree_row *row, struct err *err)
{
	_cleanup_running_ struct running run = RUNNING_INIT;
	int r = row->kind == TREE_GUEST ? running_find(row, &run, err) : 0;

	return r <= 0 ? r : err_set(err, -EBUSY,
				    "guest '%s' is running: stop it first",
				    row->name);
}

int cmd_destroy(struct cmd_ctx *ctx)
{
	const struct destroy_opts *opts = ctx->opts;
	enum tree_kind kind = opts->template ? TREE_TEMPLATE : TREE_GUEST;
	const char *name = ctx->argv[0];
	_cleanup_close_ int lock = -1;
	struct tree_row row;
	int r = tree_name_check(kind, name, &ctx->err);

	if (r < 0)
		return r;
	lock = pool_lock_name(ctx->pool, kind, name, true, &ctx->err);
	if (lock < 0)
		return lock;
	r = catalog_tree_find(ctx->pool->catalog, kind, name, &row, &ctx->err);
	if (r == -ENOENT)
		return err_set(&ctx->err, r, "no such %s '%s'",
			       tree_kind_name(kind), name);
	if (!r)
		r = refuse_running(&row, &ctx->err);
	if (!r)
		r = refuse_early(ctx->pool, &row, &ctx->err);
	if (!r)
		r = destroy_tree(ctx->pool, &row, &ctx->err);
	if (!r)
		printf("%s '%s' destroyed\n", tree_kind_name(kind), name);
	return r;
}
