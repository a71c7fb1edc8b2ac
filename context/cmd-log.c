// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of a console holds what a guest wrote. On a terminal it must not be able to
 * act: there a control character is shown by its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "console.h"
#include "fdio.h"
#include "guest.h"
#include "vserver.h"

/* Append the file to *@text; one that is missing is empty. */
static int read_all(int dir, const char *name, char **text, size_t *len,
		    struct err *err)
{
	_cleanup_close_ int fd =
		openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char *more;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, -errno, "cannot read '%s'", name);
	more = realloc(*text, *len + st.st_size + 1);
	if (!more)
		return err_errno(err, -ENOMEM, "cannot read '%s'", name);
	*text = more;
	n = fdio_pread_full(fd, more + *len, st.st_size, 0);
	if (n < 0)
		return err_errno(err, n, "cannot read '%s'", name);
	*len += n;
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

static void print_safely(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c == '\r' && i + 1 < len && text[i + 1] == '\n')
			continue;
		/* so are 0x80 to 0x9f, as UTF-8 */
		if (c == 0xc2 && i + 1 < len && (text[i + 1] & 0xe0) == 0x80)
			printf("M-^%c", (text[++i] & 0x1f) + '@');
		else if (c < 0x20 ? c != '\n' && c != '\t' : c == 0x7f)
			printf("^%c", c ^ 0x40);
		else
			(void)putchar(c); /* stdout is checked at the end */
	}
}

int cmd_log(struct cmd_ctx *ctx)
{
	const struct log_opts *o = ctx->opts;
	_cleanup_guest_ struct guest g = GUEST_INIT;
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int dir = -1;
	char name[CONSOLE_LOG_NAME_SIZE];
	char old[CONSOLE_LOG_NAME_SIZE + 4];
	size_t len = 0;
	size_t from;
	int r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = dir = console_log_dir(&ctx->err);
	if (r < 0)
		return r;
	console_log_name(&g.row, name);
	(void)snprintf(old, sizeof(old), "%s.old", name);
	r = read_all(dir, old, &text, &len, &ctx->err);
	if (!r)
		r = read_all(dir, name, &text, &len, &ctx->err);
	if (r < 0 || !len)
		return r;
	from = tail(text, len, o->lines);
	if (isatty(STDOUT_FILENO))
		print_safely(text + from, len - from);
	else
		(void)fwrite(text + from, 1, len - from, stdout); /* the same */
	return 0;
}
