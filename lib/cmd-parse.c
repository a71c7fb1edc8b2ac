// SPDX-License-Identifier: GPL-2.0-only
#include "cmd-parse.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COMMON(member) offsetof(struct common_opts, member)

/* @flag: only commands with this flag have it. */
static const struct {
	struct cmd_opt opt;
	unsigned int flag;
} common[] = {
	{ { "dry-run", 0, OPT_FLAG, NULL, "decide everything, change nothing",
	    COMMON(dry_run) }, CMD_DRY_RUN },
	{ { "json", 0, OPT_FLAG, NULL, "print one JSON document",
	    COMMON(json) }, CMD_JSON },
	{ { "pool", 0, OPT_STRING, "DIR",
	    "the pool; else COWLINK_POOL, else cowlink.conf",
	    COMMON(pool) }, 0 },
	{ { "verbose", 'v', OPT_COUNT, NULL, "say more; twice: even more",
	    COMMON(verbose) }, 0 },
	{ { "quiet", 'q', OPT_COUNT, NULL,
	    "no notices on standard error; twice: no warnings",
	    COMMON(quiet) }, 0 },
	{ { "help", 0, OPT_FLAG, NULL, "print this help and exit",
	    COMMON(help) }, 0 },
	{ { "version", 0, OPT_FLAG, NULL, "print the version and exit",
	    COMMON(version) }, 0 },
};

/* For completion and tests: has no line of its own in the help. */
static const struct cmd_opt dump_opt = { "dump-commands", 0, OPT_FLAG, NULL, "",
					 COMMON(dump_commands) };

const struct cmd_opt *cmd_common_opt(const struct cmd *cmd, size_t i)
{
	unsigned int flags = cmd ? cmd->flags : 0;
	size_t k;

	for (k = 0; k < sizeof(common) / sizeof(*common); k++) {
		if (common[k].flag & ~flags)
			continue;
		if (!i--)
			return &common[k].opt;
	}
	return NULL;
}

/* --- finding ------------------------------------------------------------------- */

static bool matches(const struct cmd_opt *o, const char *name, size_t len,
		    char letter)
{
	if (letter)
		return o->letter == letter;
	return strlen(o->name) == len && !strncmp(o->name, name, len);
}

/* The option by its long name, or by @letter if that is not 0; *@ret_base is the
 * struct its value goes to. */
static const struct cmd_opt *find_opt(struct cmd_line *line, const char *name,
				      size_t len, char letter, void **ret_base)
{
	const struct cmd_opt *o;
	size_t i;

	*ret_base = line->opts;
	if (line->cmd && line->cmd->opts)
		for (o = line->cmd->opts; o->name; o++)
			if (matches(o, name, len, letter))
				return o;
	*ret_base = &line->common;
	for (i = 0; (o = cmd_common_opt(line->cmd, i)); i++)
		if (matches(o, name, len, letter))
			return o;
	return matches(&dump_opt, name, len, letter) ? &dump_opt : NULL;
}

static bool takes_value(const struct cmd_opt *o)
{
	return o->kind == OPT_STRING || o->kind == OPT_NUMBER ||
	       o->kind == OPT_LIST;
}

/* --- values -------------------------------------------------------------------- */

int parse_number(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "KMG";
	unsigned long long n;
	const char *suffix;
	int shift = 0;
	char *end;

	/* strtoull takes signs and spaces, we do not */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (*end && (!suffix || end[1]))
		return -EINVAL;
	if (suffix)
		shift = 10 * (suffix - suffixes + 1);
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = (uint64_t)n << shift;
	return 0;
}

static int set_number(uint64_t *to, const struct cmd_opt *o, const char *value,
		      struct err *err)
{
	int r = parse_number(value, to);

	if (r == -ERANGE)
		return err_usage(err, "--%s: '%s' is too large", o->name, value);
	return r ? err_usage(err, "--%s: '%s' is not a number", o->name, value) :
		   0;
}

