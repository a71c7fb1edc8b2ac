// SPDX-License-Identifier: GPL-2.0-only
#include "tree-path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "walk.h"

#define CHUNK_MAX (PATH_MAX - NAME_MAX - 1)

static int check_component(const char *name, size_t len, size_t depth,
			   const char *raw, struct err *err)
{
	if (len == 2 && !memcmp(name, "..", 2))
		return err_set(err, -EINVAL, "'%s' has a '..' in its path", raw);
	if (len > NAME_MAX)
		return err_set(err, -EINVAL,
			       "'%.64s...' has a name over %d bytes", raw,
			       NAME_MAX);
	if (depth > WALK_DEPTH_MAX)
		return err_set(err, -EINVAL,
			       "'%.64s...' is more than %d levels deep", raw,
			       WALK_DEPTH_MAX);
	return 0;
}

int tree_path_normalize(const char *raw, char **ret, struct err *err)
{
	_cleanup_free_ char *out = malloc(strlen(raw) + 1);
	const char *p = raw;
	size_t used = 0;
	size_t depth = 0;

	if (!out)
		return err_errno(err, -ENOMEM, "cannot read a path");
	if (*raw == '/')
		return err_set(err, -EINVAL, "'%s' is an absolute path", raw);
	while (*p) {
		size_t len = strcspn(p, "/");

		if (len && !(len == 1 && *p == '.')) {
			int r = check_component(p, len, ++depth, raw, err);

			if (r < 0)
				return r;
			if (used)
				out[used++] = '/';
			memcpy(out + used, p, len);
			used += len;
		}
		p += len;
		p += strspn(p, "/");
	}
	out[used] = '\0';
	*ret = steal_ptr(&out);
	return 0;
}

/* How much of @path fits into one system call and ends with a component. */
static size_t chunk_len(const char *path)
{
	size_t len = strlen(path);

	if (len <= CHUNK_MAX)
		return len;
	len = CHUNK_MAX;
	while (len && path[len] != '/')
		len--;
	return len;
}

int tree_path_open_dir(int rootfd, const char *path)
{
	_cleanup_close_ int dir = -1;
	char chunk[PATH_MAX];

	if (!*path)
		path = ".";
	while (*path) {
		size_t len = chunk_len(path);
		int fd;

		memcpy(chunk, path, len);
		chunk[len] = '\0';
		fd = fdio_open_beneath(dir < 0 ? rootfd : dir, chunk,
				       O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		cleanup_close(&dir);
		dir = fd;
		path += len;
		path += *path == '/';
	}
	return steal_fd(&dir);
}

char *tree_path_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');

	*ret_name = slash ? slash + 1 : path;
	return slash ? strndup(path, slash - path) : strdup("");
}

int tree_path_open_parent(int rootfd, const char *path, int *ret_dirfd,
			  const char **ret_name)
{
	_cleanup_free_ char *parent = tree_path_parent(path, ret_name);
	int fd;

	if (!parent)
		return -ENOMEM;
	fd = tree_path_open_dir(rootfd, parent);
	if (fd < 0)
		return fd;
	*ret_dirfd = fd;
	return 0;
}
