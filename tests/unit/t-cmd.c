// SPDX-License-Identifier: GPL-2.0-only
/* Numbers, sizes, the parser, statuses and --json's parts. */
#include <errno.h>
#include <json-c/json.h>

#include "cmd-parse.h"
#include "cmd.h"
#include "json-out.h"
#include "unit.h"

static bool number_is(const char *text, uint64_t want)
{
	uint64_t got = 1;

	return !parse_number(text, &got) && got == want;
}

static bool no_number(const char *text, int code)
{
	uint64_t got = 123;

	return parse_number(text, &got) == code && got == 123;
}

static void test_numbers(void)
{
	ok(number_is("0", 0) && number_is("12", 12) && number_is("007", 7),
	   "numbers");
	ok(number_is("4K", 4096) && number_is("3M", 3 << 20) &&
		   number_is("2G", 2ull << 30),
	   "with suffixes");
	ok(number_is("18446744073709551615", UINT64_MAX) &&
		   number_is("17179869183G", 17179869183ull << 30),
	   "up to 64 bits");
	ok(no_number("18446744073709551616", -ERANGE) &&
		   no_number("17179869184G", -ERANGE),
	   "not more");
	ok(no_number("", -EINVAL) && no_number("K", -EINVAL) &&
		   no_number("1k", -EINVAL) && no_number("1KB", -EINVAL) &&
		   no_number("1T", -EINVAL) && no_number("-1", -EINVAL) &&
		   no_number("+1", -EINVAL) && no_number(" 1", -EINVAL) &&
		   no_number("1 ", -EINVAL) && no_number("0x1", -EINVAL),
	   "and no junk");
}

static bool size_is(uint64_t bytes, const char *want)
{
	char buf[32];

	if (!strcmp(format_bytes(buf, bytes), want))
		return true;
	printf("# %llu is '%s'\n", (unsigned long long)bytes, buf);
	return false;
}

static void test_sizes(void)
{
	ok(size_is(0, "0 B") && size_is(999, "999 B"), "bytes");
	ok(size_is(1000, "1.0 kB") && size_is(1049, "1.0 kB") &&
		   size_is(1050, "1.1 kB") && size_is(123456, "123.5 kB"),
	   "to the nearest tenth");
	ok(size_is(999949, "999.9 kB") && size_is(999950, "1.0 MB"),
	   "never 1000.0 of a unit");
	ok(size_is(12300000, "12.3 MB") && size_is(5000000000, "5.0 GB") &&
		   size_is(UINT64_MAX, "18.4 EB"),
	   "up to 64 bits");
}

struct opts {
	bool flag;
	const char *text;
	uint64_t number;
	unsigned int times;
	struct opt_list list;
};

static int never_run(struct cmd_ctx *ctx)
{
	return 0;
}

static const struct cmd_opt opts[] = {
	{ "flag", 'f', OPT_FLAG, NULL, "a flag", offsetof(struct opts, flag) },
	{ "text", 't', OPT_STRING, "TEXT", "a text",
	  offsetof(struct opts, text) },
	{ "number", 'n', OPT_NUMBER, "N", "a number",
	  offsetof(struct opts, number) },
	{ "times", 0, OPT_COUNT, NULL, "how often",
	  offsetof(struct opts, times) },
	{ "plus", 0, OPT_LIST, "A", "more", offsetof(struct opts, list) },
	{ "minus", 0, OPT_LIST, "A", "less", offsetof(struct opts, list) },
	{ 0 },
};

static const struct cmd cmds[] = {
	{ .name = "do",
	  .min_operands = 1,
	  .max_operands = 2,
	  .flags = CMD_JSON,
	  .operands = "A [B]",
	  .summary = "do it",
	  .opts = opts,
	  .opts_size = sizeof(struct opts),
	  .run = never_run },
	{ .name = "any",
	  .max_operands = -1,
	  .operands = "[A...]",
	  .summary = "any number",
	  .run = never_run },
	{ 0 },
};

static const struct cmd single[] = {
	{ .max_operands = -1, .summary = "alone", .run = never_run },
	{ 0 },
};

