// SPDX-License-Identifier: GPL-2.0-only
/*
 * rpm's database (sqlite, since rpm 4.16) holds one header for each package. The file
 * comes from the guest: sqlite sees a copy in memory, cannot write it or open another
 * file, may read one table of it and call no function, and has a limited time. What is
 * still in the write-ahead log is put in before; sqlite itself would want to write.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conffiles.h"
#include "fdio.h"

/* Steps of sqlite's machine; a row takes a handful. */
#define STEPS_AT_ONCE 100000
#define STEPS_MAX 1000
#define HEADER_MAX_BYTES (64 << 20)
/* A damaged tree of pages can show the same page again and again. */
#define BLOBS_MAX_BYTES (UINT64_C(2) << 30)

/* --- headers -------------------------------------------------------------------- */

#define TAG_FILEFLAGS 1037
#define TAG_DIRINDEXES 1116
#define TAG_BASENAMES 1117
#define TAG_DIRNAMES 1118
#define TYPE_INT32 4
#define TYPE_STRING_ARRAY 8
#define FLAG_CONFIG 1u

struct entry {
	const unsigned char *data;
	size_t len;		/* up to the end of all data */
	uint32_t count;
};

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* The entry with @tag; false when there is none, or not as it should be. */
static bool find_entry(const unsigned char *header, size_t len, uint32_t tag,
		       uint32_t type, struct entry *ret)
{
	size_t entries = be32(header);
	size_t data_len = be32(header + 4);
	const unsigned char *data = header + 8 + 16 * entries;
	size_t i;

	for (i = 0; i < entries; i++) {
		const unsigned char *e = header + 8 + 16 * i;
		uint32_t offset = be32(e + 8);

		if (be32(e) != tag)
			continue;
		ret->count = be32(e + 12);
		if (be32(e + 4) != type || offset > data_len)
			return false;
		ret->data = data + offset;
		ret->len = data_len - offset;
		return type != TYPE_INT32 || ret->count <= ret->len / 4;
	}
	return false;
}

/* Step over one string; NULL when it does not end. */
static const char *next_string(struct entry *e, size_t *ret_len)
{
	const char *s = (const char *)e->data;
	const char *end = e->len ? memchr(s, '\0', e->len) : NULL;

	if (!end)
		return NULL;
	*ret_len = end - s;
	e->data += *ret_len + 1;
	e->len -= *ret_len + 1;
	return s;
}

static const char **directories(struct entry *dirs)
{
	const char **list;
	uint32_t i;
	size_t len;

	if (dirs->count > dirs->len)
		return NULL;
	list = calloc(dirs->count + 1, sizeof(*list));
	for (i = 0; list && i < dirs->count; i++) {
		list[i] = next_string(dirs, &len);
		if (!list[i]) {
			free(list);
			return NULL;
		}
	}
	return list;
}

static int add_path(const char *dir, const char *base, size_t base_len,
		    conffiles_fn *fn, void *ctx)
{
	char path[PATH_MAX];
	size_t dir_len;

	while (*dir == '/')
		dir++;
	dir_len = strnlen(dir, sizeof(path));
	/* no such file can be reached */
	if (!base_len || memchr(base, '/', base_len) ||
	    dir_len + base_len > sizeof(path))
		return 0;
	memcpy(path, dir, dir_len);
	memcpy(path + dir_len, base, base_len);
	return fn(path, dir_len + base_len, ctx);
}

int conffiles_rpm_header(const void *header, size_t len, conffiles_fn *fn,
			 void *ctx)
{
	struct entry flags, indexes, bases, dirs;
	const unsigned char *h = header;
	const char **list;
	uint32_t i;
	int r = 0;

	if (len < 8 || be32(h) > len / 16 ||
	    8 + 16 * (uint64_t)be32(h) + be32(h + 4) > len)
		return -EINVAL;
	/* a package without files */
	if (!find_entry(h, len, TAG_BASENAMES, TYPE_STRING_ARRAY, &bases))
		return 0;
	if (!find_entry(h, len, TAG_DIRNAMES, TYPE_STRING_ARRAY, &dirs) ||
	    !find_entry(h, len, TAG_DIRINDEXES, TYPE_INT32, &indexes) ||
	    !find_entry(h, len, TAG_FILEFLAGS, TYPE_INT32, &flags) ||
	    flags.count < bases.count || indexes.count < bases.count)
		return -EINVAL;
	list = directories(&dirs);
	if (!list)
		return -EINVAL;
	for (i = 0; !r && i < bases.count; i++) {
		uint32_t dir = be32(indexes.data + 4 * (size_t)i);
		size_t base_len;
		const char *base = next_string(&bases, &base_len);

		if (!base || dir >= dirs.count)
			r = -EINVAL;
		else if (be32(flags.data + 4 * (size_t)i) & FLAG_CONFIG)
			r = add_path(list[dir], base, base_len, fn, ctx);
	}
	free(list);
	return r;
}

