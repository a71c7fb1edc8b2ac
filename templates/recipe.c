// SPDX-License-Identifier: GPL-2.0-only
#include "recipe.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

static const struct {
	const char *name;
	const char *initial;
} keys[RECIPE_KEY_COUNT] = {
	[RECIPE_DESCRIPTION] = { "DESCRIPTION", NULL },
	[RECIPE_SUITE] = { "SUITE", NULL },
	[RECIPE_COMPONENTS] = { "COMPONENTS", "main" },
	[RECIPE_VARIANT] = { "VARIANT", "minbase" },
	[RECIPE_INCLUDE] = { "INCLUDE", NULL },
	[RECIPE_ARCHITECTURE] = { "ARCHITECTURE", NULL },
	[RECIPE_MIRROR] = { "MIRROR", NULL },
	[RECIPE_OPTIONS] = { "OPTIONS", NULL },
};

static char *trim(char *s)
{
	char *end;

	while (isspace((unsigned char)*s))
		s++;
	end = s + strlen(s);
	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return s;
}

static int find_key(const char *name)
{
	int i;

	for (i = 0; i < RECIPE_KEY_COUNT; i++)
		if (!strcmp(keys[i].name, name))
			return i;
	return -1;
}

static int parse_line(char *line, const char *where, int number,
		      struct recipe *ret, struct err *err)
{
	char *text = trim(line);
	char *equals = strchr(text, '=');
	int key;

	if (!*text || *text == '#')
		return 0;
	if (!equals)
		return err_set(err, -EINVAL, "'%s' line %d is no KEY=VALUE",
			       where, number);
	*equals = '\0';
	key = find_key(trim(text));
	if (key < 0)
		return err_set(err, -EINVAL, "'%s' line %d has an unknown key "
			       "'%s'", where, number, trim(text));
	if (ret->value[key])
		return err_set(err, -EINVAL, "'%s' line %d gives %s again",
			       where, number, keys[key].name);
	ret->value[key] = strdup(trim(equals + 1));
	return ret->value[key] ? 0 :
				 err_errno(err, -ENOMEM, "cannot read '%s'",
					   where);
}

static int parse(FILE *f, const char *where, struct recipe *ret,
		 struct err *err)
{
	_cleanup_free_ char *line = NULL;
	size_t alloc = 0;
	int number = 0;
	int i;
	int r = 0;

	while (!r && getline(&line, &alloc, f) >= 0)
		r = parse_line(line, where, ++number, ret, err);
	if (!r && ferror(f))
		return err_errno(err, -EIO, "cannot read '%s'", where);
	for (i = 0; !r && i < RECIPE_KEY_COUNT; i++) {
		if (ret->value[i] || !keys[i].initial)
			continue;
		ret->value[i] = strdup(keys[i].initial);
		if (!ret->value[i])
			r = err_errno(err, -ENOMEM, "cannot read '%s'", where);
	}
	if (!r && (!ret->value[RECIPE_SUITE] || !*ret->value[RECIPE_SUITE]))
		return err_set(err, -EINVAL, "'%s' names no SUITE", where);
	return r;
}

/* Beside a program that runs in the tree it was built in. */
static FILE *open_in_tree(const char *name, char path[PATH_MAX])
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n < 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	if (snprintf(path, PATH_MAX, "%s/../templates/recipes/%s", exe, name) >=
	    PATH_MAX)
		return NULL;
	return fopen(path, "re");
}

static FILE *open_recipe(const char *name, char path[PATH_MAX])
{
	const char *dir = strchr(name, '/') ? "" : COWLINK_RECIPEDIR "/";
	FILE *f;

	if (snprintf(path, PATH_MAX, "%s%s", dir, name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	f = fopen(path, "re");
	if (!f && errno == ENOENT && *dir)
		f = open_in_tree(name, path);
	return f;
}

int recipe_read(const char *name, struct recipe *ret, struct err *err)
{
	struct recipe got = RECIPE_INIT;
	char path[PATH_MAX];
	FILE *f = open_recipe(name, path);
	int r;

	if (!f)
		return err_errno(err, -errno, "cannot read the recipe '%s'",
				 name);
	r = parse(f, path, &got, err);
	(void)fclose(f); /* read only */
	if (r < 0)
		recipe_release(&got);
	else
		*ret = got;
	return r;
}

void recipe_release(struct recipe *r)
{
	int i;

	for (i = 0; i < RECIPE_KEY_COUNT; i++) {
		free(r->value[i]);
		r->value[i] = NULL;
	}
}
