/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log of a console holds what a guest wrote. On a terminal it must not be able to
 * act: there a control character is shown by its name, and so is a byte that is not of
 * UTF-8, as some terminals take 0x9b alone for one too. Elsewhere every byte comes as it is.
 *
 *	struct log_show s = log_show_begin();
 *
 *	log_show(&s, text, len);	as often as something comes
 *	log_show_end(&s);
 */
#ifndef COWLINK_LOG_SHOW_H
#define COWLINK_LOG_SHOW_H

#include <stdbool.h>
#include <stddef.h>

struct log_show {
	bool terminal;
	unsigned char held[4];	/* what means something only with the next byte */
	size_t count;		/* of them */
};

/* To standard output. */
struct log_show log_show_begin(void);

/* Where the text is divided makes no difference. Output errors are found at the end of
 * the command. */
void log_show(struct log_show *s, const char *text, size_t len);
void log_show_end(struct log_show *s);

#endif
