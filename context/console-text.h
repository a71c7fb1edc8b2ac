/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of a console holds what a guest wrote. On a terminal it must not be able to
 * act: there a control character is shown by its name, and so is a byte that is not of
 * UTF-8, as some terminals take 0x9b alone for one too. Elsewhere every byte comes as it is.
 *
 *	struct console_text s = console_text_begin();
 *
 *	console_text_put(&s, text, len);	as often as something comes
 *	console_text_end(&s);
 */
#ifndef COWLINK_CONSOLE_TEXT_H
#define COWLINK_CONSOLE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct console_text {
	bool terminal;
	unsigned char held[4];	/* what means something only with the next byte */
	size_t count;		/* of them */
};

/* To standard output. */
struct console_text console_text_begin(void);

/* Where the text is divided makes no difference. Output errors are found at the end of
 * the command. */
void console_text_put(struct console_text *s, const char *text, size_t len);
void console_text_end(struct console_text *s);

#endif
