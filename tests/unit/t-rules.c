// SPDX-License-Identifier: GPL-2.0-only
/* Rules for paths, dpkg's conffiles, and files of "key = value". */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "config-file.h"
#include "conffiles.h"
#include "rules.h"
#include "strbuf.h"
#include "unit.h"

static struct rules rules;
static struct err err;

static int add(const char *line)
{
	err_clear(&err);
	return rules_add_line(&rules, line, "", &err);
}

static void test_rules(void)
{
	ok(!add("+/etc/keep*") && !add("/etc/*") && !add("-/home") &&
		   !add("~/proc") && !add("  *.swp  \n") && !add("# comment") &&
		   !add("") && !add("  "),
	   "every kind of line is taken");
	is_int(rules.count, 5, "comments and empty lines are none");
	is_int(rules_match(&rules, "/etc/keep.me"), RULE_TAKE,
	       "the first rule that matches counts");
	is_int(rules_match(&rules, "/etc/a/b"), RULE_LEAVE,
	       "a star matches slashes, no prefix means -");
	is_int(rules_match(&rules, "/home"), RULE_LEAVE, "- leaves");
	is_int(rules_match(&rules, "/home/x"), RULE_NONE,
	       "what is below is another path");
	is_int(rules_match(&rules, "/proc"), RULE_IGNORE, "~ ignores");
	is_int(rules_match(&rules, "/usr/.x.swp"), RULE_LEAVE,
	       "spaces around are not the pattern's");
	is_int(rules_match(&rules, "/"), RULE_NONE, "others do not match");
	is_int(add("etc/passwd"), -EINVAL, "a relative path is refused");
	is_int(add("+"), -EINVAL, "and an empty pattern");
	rules_release(&rules);
	is_int(rules_match(&rules, "/etc/a"), RULE_NONE, "no rules, no match");
}

static int collect(const char *path, size_t len, void *ctx)
{
	int r = strbuf_add(ctx, path, len);

	return r ? r : strbuf_addstr(ctx, ",");
}

static bool conffiles_are(const char *text, size_t len, const char *want)
{
	struct strbuf have = STRBUF_INIT;
	/* exactly as long as it says: sanitizers see one byte too far */
	char *copy = malloc(len ? len : 1);
	bool same;

	memcpy(copy, text, len);
	same = !conffiles_parse(copy, len, collect, &have) &&
	       !strcmp(strbuf_str(&have), want);
	if (!same)
		printf("# got '%s'\n", strbuf_str(&have));
	strbuf_release(&have);
	free(copy);
	return same;
}

static const char status_text[] =
	"Package: a\nConffiles:\n /etc/a 00112233445566778899aabbccddeeff\n"
	" /etc/with space 00112233445566778899aabbccddeeff\n"
	" /etc/old 00112233445566778899aabbccddeeff obsolete\n"
	" /etc/gone 00112233445566778899aabbccddeeff remove-on-upgrade\n"
	" /etc/new newconffile\n"
	"Description: b\n /etc/no 00112233445566778899aabbccddeeff\n\n"
	"Package: c\nconffiles:\n /etc/c 0\n\n /etc/stray 0\n";

static void test_conffiles(void)
{
	static const char *const hostile[] = {
		"", "\n", " ", "Conffiles:", "Conffiles:\n", "Conffiles:\n ",
		"Conffiles:\n /", "Conffiles:\n / x", "Conffiles:\n x y",
		"Conffiles:\n  obsolete", "Conffiles:\n obsolete",
		"Conffiles:\n remove-on-upgrade", "Conffiles:\n /x obsolete",
		"Conffiles:\n\t \t ", "Conffiles:\n /// ",
	};
	bool fine = true;
	size_t i;

	ok(conffiles_are(status_text, strlen(status_text),
			 "etc/a,etc/with space,etc/old,etc/new,etc/c,"),
	   "conffiles of dpkg's status, and of no other field");
	ok(conffiles_are("Conffiles:\n /a 0", 16, "a,"),
	   "the last line may lack its end");
	for (i = 0; i < sizeof(hostile) / sizeof(*hostile); i++)
		fine &= conffiles_are(hostile[i], strlen(hostile[i]), "");
	ok(fine, "what makes no sense gives nothing");
	for (i = 0; i < strlen(status_text); i++) {
		struct strbuf have = STRBUF_INIT;
		char *copy = malloc(i + 1);

		memcpy(copy, status_text, i);
		fine &= !conffiles_parse(copy, i, collect, &have);
		strbuf_release(&have);
		free(copy);
	}
	ok(fine, "cut at any byte it is read to its end");
}

