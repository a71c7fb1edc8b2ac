// SPDX-License-Identifier: GPL-2.0-only
/* The identity of a tree: the xattr on its root that outlives the catalog. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "fx.h"
#include "pool.h"

#define ID_VERSION "1"
#define ID_SIZE_MAX 1024

int tree_id_write(int rootfs_fd, const struct tree_row *row, struct err *err)
{
	const char *origin_uuid = row->origin_uuid[0] ? row->origin_uuid : "-";
	char text[ID_SIZE_MAX];
	int len;
	int r;

	len = snprintf(text, sizeof(text),
		       ID_VERSION " %s %s %s %" PRId64 " %s %" PRIu64 " %" PRIu64
				  " %" PRIu64 " %" PRIu64 " %s %s",
		       tree_kind_name(row->kind), row->uuid, row->engine,
		       row->created_ns, origin_uuid, row->files, row->dirs,
		       row->others, row->size_bytes, row->name, row->origin);
	r = fx_fsetxattr(rootfs_fd, TREE_ID_XATTR, text, len);
	if (r < 0)
		return err_errno(err, r, "cannot write the identity of %s '%s'",
				 tree_kind_name(row->kind), row->name);
	return 0;
}

/* The next word of *@pos, which moves behind it; NULL at the end. */
static char *word(char **pos)
{
	return strsep(pos, " ");
}

static int copy_word(char **pos, char *out, size_t size)
{
	const char *w = word(pos);

	if (!w || !*w || strlen(w) >= size)
		return -EUCLEAN;
	(void)snprintf(out, size, "%s", w);
	return 0;
}

static int number(char **pos, uint64_t *ret)
{
	const char *w = word(pos);
	char *end;

	if (!w || *w < '0' || *w > '9')
		return -EUCLEAN;
	errno = 0;
	*ret = strtoull(w, &end, 10);
	return errno || *end ? -EUCLEAN : 0;
}

static int kind_word(char **pos, enum tree_kind *ret)
{
	const char *w = word(pos);

	return w && !tree_kind_parse(w, ret) ? 0 : -EUCLEAN;
}

static int uuid_word(char **pos, char out[UUID_TEXT_SIZE], bool optional)
{
	int r = copy_word(pos, out, UUID_TEXT_SIZE);

	if (!r && optional && !strcmp(out, "-"))
		out[0] = '\0';
	else if (!r && !uuid_is_valid(out))
		r = -EUCLEAN;
	return r;
}

static int parse_words(char *text, struct tree_row *row)
{
	char *pos = text;
	const char *version = word(&pos);
	uint64_t created = 0;
	enum engine engine;

	if (!version || strcmp(version, ID_VERSION) ||
	    kind_word(&pos, &row->kind) < 0 ||
	    uuid_word(&pos, row->uuid, false) < 0 ||
	    copy_word(&pos, row->engine, sizeof(row->engine)) < 0 ||
	    engine_parse(row->engine, &engine) < 0 ||
	    number(&pos, &created) < 0 ||
	    uuid_word(&pos, row->origin_uuid, true) < 0 ||
	    number(&pos, &row->files) < 0 || number(&pos, &row->dirs) < 0 ||
	    number(&pos, &row->others) < 0 ||
	    number(&pos, &row->size_bytes) < 0 ||
	    copy_word(&pos, row->name, sizeof(row->name)) < 0)
		return -EUCLEAN;
	row->created_ns = (int64_t)created;
	/* the last one may hold spaces, or nothing */
	if (!pos || strlen(pos) >= sizeof(row->origin))
		return -EUCLEAN;
	(void)snprintf(row->origin, sizeof(row->origin), "%s", pos);
	return tree_name_check(row->kind, row->name, NULL) ? -EUCLEAN : 0;
}

/* The xattr as NUL-terminated text; -ENODATA, -EUCLEAN, or why not. */
static int read_text(int fd, const char *xattr, char text[ID_SIZE_MAX + 1])
{
	ssize_t len = fgetxattr(fd, xattr, text, ID_SIZE_MAX);

	if (len < 0 && errno == EOPNOTSUPP)
		return -ENODATA;
	if (len < 0)
		return errno == ERANGE ? -EUCLEAN : -errno;
	text[len] = '\0';
	return strlen(text) == (size_t)len ? 0 : -EUCLEAN;
}

static int complain(int r, const char *what, struct err *err)
{
	if (r == -ENODATA)
		return err_set(err, r, "the %s has no identity", what);
	if (r == -EUCLEAN)
		return err_set(err, r, "the identity of the %s makes no sense",
			       what);
	return err_errno(err, r, "cannot read the identity of the %s", what);
}

int tree_id_read(int rootfs_fd, struct tree_row *ret, struct err *err)
{
	struct tree_row row = { .state = TREE_READY };
	char text[ID_SIZE_MAX + 1];
	int r = read_text(rootfs_fd, TREE_ID_XATTR, text);

	if (!r)
		r = parse_words(text, &row);
	if (r < 0)
		return complain(r, "tree", err);
	*ret = row;
	return 0;
}

int pool_info_write(int pool_fd, const struct pool_info *info, struct err *err)
{
	char text[ID_SIZE_MAX];
	int len = snprintf(text, sizeof(text),
			   ID_VERSION " %s %d %" PRIu32 " %" PRId64, info->uuid,
			   info->unprotected, info->link_limit,
			   info->created_ns);
	int r = fx_fsetxattr(pool_fd, POOL_INFO_XATTR, text, len);

	return r < 0 ? err_errno(err, r,
				 "cannot write the identity of the pool") :
		       0;
}

static int parse_info(char *text, struct pool_info *info)
{
	char *pos = text;
	const char *version = word(&pos);
	uint64_t unprotected = 0;
	uint64_t link_limit = 0;
	uint64_t created = 0;

	if (!version || strcmp(version, ID_VERSION) ||
	    uuid_word(&pos, info->uuid, false) < 0 ||
	    number(&pos, &unprotected) < 0 || unprotected > 1 ||
	    number(&pos, &link_limit) < 0 || link_limit < 2 ||
	    link_limit > POOL_LINK_LIMIT_MAX || number(&pos, &created) < 0 ||
	    pos)
		return -EUCLEAN;
	info->unprotected = unprotected;
	info->link_limit = link_limit;
	info->created_ns = (int64_t)created;
	return 0;
}

int pool_info_read(int pool_fd, struct pool_info *ret, struct err *err)
{
	char text[ID_SIZE_MAX + 1];
	struct pool_info info = { 0 };
	int r = read_text(pool_fd, POOL_INFO_XATTR, text);

	if (!r)
		r = parse_info(text, &info);
	if (r < 0)
		return complain(r, "pool", err);
	*ret = info;
	return 0;
}
