// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "cleanup.h"
#include "console.h"
#include "guest.h"
#include "guestpty.h"
#include "log.h"
#include "terminal.h"
#include "vserver.h"

static int visit(const struct guest *g, struct err *err)
{
	_cleanup_close_ int socket = console_visit(g->row.context, err);
	_cleanup_close_ int master = -1;
	struct terminal t = { .end = g->run.pidfd, .detach = true };
	int r = socket;

	if (r == -ENOENT)
		return err_set(err, r,
			       "guest '%s' has no console: its keeper was "
			       "killed; a restart gives it a new one",
			       g->row.name);
	if (r >= 0)
		r = master = guestpty_take(socket, err);
	if (r < 0)
		return r;
	(void)terminal_find(&t); /* there is one */
	t.input = master;
	t.output = socket;
	log_notice("the console of guest '%s'; Ctrl-] leaves it", g->row.name);
	r = terminal_connect(&t, err);
	return r < 0 ? r : 0;
}

int cmd_console(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	int r = terminal_check("what was printed so far tells log", &ctx->err);

	if (!r)
		r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);
	if (!r)
		r = guest_must_run(&g, &ctx->err);
	return r ? r : visit(&g, &ctx->err);
}
