// SPDX-License-Identifier: GPL-2.0-only
#include "log-show.h"

#include <stdio.h>
#include <unistd.h>

struct log_show log_show_begin(void)
{
	return (struct log_show){ .terminal = isatty(STDOUT_FILENO) };
}

static void put(unsigned char c)
{
	if (c < 0x20 ? c != '\n' && c != '\t' : c == 0x7f)
		printf("^%c", c ^ 0x40);
	else
		(void)putchar(c); /* stdout is checked at the end */
}

/* 0x80 to 0x9f are control characters too, as UTF-8 two bytes. */
static void put_safely(struct log_show *s, unsigned char c)
{
	int held = s->held;

	s->held = 0;
	if (held == 0xc2 && (c & 0xe0) == 0x80) {
		printf("M-^%c", (c & 0x1f) + '@');
		return;
	}
	if (held && (held != '\r' || c != '\n'))
		put((unsigned char)held);
	if (c == '\r' || c == 0xc2)
		s->held = c;
	else
		put(c);
}

void log_show(struct log_show *s, const char *text, size_t len)
{
	size_t i;

	if (!s->terminal)
		(void)fwrite(text, 1, len, stdout); /* the same */
	else
		for (i = 0; i < len; i++)
			put_safely(s, (unsigned char)text[i]);
}

void log_show_end(struct log_show *s)
{
	if (s->held)
		put((unsigned char)s->held);
	s->held = 0;
}
