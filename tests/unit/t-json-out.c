// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "err.h"
#include "json-out.h"
#include "unit.h"

/* What json_finish() prints goes here instead of among the TAP. */
static char printed[4096];

static int finish(struct json_object *doc, int r, struct err *err)
{
	FILE *tap = stdout;
	int result;

	memset(printed, 0, sizeof(printed));
	stdout = fmemopen(printed, sizeof(printed) - 1, "w");
	result = json_finish(doc, r, err);
	fclose(stdout);
	stdout = tap;
	return result;
}

static void test_document(void)
{
	struct json_object *doc = json_document("tool");
	struct json_object *list, *o;
	struct err err = { 0 };
	int r = 0;

	r |= json_add_i64(doc, "negative", -1);
	r |= json_add_array(doc, "list", &list);
	r |= json_add_string(list, NULL, "one");
	r |= json_add_object(list, NULL, &o);
	r |= json_add_name(o, "name", "\xff", 1);
	r |= json_add_object(doc, "object", &o);
	r |= json_add_u64(o, "number", UINT64_MAX);
	r |= json_add_bool(o, "bool", true);
	is_int(r, 0, "a document is made");
	is_int(finish(doc, 0, &err), 0, "and printed");
	is_str(printed,
	       "{\n"
	       "  \"format\":1,\n"
	       "  \"tool\":\"tool\",\n"
	       "  \"negative\":-1,\n"
	       "  \"list\":[\n"
	       "    \"one\",\n"
	       "    {\n"
	       "      \"name\":\"\\\\xff\",\n"
	       "      \"name_b64\":\"/w==\"\n"
	       "    }\n"
	       "  ],\n"
	       "  \"object\":{\n"
	       "    \"number\":18446744073709551615,\n"
	       "    \"bool\":true\n"
	       "  }\n"
	       "}\n",
	       "with all that was added, in that order");
}

/* What could not be made is NULL from there on. */
static void test_no_memory(void)
{
	struct json_object *other = json_document("tool");
	struct json_object *o = other;
	struct err err = { 0 };

	is_int(json_add_string(NULL, "key", "value"), -ENOMEM, "no object");
	is_int(json_add_name(NULL, "key", "\xff", 1), -ENOMEM, "nor for a name");
	is_int(json_add_object(NULL, "key", &o), -ENOMEM, "nor for another");
	ok(!o, "which is none then");
	is_int(json_add_array(NULL, NULL, &o), -ENOMEM, "nor an array");
	is_int(finish(NULL, 0, &err), -ENOMEM, "no document");
	is_str(err.msg, "cannot write JSON: Cannot allocate memory", "says why");
	is_str(printed, "", "and nothing else");
	json_object_put(other);
}

static void test_failed(void)
{
	struct err err = { 0 };

	is_int(finish(json_document("tool"), -ENOMEM, &err), -ENOMEM,
	       "a document that is not whole");
	is_str(printed, "", "is not printed");
	is_int(err.code, -ENOMEM, "and that is an error");
	err_clear(&err);
	err_set(&err, -ENOENT, "no such guest");
	is_int(finish(json_document("tool"), -ENOENT, &err), -ENOENT,
	       "another failure");
	is_str(err.msg, "no such guest", "keeps its message");
	is_str(printed, "", "and nothing is printed, too");
	is_int(finish(json_document("tool"), -EIO, NULL), -EIO,
	       "nobody needs to ask for a message");
}

int main(void)
{
	unit_plan(18);
	test_document();
	test_no_memory();
	test_failed();
	return unit_done();
}
