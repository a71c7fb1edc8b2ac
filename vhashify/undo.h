/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VHASHIFY_UNDO_H
#define VHASHIFY_UNDO_H

#include "vhashify.h"

/* Give what the operands name private copies: GUEST, GUEST/PATH or an absolute path
 * in one. An exit status, or -errno with ctx->err set. */
int undo(struct cmd_ctx *ctx, struct run *run);

#endif