static void test_database(const char *dir)
{
	_cleanup_strbuf_ struct strbuf have = STRBUF_INIT;
	int root = open(dir, O_RDONLY | O_DIRECTORY);
	int fd;

	is_int(conffiles_read(root, collect, &have), 0, "no database, none");
	ok(!mkdirat(root, "var", 0755) && !mkdirat(root, "var/lib", 0755) &&
		   !mkdirat(root, "var/lib/dpkg", 0755) &&
		   !mkfifoat(root, "var/lib/dpkg/status", 0644),
	   "a fifo in its place");
	is_int(conffiles_read(root, collect, &have), -EINVAL,
	       "is refused and not waited for");
	unlinkat(root, "var/lib/dpkg/status", 0);
	ok(!symlinkat("/etc/passwd", root, "var/lib/dpkg/status"),
	   "a symlink in its place");
	ok(conffiles_read(root, collect, &have) < 0, "is not followed");
	unlinkat(root, "var/lib/dpkg/status", 0);
	fd = openat(root, "var/lib/dpkg/status", O_CREAT | O_RDWR, 0644);
	ok(write(fd, status_text, strlen(status_text)) > 0 &&
		   !conffiles_read(root, collect, &have) && have.len,
	   "a file is read");
	ok(!ftruncate(fd, CONFFILES_MAX_BYTES + 1), "a file without an end");
	is_int(conffiles_read(root, collect, &have), -EFBIG, "is refused");
	close(fd);
	unlinkat(root, "var/lib/dpkg/status", 0);
	unlinkat(root, "var/lib/dpkg", AT_REMOVEDIR);
	unlinkat(root, "var/lib", AT_REMOVEDIR);
	unlinkat(root, "var", AT_REMOVEDIR);
	close(root);
}

static int take(const struct config_line *line, void *ctx, struct err *e)
{
	bool yes;
	int r = strcmp(line->key, "flag") ? config_unknown(line, e) :
					    config_bool(line, &yes, e);

	*(int *)ctx += r ? 0 : 1 + yes;
	return r;
}

static int config(const char *file, const char *text)
{
	FILE *f = fopen(file, "w");
	int seen = 0;
	int r;

	fputs(text, f);
	fclose(f);
	err_clear(&err);
	r = config_file_each(file, take, &seen, &err);
	return r ? r : seen;
}

static void test_config(const char *dir)
{
	char file[300];

	snprintf(file, sizeof(file), "%s/conf", dir);
	is_int(config_file_each(file, take, NULL, &err), -ENOENT, "no file");
	is_int(config(file, "# x\n\n flag = yes \nflag=no"), 3,
	       "lines, with and without spaces");
	is_int(config(file, "flag = yes\nflag\n"), -EINVAL, "no value");
	ok(strstr(err.msg, ":2: "), "the complaint names the line");
	is_int(config(file, "flag = maybe\n"), -EINVAL, "no flag");
	is_int(config(file, "falg = yes\n"), -EINVAL, "an unknown key");
	unlink(file);
}

int main(void)
{
	char dir[256];

	unit_plan(30);
	test_rules();
	test_conffiles();
	unit_tmpdir(dir);
	test_database(dir);
	test_config(dir);
	rmdir(dir);
	return unit_done();
}
