// SPDX-License-Identifier: GPL-2.0-only
/* Error objects and the escaping of what a guest may have named. */
#include <errno.h>

#include "err.h"
#include "unit.h"

static const char *esc(const char *in)
{
	static char out[64];

	return escape_bytes(out, sizeof(out), in, strlen(in));
}

static void test_escape(void)
{
	char tiny[6];

	is_str(esc("plain name"), "plain name", "plain text stays");
	is_str(esc("a\nb\033[2J"), "a\\x0ab\\x1b[2J", "control characters");
	is_str(esc("\x7f"), "\\x7f", "delete");
	is_str(esc("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f",
	       "valid UTF-8 stays");
	is_str(esc("\xff\xfe"), "\\xff\\xfe", "bytes that are no UTF-8");
	is_str(esc("\xc2\x9b" "A"), "\\xc2\\x9bA", "C1 controls");
	is_str(esc("\xed\xa0\x80"), "\\xed\\xa0\\x80", "surrogates");
	is_str(esc("\xc0\xaf"), "\\xc0\\xaf", "overlong forms");
	is_str(esc("\xe2\x82"), "\\xe2\\x82", "a sequence cut short");
	is_str(esc("\\x0a"), "\\x0a", "backslashes stay: twice does no harm");
	is_str(escape_bytes(tiny, sizeof(tiny), "abc\ndef", 7), "abc",
	       "cut before what does not fit whole");
}

static void test_messages(void)
{
	struct err err = { 0 };

	is_int(err_set(&err, -EEXIST, "guest '%s' exists", "a"), -EEXIST,
	       "err_set returns its code");
	is_str(err.msg, "guest 'a' exists", "err_set stores the text");
	is_int(err.cls, ERR_FAILED, "an ordinary failure");
	is_int(err_prefix(&err, -EEXIST, "cannot clone"), -EEXIST,
	       "err_prefix returns its code");
	is_str(err.msg, "cannot clone: guest 'a' exists",
	       "err_prefix puts its text in front");
	err_clear(&err);
	err_errno(&err, -ENOSPC, "cannot write");
	is_str(err.msg, "cannot write: No space left on device",
	       "err_errno ends with the cause");
	err_set(&err, -EROFS, "x");
	is_int(err.cls, ERR_UNSUPPORTED, "read-only means unsupported here");
	err_set(&err, -EUCLEAN, "x");
	is_int(err.cls, ERR_INCONSISTENT, "EUCLEAN means inconsistent");
	err_usage(&err, "bad name '%s'", "a\tb");
	is_int(err.cls, ERR_USAGE, "err_usage is a usage error");
	is_str(err.msg, "bad name 'a\\x09b'", "messages are escaped");
	err_prefix(&err, -EINVAL, "cannot clone");
	is_int(err.cls, ERR_USAGE, "a prefix keeps the class");
	is_int(err_set(NULL, -EIO, "nobody listens"), -EIO, "NULL is fine");
}

int main(void)
{
	unit_plan(23);
	test_escape();
	test_messages();
	return unit_done();
}
