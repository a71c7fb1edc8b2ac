/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest as the commands see it: its row, its settings, and whether it runs.
 *
 *	_cleanup_guest_ struct guest g = GUEST_INIT;
 *
 *	r = guest_open(ctx->pool, ctx->argv[0], &g, err);
 */
#ifndef COWLINK_GUEST_H
#define COWLINK_GUEST_H

#include "pool.h"
#include "running.h"
#include "settings.h"

struct guest {
	struct pool *pool;
	struct tree_row row;
	struct settings settings;
	bool runs;
	struct running run;	/* when it does */
	int lock_fd;		/* on its name */
	int context_fd;		/* on its context, see running_lock() */
	struct err unix_open;	/* see net_up() */
};

#define GUEST_INIT { .run = RUNNING_INIT, .lock_fd = -1, .context_fd = -1 }
#define _cleanup_guest_ __attribute__((cleanup(guest_release)))

/* -ENOENT "no such guest 'x'"; one that is being made or destroyed is none. */
int guest_open(struct pool *p, const char *name, struct guest *ret,
	       struct err *err);

/* The same with the locks, for who changes whether it runs. */
int guest_open_locked(struct pool *p, const char *name, struct guest *ret,
		      struct err *err);

/* Call @fn for each guest of the pool in the order of names, with what runs of it, or
 * NULL; to the first failure. */
int guest_each(struct pool *p,
	       int (*fn)(const struct tree_row *row, const struct running *run,
			 void *ctx, struct err *err),
	       void *ctx, struct err *err);

/* -ESRCH "guest 'x' is not running" */
int guest_must_run(const struct guest *g, struct err *err);
void guest_release(struct guest *g);

#endif
