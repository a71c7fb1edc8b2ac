// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd-parse.h"
#include "cmd-signal.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"

/*
 * Descriptors 0 to 2 must be taken, or the first file we open becomes our standard
 * output. What was closed is opened so that using it fails.
 */
static void occupy_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY); /* not for us to close */
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		(void)close(fd); /* nothing was written */
}

int cmd_exit_status(const struct err *err)
{
	return err->cls == ERR_NONE ? EXIT_SOME_FAILED : (int)err->cls;
}

char *format_bytes(char buf[32], uint64_t bytes)
{
	static const char *const units[] = { "kB", "MB", "GB",
					     "TB", "PB", "EB" };
	uint64_t scale = 1000;
	int unit = 0;
	uint64_t tenths;

	if (bytes < 1000) {
		(void)snprintf(buf, 32, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* 999950 would be shown as 1000.0 kB */
	while (unit < 5 && bytes / (scale / 100) >= 99995) {
		scale *= 1000;
		unit++;
	}
	/* to the nearest, without a sum that could overflow */
	tenths = bytes / (scale / 10);
	tenths += bytes % (scale / 10) >= scale / 20;
	(void)snprintf(buf, 32, "%llu.%llu %s",
		       (unsigned long long)(tenths / 10),
		       (unsigned long long)(tenths % 10), units[unit]);
	return buf;
}

char *format_time(char buf[32], int64_t ns)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(buf, 32, "%Y-%m-%d %H:%M:%S", &tm))
		(void)snprintf(buf, 32, "%" PRId64 " ns", ns);
	return buf;
}

/* One line: what is wrong, and where to read what would be right. */
static int usage_error(const struct cmd_line *line, const struct err *err)
{
	const char *tool = line->tool->name;
	const char *cmd = line->cmd ? line->cmd->name : NULL;

	if (cmd)
		log_error("%s: %s; see '%s %s --help'", cmd, err->msg, tool,
			  cmd);
	else
		log_error("%s; see '%s --help'", err->msg, tool);
	return cmd_exit_status(err);
}

static int open_pool(struct cmd_ctx *ctx)
{
	unsigned int flags = ctx->cmd->flags;
	enum pool_mode mode = POOL_RO;
	int r;

	if (flags & CMD_POOL_EXCLUSIVE)
		mode = POOL_EXCLUSIVE;
	else if (flags & CMD_POOL_RW)
		mode = POOL_RW;
	else if (!(flags & CMD_POOL_RO))
		return 0;
	r = pool_open(ctx->pool_path, mode, &ctx->pool, &ctx->err);
	if (!r)
		pool_warn(ctx->pool);
	return r;
}

void cmd_close_pool(struct cmd_ctx *ctx)
{
	pool_close(ctx->pool);
	ctx->pool = NULL;
}

static int run(struct cmd_ctx *ctx, const char *pool_option)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (ctx->cmd->flags & CMD_ROOT && geteuid() != 0) {
		err_set(&ctx->err, -EPERM, "this needs root");
		return err_as(&ctx->err, ERR_UNSUPPORTED);
	}
	r = pool_locate(pool_option, &path, &ctx->err);
	ctx->pool_path = path;
	if (!r)
		r = open_pool(ctx);
	if (!r)
		r = ctx->cmd->run(ctx);
	if (r >= 0 && ctx->pool && !ctx->json)
		pool_announce(ctx->pool);
	cmd_close_pool(ctx);
	ctx->pool_path = NULL;
	return r;
}

/* The error is printed even with -q -q; the caller sees the status only. */
static int report(struct cmd_ctx *ctx, int r)
{
	if (r >= 0)
		return r;
	/* what is said of a signal is the signal */
	if (fx_interrupted())
		return EXIT_SOME_FAILED;
	if (!ctx->err.code)
		err_errno(&ctx->err, r, "failed");
	log_error("%s", ctx->err.msg);
	return cmd_exit_status(&ctx->err);
}

static int run_line(struct cmd_line *line)
{
	struct cmd_ctx ctx = {
		.tool = line->tool->name,
		.cmd = line->cmd,
		.argc = line->argc,
		.argv = line->argv,
		.opts = line->opts,
		.json = line->common.json,
		.dry_run = line->common.dry_run,
	};

	log_adjust((int)line->common.verbose - (int)line->common.quiet);
	return report(&ctx, run(&ctx, line->common.pool));
}

static int obey(struct cmd_line *line)
{
	if (line->common.help) {
		cmd_print_help(line->tool, line->cmd);
		return EXIT_OK;
	}
	if (line->common.version) {
		(void)printf("%s (cowlink) %s\n", line->tool->name,
			     COWLINK_VERSION);
		return EXIT_OK;
	}
	if (line->common.dump_commands) {
		cmd_dump(line->tool);
		return EXIT_OK;
	}
	return run_line(line);
}

/* What was printed counts only when it arrived. */
static int close_stdout(int status)
{
	bool failed = ferror(stdout);
	int code;

	errno = 0;
	failed |= fflush(stdout) != 0;
	code = errno;
	if (cmd_saw_sigpipe() && failed)
		cmd_die(SIGPIPE);
	if (!failed)
		return status;
	log_error("cannot write to standard output: %s",
		  strerror(code ? code : EIO));
	return status ? status : EXIT_SOME_FAILED;
}

int cmd_main(const struct cmd_tool *tool, int argc, char **argv)
{
	struct err err = { 0 };
	struct cmd_line line;
	int status;

	occupy_standard_fds();
	log_init(tool->name);
	cmd_signals_init();
	/* directories of ours are 0700 anyway; nothing depends on the caller's */
	(void)umask(022);
	if (cmd_parse(tool, argc, argv, &line, &err) < 0)
		status = usage_error(&line, &err);
	else
		status = obey(&line);
	cmd_line_release(&line);
	status = close_stdout(status);
	if (fx_interrupted())
		cmd_die(fx_interrupted());
	return status;
}
