// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>

#include "cleanup.h"
#include "json-out.h"
#include "running.h"
#include "vserver.h"

static const char *state_of(const struct tree_row *row, bool runs)
{
	if (row->state != TREE_READY)
		return tree_state_name(row->state);
	return runs ? "running" : "stopped";
}

static int add_json(struct json_object *list, const struct tree_row *row,
		    const struct running *run, bool runs)
{
	struct json_object *o = json_object_new_object();
	int r = o && !json_object_array_add(list, o) ? 0 : -ENOMEM;

	if (!r)
		r |= json_add_string(o, "name", row->name) |
		     json_add_u64(o, "context", row->context) |
		     json_add_string(o, "state", state_of(row, runs));
	if (!r && runs)
		r = json_add_u64(o, "pid", run->pid);
	return r ? -ENOMEM : 0;
}

static void print_line(const struct tree_row *row, const struct running *run,
		       bool runs)
{
	char pid[16] = "-";

	if (runs)
		(void)snprintf(pid, sizeof(pid), "%d", run->pid);
	printf("%7u  %-20s  %-10s  %8s  %s\n", row->context, row->name,
	       state_of(row, runs), pid, row->origin);
}

static int list_one(const struct tree_row *row, struct json_object *list,
		    struct err *err)
{
	_cleanup_running_ struct running run = RUNNING_INIT;
	int r = running_find(row, &run, err);

	if (r < 0)
		return r;
	if (!list) {
		print_line(row, &run, r > 0);
		return 0;
	}
	return add_json(list, row, &run, r > 0) ?
		       err_errno(err, -ENOMEM, "cannot write JSON") :
		       0;
}

static int list_all(struct cmd_ctx *ctx, struct json_object *list)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	size_t count = 0;
	size_t i;
	int r = catalog_tree_list(ctx->pool->catalog, TREE_GUEST, &rows, &count,
				  &ctx->err);

	for (i = 0; !r && i < count; i++)
		r = list_one(&rows[i], list, &ctx->err);
	return r;
}

int cmd_list(struct cmd_ctx *ctx)
{
	struct json_object *doc;
	struct json_object *list;
	int r;

	if (!ctx->json) {
		printf("%7s  %-20s  %-10s  %8s  %s\n", "CONTEXT", "NAME",
		       "STATE", "PID", "ORIGIN");
		return list_all(ctx, NULL);
	}
	doc = json_document("vserver");
	list = json_object_new_array();
	if (!doc || !list || json_object_object_add(doc, "guests", list)) {
		json_object_put(doc);
		json_object_put(list);
		return err_errno(&ctx->err, -ENOMEM, "cannot write JSON");
	}
	r = list_all(ctx, list);
	if (r < 0)
		json_object_put(doc);
	else
		json_print_document(doc);
	return r;
}
