// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "json-out.h"
#include "tree-out.h"
#include "vtemplate.h"

static void print_tree(const struct pool *p, const struct tree_row *row)
{
	char buf[32];

	printf("%s '%s'\n", tree_kind_name(row->kind), row->name);
	printf("  state      %s\n", tree_state_name(row->state));
	if (row->context)
		printf("  context    %" PRIu32 "\n", row->context);
	printf("  rootfs     %s/%ss/%s/rootfs\n", p->path,
	       tree_kind_name(row->kind), row->name);
	printf("  made from  %s\n", row->origin);
	printf("  created    %s\n", format_time(buf, row->created_ns));
	printf("  engine     %s\n", row->engine);
	printf("  files      %" PRIu64 ", %s\n", row->files,
	       format_bytes(buf, row->size_bytes));
	printf("  others     %" PRIu64 " directories, %" PRIu64
	       " symlinks, devices and the like\n",
	       row->dirs, row->others);
	printf("  uuid       %s\n", row->uuid);
}

/* Show the tree of this kind if there is one, in @list with --json; *@shown counts it. */
static int show_kind(struct cmd_ctx *ctx, enum tree_kind kind,
		     struct json_object *list, int *shown)
{
	struct json_object *o;
	struct tree_row row;
	int r = catalog_tree_find(ctx->pool->catalog, kind, ctx->argv[0], &row,
				  &ctx->err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	++*shown;
	if (!ctx->json) {
		print_tree(ctx->pool, &row);
		return 0;
	}
	r = json_add_object(list, NULL, &o);
	return r ? r : tree_row_json(o, ctx->pool, &row);
}

static int show_both(struct cmd_ctx *ctx, struct json_object *list)
{
	int shown = 0;
	int r = show_kind(ctx, TREE_TEMPLATE, list, &shown);

	if (!r)
		r = show_kind(ctx, TREE_GUEST, list, &shown);
	if (!r && !shown)
		r = err_set(&ctx->err, -ENOENT, "no template or guest '%s'",
			    ctx->argv[0]);
	return r;
}

static int show_json(struct cmd_ctx *ctx)
{
	struct json_object *doc = json_document("vtemplate");
	struct json_object *list;
	int r = 0;

	r |= json_add_bool(doc, "unprotected", ctx->pool->info.unprotected);
	r |= json_add_array(doc, "trees", &list);
	return json_finish(doc, r ? r : show_both(ctx, list), &ctx->err);
}

int cmd_show(struct cmd_ctx *ctx)
{
	int r = tree_name_check(TREE_GUEST, ctx->argv[0], &ctx->err);

	if (r < 0)
		return r;
	return ctx->json ? show_json(ctx) : show_both(ctx, NULL);
}
