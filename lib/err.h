/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The error a library function gives back beside its -errno.
 *
 *	struct err err = { 0 };
 *
 *	r = pool_open(path, POOL_RW, &pool, &err);
 *	if (r < 0)
 *		return err_prefix(&err, r, "cannot list guests");
 *
 * The caller owns the object and may pass NULL everywhere. Functions set it on
 * failure only. Messages say what failed first, in lower case, without a full
 * stop, the subject in single quotes, the cause last. Control characters and
 * bytes that are not UTF-8 are escaped as \xNN when a message is stored, so that
 * a name chosen by a guest cannot write to the operator's terminal.
 */
#ifndef COWLINK_ERR_H
#define COWLINK_ERR_H

#include <stddef.h>

/* What the command line makes of a failure: its exit status. */
enum err_class {
	ERR_NONE = 0,
	ERR_FAILED = 1,		/* something did not work */
	ERR_USAGE = 2,		/* the request itself is wrong */
	ERR_UNSUPPORTED = 3,	/* this kernel, filesystem or privilege cannot */
	ERR_INCONSISTENT = 4,	/* the pool contradicts itself */
};

struct err {
	int code;		/* negative errno, 0 when unset */
	enum err_class cls;
	char msg[1024];
};

/*
 * Store a message; return @code, so that it can end a function:
 * `return err_set(err, -EEXIST, "guest '%s' exists", name);`. The class follows
 * from the code: EOPNOTSUPP and EROFS are ERR_UNSUPPORTED, EUCLEAN is
 * ERR_INCONSISTENT, everything else ERR_FAILED.
 */
int err_set(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of @code (strerror) at the end. */
int err_errno(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "what: " in front of the message that is there; return @code. */
int err_prefix(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Change the class of the error just stored; return its code. */
int err_as(struct err *err, enum err_class cls);

/* A request that is wrong in itself: stores it as ERR_USAGE, returns -EINVAL. */
int err_usage(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);

/*
 * Copy @in (@len bytes) to @out, of @size bytes with its NUL, with control
 * characters and invalid UTF-8 as \xNN. Cuts at a whole character when it does
 * not fit. Backslashes stay as they are, so that escaping twice does no harm: it
 * is for people to read, not for programs to parse. Returns @out.
 */
char *escape_bytes(char *out, size_t size, const char *in, size_t len);

#endif
