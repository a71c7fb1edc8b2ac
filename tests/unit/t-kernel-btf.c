// SPDX-License-Identifier: GPL-2.0-only
/* Places in structures, as a description tells that is made here. */
#include <errno.h>
#include <unistd.h>

#include "kernel-btf.h"
#include "unit.h"

static struct btf *btf;
static int t_long, t_char, t_pair, t_pointer;

static void must(int r)
{
	if (r >= 0)
		return;
	printf("# cannot make the description: %s\n", strerror(-r));
	exit(1);
}

static int id(int r)
{
	must(r);
	return r;
}

static void field(const char *name, int type, uint32_t bit)
{
	must(btf__add_field(btf, name, type, bit, 0));
}

/*
 * struct pair { long a; long b; };
 * typedef const struct pair pair_t;
 * struct outer {
 *	char first;
 *	pair_t inside;				8
 *	union {					24
 *		long one;
 *		struct {
 *			char two;
 *			struct pair three;	32
 *		};
 *	};
 *	struct pair *pointer;			48
 *	unsigned long narrow:3;			56
 *	unsigned long single:1;			56, bit 3
 *	unsigned long wide:12, :1, far:1;	58, bit 1
 *	struct pair several[2];			64
 *	struct pair *last[];			96
 * };
 */
static void make_types(void)
{
	int constant;
	int array;
	int flexible;
	int inner;
	int choice;
	int name;

	t_long = id(btf__add_int(btf, "long", 8, BTF_INT_SIGNED));
	t_char = id(btf__add_int(btf, "char", 1, BTF_INT_CHAR));
	t_pair = id(btf__add_struct(btf, "pair", 16));
	field("a", t_long, 0);
	field("b", t_long, 64);
	constant = id(btf__add_const(btf, t_pair));
	name = id(btf__add_typedef(btf, "pair_t", constant));
	t_pointer = id(btf__add_ptr(btf, t_pair));
	array = id(btf__add_array(btf, t_long, t_pair, 2));
	flexible = id(btf__add_array(btf, t_long, t_pointer, 0));
	inner = id(btf__add_struct(btf, NULL, 24));
	field("two", t_char, 0);
	field("three", t_pair, 64);
	choice = id(btf__add_union(btf, NULL, 24));
	field("one", t_long, 0);
	field(NULL, inner, 0);
	must(btf__add_struct(btf, "outer", 96));
	field("first", t_char, 0);
	field("inside", name, 64);
	field(NULL, choice, 192);
	field("pointer", t_pointer, 384);
	must(btf__add_field(btf, "narrow", t_long, 448, 3));
	must(btf__add_field(btf, "single", t_long, 451, 1));
	must(btf__add_field(btf, "wide", t_long, 452, 12));
	must(btf__add_field(btf, "far", t_long, 465, 1));
	field("several", array, 512);
	field("last", flexible, 768);
}

/* long small(struct pair *); long hook(struct pair *, const struct pair *, long); */
static void make_functions(void)
{
	int constant = id(btf__add_const(btf, t_pair));
	int pointer = id(btf__add_ptr(btf, constant));
	int proto = id(btf__add_func_proto(btf, t_long));

	must(btf__add_func_param(btf, "one", t_pointer));
	must(btf__add_func(btf, "small", BTF_FUNC_GLOBAL, proto));
	proto = id(btf__add_func_proto(btf, t_long));
	must(btf__add_func_param(btf, "one", t_pointer));
	must(btf__add_func_param(btf, "two", pointer));
	must(btf__add_func_param(btf, "three", t_long));
	must(btf__add_func(btf, "hook", BTF_FUNC_GLOBAL, proto));
}

/* The offset, or -errno. */
static long long offset(const char *type, const char *path, uint32_t size)
{
	struct err err = { 0 };
	uint32_t at = 4711;
	int r = kernel_btf_offset(btf, type, path, size, &at, &err);

	if (r < 0 && (at != 4711 || !*err.msg || err.cls != ERR_UNSUPPORTED))
		printf("# refused, but not as promised: '%s'\n", err.msg);
	return r < 0 ? (long long)r : (long long)at;
}

