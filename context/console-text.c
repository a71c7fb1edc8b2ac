// SPDX-License-Identifier: GPL-2.0-only
#include "console-text.h"

#include <stdio.h>
#include <unistd.h>

struct console_text console_text_begin(void)
{
	return (struct console_text){ .terminal = isatty(STDOUT_FILENO) };
}

/* As cat -v has them: ^[ and, with the highest bit, M-^[. */
static void put_name(unsigned char c)
{
	unsigned char low = c & 0x7f;

	if (c & 0x80)
		(void)fputs("M-", stdout); /* stdout is checked at the end */
	if (low < 0x20 || low == 0x7f)
		printf("^%c", low ^ 0x40);
	else
		(void)putchar(low);
}

static void put_ascii(unsigned char c)
{
	if (c < 0x20 ? c != '\n' && c != '\t' : c == 0x7f)
		put_name(c);
	else
		(void)putchar(c);
}

/* --- UTF-8 ------------------------------------------------------------------------ */

/* How many bytes a character has that begins with this one above 0x7f; 0: none does. */
static size_t length_from(unsigned char first)
{
	return first < 0xc2 ? 0 :
	       first < 0xe0 ? 2 :
	       first < 0xf0 ? 3 :
	       first < 0xf5 ? 4 :
			      0;
}

/* May @c come after what is held? Not so that it would be a longer form of another
 * character, which terminals know too, or of none. */
static bool goes_on(const struct console_text *s, unsigned char c)
{
	unsigned char first = s->held[0];
	unsigned char from = 0x80;
	unsigned char to = 0xbf;

	if (s->count == 1) {
		from = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : from;
		to = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : to;
	}
	return length_from(first) && c >= from && c <= to;
}

/* A whole character. U+0080 to U+009F are control characters too. */
static void put_character(const struct console_text *s)
{
	if (s->held[0] == 0xc2 && s->held[1] < 0xa0)
		put_name(s->held[1]);
	else
		(void)fwrite(s->held, 1, s->count, stdout);
}

/* What is held comes to nothing more. */
static void let_go(struct console_text *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		put_name(s->held[i]);
	s->count = 0;
}

/* --- one byte --------------------------------------------------------------------- */

static void put_safely(struct console_text *s, unsigned char c)
{
	if (s->count && s->held[0] == '\r' && c == '\n')
		s->count = 0;
	if (s->count && goes_on(s, c)) {
		s->held[s->count++] = c;
		if (s->count == length_from(s->held[0])) {
			put_character(s);
			s->count = 0;
		}
		return;
	}
	let_go(s);
	if (c == '\r' || length_from(c))
		s->held[s->count++] = c;
	else if (c & 0x80)
		put_name(c);
	else
		put_ascii(c);
}

void console_text_put(struct console_text *s, const char *text, size_t len)
{
	size_t i;

	if (!s->terminal)
		(void)fwrite(text, 1, len, stdout); /* the same */
	else
		for (i = 0; i < len; i++)
			put_safely(s, (unsigned char)text[i]);
}

void console_text_end(struct console_text *s)
{
	let_go(s);
}
