/* SPDX-License-Identifier: GPL-2.0-only */
/* How trees and what was done with them are shown, to people and as JSON. */
#ifndef COWLINK_TREE_OUT_H
#define COWLINK_TREE_OUT_H

#include <json-c/json.h>

#include "pool.h"
#include "tree.h"

/* Everything of a row, as a new object; NULL when memory is out. */
struct json_object *tree_row_json(const struct pool *p,
				  const struct tree_row *row);

/* The counts of a finished import or clone: two lines for people. */
void tree_stats_print(const struct tree_row *row, const struct tree_stats *s);
int tree_stats_json(struct json_object *o, const struct tree_stats *s);

/* The document of a command that made a tree. 0 or -ENOMEM with a message. */
int tree_made_json(const struct pool *p, const struct tree_row *row,
		   const struct tree_stats *s, struct err *err);

#endif
