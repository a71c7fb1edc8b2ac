// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "config-file.h"
#include "pool.h"

static int take_line(const struct config_line *line, void *ctx, struct err *err)
{
	char **path = ctx;

	/* a misspelt key must not send a command to another pool */
	if (strcmp(line->key, "pool"))
		return config_unknown(line, err);
	if (*line->value != '/')
		return err_usage(err, "%s:%u: the pool '%s' is no absolute path",
				 line->file, line->number, line->value);
	free(*path);
	*path = strdup(line->value);
	return *path ? 0 :
		       err_errno(err, -ENOMEM, "cannot read '%s'", line->file);
}

/* 0 also when the file or the key is missing: *@ret_path stays NULL. */
static int read_config(const char *file, char **ret_path, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	int r = config_file_each(file, take_line, &path, err);

	if (!r)
		*ret_path = steal_ptr(&path);
	return r == -ENOENT ? 0 : r;
}

static int take(const char *path, const char *source, char **ret_path,
		struct err *err)
{
	if (!*path)
		return err_usage(err, "%s names no directory", source);
	*ret_path = strdup(path);
	return *ret_path ? 0 : err_errno(err, -ENOMEM, "cannot find the pool");
}

int pool_locate(const char *option, char **ret_path, struct err *err)
{
	const char *env = secure_getenv("COWLINK_POOL");
	const char *file = secure_getenv("COWLINK_CONFIG");
	char *path = NULL;
	int r;

	if (option)
		return take(option, "--pool", ret_path, err);
	if (env)
		return take(env, "COWLINK_POOL", ret_path, err);
	r = read_config(file ? file : COWLINK_SYSCONFDIR "/cowlink.conf", &path,
			err);
	if (r < 0)
		return r;
	if (!path)
		return take(COWLINK_DEFAULT_POOL, "the default pool", ret_path,
			    err);
	*ret_path = path;
	return 0;
}
