/* SPDX-License-Identifier: GPL-2.0-only */
/* How trees and what was done with them are shown, to people and as JSON. */
#ifndef COWLINK_TREE_OUT_H
#define COWLINK_TREE_OUT_H

#include <json-c/json.h>

#include "pool.h"
#include "tree.h"

/* Add everything of a row to @o, as json_add_*() do. */
int tree_row_json(struct json_object *o, const struct pool *p,
		  const struct tree_row *row);

/* What a command that made a tree says in the end: two lines for people or, with @json, a
 * document. 0 or -ENOMEM with a message. */
int tree_made_show(const struct pool *p, const struct tree_row *row,
		   const struct tree_stats *s, bool json, struct err *err);

#endif
