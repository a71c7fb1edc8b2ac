// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "console-log.h"
#include "console-text.h"
#include "console.h"
#include "guest.h"
#include "vserver.h"

struct text {
	char *bytes;
	size_t len;
};

static int append(void *ctx, const char *bytes, size_t len)
{
	struct text *t = ctx;
	char *more = realloc(t->bytes, t->len + len);

	if (!more)
		return -ENOMEM;
	t->bytes = more;
	memcpy(more + t->len, bytes, len);
	t->len += len;
	return 0;
}

/* Where the last @lines lines begin. */
static size_t tail(const char *text, size_t len, uint64_t lines)
{
	size_t i = len;

	if (!lines)
		return 0;
	if (i && text[i - 1] == '\n')
		i--;
	for (; i > 0; i--)
		if (text[i - 1] == '\n' && !--lines)
			break;
	return i;
}

static int show_tail(struct console_log *f, struct console_text *s, uint64_t lines,
		     struct err *err)
{
	struct text t = { 0 };
	int r = console_log_read(f, append, &t, err);
	size_t from = r || !t.len ? 0 : tail(t.bytes, t.len, lines);

	if (!r && t.len)
		console_text_put(s, t.bytes + from, t.len - from);
	free(t.bytes);
	return r;
}

static int show_log(const struct guest *g, int dir, const char *name,
		    const struct log_opts *o, struct err *err)
{
	_cleanup_console_log_ struct console_log f = CONSOLE_LOG(dir, name);
	struct console_text s = console_text_begin();
	/* one that does not run writes nothing more */
	bool follow = o->follow && g->runs;
	int r = follow ? console_log_watch(&f, err) : 0;

	if (!r)
		r = show_tail(&f, &s, o->lines, err);
	if (!r && follow)
		r = console_log_follow(&f, g, &s, err);
	console_text_end(&s);
	return r;
}

int cmd_log(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	_cleanup_close_ int dir = -1;
	char name[CONSOLE_LOG_NAME_SIZE];
	int r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = dir = console_log_dir(&ctx->err);
	if (r < 0)
		return r;
	console_log_name(&g.row, name);
	return show_log(&g, dir, name, ctx->opts, &ctx->err);
}