/* Does something by itself and has another command. */
static const struct cmd mixed[] = {
	{ .max_operands = -1, .summary = "alone", .run = never_run },
	{ .name = "other", .max_operands = 1, .summary = "x", .run = never_run },
	{ 0 },
};

static const struct cmd_tool both = { "both", "a tool", mixed };
static const struct cmd_tool tool = { "tool", "a tool", cmds };
static const struct cmd_tool lone = { "lone", "a lone tool", single };

static struct cmd_line line;
static struct err err;

/* The words are separated by one space. */
static int parse(const struct cmd_tool *t, const char *text)
{
	static char copy[256];
	char *argv[32] = { (char *)t->name };
	char *rest = copy;
	int argc = 1;

	cmd_line_release(&line);
	err_clear(&err);
	snprintf(copy, sizeof(copy), "%s", text);
	while (*text && (argv[argc] = strsep(&rest, " ")))
		argc++;
	return cmd_parse(t, argc, argv, &line, &err);
}

static void test_lists(void)
{
	const struct opts *o;

	is_int(parse(&tool, "do --plus=a --minus b a --plus=c"), 0,
	       "options that make a list");
	o = line.opts;
	ok(o->list.count == 3 && !strcmp(o->list.items[0].option, "plus") &&
		   !strcmp(o->list.items[1].option, "minus") &&
		   !strcmp(o->list.items[1].value, "b") &&
		   !strcmp(o->list.items[2].value, "c"),
	   "one list, in the order they were given");
}

static void test_unnamed(void)
{
	ok(!parse(&both, "x other") && line.cmd == &mixed[0] && line.argc == 2,
	   "a word that is no command is an operand");
	ok(!parse(&both, "other x") && line.cmd == &mixed[1] && line.argc == 1,
	   "the first word may be a command");
	ok(!parse(&both, "-- other") && line.cmd == &mixed[0] && line.argc == 1,
	   "but not after --");
	ok(!parse(&both, "") && line.cmd == &mixed[0], "nor is it needed");
}

static void test_parse(void)
{
	const struct opts *o;

	is_int(parse(&tool, "do a b"), 0, "a command with operands");
	ok(line.cmd == &cmds[0] && line.argc == 2 &&
		   !strcmp(line.argv[0], "a") && !strcmp(line.argv[1], "b"),
	   "finds both");
	is_int(parse(&tool, "do -f --text=x --number 4K a --times --times"), 0,
	       "options before and after operands");
	o = line.opts;
	ok(o->flag && !strcmp(o->text, "x") && o->number == 4096 &&
		   o->times == 2,
	   "go where they belong");
	is_int(parse(&tool, "do -ft x -n5 a"), 0, "letters together");
	o = line.opts;
	ok(o->flag && !strcmp(o->text, "x") && o->number == 5,
	   "the last one with a value, here or in the next word");
	is_int(parse(&tool, "do --text= --text=1 --text=2 a"), 0,
	       "an option given again");
	o = line.opts;
	is_str(o->text, "2", "the last one counts");
	is_int(parse(&tool, "do --text --flag a"), 0,
	       "a value may look like an option");
	o = line.opts;
	ok(!strcmp(o->text, "--flag") && !o->flag, "and is none then");
	is_int(parse(&tool, "do -- --flag -x"), 0, "after -- all are operands");
	o = line.opts;
	ok(line.argc == 2 && !o->flag && !strcmp(line.argv[1], "-x"), "both");
	is_int(parse(&tool, "do -"), 0, "a dash alone is one too");
	is_int(parse(&tool, "-v -vq --pool=/p do --json a"), 0,
	       "common options before the command");
	ok(line.common.verbose == 2 && line.common.quiet == 1 &&
		   !strcmp(line.common.pool, "/p") && line.common.json,
	   "are understood");
	is_int(parse(&tool, "any"), 0, "any number may be none");
	is_int(parse(&lone, "a b c d"), 0, "a tool without commands");
	is_int(line.argc, 4, "has operands only");
}

static bool wrong(const struct cmd_tool *t, const char *text, const char *why)
{
	int r = parse(t, text);

	if (r == -EINVAL && err.cls == ERR_USAGE && strstr(err.msg, why))
		return true;
	printf("# '%s': %d '%s'\n", text, r, err.msg);
	return false;
}

