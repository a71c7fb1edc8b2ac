// SPDX-License-Identifier: GPL-2.0-only
#include "guest.h"

#include <errno.h>
#include <unistd.h>

#include "cleanup.h"

static int open_guest(struct pool *p, const char *name, bool lock,
		      struct guest *ret, struct err *err)
{
	int r;

	ret->pool = p;
	r = catalog_tree_find(p->catalog, TREE_GUEST, name, &ret->row, err);
	if (r == -ENOENT || (!r && ret->row.state != TREE_READY))
		return err_set(err, -ENOENT, "no such guest '%s'", name);
	if (!r && lock)
		r = ret->context_fd = running_lock(ret->row.context, err);
	if (r >= 0)
		r = settings_load(p->catalog, ret->row.id, &ret->settings, err);
	if (!r)
		r = running_find(&ret->row, &ret->run, err);
	ret->runs = r > 0;
	return r < 0 ? r : 0;
}

int guest_open(struct pool *p, const char *name, struct guest *ret,
	       struct err *err)
{
	int r = tree_name_check(TREE_GUEST, name, err);

	return r < 0 ? r : open_guest(p, name, false, ret, err);
}

int guest_open_locked(struct pool *p, const char *name, struct guest *ret,
		      struct err *err)
{
	int r = tree_name_check(TREE_GUEST, name, err);

	if (r < 0)
		return r;
	ret->lock_fd = pool_lock_name(p, TREE_GUEST, name, true, err);
	return ret->lock_fd < 0 ? ret->lock_fd :
				  open_guest(p, name, true, ret, err);
}

int guest_each(struct pool *p,
	       int (*fn)(const struct tree_row *row, const struct running *run,
			 void *ctx, struct err *err),
	       void *ctx, struct err *err)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	size_t count = 0;
	size_t i;
	int r = catalog_tree_list(p->catalog, TREE_GUEST, &rows, &count, err);

	for (i = 0; !r && i < count; i++) {
		struct running run = RUNNING_INIT;

		r = running_see(&rows[i], &run, err);
		if (r >= 0)
			r = fn(&rows[i], r ? &run : NULL, ctx, err);
	}
	return r;
}

int guest_must_run(const struct guest *g, struct err *err)
{
	return g->runs ? 0 : err_set(err, -ESRCH, "guest '%s' is not running",
				     g->row.name);
}

void guest_release(struct guest *g)
{
	running_release(&g->run);
	settings_release(&g->settings);
	cleanup_close(&g->context_fd);
	cleanup_close(&g->lock_fd);
}
