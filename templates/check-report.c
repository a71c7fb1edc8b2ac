// SPDX-License-Identifier: GPL-2.0-only
#include "check-report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json-out.h"

/* Does it make the pool inconsistent now? */
static bool counts(const struct problem *pr)
{
	return !pr->repaired &&
	       problem_kind(pr->code)->severity != SEVERITY_INFO;
}

static uint64_t count_left(const struct problems *ps)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < ps->count; i++)
		left += counts(&ps->list[i]);
	return left;
}

static void print_names(const struct problem *pr)
{
	char path[512];
	size_t i;

	for (i = 0; i < pr->name_count; i++) {
		const struct problem_name *n = &pr->names[i];

		escape_bytes(path, sizeof(path), n->path, strlen(n->path));
		printf("  %s %s '%s': %s\n", n->intact ? "intact in" : "shared by",
		       tree_kind_name(n->kind), n->tree, path);
	}
}

static void print_problem(const struct problem *pr)
{
	const struct problem_kind *kind = problem_kind(pr->code);
	char subject[512];
	char size[32];

	escape_bytes(subject, sizeof(subject), pr->subject,
		     strlen(pr->subject));
	printf("%s: %s %s", severity_name(kind->severity), subject, kind->text);
	if (pr->size_bytes)
		printf(" (%s)", format_bytes(size, pr->size_bytes));
	if (pr->repaired)
		printf(": repaired (%s)", kind->repair ? kind->repair : "gone");
	else if (kind->repair)
		printf("; --repair would %s", kind->repair);
	putchar('\n');
	print_names(pr);
}

static int name_json(const struct problem_name *n, struct json_object *list)
{
	struct json_object *o;
	int r = json_add_object(list, NULL, &o);

	r |= json_add_string(o, "kind", tree_kind_name(n->kind));
	r |= json_add_string(o, "tree", n->tree);
	r |= json_add_name(o, "path", n->path, strlen(n->path));
	return r;
}

/* "shared" and "intact": the names of trees that a damaged master concerns. */
static int names_json(struct json_object *o, const struct problem *pr,
		      const char *key, bool intact)
{
	struct json_object *list;
	int r = json_add_array(o, key, &list);
	size_t i;

	for (i = 0; i < pr->name_count; i++)
		if (pr->names[i].intact == intact)
			r |= name_json(&pr->names[i], list);
	return r;
}

static int damage_json(struct json_object *o, const struct problem *pr)
{
	int r = 0;

	if (pr->target.has_stat && pr->target.name[0])
		r |= json_add_string(o, "reason", pr->target.name);
	if (pr->name_count) {
		r |= names_json(o, pr, "shared", false);
		r |= names_json(o, pr, "intact", true);
	}
	return r;
}

static int problem_json(const struct problem *pr, struct json_object *list)
{
	const struct problem_kind *kind = problem_kind(pr->code);
	struct json_object *o;
	int r = json_add_object(list, NULL, &o);

	r |= json_add_string(o, "code", kind->name);
	r |= json_add_string(o, "severity", severity_name(kind->severity));
	r |= json_add_name(o, "subject", pr->subject, strlen(pr->subject));
	r |= json_add_string(o, "text", kind->text);
	r |= json_add_bool(o, "repairable", kind->repair != NULL);
	r |= json_add_bool(o, "repaired", pr->repaired);
	if (pr->count)
		r |= json_add_u64(o, "count", pr->count);
	if (pr->size_bytes)
		r |= json_add_u64(o, "size_bytes", pr->size_bytes);
	r |= damage_json(o, pr);
	return r;
}

static int scrub_json(struct json_object *doc, const struct scrub_stats *st)
{
	struct json_object *o;
	int r = json_add_object(doc, "scrub", &o);

	r |= json_add_u64(o, "files", st->files);
	r |= json_add_u64(o, "read_bytes", st->read_bytes);
	r |= json_add_u64(o, "damaged", st->damaged);
	r |= json_add_bool(o, "resumed", st->resumed);
	return r;
}

static int report_json(const struct problems *ps, const struct scrub_stats *st,
		       struct err *err)
{
	struct json_object *doc = json_document("vtemplate");
	struct json_object *list;
	size_t i;
	int r = json_add_u64(doc, "inconsistent", count_left(ps));

	if (st)
		r |= scrub_json(doc, st);
	r |= json_add_array(doc, "problems", &list);
	for (i = 0; i < ps->count; i++)
		r |= problem_json(&ps->list[i], list);
	return json_finish(doc, r, err);
}

static void print_scrub(const struct problems *ps, const struct scrub_stats *st)
{
	char bytes[32];
	size_t i;

	printf("scrubbed %" PRIu64 " shared files, %s%s; %" PRIu64
	       " of them damaged\n",
	       st->files, format_bytes(bytes, st->read_bytes),
	       st->resumed ? ", going on from an earlier scrub" : "",
	       st->damaged);
	for (i = 0; i < ps->count; i++)
		if (ps->list[i].name_count) {
			printf("to restore a name: cp -a INTACT NAME.new && "
			       "mv NAME.new NAME (see vtemplate(8))\n");
			return;
		}
}

int check_report(struct cmd_ctx *ctx, const struct problems *ps,
		 const struct scrub_stats *st)
{
	uint64_t left = count_left(ps);
	size_t i;

	if (ctx->json) {
		int r = report_json(ps, st, &ctx->err);

		if (r < 0)
			return r;
	} else {
		for (i = 0; i < ps->count; i++)
			print_problem(&ps->list[i]);
		if (st)
			print_scrub(ps, st);
		if (left)
			printf("%" PRIu64 " problems\n", left);
		else
			printf("the pool '%s' is consistent\n", ctx->pool_path);
	}
	return left ? EXIT_INCONSISTENT : EXIT_OK;
}
