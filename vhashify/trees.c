// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "vhashify.h"

static int add_trees(struct run *run, const struct tree_row *rows, size_t count)
{
	struct tree *trees = realloc(run->trees, (run->tree_count + count + 1) *
							 sizeof(*trees));
	size_t i;

	if (!trees)
		return -ENOMEM;
	run->trees = trees;
	for (i = 0; i < count; i++) {
		struct tree *t = &trees[run->tree_count++];

		*t = (struct tree){ .row = rows[i] };
		if (t->row.state == TREE_READY)
			continue;
		t->status = TREE_LOCKED;
		log_notice("%s '%s' is being %s, skipping it",
			   tree_kind_name(t->row.kind), t->row.name,
			   t->row.state == TREE_CREATING ? "created" :
							   "destroyed");
	}
	return 0;
}

int trees_add(struct run *run, const struct tree_row *row, size_t *ret_index,
	      struct err *err)
{
	int r = add_trees(run, row, 1);

	*ret_index = run->tree_count - 1;
	return r < 0 ? err_errno(err, r, "cannot list the trees") : 0;
}

/* "NAME/rootfs[/PATH]" of an absolute path below the pool's directory @dir. */
static const char *below(const struct pool *p, const char *text,
			 const char *dir)
{
	size_t len = strlen(p->path);

	if (strncmp(text, p->path, len) ||
	    strncmp(text + len, dir, strlen(dir)))
		return NULL;
	return text + len + strlen(dir);
}

int tree_target_parse(const struct pool *p, const char *text,
		      struct tree_target *ret, struct err *err)
{
	struct tree_target t = { .kind = TREE_GUEST };
	const char *name = text;
	size_t len;

	if (*text == '/') {
		name = below(p, text, "/guests/");
		if (!name) {
			t.kind = TREE_TEMPLATE;
			name = below(p, text, "/templates/");
		}
		if (!name)
			return err_usage(err, "'%s' is not in a tree of the pool",
					 text);
	}
	len = strcspn(name, "/");
	(void)snprintf(t.name, sizeof(t.name), "%.*s", (int)len, name);
	t.path = name + len;
	if (*text == '/') {
		len = strlen("/rootfs");
		if (strncmp(t.path, "/rootfs", len) ||
		    (t.path[len] && t.path[len] != '/'))
			return err_usage(err, "'%s' is not in a tree's rootfs",
					 text);
		t.path += len;
	}
	while (*t.path == '/')
		t.path++;
	*ret = t;
	return tree_name_check(t.kind, t.name, err);
}

static int select_kind(struct run *run, enum tree_kind kind, struct err *err)
{
	struct tree_row *rows = NULL;
	size_t count = 0;
	int r = catalog_tree_list(run->pool->catalog, kind, &rows, &count, err);

	if (r < 0)
		return r;
	r = add_trees(run, rows, count);
	free(rows);
	return r < 0 ? err_errno(err, r, "cannot list the trees") : 0;
}

/*
 * The guests of @trees so that the first one is the one that a run did not come to
 * before its deadline, or what follows it in the alphabet: else the same ones would be
 * left out each night.
 */
static int begin_with_unreached(struct run *run, struct tree *trees,
				size_t count, struct err *err)
{
	char name[TREE_NAME_MAX + 1];
	struct tree *turned;
	size_t first = 0;
	size_t i;
	int r = catalog_resume_get(run->pool->catalog, name, err);

	if (r)
		return r == -ENOENT ? 0 : r;
	while (first < count && strcmp(trees[first].row.name, name) < 0)
		first++;
	if (!first || first == count)
		return 0;
	turned = malloc(count * sizeof(*turned));
	if (!turned)
		return err_errno(err, -ENOMEM, "cannot list the trees");
	for (i = 0; i < count; i++)
		turned[i] = trees[(first + i) % count];
	memcpy(trees, turned, count * sizeof(*turned));
	free(turned);
	log_info("beginning with guest '%s'", trees->row.name);
	return 0;
}

/* Templates first: what is equal to a template's file gets its path. */
static int select_all(struct run *run, struct err *err)
{
	int r = select_kind(run, TREE_TEMPLATE, err);
	size_t templates = run->tree_count;

	if (!r)
		r = select_kind(run, TREE_GUEST, err);
	if (r)
		return r;
	run->all_trees = true;
	return begin_with_unreached(run, run->trees + templates,
				    run->tree_count - templates, err);
}

static bool is_selected(const struct run *run, const char *name)
{
	size_t i;

	for (i = 0; i < run->tree_count; i++)
		if (!strcmp(run->trees[i].row.name, name))
			return true;
	return false;
}

static int select_guest(struct run *run, const char *name, struct err *err)
{
	struct tree_row row;
	int r = tree_name_check(TREE_GUEST, name, err);

	/* named twice is meant once */
	if (r < 0 || is_selected(run, name))
		return r;
	r = catalog_tree_find(run->pool->catalog, TREE_GUEST, name, &row, err);
	if (r == -ENOENT)
		return err_set(err, r, "no such guest '%s'", name);
	if (r < 0)
		return r;
	r = add_trees(run, &row, 1);
	return r < 0 ? err_errno(err, r, "cannot list the trees") : 0;
}

int trees_select(struct run *run, char **names, int count, struct err *err)
{
	int r = 0;
	int i;

	if (!count)
		return select_all(run, err);
	for (i = 0; !r && i < count; i++)
		r = select_guest(run, names[i], err);
	return r;
}
