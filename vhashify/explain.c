// SPDX-License-Identifier: GPL-2.0-only
/* --explain: what becomes of one file, and why. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "json-out.h"
#include "strbuf.h"
#include "vhashify.h"

#define LISTED_PEERS 20

int explain_begin(struct run *run, const char *text, struct err *err)
{
	struct tree_target target;
	size_t i;
	int r = tree_target_parse(run->pool, text, &target, err);

	if (r < 0)
		return r;
	if (!*target.path)
		return err_usage(err, "'%s' is not GUEST/PATH", text);
	for (i = 0; i < run->tree_count; i++)
		if (run->trees[i].row.kind == target.kind &&
		    !strcmp(run->trees[i].row.name, target.name))
			break;
	if (i == run->tree_count)
		return err_set(err, -ENOENT, "no %s '%s' is looked at",
			       tree_kind_name(target.kind), target.name);
	run->explain.tree = i;
	run->explain.path = target.path;
	run->explain.file = SIZE_MAX;
	return 0;
}

void explain_see(struct run *run, size_t tree, const struct walk_entry *e,
		 enum skip_reason reason)
{
	struct explain *x = &run->explain;
	size_t len = strlen(e->path);

	if (!x->path || tree != x->tree || strncmp(x->path, e->path, len))
		return;
	/* the file itself, or a directory above it that was not entered */
	if (x->path[len] && (x->path[len] != '/' || reason == SKIP_NONE))
		return;
	x->seen = true;
	x->reason = reason;
	x->names = x->path[len] || !e->stx ? 0 : e->stx->stx_nlink;
	if (reason == SKIP_NONE)
		x->file = run->file_count - 1;
}

/* The rule that decided, looked up as the walk did: for the path, then for each
 * directory above it. NULL when no rule did. */
static const struct rule *deciding_rule(const struct run *run)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;

	if (strbuf_addstr(&path, "/") || strbuf_addstr(&path, run->explain.path))
		return NULL;
	for (;;) {
		const struct rule *rule =
			rules_find(&run->policy.rules, strbuf_str(&path));
		const char *slash = strrchr(strbuf_str(&path), '/');
		size_t len = slash - strbuf_str(&path);

		if (rule || path.len == 1)
			return rule;
		strbuf_setlen(&path, len ? len : 1);
	}
}

static bool is_peer(const struct run *run, size_t i)
{
	const struct file *f = &run->files[run->explain.file];

	return i != run->explain.file && run->files[i].reason == SKIP_NONE &&
	       digest_equal(&run->files[i].key, &f->key);
}

static void print_peers(const struct run *run)
{
	const struct file *f = &run->files[run->explain.file];
	char hex[DIGEST_HEX_SIZE];
	size_t masters = 0;
	size_t listed = 0;
	size_t i;

	digest_hex(&f->key, hex);
	(void)masters_by_key(&run->masters, &f->key, &masters);
	printf("  key %s, %zu shared copies are there\n", hex, masters);
	for (i = 0; i < run->file_count && listed < LISTED_PEERS; i++) {
		if (!is_peer(run, i))
			continue;
		listed++;
		printf("  equal: ");
		report_print_file(run, &run->files[i]);
	}
}

static enum skip_reason final_reason(const struct run *run)
{
	const struct explain *x = &run->explain;

	return x->file == SIZE_MAX ? x->reason : run->files[x->file].reason;
}

static int print_json(const struct run *run, struct err *err)
{
	const struct explain *x = &run->explain;
	const struct tree_row *row = &run->trees[x->tree].row;
	const struct skip_info *info = skip_reason_info(final_reason(run));
	const struct rule *rule = deciding_rule(run);
	struct json_object *doc = json_document("vhashify");
	int r = 0;

	r |= json_add_string(doc, "kind", tree_kind_name(row->kind));
	r |= json_add_string(doc, "name", row->name);
	r |= json_add_name(doc, "path", x->path, strlen(x->path));
	r |= json_add_string(doc, "reason", info->name);
	r |= json_add_string(doc, "text", info->text);
	r |= json_add_u64(doc, "links", x->names);
	if (rule && final_reason(run) == SKIP_EXCLUDED)
		r |= json_add_name(doc, "rule", rule->pattern,
				   strlen(rule->pattern));
	return json_finish(doc, r, err);
}

static void print_text(const struct run *run)
{
	const struct explain *x = &run->explain;
	const struct tree_row *row = &run->trees[x->tree].row;
	enum skip_reason reason = final_reason(run);
	const struct skip_info *info = skip_reason_info(reason);
	const struct rule *rule = deciding_rule(run);
	char path[4096];

	escape_bytes(path, sizeof(path), x->path, strlen(x->path));
	printf("%s %s/%s: %s%s\n", tree_kind_name(row->kind), row->name, path,
	       reason == SKIP_NONE ? "would be " : "", info->text);
	if (reason == SKIP_EXCLUDED && rule)
		printf("  by the rule '%s'\n", rule->pattern);
	else if (info->hint)
		printf("  %s\n", info->hint);
	if (x->names > 1)
		printf("  it has %" PRIu32 " names\n", x->names);
	if (x->file != SIZE_MAX && reason == SKIP_NONE)
		print_peers(run);
}

int explain_report(const struct run *run, bool json, struct err *err)
{
	const struct explain *x = &run->explain;
	const struct tree *t = &run->trees[x->tree];
	int r = 0;

	if (t->status != TREE_SCANNED)
		return err_set(err, -EBUSY, "%s '%s' was left out",
			       tree_kind_name(t->row.kind), t->row.name);
	if (!x->seen)
		return err_set(err, -ENOENT, "there is no regular file '%s' in %s '%s'",
			       x->path, tree_kind_name(t->row.kind),
			       t->row.name);
	if (json)
		r = print_json(run, err);
	else
		print_text(run);
	return r;
}
