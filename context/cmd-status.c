// SPDX-License-Identifier: GPL-2.0-only
/* The exit statuses are those of an init script. */
#include <errno.h>
#include <stdio.h>

#include "cgroup.h"
#include "cleanup.h"
#include "guest.h"
#include "json-out.h"
#include "launch.h"
#include "net.h"
#include "vserver.h"

#define STATUS_STOPPED 3

static int status_json(const struct guest *g, const struct cgroup *cg,
		       bool frozen, struct err *err)
{
	struct json_object *doc = json_document("vserver");
	int r = doc ? 0 : -ENOMEM;

	if (!r)
		r |= json_add_string(doc, "name", g->row.name) |
		     json_add_u64(doc, "context", g->row.context) |
		     json_add_string(doc, "state",
				     g->runs ? "running" : "stopped");
	if (!r && g->runs)
		r = json_add_u64(doc, "pid", g->run.pid) |
		    json_add_bool(doc, "frozen", frozen);
	if (!r && g->runs)
		r = net_count_json(&g->row, cg, doc, err);
	if (r) {
		json_object_put(doc);
		return r != -ENOMEM ? r : err_errno(err, -ENOMEM, "cannot write JSON");
	}
	json_print_document(doc);
	return 0;
}

/* With the lock, as somebody may just be starting it. */
static int open_guest(struct cmd_ctx *ctx, struct guest *g)
{
	const struct status_opts *o = ctx->opts;
	int r;

	if (!o->repair)
		return guest_open(ctx->pool, ctx->argv[0], g, &ctx->err);
	r = guest_open_locked(ctx->pool, ctx->argv[0], g, &ctx->err);
	return r || g->runs ? r : guest_clean(g, &ctx->err);
}

int cmd_state(struct cmd_ctx *ctx)
{
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	_cleanup_guest_ struct guest g = GUEST_INIT;
	bool frozen;
	int r = open_guest(ctx, &g);

	/* 4, "unknown", to who asks for the state of what there is not */
	if (r == -ENOENT) {
		err_as(&ctx->err, ERR_INCONSISTENT);
		return r;
	}
	if (!r)
		r = cgroup_open(&g.row, &cg, &ctx->err);
	if (r < 0)
		return r;
	frozen = cgroup_frozen(&cg);
	if (ctx->json)
		r = status_json(&g, &cg, frozen, &ctx->err);
	else if (g.runs)
		printf("guest '%s' is running, process %d%s\n", g.row.name,
		       g.run.pid, frozen ? ", frozen" : "");
	else
		printf("guest '%s' is stopped\n", g.row.name);
	if (!r && g.runs && !ctx->json)
		r = net_count_print(&g.row, &cg, &ctx->err);
	return r ? r : g.runs ? 0 : STATUS_STOPPED;
}
