// SPDX-License-Identifier: GPL-2.0-only
#include "vtemplate.h"

#include "fdio.h"

#include <stddef.h>

static const struct cmd_opt init_opts[] = {
	{ "unprotected", 0, OPT_FLAG, NULL,
	  "share inodes without any protection against writes",
	  offsetof(struct init_opts, unprotected) },
	{ "link-limit", 0, OPT_NUMBER, "N",
	  "give a master at most N names, then make a replica of it",
	  offsetof(struct init_opts, link_limit) },
	{ 0 },
};

static const struct cmd_opt clone_opts[] = {
	{ "engine", 0, OPT_STRING, "kernel|reflink|copy",
	  "how to share; by default the best this pool can do",
	  offsetof(struct clone_opts, engine) },
	{ "keep-identity", 0, OPT_FLAG, NULL,
	  "leave host name, machine-id, host keys and random seed as they are",
	  offsetof(struct clone_opts, keep_identity) },
	{ 0 },
};

static const struct cmd_opt destroy_opts[] = {
	{ "template", 0, OPT_FLAG, NULL, "destroy a template, not a guest",
	  offsetof(struct destroy_opts, template) },
	{ 0 },
};

static const struct cmd_opt check_opts[] = {
	{ "repair", 0, OPT_FLAG, NULL, "mend what can be mended safely",
	  offsetof(struct check_opts, repair) },
	{ "rebuild", 0, OPT_FLAG, NULL,
	  "make the catalog again from the trees and the store",
	  offsetof(struct check_opts, rebuild) },
	{ "scrub", 0, OPT_FLAG, NULL,
	  "read all shared files, put damaged ones in quarantine",
	  offsetof(struct check_opts, scrub) },
	{ "rate", 0, OPT_NUMBER, "MB/s", "read at most so much in a second",
	  offsetof(struct check_opts, rate) },
	{ 0 },
};

static const struct cmd cmds[] = {
	{ .name = "init",
	  .flags = CMD_ROOT,
	  .summary = "make a pool",
	  .opts = init_opts,
	  .opts_size = sizeof(struct init_opts),
	  .run = cmd_init },
	{ .name = "import",
	  .min_operands = 2,
	  .max_operands = 2,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RW,
	  .operands = "NAME DIR|TAR",
	  .summary = "make a template from a directory or a tar archive",
	  .run = cmd_import },
	{ .name = "build",
	  .min_operands = 2,
	  .max_operands = 2,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RW,
	  .operands = "NAME RECIPE",
	  .summary = "make a template with mmdebstrap as a recipe says",
	  .run = cmd_build },
	{ .name = "list",
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .summary = "list templates and guests",
	  .run = cmd_list },
	{ .name = "show",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .operands = "NAME",
	  .summary = "show all that is known of a template or guest",
	  .run = cmd_show },
	{ .name = "clone",
	  .min_operands = 2,
	  .max_operands = 2,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RW,
	  .operands = "TEMPLATE GUEST",
	  .summary = "make a guest from a template",
	  .opts = clone_opts,
	  .opts_size = sizeof(struct clone_opts),
	  .run = cmd_clone },
	{ .name = "destroy",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_POOL_RW,
	  .operands = "NAME",
	  .summary = "remove a guest, or a template, and all its files",
	  .opts = destroy_opts,
	  .opts_size = sizeof(struct destroy_opts),
	  .run = cmd_destroy },
	{ .name = "check",
	  .flags = CMD_ROOT | CMD_JSON,
	  .summary = "find, and mend, what contradicts itself in a pool",
	  .opts = check_opts,
	  .opts_size = sizeof(struct check_opts),
	  .run = cmd_check },
	{ .name = "gc",
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_EXCLUSIVE,
	  .summary = "remove shared files that no tree uses any more",
	  .run = cmd_gc },
	{ 0 },
};

int main(int argc, char **argv)
{
	static const struct cmd_tool tool = {
		.name = "vtemplate",
		.summary = "make guests from templates that share their files",
		.cmds = cmds,
	};

	fdio_raise_nofile();
	return cmd_main(&tool, argc, argv);
}
