// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "cmd-parse.h"

#define TEXT_COLUMN 26

/* "-v, --verbose" or "    --pool=DIR", and its text beside or below it. */
static void print_option(const struct cmd_opt *o)
{
	char left[128];
	char letter[8] = "    ";

	if (o->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	(void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
		       o->arg ? "=" : "", o->arg ? o->arg : "");
	if (strlen(left) + 2 > TEXT_COLUMN)
		(void)printf("%s\n%*s%s\n", left, TEXT_COLUMN, "", o->help);
	else
		(void)printf("%-*s%s\n", TEXT_COLUMN, left, o->help);
}

static void print_options(const struct cmd *cmd)
{
	const struct cmd_opt *o;
	size_t i;

	(void)printf("\nOptions:\n");
	if (cmd && cmd->opts)
		for (o = cmd->opts; o->name; o++)
			print_option(o);
	for (i = 0; (o = cmd_common_opt(cmd, i)); i++)
		print_option(o);
}

static void print_usage(const char *lead, const struct cmd_tool *tool,
			const struct cmd *cmd)
{
	(void)printf("%s%s%s%s [OPTION...]%s%s\n", lead, tool->name,
		     cmd->name ? " " : "", cmd->name ? cmd->name : "",
		     cmd->operands ? " " : "",
		     cmd->operands ? cmd->operands : "");
}

static void print_command_help(const struct cmd_tool *tool,
			       const struct cmd *cmd)
{
	const struct cmd *other;

	print_usage("Usage: ", tool, cmd);
	for (other = cmd + 1; !cmd->name && other->run; other++)
		print_usage("       ", tool, other);
	(void)printf("%c%s.\n", cmd->summary[0] & ~0x20, cmd->summary + 1);
	print_options(cmd);
}

void cmd_print_help(const struct cmd_tool *tool, const struct cmd *cmd)
{
	if (cmd) {
		print_command_help(tool, cmd);
		return;
	}
	(void)printf("Usage: %s COMMAND [OPTION...] [OPERAND...]\n%c%s.\n\n",
		     tool->name, tool->summary[0] & ~0x20, tool->summary + 1);
	(void)printf("Commands:\n");
	for (cmd = tool->cmds; cmd->run; cmd++)
		(void)printf("  %-*s%s\n", TEXT_COLUMN - 2, cmd->name,
			     cmd->summary);
	if (tool->name_first)
		(void)printf("\n'%s NAME COMMAND' is the same as '%s COMMAND NAME'.\n",
			     tool->name, tool->name);
	print_options(NULL);
	(void)printf("\n'%s COMMAND --help' tells about one of them.\n",
		     tool->name);
}

static void dump_option(const char *name, const struct cmd_opt *o)
{
	(void)printf("option\t%s\t--%s%s%s\t", name, o->name, o->arg ? "=" : "",
		     o->arg ? o->arg : "");
	if (o->letter)
		(void)printf("-%c\t%s\n", o->letter, o->help);
	else
		(void)printf("-\t%s\n", o->help);
}

void cmd_dump(const struct cmd_tool *tool)
{
	const struct cmd *cmd;

	for (cmd = tool->cmds; cmd->run; cmd++) {
		const char *name = cmd->name ? cmd->name : "-";
		const struct cmd_opt *o;
		size_t i;

		(void)printf("command\t%s\t%s\t%s\n", name,
			     cmd->operands ? cmd->operands : "-", cmd->summary);
		for (o = cmd->opts; o && o->name; o++)
			dump_option(name, o);
		for (i = 0; (o = cmd_common_opt(cmd, i)); i++)
			dump_option(name, o);
	}
}
