// SPDX-License-Identifier: GPL-2.0-only
#include "vserver.h"

#include <stddef.h>

static const struct cmd cmds[] = {
	{ .name = "start",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_POOL_RW,
	  .operands = "NAME",
	  .summary = "start a guest",
	  .run = cmd_start },
	{ .name = "stop",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_POOL_RO,
	  .operands = "NAME",
	  .summary = "stop a guest, by force when its time is up",
	  .run = cmd_stop },
	{ .name = "restart",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_POOL_RW,
	  .operands = "NAME",
	  .summary = "stop a guest and start it again",
	  .run = cmd_restart },
	{ .name = "status",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .operands = "NAME",
	  .summary = "say whether a guest runs, also by the exit status",
	  .run = cmd_state },
	{ .name = "exec",
	  .min_operands = 2,
	  .max_operands = -1,
	  .flags = CMD_ROOT | CMD_POOL_RO,
	  .operands = "NAME COMMAND...",
	  .summary = "run a program in a guest, as its root",
	  .options_end = 2,
	  .run = cmd_exec },
	{ .name = "list",
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .summary = "list guests, their context ids and whether they run",
	  .run = cmd_list },
	{ .name = "show",
	  .min_operands = 1,
	  .max_operands = 1,
	  .flags = CMD_ROOT | CMD_JSON | CMD_POOL_RO,
	  .operands = "NAME",
	  .summary = "show settings, and the limits that are in force",
	  .run = cmd_show },
	{ .name = "set",
	  .min_operands = 2,
	  .max_operands = -1,
	  .flags = CMD_ROOT | CMD_POOL_RW,
	  .operands = "NAME KEY=VALUE...",
	  .summary = "change settings, of a running guest at once",
	  .run = cmd_set },
	{ 0 },
};

int main(int argc, char **argv)
{
	static const struct cmd_tool tool = {
		.name = "vserver",
		.summary = "run guests, isolated and limited",
		.cmds = cmds,
		.name_first = true,
	};

	return cmd_main(&tool, argc, argv);
}
