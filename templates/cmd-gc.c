// SPDX-License-Identifier: GPL-2.0-only
/*
 * Masters whose only name is the one in the store. The pool lock is held
 * exclusively, so that nobody is about to give one of them a name in a tree.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "json-out.h"
#include "store.h"
#include "tree-out.h"
#include "vtemplate.h"

struct gc {
	struct pool *pool;
	struct err *err;
	uint64_t removed;
	uint64_t kept;
	uint64_t freed_bytes;	/* as allocated on disk */
};

static int collect(const struct store_entry *e, void *ctx)
{
	struct gc *gc = ctx;
	int r;

	if (e->replica == UINT32_MAX)
		return 0; /* nothing of ours; `check` reports it */
	if (e->stx.stx_nlink > 1) {
		gc->kept++;
		return 0;
	}
	r = store_remove(gc->pool, e, gc->err);
	if (r == -EBUSY) {
		gc->kept++;
		return 0;
	}
	if (r < 0)
		return r;
	gc->removed++;
	gc->freed_bytes += e->stx.stx_blocks * 512;
	return 0;
}

static int collect_damaged(const struct store_entry *e, void *ctx)
{
	struct gc *gc = ctx;
	int r = store_quarantine_remove(gc->pool, e, gc->err);

	if (r == -EBUSY)
		return 0;
	if (!r) {
		gc->removed++;
		gc->freed_bytes += e->stx.stx_blocks * 512;
	}
	return r;
}

static int print_json(const struct gc *gc, struct err *err)
{
	struct json_object *doc = json_document("vtemplate");
	int r = 0;

	r |= json_add_bool(doc, "unprotected", gc->pool->info.unprotected);
	r |= json_add_u64(doc, "removed", gc->removed);
	r |= json_add_u64(doc, "kept", gc->kept);
	r |= json_add_u64(doc, "freed_bytes", gc->freed_bytes);
	return json_finish(doc, r, err);
}

int cmd_gc(struct cmd_ctx *ctx)
{
	struct gc gc = { .pool = ctx->pool, .err = &ctx->err };
	char size[32];
	int r;

	if (!ctx->pool->info.unprotected && !ctx->pool->engine.kernel) {
		/* +i files cannot be unlinked where the attribute is unknown */
		uint64_t count;

		r = catalog_object_count(ctx->pool->catalog, &count, &ctx->err);
		if (r < 0)
			return r;
		if (count)
			return err_set(&ctx->err, -EOPNOTSUPP,
				       "this kernel cannot remove shared files: "
				       "boot the patched kernel");
	}
	r = store_each(ctx->pool, collect, &gc, &ctx->err);
	if (!r)
		r = store_quarantine_each(ctx->pool, collect_damaged, &gc,
					  &ctx->err);
	if (r < 0)
		return r;
	if (ctx->json)
		return print_json(&gc, &ctx->err);
	printf("removed %" PRIu64 " shared files that no tree uses, %s; %" PRIu64
	       " are in use\n",
	       gc.removed, format_bytes(size, gc.freed_bytes), gc.kept);
	return 0;
}
