/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What all --json output has in common, on top of json-c: one document with
 * "format": 1 at the top, sizes as integers whose names end in _bytes, times as
 * integers ending in _ns. A name that is not UTF-8 or holds control characters is
 * given twice, as NAME (escaped as in err.h) and NAME_b64 (exact): where there is a
 * NAME_b64, that one counts. Functions fail with -ENOMEM only.
 */
#ifndef COWLINK_JSON_OUT_H
#define COWLINK_JSON_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* A new object with "format": 1 and "tool": @tool; NULL when memory is out. */
struct json_object *json_document(const char *tool);

/* A name that may hold any bytes. */
int json_add_name(struct json_object *o, const char *key, const char *bytes,
		  size_t len);
int json_add_string(struct json_object *o, const char *key, const char *value);
int json_add_u64(struct json_object *o, const char *key, uint64_t value);
int json_add_bool(struct json_object *o, const char *key, bool value);

/* Print it to standard output and free it. */
void json_print_document(struct json_object *o);

#endif
