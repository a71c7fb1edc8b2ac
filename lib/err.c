// SPDX-License-Identifier: GPL-2.0-only
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at @p, 0 if it is none or a C1 control. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	unsigned int c;
	size_t i;

	if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
		return 0;
	c = p[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if ((n == 2 && c < 0xa0) || (n == 3 && c < 0x800) ||
	    (n == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

char *escape_bytes(char *out, size_t size, const char *in, size_t len)
{
	const unsigned char *p = (const unsigned char *)in;
	size_t used = 0;
	size_t i = 0;

	while (i < len) {
		char piece[5];
		size_t eaten = 1;
		size_t n = 1;

		if (p[i] >= 0x80)
			eaten = n = utf8_len(p + i, len - i);
		if (!n || p[i] < 0x20 || p[i] == 0x7f) {
			n = snprintf(piece, sizeof(piece), "\\x%02x", p[i]);
			eaten = 1;
		} else {
			memcpy(piece, p + i, n);
		}
		if (used + n + 1 > size)
			break;
		memcpy(out + used, piece, n);
		used += n;
		i += eaten;
	}
	if (size)
		out[used] = '\0';
	return out;
}

static enum err_class class_of(int code)
{
	switch (-code) {
	case EOPNOTSUPP:
	case EROFS:
		return ERR_UNSUPPORTED;
	case EUCLEAN:
		return ERR_INCONSISTENT;
	default:
		return ERR_FAILED;
	}
}

static void store(struct err *err, int code, const char *text)
{
	err->code = code;
	err->cls = class_of(code);
	escape_bytes(err->msg, sizeof(err->msg), text, strlen(text));
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	store(err, code, text);
	return code;
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	size_t len;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	len = strlen(text);
	(void)snprintf(text + len, sizeof(text) - len, ": %s", strerror(-code));
	store(err, code, text);
	return code;
}

int err_prefix(struct err *err, int code, const char *fmt, ...)
{
	char whole[2 * sizeof(err->msg)];
	enum err_class cls;
	size_t len;
	va_list ap;

	if (!err)
		return code;
	cls = err->cls ? err->cls : class_of(code);
	va_start(ap, fmt);
	(void)vsnprintf(whole, sizeof(err->msg), fmt, ap); /* cut is fine */
	va_end(ap);
	len = strlen(whole);
	(void)snprintf(whole + len, sizeof(whole) - len, ": %s",
		       err->msg[0] ? err->msg : strerror(-code));
	store(err, code, whole);
	err->cls = cls;
	return code;
}

int err_as(struct err *err, enum err_class cls)
{
	if (!err)
		return -EINVAL;
	err->cls = cls;
	return err->code;
}

int err_usage(struct err *err, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;

	if (!err)
		return -EINVAL;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut is fine */
	va_end(ap);
	store(err, -EINVAL, text);
	err->cls = ERR_USAGE;
	return -EINVAL;
}

void err_clear(struct err *err)
{
	if (err)
		*err = (struct err){ 0 };
}