/* --- the write-ahead log ------------------------------------------------------------ */

#define WAL_HEADER 32
#define WAL_FRAME 24

struct sums {
	uint32_t a, b;
	bool big;		/* numbers are summed up as big-endian ones */
};

static void add_sums(struct sums *s, const unsigned char *p, size_t len)
{
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		uint32_t x = be32(p + i);
		uint32_t y = be32(p + i + 4);

		s->a += (s->big ? x : __builtin_bswap32(x)) + s->b;
		s->b += (s->big ? y : __builtin_bswap32(y)) + s->a;
	}
}

/* Is this frame one of this log, the next after those summed up? */
static bool frame_is_valid(const unsigned char *wal, const unsigned char *frame,
			   size_t page_size, struct sums *s)
{
	if (memcmp(frame + 8, wal + 16, 8))
		return false;
	add_sums(s, frame, 8);
	add_sums(s, frame + WAL_FRAME, page_size);
	return be32(frame + 16) == s->a && be32(frame + 20) == s->b;
}

/* The end of the last transaction in the log. */
static size_t committed(const unsigned char *wal, size_t len, size_t page_size)
{
	struct sums s = { .big = be32(wal) & 1 };
	size_t at = WAL_HEADER;
	size_t end = at;

	add_sums(&s, wal, 24);
	if (be32(wal + 24) != s.a || be32(wal + 28) != s.b)
		return end;
	while (len - at >= WAL_FRAME + page_size &&
	       frame_is_valid(wal, wal + at, page_size, &s)) {
		at += WAL_FRAME + page_size;
		if (be32(wal + at - page_size - WAL_FRAME + 4))
			end = at;
	}
	return end;
}

/* An image that @wal was put into, for the caller to free; NULL: no memory, or it would
 * be too long. */
static unsigned char *apply_wal(const unsigned char *image, size_t *len,
				const unsigned char *wal, size_t wal_len)
{
	size_t page_size = wal_len < WAL_HEADER ? 0 : be32(wal + 8);
	size_t at, end, size = *len;
	unsigned char *to;

	if (page_size < 512 || page_size > 65536 ||
	    (page_size & (page_size - 1)) || (be32(wal) | 1) != 0x377f0683)
		end = WAL_HEADER;
	else
		end = committed(wal, wal_len, page_size);
	/* the last frame of a transaction tells how many pages there are then */
	if (end > WAL_HEADER)
		size = be32(wal + end - page_size - WAL_FRAME + 4) *
		       (uint64_t)page_size;
	if (size > CONFFILES_RPM_MAX_BYTES)
		return NULL;
	to = calloc(1, size + 1);
	if (!to)
		return NULL;
	memcpy(to, image, size < *len ? size : *len);
	*len = size;
	for (at = WAL_HEADER; at < end; at += WAL_FRAME + page_size) {
		uint64_t page = be32(wal + at);

		if (page && page * page_size <= size)
			memcpy(to + (page - 1) * page_size,
			       wal + at + WAL_FRAME, page_size);
	}
	return to;
}

/* --- the database ------------------------------------------------------------------- */

/* One table, and nothing that computes. */
static int authorize(void *ctx, int action, const char *a, const char *b,
		     const char *db, const char *trigger)
{
	if (action == SQLITE_SELECT)
		return SQLITE_OK;
	return action == SQLITE_READ && !trigger && a &&
			       !sqlite3_stricmp(a, "Packages") ?
		       SQLITE_OK :
		       SQLITE_DENY;
}

static int count_steps(void *ctx)
{
	unsigned int *rounds = ctx;

	return ++*rounds > STEPS_MAX;
}

static int errno_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
	case SQLITE_TOOBIG:
		return -EFBIG;
	default:
		return -EINVAL;
	}
}

