// SPDX-License-Identifier: GPL-2.0-only
#include "rules.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"

static void close_file(FILE **f)
{
	if (*f)
		(void)fclose(*f); /* read only */
}

int rules_add(struct rules *rs, enum rule_verdict verdict, const char *pattern,
	      struct err *err)
{
	char *copy;
	int r;

	if (!*pattern || !strchr("/*?[", *pattern))
		return err_usage(err,
				 "the pattern '%s' begins neither with a slash nor "
				 "with a wildcard",
				 pattern);
	copy = strdup(pattern);
	r = copy ? array_room(&rs->list, rs->count, &rs->alloc) : -ENOMEM;
	if (r < 0) {
		free(copy);
		return err_errno(err, r, "cannot keep a rule");
	}
	rs->list[rs->count++] = (struct rule){ verdict, copy };
	return 0;
}

int rules_add_line(struct rules *rs, const char *line, const char *where,
		   struct err *err)
{
	enum rule_verdict verdict = RULE_LEAVE;
	_cleanup_free_ char *pattern = NULL;
	size_t len;
	int r;

	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return 0;
	if (*line == '+')
		verdict = RULE_TAKE;
	if (*line == '~')
		verdict = RULE_IGNORE;
	line += *line == '+' || *line == '-' || *line == '~';
	len = strlen(line);
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	pattern = strndup(line, len);
	if (!pattern)
		return err_errno(err, -ENOMEM, "cannot keep a rule");
	r = rules_add(rs, verdict, pattern, err);
	return r < 0 && *where ? err_prefix(err, r, "%s", where) : r;
}

int rules_add_file(struct rules *rs, const char *file, struct err *err)
{
	_cleanup_(close_file) FILE *f = fopen(file, "re");
	_cleanup_free_ char *line = NULL;
	unsigned int number = 0;
	size_t size = 0;
	int r = 0;

	if (!f)
		return err_errno(err, -errno, "cannot read the rules '%s'",
				 file);
	while (!r && getline(&line, &size, f) >= 0) {
		char where[512];

		(void)snprintf(where, sizeof(where), "%s:%u", file, ++number);
		r = rules_add_line(rs, line, where, err);
	}
	if (!r && ferror(f))
		r = err_errno(err, -EIO, "cannot read the rules '%s'", file);
	return r;
}

const struct rule *rules_find(const struct rules *rs, const char *path)
{
	size_t i;

	for (i = 0; i < rs->count; i++)
		if (!fnmatch(rs->list[i].pattern, path, 0))
			return &rs->list[i];
	return NULL;
}

enum rule_verdict rules_match(const struct rules *rs, const char *path)
{
	const struct rule *rule = rules_find(rs, path);

	return rule ? rule->verdict : RULE_NONE;
}

void rules_release(struct rules *rs)
{
	size_t i;

	for (i = 0; i < rs->count; i++)
		free(rs->list[i].pattern);
	free(rs->list);
	*rs = (struct rules){ 0 };
}
