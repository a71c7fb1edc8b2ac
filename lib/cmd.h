/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line as a table. From it come parsing, --help, the synopsis the
 * manual pages are compared with, and `TOOL --dump-commands` for completion and
 * tests: for each command a line "command NAME OPERANDS SUMMARY" and for each of
 * its options, the common ones included, a line "option NAME --LONG[=ARG] -L HELP",
 * fields separated by tabs, "-" where there is nothing.
 *
 * To add a command: write `int cmd_NAME(struct cmd_ctx *)` in a file of its own,
 * declare it in the tool's header, add a row to the tool's table, describe it in
 * man/; `make lint` complains about what you forgot.
 *
 * Options are long; abbreviations are refused; `--opt=VALUE` and `--opt VALUE`
 * are the same; `--` ends them; of an option given twice the last one counts, unless
 * it makes a list.
 * Every command has --pool=DIR, -v/--verbose, -q/--quiet, --help, and the tool
 * --version; these may also stand before the command. Numbers take K, M, G (powers
 * of 1024) and no trailing junk.
 *
 * Environment: COWLINK_POOL and COWLINK_CONFIG (pool.h), COWLINK_FAULT* (fx.h).
 */
#ifndef COWLINK_CMD_H
#define COWLINK_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "pool.h"

/* Exit statuses, the same for every tool and in every manual page. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_SOME_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNSUPPORTED = 3,
	EXIT_INCONSISTENT = 4,
	EXIT_DEADLINE = 5,	/* vhashify: its deadline came before the end */
};

enum cmd_flags {
	CMD_JSON = 1 << 0,	/* has --json; refused elsewhere */
	CMD_DRY_RUN = 1 << 1,	/* has --dry-run */
	CMD_ROOT = 1 << 2,	/* refuses to run without uid 0, exit status 3 */
	CMD_POOL_RO = 1 << 3,	/* ctx->pool is opened so before the call */
	CMD_POOL_RW = 1 << 4,
	CMD_POOL_EXCLUSIVE = 1 << 5,
};

enum opt_kind { OPT_FLAG, OPT_COUNT, OPT_STRING, OPT_NUMBER, OPT_LIST };

/* What an OPT_LIST was given, in order. Several options may have the same offset:
 * then they make one list. Freed by the caller of the command. */
struct opt_list {
	struct opt_item {
		const char *option;	/* which of them: its name */
		const char *value;
	} *items;
	size_t count;
};

struct cmd_opt {
	const char *name;	/* without the dashes */
	char letter;		/* 0: none */
	enum opt_kind kind;
	const char *arg;	/* "N", "DIR"; NULL for a flag */
	const char *help;	/* one line */
	size_t offset;		/* in the command's options struct: bool, unsigned
				 * int (how often), const char *, uint64_t or
				 * struct opt_list */
};

struct cmd_ctx {
	const char *tool;
	const struct cmd *cmd;
	int argc;		/* operands */
	char **argv;
	void *opts;		/* the command's options struct, zeroed, filled */
	bool json;
	bool dry_run;
	const char *pool_path;
	struct pool *pool;	/* per CMD_POOL_*; the caller closes what is left */
	struct err err;
};

struct cmd {
	const char *name;	/* NULL, first in the table: what the tool does when
				 * its first word is no other command's name */
	int min_operands;
	int max_operands;	/* -1: any number */
	unsigned int flags;
	const char *operands;	/* "TEMPLATE GUEST" */
	const char *summary;	/* one line */
	const struct cmd_opt *opts;	/* ends with a NULL name; NULL: none */
	size_t opts_size;
	/* So many operands, then everything belongs to a command that is run and is
	 * no option of ours; 0: options stand anywhere. */
	int options_end;
	/* 0, a positive exit status, or -errno with ctx->err set. */
	int (*run)(struct cmd_ctx *ctx);
};

struct cmd_tool {
	const char *name;
	const char *summary;
	const struct cmd *cmds;	/* ends with a NULL run */
	/* "TOOL NAME COMMAND" is the same as "TOOL COMMAND NAME". When the second word
	 * is a command, the first one is the name, whatever it is. */
	bool name_first;
};

/*
 * main() of every tool. Parses, opens the pool, warns of an unprotected one, runs,
 * prints the error or, when there was none, announces the engine (not with --json
 * or for CMD_POOL_RO), checks that standard output was written (ENOSPC and EIO
 * turn into status 1), and returns the exit status. So what is refused gives one
 * line: what is wrong.
 *
 * SIGINT, SIGTERM and SIGHUP end a command at once while nothing in staging/ is
 * its own. Else fx_interrupt() makes it fail at its next effect, it cleans up as
 * after any failure, and then the process dies of that signal; a second one does
 * not wait. A reader that closed our standard output is SIGPIPE at the end, never
 * in the middle.
 */
int cmd_main(const struct cmd_tool *tool, int argc, char **argv);

/* For a command that goes on for long without its pool. */
void cmd_close_pool(struct cmd_ctx *ctx);

/* The exit status that belongs to an error. */
int cmd_exit_status(const struct err *err);

/* "12", "4K": a number with an optional K, M or G (powers of 1024) and nothing
 * after it; -EINVAL, or -ERANGE beyond 64 bits. */
int parse_number(const char *text, uint64_t *ret);

/* "12.3 MB" (powers of 1000) for people; @buf of 32 bytes; returns @buf. */
char *format_bytes(char buf[32], uint64_t bytes);

/* "2026-01-31 23:59:59", local time; @ns since 1970; the same. */
char *format_time(char buf[32], int64_t ns);

#endif
