// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "guest.h"
#include "json-out.h"
#include "vserver.h"

static const char *state_of(const struct tree_row *row,
			    const struct running *run)
{
	if (row->state != TREE_READY)
		return tree_state_name(row->state);
	return run ? "running" : "stopped";
}

static int add_json(struct json_object *list, const struct tree_row *row,
		    const struct running *run)
{
	struct json_object *o = json_object_new_object();
	int r = o && !json_object_array_add(list, o) ? 0 : -ENOMEM;

	if (!r)
		r |= json_add_string(o, "name", row->name) |
		     json_add_u64(o, "context", row->context) |
		     json_add_string(o, "state", state_of(row, run));
	if (!r && run)
		r = json_add_u64(o, "pid", run->pid);
	return r ? -ENOMEM : 0;
}

static void print_line(const struct tree_row *row, const struct running *run)
{
	char pid[16] = "-";

	if (run)
		(void)snprintf(pid, sizeof(pid), "%d", run->pid);
	printf("%7u  %-20s  %-10s  %8s  %s\n", row->context, row->name,
	       state_of(row, run), pid, row->origin);
}

static int list_one(const struct tree_row *row, const struct running *run,
		    void *list, struct err *err)
{
	if (!list) {
		print_line(row, run);
		return 0;
	}
	return add_json(list, row, run) ?
		       err_errno(err, -ENOMEM, "cannot write JSON") :
		       0;
}

int cmd_list(struct cmd_ctx *ctx)
{
	struct json_object *doc;
	struct json_object *list;
	int r;

	if (!ctx->json) {
		printf("%7s  %-20s  %-10s  %8s  %s\n", "CONTEXT", "NAME",
		       "STATE", "PID", "ORIGIN");
		return guest_each(ctx->pool, list_one, NULL, &ctx->err);
	}
	doc = json_document("vserver");
	list = json_object_new_array();
	if (!doc || !list || json_object_object_add(doc, "guests", list)) {
		json_object_put(doc);
		json_object_put(list);
		return err_errno(&ctx->err, -ENOMEM, "cannot write JSON");
	}
	r = guest_each(ctx->pool, list_one, list, &ctx->err);
	if (r < 0)
		json_object_put(doc);
	else
		json_print_document(doc);
	return r;
}