static int add_to_list(struct opt_list *to, const struct cmd_opt *o,
		       const char *value, struct err *err)
{
	struct opt_item *items =
		reallocarray(to->items, to->count + 1, sizeof(*items));

	if (!items)
		return err_errno(err, -ENOMEM, "cannot start");
	items[to->count++] = (struct opt_item){ o->name, value };
	to->items = items;
	return 0;
}

static int set_value(void *base, const struct cmd_opt *o, const char *value,
		     struct err *err)
{
	void *to = (char *)base + o->offset;

	switch (o->kind) {
	case OPT_FLAG:
		*(bool *)to = true;
		return 0;
	case OPT_COUNT:
		++*(unsigned int *)to;
		return 0;
	case OPT_STRING:
		*(const char **)to = value;
		return 0;
	case OPT_NUMBER:
		return set_number(to, o, value, err);
	case OPT_LIST:
		return add_to_list(to, o, value, err);
	}
	return 0;
}

/* --- words --------------------------------------------------------------------- */

struct words {
	int argc;
	char **argv;
	int next;
};

static const char *next_word(struct words *w)
{
	return w->next < w->argc ? w->argv[w->next++] : NULL;
}

/* "name" or "name=value", after the dashes. */
static int parse_long(struct cmd_line *line, struct words *w, const char *word,
		      struct err *err)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : NULL;
	const struct cmd_opt *o;
	void *base;

	o = find_opt(line, word, len, 0, &base);
	if (!o)
		return err_usage(err, "unknown option '--%.*s'", (int)len,
				 word);
	if (!takes_value(o) && value)
		return err_usage(err, "option '--%s' takes no value", o->name);
	if (takes_value(o) && !value)
		value = next_word(w);
	if (takes_value(o) && !value)
		return err_usage(err, "option '--%s' needs %s", o->name,
				 o->arg);
	return set_value(base, o, value, err);
}

/* "abc": letters without values; the last one may have one, in the rest of the
 * word or in the next. */
static int parse_letters(struct cmd_line *line, struct words *w,
			 const char *word, struct err *err)
{
	for (; *word; word++) {
		void *base;
		const struct cmd_opt *o = find_opt(line, "", 0, *word, &base);
		const char *value;
		int r;

		if (!o)
			return err_usage(err, "unknown option '-%c'", *word);
		if (!takes_value(o)) {
			r = set_value(base, o, NULL, err);
			if (r < 0)
				return r;
			continue;
		}
		value = word[1] ? word + 1 : next_word(w);
		if (!value)
			return err_usage(err, "option '-%c' needs %s", *word,
					 o->arg);
		return set_value(base, o, value, err);
	}
	return 0;
}

static int choose_command(struct cmd_line *line, const struct cmd *cmd,
			  struct err *err)
{
	line->cmd = cmd;
	if (!cmd->opts_size)
		return 0;
	line->opts = calloc(1, cmd->opts_size);
	return line->opts ? 0 : err_errno(err, -ENOMEM, "cannot start");
}

