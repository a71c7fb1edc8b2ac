// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "json-out.h"
#include "strbuf.h"
#include "vhashify.h"

/* Files of which each is named in --json; beyond that the counts must do. */
#define LISTED_FAILURES 1000

static const char *const status_names[] = {
	[TREE_SCANNED] = "scanned",
	[TREE_LOCKED] = "locked",
	[TREE_PACKAGES] = "package-manager",
	[TREE_GONE] = "gone",
	[TREE_BROKEN] = "broken",
	[TREE_DATABASE] = "package-database",
	[TREE_NOT_REACHED] = "not-reached",
};

static bool is_planned(const struct file *f)
{
	return f->reason == SKIP_NONE;
}

/* --- for people --- */

void report_print_file(const struct run *run, const struct file *f)
{
	const struct tree_row *row = &run->trees[file_tree(run, f)].row;
	_cleanup_free_ char *path = dir_path(run, f->dir);
	char dir[4096], name[4 * NAME_MAX + 1];

	escape_bytes(dir, sizeof(dir), path ? path : "",
		     path ? strlen(path) : 0);
	escape_bytes(name, sizeof(name), f->name, strlen(f->name));
	printf("%s %s/%s%s\n", tree_kind_name(row->kind), row->name, dir, name);
}

static void print_plan(const struct run *run)
{
	char hex[DIGEST_HEX_SIZE];
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		const struct file *f = &run->files[i];

		if (!is_planned(f))
			continue;
		digest_hex(&f->key, hex);
		printf("share %s ", hex);
		report_print_file(run, f);
	}
}

void report_skips(const struct totals *t)
{
	size_t i;

	for (i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++) {
		const struct skip_info *info = skip_reason_info(i);

		if (t->outcome[i])
			printf("%10" PRIu64 "  %s%s%s%s\n", t->outcome[i],
			       info->text, info->hint ? " (" : "",
			       info->hint ? info->hint : "",
			       info->hint ? ")" : "");
	}
}

void report_text(const struct run *run, const struct totals *t)
{
	bool gain = t->saved_bytes >= 0;
	char buf[32];

	if (run->dry_run)
		print_plan(run);
	printf("%10" PRIu64 "  regular files in %" PRIu64
	       " guests and templates\n",
	       t->files, t->trees);
	printf("%10" PRIu64 "  %s, %s\n", t->outcome[SKIP_NONE],
	       run->dry_run ? "would be shared" : "shared now",
	       format_bytes(buf, t->shared_bytes));
	report_skips(t);
	if (t->unreached_trees)
		printf("%10" PRIu64 "  guests and templates not looked at, the "
		       "deadline came before\n",
		       t->unreached_trees);
	if (t->broken_trees)
		printf("%10" PRIu64 "  guests and templates left out, cannot be "
		       "read (see 'vtemplate check')\n",
		       t->broken_trees);
	if (run->links)
		printf("%10" PRIu64 "  new in the store, %s\n",
		       run->new_masters, format_bytes(buf, run->new_bytes));
	printf("%10" PRIu64 "  files read, %s\n", run->hashed_files,
	       format_bytes(buf, run->hashed_bytes));
	printf("%s: %s\n", run->dry_run ? "would save" :
			   gain		? "saved" :
					  "used",
	       format_bytes(buf, gain ? t->saved_bytes : -t->saved_bytes));
}

/* --- for programs --- */

static int add_trees(struct json_object *doc, const struct run *run)
{
	struct json_object *array;
	struct json_object *o;
	int r = json_add_array(doc, "trees", &array);
	size_t i;

	for (i = 0; i < run->tree_count; i++) {
		const struct tree *t = &run->trees[i];

		r |= json_add_object(array, NULL, &o);
		r |= json_add_string(o, "kind", tree_kind_name(t->row.kind));
		r |= json_add_string(o, "name", t->row.name);
		r |= json_add_string(o, "status", status_names[t->status]);
		r |= json_add_u64(o, "files", t->files);
	}
	return r;
}

