/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules for paths, in the syntax of util-vserver's exclude lists:
 *
 *	pattern    or
 *	-pattern   leave it alone
 *	+pattern   take it, although a later rule, or one for a directory above it,
 *	           says otherwise
 *	~pattern   do not even look: what is below such a directory is not visited
 *
 * A pattern is compared as by fnmatch(3) with the whole path, which begins with a
 * slash; "*" matches slashes too. Of several rules that match one path the first
 * counts; a path that none matches is treated as the directory it is in, and the
 * root is taken. Patterns are the administrator's, paths any bytes.
 */
#ifndef COWLINK_RULES_H
#define COWLINK_RULES_H

#include <stddef.h>

#include "err.h"

enum rule_verdict { RULE_NONE, RULE_TAKE, RULE_LEAVE, RULE_IGNORE };

struct rule {
	enum rule_verdict verdict;
	char *pattern;
};

/* Zero is a valid empty list. */
struct rules {
	struct rule *list;
	size_t count;
	size_t alloc;
};

/* Add at the end. A pattern begins with a slash or with a wildcard: err_usage()
 * otherwise, since it could match nothing. */
int rules_add(struct rules *rs, enum rule_verdict verdict, const char *pattern,
	      struct err *err);

/* One line in the syntax above; empty ones and those that begin with # are fine.
 * @where is put before the complaint ("file:12: "). */
int rules_add_line(struct rules *rs, const char *line, const char *where,
		   struct err *err);

int rules_add_file(struct rules *rs, const char *file, struct err *err);

/* The first rule that matches exactly this path, "/" in front; NULL. */
const struct rule *rules_find(const struct rules *rs, const char *path);
/* Its verdict, or RULE_NONE. */
enum rule_verdict rules_match(const struct rules *rs, const char *path);

void rules_release(struct rules *rs);

#endif