static const struct cmd *look_up(const struct cmd_tool *tool, const char *name)
{
	const struct cmd *cmd;

	for (cmd = tool->cmds; cmd->run; cmd++)
		if (cmd->name && !strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

static int find_command(struct cmd_line *line, const char *name,
			struct err *err)
{
	const struct cmd *cmd = look_up(line->tool, name);

	return cmd ? choose_command(line, cmd, err) :
		     err_usage(err, "unknown command '%s'", name);
}

/* The one word so far is in argv, and may be the command or its first operand. */
static bool is_open(const struct cmd_line *line)
{
	return !line->cmd && line->argc == 1;
}

/* It was the command. */
static int take_first(struct cmd_line *line, struct err *err)
{
	line->argc = 0;
	return find_command(line, line->argv[0], err);
}

/* A word that is no option, of a tool whose operand may precede the command. */
static int parse_either(struct cmd_line *line, const char *word,
			struct err *err)
{
	const struct cmd *cmd = line->argc ? look_up(line->tool, word) : NULL;
	int r = 0;

	if (cmd)
		return choose_command(line, cmd, err);
	if (is_open(line)) {
		if (!look_up(line->tool, line->argv[0]))
			return err_usage(err, "unknown command '%s'", word);
		r = take_first(line, err);
	}
	line->argv[line->argc++] = (char *)word;
	return r;
}

/* Does the tool do something without a command's name, and @word is none? */
static bool is_unnamed(const struct cmd_tool *tool, const char *word)
{
	const struct cmd *cmd = tool->cmds;

	if (cmd->name)
		return false;
	while (word && (++cmd)->run)
		if (!strcmp(cmd->name, word))
			return false;
	return true;
}

static int parse_word(struct cmd_line *line, struct words *w, const char *word,
		      bool *only_operands, struct err *err)
{
	if (!*only_operands && !strcmp(word, "--")) {
		*only_operands = true;
		return 0;
	}
	/* a command's own options can only be told when it is known */
	if (!*only_operands && word[0] == '-' && word[1] && is_open(line) &&
	    look_up(line->tool, line->argv[0])) {
		int r = take_first(line, err);

		if (r < 0)
			return r;
	}
	if (!*only_operands && word[0] == '-' && word[1] == '-')
		return parse_long(line, w, word + 2, err);
	if (!*only_operands && word[0] == '-' && word[1])
		return parse_letters(line, w, word + 1, err);
	if (!line->cmd && line->tool->name_first)
		return parse_either(line, word, err);
	if (!line->cmd)
		return find_command(line, word, err);
	line->argv[line->argc++] = (char *)word;
	if (line->argc == line->cmd->options_end)
		*only_operands = true;
	return 0;
}

static int check_operands(const struct cmd_line *line, struct err *err)
{
	const struct cmd *cmd = line->cmd;

	if (!cmd)
		return err_usage(err, "a command is missing");
	if (line->argc < cmd->min_operands)
		return err_usage(err, "operands are missing, %s expected",
				 cmd->operands);
	if (cmd->max_operands >= 0 && line->argc > cmd->max_operands)
		return err_usage(err, "unexpected operand '%s'",
				 line->argv[cmd->max_operands]);
	return 0;
}

int cmd_parse(const struct cmd_tool *tool, int argc, char **argv,
	      struct cmd_line *ret, struct err *err)
{
	struct words w = { .argc = argc, .argv = argv, .next = 1 };
	bool only_operands = false;
	const char *word;
	int r = 0;

	*ret = (struct cmd_line){ .tool = tool };
	ret->argv = calloc(argc + 1, sizeof(*ret->argv));
	if (!ret->argv)
		return err_errno(err, -ENOMEM, "cannot start");
	if (is_unnamed(tool, argv[1]))
		r = choose_command(ret, tool->cmds, err);
	while (!r && (word = next_word(&w)))
		r = parse_word(ret, &w, word, &only_operands, err);
	if (!r && is_open(ret))
		r = take_first(ret, err);
	if (r < 0 || ret->common.help || ret->common.version ||
	    ret->common.dump_commands)
		return r;
	return check_operands(ret, err);
}

static void release_lists(struct cmd_line *line)
{
	const struct cmd_opt *o;

	for (o = line->cmd ? line->cmd->opts : NULL; o && o->name; o++) {
		struct opt_list *list = (void *)((char *)line->opts + o->offset);

		if (o->kind != OPT_LIST)
			continue;
		free(list->items);
		*list = (struct opt_list){ 0 };
	}
}

void cmd_line_release(struct cmd_line *line)
{
	if (line->opts)
		release_lists(line);
	free(line->opts);
	free(line->argv);
	line->opts = NULL;
	line->argv = NULL;
}
