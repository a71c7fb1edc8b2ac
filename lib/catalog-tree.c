// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "catalog-db.h"

static const char *const kind_names[] = { [TREE_TEMPLATE] = "template",
					  [TREE_GUEST] = "guest" };

static const char *const state_names[] = { [TREE_CREATING] = "creating",
					   [TREE_READY] = "ready",
					   [TREE_DESTROYING] = "destroying" };

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static int index_of(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	return -EINVAL;
}

const char *tree_kind_name(enum tree_kind kind)
{
	return kind_names[kind];
}

const char *tree_state_name(enum tree_state state)
{
	return state_names[state];
}

int tree_kind_parse(const char *name, enum tree_kind *ret)
{
	int i = index_of(kind_names, COUNT_OF(kind_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

int tree_state_parse(const char *name, enum tree_state *ret)
{
	int i = index_of(state_names, COUNT_OF(state_names), name);

	if (i < 0)
		return i;
	*ret = i;
	return 0;
}

/* Parameters 1 to 12, in the order of the columns; all statements agree. */
static void bind_row(sqlite3_stmt *s, const struct tree_row *row)
{
	const char *texts[] = { tree_kind_name(row->kind),
				tree_state_name(row->state),
				row->name,
				row->uuid,
				row->engine,
				row->origin,
				row->origin_uuid };
	const int64_t numbers[] = { row->created_ns, row->files, row->dirs,
				    row->others, row->size_bytes };
	size_t i;

	/* out of memory and out of range show when the statement is run */
	for (i = 0; i < COUNT_OF(texts); i++)
		(void)sqlite3_bind_text(s, 1 + i, texts[i], -1, SQLITE_STATIC);
	for (i = 0; i < COUNT_OF(numbers); i++)
		(void)sqlite3_bind_int64(s, 8 + i, numbers[i]);
}

static int read_row(sqlite3_stmt *s, struct tree_row *ret)
{
	struct tree_row row = { .id = sqlite3_column_int64(s, 0) };
	char kind[16] = "";
	char state[16] = "";
	const struct {
		int column;
		char *out;
		size_t size;
	} texts[] = {
		{ 1, kind, sizeof(kind) },
		{ 2, state, sizeof(state) },
		{ 3, row.name, sizeof(row.name) },
		{ 4, row.uuid, sizeof(row.uuid) },
		{ 5, row.engine, sizeof(row.engine) },
		{ 6, row.origin, sizeof(row.origin) },
		{ 7, row.origin_uuid, sizeof(row.origin_uuid) },
	};
	size_t i;

	for (i = 0; i < COUNT_OF(texts); i++)
		if (catalog_text(s, texts[i].column, texts[i].out,
				 texts[i].size) < 0)
			return -EUCLEAN;
	if (tree_kind_parse(kind, &row.kind) < 0 ||
	    tree_state_parse(state, &row.state) < 0)
		return -EUCLEAN;
	row.created_ns = sqlite3_column_int64(s, 8);
	row.files = sqlite3_column_int64(s, 9);
	row.dirs = sqlite3_column_int64(s, 10);
	row.others = sqlite3_column_int64(s, 11);
	row.size_bytes = sqlite3_column_int64(s, 12);
	row.context = sqlite3_column_int64(s, 13);
	*ret = row;
	return 0;
}

static int bad_row(struct catalog *c, struct err *err)
{
	return err_set(err, -EUCLEAN,
		       "the catalog '%s' has a row for a tree that makes no sense",
		       sqlite3_db_filename(c->db, "main"));
}

int catalog_tree_add(struct catalog *c, struct tree_row *row, struct err *err)
{
	bool own;
	int r = catalog_change_begin(c, &own, err);

	if (r < 0)
		return r;
	bind_row(catalog_stmt(c, STMT_TREE_ADD), row);
	r = catalog_exec(c, STMT_TREE_ADD, err, "add a tree");
	if (r == -EEXIST)
		err_set(err, r, "%s '%s' exists", tree_kind_name(row->kind),
			row->name);
	if (!r)
		row->id = sqlite3_last_insert_rowid(c->db);
	if (!r && row->kind == TREE_GUEST)
		r = catalog_guest_add(c, row, err);
	return catalog_change_end(c, own, r, err);
}

int catalog_tree_find(struct catalog *c, enum tree_kind kind, const char *name,
		      struct tree_row *ret, struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_TREE_FIND);
	int rc;
	int r;

	(void)sqlite3_bind_text(s, 1, tree_kind_name(kind), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_DONE)
		r = -ENOENT;
	else if (rc != SQLITE_ROW)
		r = catalog_fail(c->db, rc, err, "look up a tree");
	else if (read_row(s, ret) < 0)
		r = bad_row(c, err);
	else
		r = 0;
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

int catalog_tree_update(struct catalog *c, const struct tree_row *row,
			struct err *err)
{
	sqlite3_stmt *s;
	bool own;
	int r = catalog_change_begin(c, &own, err);

	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_TREE_UPDATE);
	bind_row(s, row);
	(void)sqlite3_bind_int64(s, 13, row->id);
	r = catalog_exec(c, STMT_TREE_UPDATE, err, "change a tree");
	if (!r && sqlite3_changes(c->db) != 1)
		r = err_set(err, -ENOENT, "no such %s '%s'",
			    tree_kind_name(row->kind), row->name);
	return catalog_change_end(c, own, r, err);
}

int catalog_tree_remove(struct catalog *c, int64_t id, struct err *err)
{
	(void)sqlite3_bind_int64(catalog_stmt(c, STMT_TREE_REMOVE), 1, id);
	return catalog_change(c, STMT_TREE_REMOVE, err, "remove a tree");
}

struct row_list {
	struct tree_row *rows;
	size_t count;
	size_t alloc;
};

static int append(struct row_list *l, sqlite3_stmt *s)
{
	if (array_room(&l->rows, l->count, &l->alloc))
		return -ENOMEM;
	return read_row(s, &l->rows[l->count]) ? -EUCLEAN :
						 (l->count++, 0);
}

/* All rows that the statement gives. */
static int list_rows(struct catalog *c, sqlite3_stmt *s, struct tree_row **ret,
		     size_t *ret_count, struct err *err)
{
	struct row_list l = { 0 };
	int rc = SQLITE_DONE;
	int r = 0;

	while (!r && (rc = sqlite3_step(s)) == SQLITE_ROW)
		r = append(&l, s);
	if (r == -EUCLEAN)
		bad_row(c, err);
	else if (r < 0)
		err_errno(err, r, "cannot list the trees");
	else if (rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "list the trees");
	(void)sqlite3_reset(s); /* reported by the step */
	if (r < 0) {
		free(l.rows);
		return r;
	}
	*ret = l.rows;
	*ret_count = l.count;
	return 0;
}

int catalog_tree_list(struct catalog *c, enum tree_kind kind,
		      struct tree_row **ret, size_t *ret_count,
		      struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_TREE_LIST);

	(void)sqlite3_bind_text(s, 1, tree_kind_name(kind), -1, SQLITE_STATIC);
	return list_rows(c, s, ret, ret_count, err);
}

int catalog_tree_unfinished(struct catalog *c, struct tree_row **ret,
			    size_t *ret_count, struct err *err)
{
	return list_rows(c, catalog_stmt(c, STMT_TREE_UNFINISHED), ret,
			 ret_count, err);
}