static void test_wrong(void)
{
	ok(wrong(&tool, "", "a command is missing"), "no command");
	ok(wrong(&tool, "--", "a command is missing"), "only --");
	ok(wrong(&tool, "done", "unknown command 'done'"), "not a longer one");
	ok(wrong(&tool, "d", "unknown command 'd'"), "not a shorter one");
	ok(wrong(&tool, "do", "A [B] expected"), "no operand");
	ok(wrong(&tool, "do a b c", "operand 'c'"), "one too many");
	ok(wrong(&tool, "do --fla a", "unknown option '--fla'"), "abbreviated");
	ok(wrong(&tool, "do --flag=1 a", "takes no value"), "a value");
	ok(wrong(&tool, "do a --text", "needs TEXT"), "no value");
	ok(wrong(&tool, "do a -n", "'-n' needs N"), "no value for a letter");
	ok(wrong(&tool, "do -fx a", "'-x'"), "an unknown letter");
	ok(wrong(&tool, "do --number=1x a", "--number: '1x'"), "no number");
	ok(wrong(&tool, "any --json", "'--json'"), "no JSON here");
	ok(wrong(&tool, "any --dry-run", "'--dry-run'"), "nor dry runs");
	ok(wrong(&tool, "--json do a", "'--json'"), "not before the command");
	ok(wrong(&tool, "--flag do a", "'--flag'"), "nor its own options");
	is_int(parse(&tool, "do --help"), 0, "help needs no operands");
	ok(line.common.help && line.cmd == &cmds[0], "and is about the command");
}

static void test_status(void)
{
	struct err e = { 0 };

	err_set(&e, -EIO, "x");
	is_int(cmd_exit_status(&e), 1, "a failure is 1");
	err_set(&e, -EOPNOTSUPP, "x");
	is_int(cmd_exit_status(&e), 3, "what is not supported 3");
	err_set(&e, -EROFS, "x");
	is_int(cmd_exit_status(&e), 3, "as is a read-only filesystem");
	err_set(&e, -EUCLEAN, "x");
	is_int(cmd_exit_status(&e), 4, "an inconsistency 4");
	err_usage(&e, "x");
	is_int(cmd_exit_status(&e), 2, "a wrong request 2");
	err_clear(&e);
	is_int(cmd_exit_status(&e), 1, "and what nobody explained 1");
}

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	return json_object_object_get_ex(o, key, &v) ?
		       json_object_get_string(v) :
		       "(missing)";
}

static void test_json(void)
{
	struct json_object *o = json_document("vtemplate");

	is_str(text_of(o, "format"), "1", "a document has its format");
	is_str(text_of(o, "tool"), "vtemplate", "and its tool");
	json_add_u64(o, "size_bytes", UINT64_MAX);
	json_add_bool(o, "yes", true);
	is_str(text_of(o, "size_bytes"), "18446744073709551615",
	       "sizes have 64 bits");
	is_str(text_of(o, "yes"), "true", "truth is truth");
	json_add_name(o, "plain", "\xc3\xa4\"\\", 4);
	is_str(text_of(o, "plain"), "\xc3\xa4\"\\", "a name in UTF-8 is itself");
	is_str(text_of(o, "plain_b64"), "(missing)", "once");
	json_add_name(o, "bad", "a\xff", 2);
	is_str(text_of(o, "bad"), "a\\xff", "another is escaped");
	is_str(text_of(o, "bad_b64"), "Yf8=", "and exact beside it");
	json_add_name(o, "lines", "a\nbcd", 5);
	is_str(text_of(o, "lines_b64"), "YQpiY2Q=", "so are control characters");
	json_add_name(o, "three", "\x01\x02\x03", 3);
	is_str(text_of(o, "three_b64"), "AQID", "without padding");
	json_add_name(o, "one", "\xfe", 1);
	is_str(text_of(o, "one_b64"), "/g==", "and with two");
	json_object_put(o);
}

int main(void)
{
	unit_plan(68);
	test_numbers();
	test_sizes();
	test_parse();
	test_lists();
	test_unnamed();
	test_wrong();
	cmd_line_release(&line);
	test_status();
	test_json();
	return unit_done();
}