static void test_places(void)
{
	is_int(offset("outer", "first", 1), 0, "the first");
	is_int(offset("outer", "inside.b", 8), 16,
	       "in a structure inside, behind a typedef and a const");
	is_int(offset("outer", "one", 8), 24, "in an anonymous union");
	is_int(offset("outer", "three.b", 8), 40,
	       "in a structure in an anonymous one in it");
	is_int(offset("outer", "pointer", 8), 48, "a pointer");
	is_int(offset("outer", "several.b", 8), 72, "the first of an array");
	is_int(offset("outer", "last", 8), 96, "an array without a length");
}

static void test_refused(void)
{
	is_int(offset("inner", "a", 8), -EOPNOTSUPP, "no such structure");
	is_int(offset("outer", "inside.c", 8), -EOPNOTSUPP, "no such member");
	is_int(offset("outer", "firs", 1), -EOPNOTSUPP, "half a name");
	is_int(offset("outer", "insid.b", 8), -EOPNOTSUPP,
	       "half a name of one inside");
	is_int(offset("outer", "pointer.a", 8), -EOPNOTSUPP,
	       "it does not go through a pointer");
	is_int(offset("outer", "narrow", 8), -EOPNOTSUPP, "a bit field");
	is_int(offset("outer", "three", 8), -EOPNOTSUPP, "another size");
	is_int(offset("outer", "last", 4), -EOPNOTSUPP,
	       "elements of another size");
}

/* The bit, counted from the beginning of the structure, or -errno. */
static long long bit(const char *path)
{
	struct err err = { 0 };
	uint32_t byte = 0;
	uint8_t mask = 0;
	int r = kernel_btf_bit(btf, "outer", path, &byte, &mask, &err);
	long long n = 8LL * byte;

	for (; mask > 1; mask >>= 1)
		n++;
	return r < 0 ? (long long)r : n;
}

static void test_bits(void)
{
	is_int(bit("single"), 451, "a bit");
	is_int(bit("far"), 465, "one in another byte");
	is_int(bit("narrow"), -EOPNOTSUPP, "more than one");
	is_int(bit("first"), -EOPNOTSUPP, "no bit field");
	is_int(bit("single.a"), -EOPNOTSUPP, "nothing is in a bit");
	is_int(offset("outer", "single", 8), -EOPNOTSUPP, "a bit is no byte");
}

static bool function_is(const char *name, const char *first,
			const char *second, int want)
{
	const char *args[] = { first, second };
	struct err err = { 0 };
	uint32_t at = 0;
	int r = kernel_btf_function(btf, name, args, 2, &at, &err);

	return r == want && (r || at == btf__type_cnt(btf) - 1) && !*err.msg == !r;
}

static void test_functions(void)
{
	const char *args[] = { "pair", "pair", "pair" };
	struct err err = { 0 };
	uint32_t at;

	ok(function_is("hook", "pair", "pair", 0), "a function");
	ok(function_is("hooks", "pair", "pair", -EOPNOTSUPP), "no such one");
	ok(function_is("hook", "pair", "outer", -EOPNOTSUPP),
	   "one with another argument");
	is_int(kernel_btf_function(btf, "hook", args, 3, &at, &err),
	       -EOPNOTSUPP, "one whose argument is no pointer");
	is_int(kernel_btf_function(btf, "small", args, 2, &at, &err),
	       -EOPNOTSUPP, "one with fewer");
}

static void test_files(void)
{
	char dir[256];
	char path[300];
	struct err err = { 0 };
	struct btf *read = NULL;
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/btf", unit_tmpdir(dir));
	is_int(kernel_btf_open(path, &read, &err), -EOPNOTSUPP, "no file");
	f = fopen(path, "w");
	must(f && fputs("no such thing", f) >= 0 && !fclose(f) ? 0 : -EIO);
	is_int(kernel_btf_open(path, &read, &err), -EOPNOTSUPP, "another file");
	f = fopen(path, "w");
	must(f && fwrite(data, size, 1, f) == 1 && !fclose(f) ? 0 : -EIO);
	is_int(kernel_btf_open(path, &read, &err), 0, "one that can be read");
	is_int(read ? btf__type_cnt(read) : 0, btf__type_cnt(btf),
	       "and has all of it");
	kernel_btf_release(&read);
	ok(!read, "and is gone");
	must(unlink(path));
	must(rmdir(dir));
}

int main(void)
{
	unit_plan(31);
	btf = btf__new_empty();
	must(btf ? 0 : -errno);
	make_types();
	make_functions();
	test_places();
	test_refused();
	test_bits();
	test_functions();
	test_files();
	kernel_btf_release(&btf);
	return unit_done();
}
