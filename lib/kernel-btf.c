// SPDX-License-Identifier: GPL-2.0-only
#include "kernel-btf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* How deep structures may lie in each other: the kernel's do not come near. */
#define DEPTH_MAX 32

int kernel_btf_open(const char *path, struct btf **ret, struct err *err)
{
	struct btf *btf;

	libbpf_set_print(NULL); /* we tell what went wrong */
	btf = btf__parse(path, NULL);
	if (!btf && errno == ENOENT)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel does not describe itself, there is "
			       "no '%s'", path);
	if (!btf && errno == ENOMEM)
		return err_errno(err, -ENOMEM, "cannot read '%s'", path);
	if (!btf)
		return err_set(err, -EOPNOTSUPP, "cannot read '%s': %s", path,
			       strerror(errno));
	*ret = btf;
	return 0;
}

int kernel_btf_need(struct btf **btf, struct err *err)
{
	return *btf ? 0 : kernel_btf_open(KERNEL_BTF, btf, err);
}

void kernel_btf_release(struct btf **btf)
{
	btf__free(*btf);
	*btf = NULL;
}

/* The type that this one is under another name, with or without "const". */
static const struct btf_type *plain(const struct btf *btf, uint32_t id)
{
	int plain_id = btf__resolve_type(btf, id);

	return plain_id < 0 ? NULL : btf__type_by_id(btf, (uint32_t)plain_id);
}

static const struct btf_type *element(const struct btf *btf, uint32_t *id)
{
	const struct btf_type *t = plain(btf, *id);

	while (t && btf_is_array(t)) {
		*id = btf_array(t)->type;
		t = plain(btf, *id);
	}
	return t;
}

struct place {
	uint32_t offset;
	uint32_t type;
	uint32_t bit;		/* from there */
	uint32_t bits;		/* of a bit field, else 0 */
};

/* The member @name (@len bytes) of @t, if there is one. */
static bool find(const struct btf *btf, const struct btf_type *t,
		const char *name, size_t len, int depth, struct place *p)
{
	uint32_t i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *its = btf__name_by_offset(btf, m->name_off);
		uint32_t bits = btf_member_bit_offset(t, i);
		struct place below = { p->offset + bits / 8, m->type, bits % 8,
				       btf_member_bitfield_size(t, i) };
		const struct btf_type *inner;

		if (its && *its) {
			if (strncmp(its, name, len) || its[len])
				continue;
			*p = below;
			return true;
		}
		inner = plain(btf, m->type);
		if (!inner || !btf_is_composite(inner) || depth == DEPTH_MAX ||
		    !find(btf, inner, name, len, depth + 1, &below))
			continue;
		*p = below;
		return true;
	}
	return false;
}

static int find_path(const struct btf *btf, const char *type, const char *path,
		     struct place *p, struct err *err)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const char *name = path;

	if (id < 0)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no 'struct %s'", type);
	*p = (struct place){ .type = (uint32_t)id };
	while (*name) {
		size_t len = strcspn(name, ".");
		const struct btf_type *t = element(btf, &p->type);

		if (!t || !btf_is_composite(t) || p->bits ||
		    !find(btf, t, name, len, 0, p))
			return err_set(err, -EOPNOTSUPP,
				       "this kernel's 'struct %s' has no '%s'",
				       type, path);
		name += len + (name[len] == '.');
	}
	(void)element(btf, &p->type);
	return 0;
}

int kernel_btf_offset(const struct btf *btf, const char *type,
		      const char *path, uint32_t size_bytes, uint32_t *ret,
		      struct err *err)
{
	struct place p;
	int r = find_path(btf, type, path, &p, err);

	if (r < 0)
		return r;
	if (p.bit || p.bits || btf__resolve_size(btf, p.type) != size_bytes)
		return err_set(err, -EOPNOTSUPP,
			       "'%s' in this kernel's 'struct %s' is not of %u "
			       "bytes", path, type, size_bytes);
	*ret = p.offset;
	return 0;
}

int kernel_btf_bit(const struct btf *btf, const char *type, const char *path,
		   uint32_t *ret_byte, uint8_t *ret_mask, struct err *err)
{
	struct place p;
	int r = find_path(btf, type, path, &p, err);

	if (r < 0)
		return r;
	if (p.bits != 1)
		return err_set(err, -EOPNOTSUPP,
			       "'%s' in this kernel's 'struct %s' is not one bit",
			       path, type);
	*ret_byte = p.offset;
	*ret_mask = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ?
			    (uint8_t)(1U << p.bit) :
			    (uint8_t)(0x80U >> p.bit);
	return 0;
}

static int points_to(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *t = plain(btf, id);

	if (!t || !btf_is_ptr(t))
		return 0;
	t = plain(btf, t->type);
	return t && btf_is_struct(t) &&
	       !strcmp(btf__name_by_offset(btf, t->name_off), name);
}

int kernel_btf_function(const struct btf *btf, const char *name,
			const char *const *args, size_t count, uint32_t *ret,
			struct err *err)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);
	const struct btf_type *t;
	size_t i;

	if (id < 0)
		return err_set(err, -EOPNOTSUPP, "this kernel has no '%s'",
			       name);
	t = btf__type_by_id(btf, (uint32_t)id);
	t = btf__type_by_id(btf, t->type);
	for (i = 0; t && i < count; i++)
		if (!btf_is_func_proto(t) || i >= btf_vlen(t) ||
		    !points_to(btf, btf_params(t)[i].type, args[i]))
			t = NULL;
	if (!t)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel's '%s' takes other arguments", name);
	*ret = (uint32_t)id;
	return 0;
}
