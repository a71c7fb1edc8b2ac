// SPDX-License-Identifier: GPL-2.0-only
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

static int list_json(const struct pool *p, struct json_object *doc,
		     const char *key, const struct tree_row *rows,
		     size_t count)
{
	struct json_object *list;
	struct json_object *o;
	int r = json_add_array(doc, key, &list);
	size_t i;

	for (i = 0; i < count; i++) {
		r |= json_add_object(list, NULL, &o);
		r |= tree_row_json(o, p, &rows[i]);
	}
	return r;
}

/* One kind of trees: lines, or with --json a list in @doc. */
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
	if (ctx->json)
		return list_json(ctx->pool, doc,
				 kind == TREE_GUEST ? "guests" : "templates",
				 rows, count);
	for (i = 0; i < count; i++)
		print_row(&rows[i]);
	return 0;
}

static int list_both(struct cmd_ctx *ctx, struct json_object *doc)
{
	int r = list_kind(ctx, TREE_TEMPLATE, doc);

	return r ? r : list_kind(ctx, TREE_GUEST, doc);
}

int cmd_list(struct cmd_ctx *ctx)
{
	struct json_object *doc;
	int r;

	if (ctx->json) {
		doc = json_document("vtemplate");
		r = json_add_bool(doc, "unprotected",
				  ctx->pool->info.unprotected);
		return json_finish(doc, r ? r : list_both(ctx, doc), &ctx->err);
	}
	printf("%-8s  %-20s  %-10s  %-11s  %9s  %10s  %-19s  %s\n", "KIND",
	       "NAME", "STATE", "ENGINE", "FILES", "SIZE", "CREATED", "ORIGIN");
	return list_both(ctx, NULL);
}
