// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "json-out.h"
#include "tree-out.h"
#include "vtemplate.h"

static void print_row(const struct tree_row *row)
{
	char size[32];
	char when[32];

	printf("%-8s  %-20s  %-10s  %-11s  %9" PRIu64 "  %10s  %s  %s\n",
	       tree_kind_name(row->kind), row->name,
	       tree_state_name(row->state), row->engine, row->files,
	       format_bytes(size, row->size_bytes),
	       format_time(when, row->created_ns), row->origin);
}

static int list_json(struct cmd_ctx *ctx, struct json_object *doc,
		     const char *key, const struct tree_row *rows,
		     size_t count)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	if (!list || json_object_object_add(doc, key, list))
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		struct json_object *o = tree_row_json(ctx->pool, &rows[i]);

		if (!o || json_object_array_add(list, o))
			return -ENOMEM;
	}
	return 0;
}

/* One kind of trees: lines, or a list in @doc. */
static int list_kind(struct cmd_ctx *ctx, enum tree_kind kind,
		     struct json_object *doc)
{
	_cleanup_free_ struct tree_row *rows = NULL;
	size_t count;
	size_t i;
	int r = catalog_tree_list(ctx->pool->catalog, kind, &rows, &count,
				  &ctx->err);

	if (r < 0)
		return r;
	if (doc) {
		r = list_json(ctx, doc,
			      kind == TREE_GUEST ? "guests" : "templates", rows,
			      count);
		return r ? err_errno(&ctx->err, r, "cannot write JSON") : 0;
	}
	for (i = 0; i < count; i++)
		print_row(&rows[i]);
	return 0;
}

int cmd_list(struct cmd_ctx *ctx)
{
	struct json_object *doc = ctx->json ? json_document("vtemplate") : NULL;
	int r = 0;

	if (ctx->json)
		r = doc && !json_add_bool(doc, "unprotected",
					  ctx->pool->info.unprotected) ?
			    0 :
			    err_errno(&ctx->err, -ENOMEM, "cannot write JSON");
	else
		printf("%-8s  %-20s  %-10s  %-11s  %9s  %10s  %-19s  %s\n",
		       "KIND", "NAME", "STATE", "ENGINE", "FILES", "SIZE",
		       "CREATED", "ORIGIN");
	if (!r)
		r = list_kind(ctx, TREE_TEMPLATE, doc);
	if (!r)
		r = list_kind(ctx, TREE_GUEST, doc);
	if (doc && !r)
		json_print_document(doc);
	else if (doc)
		json_object_put(doc);
	return r;
}