static int read_packages(sqlite3 *db, conffiles_fn *fn, void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t bytes = 0;
	int code = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &stmt,
				      NULL);
	int r = 0;

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(stmt);
		if (code != SQLITE_ROW)
			break;
		if (sqlite3_column_type(stmt, 0) != SQLITE_BLOB)
			r = -EINVAL;
		if (!r) {
			const void *blob = sqlite3_column_blob(stmt, 0);
			int len = sqlite3_column_bytes(stmt, 0);

			bytes += len + 1;
			r = bytes > BLOBS_MAX_BYTES ? -EFBIG :
			    blob ? conffiles_rpm_header(blob, len, fn, ctx) :
				   -EINVAL;
		}
		if (r)
			break;
	}
	if (!r && code != SQLITE_DONE)
		r = errno_of(code) ?: -EINVAL;
	(void)sqlite3_finalize(stmt);
	return r;
}

static int open_image(sqlite3 *db, unsigned char *image, size_t len,
		      unsigned int *rounds)
{
	int code;

	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, HEADER_MAX_BYTES);
	(void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
	code = sqlite3_exec(db, "PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return errno_of(code);
	sqlite3_progress_handler(db, STEPS_AT_ONCE, count_steps, rounds);
	/* there is no log any more: a file of the older kind */
	if (len > 20)
		image[18] = image[19] = 1;
	code = sqlite3_deserialize(db, "main", image, len, len,
				   SQLITE_DESERIALIZE_READONLY);
	if (code == SQLITE_OK)
		code = sqlite3_set_authorizer(db, authorize, NULL);
	return errno_of(code);
}

int conffiles_rpm_parse(void *image, size_t len, const void *wal,
			size_t wal_len, conffiles_fn *fn, void *ctx)
{
	_cleanup_free_ unsigned char *merged = NULL;
	unsigned int rounds = 0;
	sqlite3 *db = NULL;
	int r;

	if (wal_len) {
		merged = apply_wal(image, &len, wal, wal_len);
		if (!merged)
			return -EFBIG;
		image = merged;
	}
	/* rpm makes the file before it knows of any package */
	if (!len)
		return 0;
	r = errno_of(sqlite3_open_v2(":memory:", &db,
				     SQLITE_OPEN_READWRITE |
					     SQLITE_OPEN_MEMORY,
				     NULL));
	if (!r)
		r = open_image(db, image, len, &rounds);
	if (!r)
		r = read_packages(db, fn, ctx);
	(void)sqlite3_close(db);
	return r;
}

#define PLACES 2
static const char *const places[PLACES][4] = {
	{ "usr/lib/sysimage/rpm/rpmdb.sqlite",
	  "usr/lib/sysimage/rpm/rpmdb.sqlite-wal",
	  "usr/lib/sysimage/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db" },
	{ "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite-wal",
	  "var/lib/rpm/Packages", "var/lib/rpm/Packages.db" },
};

/* rpm before 4.16 (Berkeley DB), or SUSE's (ndb): nothing here reads those. */
static int find_older(int rootfs_fd, const char *const place[4])
{
	size_t i;

	for (i = 2; i < 4; i++) {
		_cleanup_close_ int handle = fdio_open_beneath(
			rootfs_fd, place[i], O_PATH | O_NOFOLLOW);

		if (handle >= 0)
			return -EOPNOTSUPP;
		if (handle != -ENOENT && handle != -ENOTDIR && handle != -ELOOP)
			return handle;
	}
	return 0;
}

static int read_place(int rootfs_fd, const char *const place[4],
		      conffiles_fn *fn, void *ctx)
{
	_cleanup_free_ char *image = NULL;
	_cleanup_free_ char *wal = NULL;
	size_t len, wal_len = 0;
	int r = conffiles_load(rootfs_fd, place[0], CONFFILES_RPM_MAX_BYTES,
			       &image, &len);

	/* a symlink to the other place, which is read too */
	if (r == -ELOOP)
		return 0;
	if (!r)
		return find_older(rootfs_fd, place);
	if (r > 0)
		r = conffiles_load(rootfs_fd, place[1], CONFFILES_RPM_MAX_BYTES,
				   &wal, &wal_len);
	return r < 0 ? r :
		       conffiles_rpm_parse(image, len, wal, wal_len, fn, ctx);
}

int conffiles_read_rpm(int rootfs_fd, conffiles_fn *fn, void *ctx)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < PLACES; i++)
		r = read_place(rootfs_fd, places[i], fn, ctx);
	return r;
}
