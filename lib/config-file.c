// SPDX-License-Identifier: GPL-2.0-only
#include "config-file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

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

/* 0 with a NULL key: nothing on this line. */
static int split(char *text, struct config_line *line, struct err *err)
{
	char *key = trim(text);
	char *value;

	line->key = NULL;
	if (!*key || *key == '#')
		return 0;
	value = strchr(key, '=');
	if (!value)
		return err_usage(err, "%s:%u: this is no 'key = value'",
				 line->file, line->number);
	*value++ = '\0';
	line->key = trim(key);
	line->value = trim(value);
	return 0;
}

int config_file_each(const char *file,
		     int (*fn)(const struct config_line *line, void *ctx,
			       struct err *err),
		     void *ctx, struct err *err)
{
	_cleanup_(close_file) FILE *f = fopen(file, "re");
	_cleanup_free_ char *text = NULL;
	struct config_line line = { .file = file };
	size_t size = 0;
	int r = 0;

	if (!f && errno == ENOENT)
		return -ENOENT;
	if (!f)
		return err_errno(err, -errno, "cannot read '%s'", file);
	while (!r && getline(&text, &size, f) >= 0) {
		line.number++;
		r = split(text, &line, err);
		if (!r && line.key)
			r = fn(&line, ctx, err);
	}
	if (!r && ferror(f))
		r = err_errno(err, -EIO, "cannot read '%s'", file);
	return r;
}

int config_bool(const struct config_line *line, bool *ret, struct err *err)
{
	bool yes = !strcmp(line->value, "yes");

	if (!yes && strcmp(line->value, "no"))
		return err_usage(err, "%s:%u: '%s' is neither yes nor no",
				 line->file, line->number, line->value);
	*ret = yes;
	return 0;
}

int config_unknown(const struct config_line *line, struct err *err)
{
	return err_usage(err, "%s:%u: unknown key '%s'", line->file,
			 line->number, line->key);
}
