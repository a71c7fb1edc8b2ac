// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog-db.h"

int catalog_guest_add(struct catalog *c, struct tree_row *row, struct err *err)
{
	sqlite3_stmt *s;
	int rc;
	int r;

	s = catalog_stmt(c, STMT_GUEST_ADD);
	(void)sqlite3_bind_int64(s, 1, row->id);
	(void)sqlite3_bind_int64(s, 2, row->context);
	r = catalog_exec(c, STMT_GUEST_ADD, err, "give a context");
	if (r == -EINVAL)
		return err_set(err, -ENOSPC, "no context id is free");
	if (r < 0)
		return r;
	s = catalog_stmt(c, STMT_GUEST_CONTEXT);
	(void)sqlite3_bind_int64(s, 1, row->id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		row->context = sqlite3_column_int64(s, 0);
	else
		r = catalog_fail(c->db, rc, err, "look up a context");
	(void)sqlite3_reset(s); /* reported by the step */
	return r;
}

static int append(sqlite3_stmt *s, struct setting **list, size_t *count)
{
	struct setting *more = realloc(*list, (*count + 1) * sizeof(**list));

	if (!more)
		return -ENOMEM;
	*list = more;
	more += (*count)++;
	if (catalog_text(s, 0, more->key, sizeof(more->key)) < 0 ||
	    catalog_text(s, 1, more->value, sizeof(more->value)) < 0)
		return -EUCLEAN;
	return 0;
}

int catalog_setting_list(struct catalog *c, int64_t tree_id,
			 struct setting **ret, size_t *ret_count,
			 struct err *err)
{
	sqlite3_stmt *s = catalog_stmt(c, STMT_SETTING_LIST);
	struct setting *list = NULL;
	size_t count = 0;
	int rc = SQLITE_DONE;
	int r = 0;

	(void)sqlite3_bind_int64(s, 1, tree_id);
	while (!r && (rc = sqlite3_step(s)) == SQLITE_ROW)
		r = append(s, &list, &count);
	if (r < 0)
		err_errno(err, r, "cannot list the settings of a guest");
	else if (rc != SQLITE_DONE)
		r = catalog_fail(c->db, rc, err, "list the settings");
	(void)sqlite3_reset(s); /* reported by the step */
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	*ret_count = count;
	return 0;
}

int catalog_setting_put(struct catalog *c, int64_t tree_id,
			const struct setting *setting, struct err *err)
{
	enum catalog_stmt which = *setting->value ? STMT_SETTING_PUT :
						    STMT_SETTING_REMOVE;
	sqlite3_stmt *s = catalog_stmt(c, which);

	(void)sqlite3_bind_int64(s, 1, tree_id);
	(void)sqlite3_bind_text(s, 2, setting->key, -1, SQLITE_STATIC);
	if (which == STMT_SETTING_PUT)
		(void)sqlite3_bind_text(s, 3, setting->value, -1,
					SQLITE_STATIC);
	return catalog_change(c, which, err, "change a setting");
}
