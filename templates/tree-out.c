// SPDX-License-Identifier: GPL-2.0-only
#include "tree-out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "json-out.h"
#include "strbuf.h"

static int add_rootfs(struct json_object *o, const struct pool *p,
		      const struct tree_row *row)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	int r = strbuf_addf(&path, "%s/%ss/%s/rootfs", p->path,
			    tree_kind_name(row->kind), row->name);

	return r ? r : json_add_name(o, "rootfs", path.buf, path.len);
}

int tree_row_json(struct json_object *o, const struct pool *p,
		  const struct tree_row *row)
{
	int r = 0;

	r |= json_add_string(o, "name", row->name);
	r |= json_add_string(o, "kind", tree_kind_name(row->kind));
	r |= json_add_string(o, "state", tree_state_name(row->state));
	if (row->context)
		r |= json_add_u64(o, "context", row->context);
	r |= json_add_string(o, "uuid", row->uuid);
	r |= json_add_string(o, "engine", row->engine);
	r |= json_add_string(o, "origin", row->origin);
	if (row->origin_uuid[0])
		r |= json_add_string(o, "origin_uuid", row->origin_uuid);
	r |= json_add_u64(o, "created_ns", row->created_ns);
	r |= json_add_u64(o, "files", row->files);
	r |= json_add_u64(o, "dirs", row->dirs);
	r |= json_add_u64(o, "others", row->others);
	r |= json_add_u64(o, "size_bytes", row->size_bytes);
	r |= add_rootfs(o, p, row);
	return r;
}

static void print_stats(const struct tree_row *row, const struct tree_stats *s)
{
	char size[32];
	char fresh[32];

	printf("%s '%s': %" PRIu64 " files, %" PRIu64 " directories, %" PRIu64
	       " others, %s\n",
	       tree_kind_name(row->kind), row->name, s->files, s->dirs,
	       s->others, format_bytes(size, s->size_bytes));
	printf("engine %s: %" PRIu64 " files shared, %" PRIu64
	       " of its own, %" PRIu64 " new in the store, %s written\n",
	       row->engine, s->linked, s->private_files, s->new_masters,
	       format_bytes(fresh, s->new_bytes));
}

static int stats_json(struct json_object *o, const struct tree_stats *s)
{
	int r = 0;

	r |= json_add_u64(o, "files", s->files);
	r |= json_add_u64(o, "dirs", s->dirs);
	r |= json_add_u64(o, "others", s->others);
	r |= json_add_u64(o, "size_bytes", s->size_bytes);
	r |= json_add_u64(o, "linked", s->linked);
	r |= json_add_u64(o, "private_files", s->private_files);
	r |= json_add_u64(o, "new_masters", s->new_masters);
	r |= json_add_u64(o, "new_bytes", s->new_bytes);
	return r;
}

int tree_made_show(const struct pool *p, const struct tree_row *row,
		   const struct tree_stats *s, bool json, struct err *err)
{
	struct json_object *doc;
	struct json_object *o;
	int r = 0;

	if (!json) {
		print_stats(row, s);
		return 0;
	}
	doc = json_document("vtemplate");
	r |= json_add_bool(doc, "unprotected", p->info.unprotected);
	r |= json_add_object(doc, "tree", &o);
	r |= tree_row_json(o, p, row);
	r |= json_add_object(doc, "stats", &o);
	r |= stats_json(o, s);
	return json_finish(doc, r, err);
}
