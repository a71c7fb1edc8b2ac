// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "pool.h"

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* read only */
}

static char *trim(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* One line of the file; *@ret_path is malloc'ed when it names the pool. */
static int parse_line(char *line, const char *file, unsigned int number,
		      char **ret_path, struct err *err)
{
	char *value;
	char *key = trim(line);

	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return err_usage(err, "%s:%u: this is no 'key = value'", file,
				 number);
	*value++ = '\0';
	key = trim(key);
	value = trim(value);
	/* a misspelt key must not send a command to another pool */
	if (strcmp(key, "pool"))
		return err_usage(err, "%s:%u: unknown key '%s'", file, number,
				 key);
	if (*value != '/')
		return err_usage(err, "%s:%u: the pool '%s' is no absolute path",
				 file, number, value);
	free(*ret_path);
	*ret_path = strdup(value);
	return *ret_path ? 0 : err_errno(err, -ENOMEM, "cannot read '%s'", file);
}

/* 0 also when the file or the key is missing: *@ret_path stays NULL. */
static int read_config(const char *file, char **ret_path, struct err *err)
{
	_cleanup_(close_file) FILE *f = fopen(file, "re");
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *line = NULL;
	unsigned int number = 0;
	size_t size = 0;
	int r = 0;

	if (!f && errno == ENOENT)
		return 0;
	if (!f)
		return err_errno(err, -errno, "cannot read '%s'", file);
	while (!r && getline(&line, &size, f) >= 0)
		r = parse_line(line, file, ++number, &path, err);
	if (!r && ferror(f))
		r = err_errno(err, -EIO, "cannot read '%s'", file);
	if (!r)
		*ret_path = steal_ptr(&path);
	return r;
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
