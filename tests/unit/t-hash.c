// SPDX-License-Identifier: GPL-2.0-only
/*
 * Digests and keys against values computed with other programs: the content
 * digests with xxhsum -H2, the key by hand from hash.h's layout. They are the
 * on-disk format: if one of these changes, every store in the field is orphaned.
 */
#include <errno.h>
#include <fcntl.h>

#include "hash.h"
#include "iattr.h"
#include "unit.h"

static int memfile(const void *data, size_t len)
{
	FILE *f = tmpfile();

	if (!f || fwrite(data, 1, len, f) != len || fflush(f))
		exit(1);
	return fileno(f);
}

static const char *hex_of(const struct digest *d)
{
	static char hex[DIGEST_HEX_SIZE];

	digest_hex(d, hex);
	return hex;
}

static void test_content(void)
{
	struct digest d;

	is_int(hash_fd(memfile("", 0), 0, &d), 0, "an empty file");
	is_str(hex_of(&d), "99aa06d3014798d86001c324468d497f",
	       "is XXH3-128 of nothing");
	is_int(hash_fd(memfile("abc", 3), 3, &d), 0, "a short file");
	is_str(hex_of(&d), "06b05ab6733a618578af5f94892f3950",
	       "is XXH3-128 of 'abc'");
	is_int(hash_fd(memfile("abc", 3), 4, &d), -EAGAIN, "a file that shrank");
	is_int(hash_fd(memfile("abcd", 4), 3, &d), -EAGAIN, "a file that grew");
}

static void test_running(void)
{
	_cleanup_hasher_ struct hasher *a = hasher_new();
	_cleanup_hasher_ struct hasher *b = hasher_new();
	char *zeros = calloc(1, 200000);
	struct digest da, db;

	hasher_update(a, "x", 1);
	hasher_update(a, zeros, 200000);
	hasher_update(b, "x", 1);
	hasher_update_zeros(b, 200000);
	hasher_final(a, &da);
	hasher_final(b, &db);
	ok(digest_equal(&da, &db), "a hole hashes like zeros");
	free(zeros);
}

static struct iattr sample(void)
{
	struct iattr a = IATTR_INIT;

	a.stx.stx_size = 3;
	a.stx.stx_mode = 0100644;
	a.stx.stx_uid = 1;
	a.stx.stx_gid = 2;
	a.stx.stx_mtime.tv_sec = 5;
	a.stx.stx_mtime.tv_nsec = 6;
	return a;
}

static void test_key(void)
{
	char name[] = "user.a", value[] = "v";
	struct xattr x = { .name = name, .value = value, .size = 1 };
	struct digest content = { { 0 } };
	struct iattr a = sample();
	struct digest base, k;

	hash_key(&a, &content, &base);
	hash_key(&a, &content, &k);
	ok(digest_equal(&base, &k), "the same input gives the same key");
#define CHANGES_KEY(what, stmt)                                  \
	do {                                                     \
		a = sample();                                    \
		stmt;                                            \
		hash_key(&a, &content, &k);                      \
		ok(!digest_equal(&base, &k), what " changes it"); \
	} while (0)
	CHANGES_KEY("mode", a.stx.stx_mode = 0104644);
	CHANGES_KEY("owner", a.stx.stx_uid = 7);
	CHANGES_KEY("group", a.stx.stx_gid = 7);
	CHANGES_KEY("size", a.stx.stx_size = 4);
	CHANGES_KEY("mtime seconds", a.stx.stx_mtime.tv_sec++);
	CHANGES_KEY("mtime nanoseconds", a.stx.stx_mtime.tv_nsec++);
	CHANGES_KEY("an xattr", (a.xattrs = &x, a.xattr_count = 1));
#undef CHANGES_KEY
	a = sample();
	a.stx.stx_ino = 99;
	a.stx.stx_nlink = 5;
	a.stx.stx_ctime.tv_sec = 77;
	a.stx.stx_atime.tv_sec = 77;
	hash_key(&a, &content, &k);
	ok(digest_equal(&base, &k), "inode, links, ctime and atime do not");
	content.b[3] = 1;
	hash_key(&a, &content, &k);
	ok(!digest_equal(&base, &k), "content does");
}

static void test_parse(void)
{
	struct digest d;

	is_int(digest_parse("99aa06d3014798d86001c324468d497f", &d), 0,
	       "a digest is read back");
	is_str(hex_of(&d), "99aa06d3014798d86001c324468d497f", "unchanged");
	is_int(digest_parse("99AA06d3014798d86001c324468d497f", &d), -EINVAL,
	       "capitals are refused");
	is_int(digest_parse("99", &d), -EINVAL, "a short one is refused");
	is_int(digest_parse("99aa06d3014798d86001c324468d497f0", &d), -EINVAL,
	       "a long one is refused");
}

int main(void)
{
	unit_plan(22);
	test_content();
	test_running();
	test_key();
	test_parse();
	return unit_done();
}
