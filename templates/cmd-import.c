// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "make-tree.h"
#include "tree-out.h"
#include "vtemplate.h"

/* "-" is standard input. The operator may use symlinks here. */
static int open_source(const char *path, struct statx *stx, struct err *err)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) :
				     fcntl(0, F_DUPFD_CLOEXEC, 3);
	int r = fd < 0 ? -errno : fdio_statx(fd, NULL, stx);

	if (!r && (S_ISCHR(stx->stx_mode) || S_ISSOCK(stx->stx_mode)))
		r = -EINVAL;
	if (r < 0) {
		cleanup_close(&fd);
		return err_errno(err, r, "cannot import '%s'", path);
	}
	return fd;
}

static int import_any(struct cmd_ctx *ctx, int src, const struct statx *stx,
		      struct make_tree *mt, struct tree_stats *stats)
{
	if (S_ISDIR(stx->stx_mode))
		return tree_import_dir(ctx->pool, src, mt->rootfs_fd, stats,
				       &ctx->err);
	return tree_import_tar(ctx->pool, src, ctx->argv[1], mt->rootfs_fd,
			       stats, &ctx->err);
}

int cmd_import(struct cmd_ctx *ctx)
{
	const struct make_tree_origin origin = { .text = ctx->argv[1] };
	_cleanup_make_tree_ struct make_tree mt = MAKE_TREE_INIT;
	_cleanup_close_ int src = -1;
	struct tree_stats stats = { 0 };
	struct statx stx;
	int r;

	r = tree_name_check(TREE_TEMPLATE, ctx->argv[0], &ctx->err);
	if (r < 0)
		return r;
	src = open_source(ctx->argv[1], &stx, &ctx->err);
	if (src < 0)
		return src;
	r = make_tree_begin(ctx->pool, TREE_TEMPLATE, ctx->argv[0],
			    ctx->pool->engine.engine, &origin, &mt, &ctx->err);
	if (!r)
		r = import_any(ctx, src, &stx, &mt, &stats);
	if (!r)
		r = make_tree_publish(&mt, &stats, &ctx->err);
	return r < 0 ? r : tree_made_show(ctx->pool, &mt.row, &stats, ctx->json,
					  &ctx->err);
}
