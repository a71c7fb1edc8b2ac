/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of lines "key = value". Empty lines and lines that begin with # are left
 * out; a line without "=" is refused, and whoever reads the file refuses keys that
 * it does not know: a misspelt one must not pass for the default.
 */
#ifndef COWLINK_CONFIG_FILE_H
#define COWLINK_CONFIG_FILE_H

#include <stdbool.h>

#include "err.h"

struct config_line {
	const char *file;	/* for messages */
	unsigned int number;
	const char *key;	/* valid during the call; without spaces around */
	const char *value;
};

/*
 * Call @fn for each line, until it returns nonzero, which is the result then.
 * -ENOENT without a message when there is no such file.
 */
int config_file_each(const char *file,
		     int (*fn)(const struct config_line *line, void *ctx,
			       struct err *err),
		     void *ctx, struct err *err);

/* "yes" or "no". */
int config_bool(const struct config_line *line, bool *ret, struct err *err);

/* err_usage() for a line whose key nobody knows. */
int config_unknown(const struct config_line *line, struct err *err);

#endif
