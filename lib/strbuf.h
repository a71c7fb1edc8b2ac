/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A growing string that is always NUL-terminated; for paths and output, where
 * the length is not known before. Zero is a valid empty one: `struct strbuf sb
 * = STRBUF_INIT;`. Functions return 0 or -ENOMEM, with the content unchanged.
 */
#ifndef COWLINK_STRBUF_H
#define COWLINK_STRBUF_H

#include <stddef.h>

struct strbuf {
	char *buf;	/* never NULL when read through strbuf_str() */
	size_t len;	/* bytes without the NUL */
	size_t alloc;
};

#define STRBUF_INIT { 0 }
#define _cleanup_strbuf_ __attribute__((cleanup(strbuf_release)))

int strbuf_add(struct strbuf *sb, const void *data, size_t len);
int strbuf_addstr(struct strbuf *sb, const char *s);
int strbuf_addf(struct strbuf *sb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Append "/" unless @sb is empty, then @name. */
int strbuf_add_component(struct strbuf *sb, const char *name);

/* Cut to @len bytes; @len is at most the present length. */
void strbuf_setlen(struct strbuf *sb, size_t len);

const char *strbuf_str(const struct strbuf *sb);
void strbuf_release(struct strbuf *sb);

#endif