int report_json_skips(struct json_object *doc, const struct totals *t)
{
	struct json_object *array;
	struct json_object *o;
	int r = json_add_array(doc, "skipped", &array);
	size_t i;

	for (i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++) {
		const struct skip_info *info = skip_reason_info(i);

		if (!t->outcome[i])
			continue;
		r |= json_add_object(array, NULL, &o);
		r |= json_add_string(o, "reason", info->name);
		r |= json_add_string(o, "text", info->text);
		r |= json_add_u64(o, "files", t->outcome[i]);
		r |= json_add_bool(o, "failure", totals_is_failure(t, i));
	}
	return r;
}

static int add_file(struct json_object *array, const struct run *run,
		    const struct file *f, struct json_object **ret)
{
	const struct tree_row *row = &run->trees[file_tree(run, f)].row;
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	int r = json_add_object(array, NULL, ret);

	r |= json_add_string(*ret, "kind", tree_kind_name(row->kind));
	r |= json_add_string(*ret, "name", row->name);
	r |= file_path(run, f, &path);
	r |= json_add_name(*ret, "path", strbuf_str(&path), path.len);
	return r;
}

static int add_plan(struct json_object *doc, const struct run *run)
{
	struct json_object *array;
	struct json_object *o;
	char hex[DIGEST_HEX_SIZE];
	int r = json_add_array(doc, "plan", &array);
	size_t i;

	/* of millions of files: not to the end when memory is out */
	for (i = 0; !r && i < run->file_count; i++) {
		const struct file *f = &run->files[i];

		if (!is_planned(f))
			continue;
		digest_hex(&f->key, hex);
		r |= add_file(array, run, f, &o);
		r |= json_add_string(o, "action", "share");
		r |= json_add_string(o, "key", hex);
		r |= json_add_u64(o, "size_bytes", f->size_bytes);
	}
	return r;
}

int report_json_failures(struct json_object *doc, const struct run *run,
			 const struct totals *t)
{
	struct json_object *array;
	struct json_object *o;
	size_t listed = 0;
	int r = json_add_array(doc, "failures", &array);
	size_t i;

	for (i = 0; !r && i < run->file_count && listed < LISTED_FAILURES;
	     i++) {
		const struct file *f = &run->files[i];
		const struct skip_info *info = skip_reason_info(f->reason);

		if (!totals_is_failure(t, f->reason))
			continue;
		listed++;
		r |= add_file(array, run, f, &o);
		r |= json_add_string(o, "reason", info->name);
	}
	return r;
}

static int add_totals(struct json_object *doc, const struct run *run,
		      const struct totals *t)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ "scanned_trees", t->trees },
		{ "files", t->files },
		{ "hashed_files", run->hashed_files },
		{ "hashed_bytes", run->hashed_bytes },
		{ "shared_files", t->outcome[SKIP_NONE] },
		{ "shared_bytes", t->shared_bytes },
		{ "new_masters", run->new_masters },
		{ "new_bytes", run->new_bytes },
		{ "failed_files", t->failed },
		{ "unreached_trees", t->unreached_trees },
		{ "broken_trees", t->broken_trees },
	};
	size_t i;
	int r = 0;

	r |= json_add_bool(doc, "dry_run", run->dry_run);
	r |= json_add_bool(doc, "deadline_reached", run->cut);
	r |= json_add_string(doc, "engine",
			     engine_name(run->pool->engine.engine));
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		r |= json_add_u64(doc, numbers[i].name, numbers[i].value);
	/* negative when copies were made that nothing was linked to */
	r |= json_add_i64(doc, "saved_bytes", t->saved_bytes);
	return r;
}

int report_json_end(struct json_object *doc, const struct err *error, int r,
		    struct err *err)
{
	if (error)
		r |= json_add_name(doc, "error", error->msg,
				   strlen(error->msg));
	return json_finish(doc, r, err);
}

int report_json(const struct run *run, const struct totals *t,
		const struct err *error, struct err *err)
{
	struct json_object *doc = json_document("vhashify");
	int r = 0;

	r |= add_totals(doc, run, t);
	r |= add_trees(doc, run);
	r |= report_json_skips(doc, t);
	r |= report_json_failures(doc, run, t);
	if (run->dry_run)
		r |= add_plan(doc, run);
	return report_json_end(doc, error, r, err);
}
