// SPDX-License-Identifier: GPL-2.0-only
#include "json-out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "err.h"

#define FORMAT 1

struct json_object *json_document(const char *tool)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	if (json_add_u64(o, "format", FORMAT) < 0 ||
	    json_add_string(o, "tool", tool) < 0) {
		json_object_put(o);
		return NULL;
	}
	return o;
}

/* Takes @value. */
static int add(struct json_object *o, const char *key,
	       struct json_object *value)
{
	int r = -1;

	if (o && value)
		r = key ? json_object_object_add(o, key, value) :
			  json_object_array_add(o, value);
	if (!r)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

/* The same, and *@ret is @value or NULL. */
static int add_parent(struct json_object *o, const char *key,
		      struct json_object *value, struct json_object **ret)
{
	int r = add(o, key, value);

	*ret = r ? NULL : value;
	return r;
}

int json_add_object(struct json_object *o, const char *key,
		    struct json_object **ret)
{
	return add_parent(o, key, json_object_new_object(), ret);
}

int json_add_array(struct json_object *o, const char *key,
		   struct json_object **ret)
{
	return add_parent(o, key, json_object_new_array(), ret);
}

int json_add_string(struct json_object *o, const char *key, const char *value)
{
	return add(o, key, json_object_new_string(value));
}

int json_add_u64(struct json_object *o, const char *key, uint64_t value)
{
	return add(o, key, json_object_new_uint64(value));
}

int json_add_i64(struct json_object *o, const char *key, int64_t value)
{
	return add(o, key, json_object_new_int64(value));
}

int json_add_bool(struct json_object *o, const char *key, bool value)
{
	return add(o, key, json_object_new_boolean(value));
}

/* RFC 4648, 4. @out has room for 4 characters for each 3 bytes begun, and NUL. */
static void base64(const unsigned char *in, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < len; i += 3) {
		unsigned int v = in[i] << 16;

		if (i + 1 < len)
			v |= in[i + 1] << 8;
		if (i + 2 < len)
			v |= in[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < len ? digits[v & 63] : '=';
	}
	*out = '\0';
}

static int add_base64(struct json_object *o, const char *key, const char *bytes,
		      size_t len)
{
	_cleanup_free_ char *text = malloc((len + 2) / 3 * 4 + 1);
	char key_b64[64];

	if (!text)
		return -ENOMEM;
	base64((const unsigned char *)bytes, len, text);
	(void)snprintf(key_b64, sizeof(key_b64), "%s_b64", key);
	return add(o, key_b64, json_object_new_string(text));
}

int json_add_name(struct json_object *o, const char *key, const char *bytes,
		  size_t len)
{
	size_t size = 4 * len + 1;
	_cleanup_free_ char *escaped = malloc(size);
	int r;

	if (!escaped)
		return -ENOMEM;
	escape_bytes(escaped, size, bytes, len);
	r = json_add_string(o, key, escaped);
	if (!r && (strlen(escaped) != len || memcmp(escaped, bytes, len)))
		r = add_base64(o, key, bytes, len);
	return r;
}

/* It belongs to @doc; NULL when memory is out. */
static const char *text_of(struct json_object *doc)
{
	return json_object_to_json_string_ext(
		doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
}

void json_print_document(struct json_object *o)
{
	/* an error of standard output is found and reported by cmd_main() */
	(void)printf("%s\n", text_of(o));
	json_object_put(o);
}

int json_finish(struct json_object *doc, int r, struct err *err)
{
	const char *text = doc && !r ? text_of(doc) : NULL;

	if (!text && !r)
		r = -ENOMEM;
	if (!r)
		(void)printf("%s\n", text); /* as above */
	json_object_put(doc);
	return r && err && !err->code ?
		       err_errno(err, r, "cannot write JSON") :
		       r;
}
