/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all --json output has in common, on top of json-c: one document with
 * "format": 1 at the top, sizes as integers whose names end in _bytes, times as
 * integers ending in _ns. A name that is not UTF-8 or holds control characters is
 * given twice, as NAME (escaped as in err.h) and NAME_b64 (exact): where there is a
 * NAME_b64, that one counts.
 *
 *	doc = json_document("vtemplate");
 *	r = json_add_array(doc, "trees", &list);
 *	for (...) {
 *		r |= json_add_object(list, NULL, &o);
 *		r |= json_add_string(o, "name", row->name);
 *	}
 *	return json_finish(doc, r, err);
 *
 * json_add_*() fail with -ENOMEM only, also on NULL, which is what could not be made
 * before. So nothing has to be looked at but the end. With a NULL key they add to an
 * array. What was added belongs to what it was added to.
 */
#ifndef COWLINK_JSON_OUT_H
#define COWLINK_JSON_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

/* A new object with "format": 1 and "tool": @tool; NULL when memory is out. */
struct json_object *json_document(const char *tool);

/* A new one that is empty; *@ret is NULL when it fails. */
int json_add_object(struct json_object *o, const char *key,
		    struct json_object **ret);
int json_add_array(struct json_object *o, const char *key,
		   struct json_object **ret);

/* A name that may hold any bytes; its key is not NULL. */
int json_add_name(struct json_object *o, const char *key, const char *bytes,
		  size_t len);
int json_add_string(struct json_object *o, const char *key, const char *value);
int json_add_u64(struct json_object *o, const char *key, uint64_t value);
int json_add_i64(struct json_object *o, const char *key, int64_t value);
int json_add_bool(struct json_object *o, const char *key, bool value);

/*
 * The end of each --json: print @doc to standard output if nothing went wrong until here,
 * @r being 0, and free it in any case. Returns @r or -ENOMEM; what has no message in @err
 * yet was JSON's failure, and gets one.
 */
int json_finish(struct json_object *doc, int r, struct err *err);

/* Print it to standard output and free it. */
void json_print_document(struct json_object *o);

#endif
