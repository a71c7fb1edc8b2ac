/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of cmd.h: from words to a parsed command line, and from the table to its
 * help. Used by cmd*.c and their unit tests only. */
#ifndef COWLINK_CMD_PARSE_H
#define COWLINK_CMD_PARSE_H

#include "cmd.h"

/* What every command has. */
struct common_opts {
	const char *pool;
	bool json;
	bool dry_run;
	unsigned int verbose;
	unsigned int quiet;
	bool help;
	bool version;
	bool dump_commands;
};

struct cmd_line {
	const struct cmd_tool *tool;
	const struct cmd *cmd;	/* NULL when none was named */
	struct common_opts common;
	void *opts;		/* malloc'ed */
	int argc;
	char **argv;		/* malloc'ed; the words are the caller's */
};

/*
 * Fills @ret, to be released in any case. Operands are counted only when the
 * command is going to be run, so that `TOOL CMD --help` works. err_usage() names
 * the one thing wrong.
 */
int cmd_parse(const struct cmd_tool *tool, int argc, char **argv,
	      struct cmd_line *ret, struct err *err);
void cmd_line_release(struct cmd_line *line);

/* The @i-th common option that the command has, or with @cmd NULL that may stand
 * before a command; NULL after the last. */
const struct cmd_opt *cmd_common_opt(const struct cmd *cmd, size_t i);

void cmd_print_help(const struct cmd_tool *tool, const struct cmd *cmd);
void cmd_dump(const struct cmd_tool *tool);

#endif
