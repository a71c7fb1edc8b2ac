// SPDX-License-Identifier: GPL-2.0-only
/*
 * All guests that start with the machine, in their order, and all that run, the other
 * way round. One that fails keeps no other from its turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "guest.h"
#include "launch.h"
#include "log.h"
#include "vserver.h"

#define NO_ORDER 10000 /* started by hand: the first to stop */

struct turn {
	uint64_t order;
	const struct tree_row *row;
};

static int compare(const void *a, const void *b)
{
	const struct turn *x = a;
	const struct turn *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return strcmp(x->row->name, y->row->name);
}

static int order_of(struct catalog *c, const struct tree_row *row,
		    uint64_t *ret, struct err *err)
{
	struct settings s = { 0 };
	int r = settings_load(c, row->id, &s, err);

	*ret = NO_ORDER;
	if (!r && settings_has(&s, "autostart"))
		/* "no" is no number */
		(void)parse_number(settings_get(&s, "autostart"), ret);
	settings_release(&s);
	return r;
}

/* 0, or what went wrong, which is told: the others have their turn. */
static int one(struct cmd_ctx *ctx, const char *name, bool up)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	struct err err = { 0 };
	int r = guest_open_locked(ctx->pool, name, &g, &err);

	if (!r && up && !g.runs)
		r = guest_start(&g, &err);
	else if (!r && !up)
		r = guest_stop(&g, &err);
	if (r < 0)
		log_error("%s", err.msg);
	return r < 0 ? EXIT_SOME_FAILED : 0;
}

static int all(struct cmd_ctx *ctx, bool up)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	_cleanup_free_ struct turn *turns = NULL;
	struct catalog *c = ctx->pool->catalog;
	size_t count = 0;
	size_t i;
	int failed = 0;
	int r = catalog_tree_list(c, TREE_GUEST, &rows, &count, &ctx->err);

	if (r < 0)
		return r;
	turns = calloc(count + 1, sizeof(*turns));
	if (!turns)
		return err_errno(&ctx->err, -ENOMEM, "cannot list the guests");
	for (i = 0; !r && i < count; i++) {
		turns[i].row = &rows[i];
		r = order_of(c, &rows[i], &turns[i].order, &ctx->err);
	}
	if (r < 0)
		return r;
	qsort(turns, count, sizeof(*turns), compare);
	for (i = 0; i < count; i++) {
		const struct turn *t = &turns[up ? i : count - 1 - i];

		if (t->row->state == TREE_READY && (!up || t->order != NO_ORDER))
			failed |= one(ctx, t->row->name, up);
	}
	return failed;
}

int cmd_boot(struct cmd_ctx *ctx)
{
	return all(ctx, true);
}

int cmd_halt(struct cmd_ctx *ctx)
{
	return all(ctx, false);
}
