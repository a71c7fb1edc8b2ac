/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the members of the running kernel's structures are, and which ids its functions
 * have, as its own description (BTF) says: for programs that are loaded into it.
 *
 *	_cleanup_btf_ struct btf *btf = NULL;
 *
 *	r = kernel_btf_open(KERNEL_BTF, &btf, err);
 *	if (!r)
 *		r = kernel_btf_offset(btf, "cgroup", "kn", 8, &offset, err);
 *
 * What is not there, or is not what the caller expects, is -EOPNOTSUPP and a message: a
 * newer kernel may have changed it. So it is better to ask for more than needed here than
 * to read at a wrong place there.
 */
#ifndef COWLINK_KERNEL_BTF_H
#define COWLINK_KERNEL_BTF_H

#include <bpf/btf.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

int kernel_btf_open(const char *path, struct btf **ret, struct err *err);
/* That of the running kernel, unless *@btf is one already: to read it takes a while. */
int kernel_btf_need(struct btf **btf, struct err *err);
void kernel_btf_release(struct btf **btf);
#define _cleanup_btf_ __attribute__((cleanup(kernel_btf_release)))

/*
 * The offset in bytes of "a.b.c" in struct @type. Each name but the last is that of a
 * structure or union inside; anonymous ones between them are looked into and not named.
 * Of an array, of whatever length, the first element is meant. @size_bytes is what the
 * last, or an element of it, has to have.
 */
int kernel_btf_offset(const struct btf *btf, const char *type,
		      const char *path, uint32_t size_bytes, uint32_t *ret,
		      struct err *err);

/* The byte and, in it, the bit of "a.b.c", a bit field of one bit. */
int kernel_btf_bit(const struct btf *btf, const char *type, const char *path,
		   uint32_t *ret_byte, uint8_t *ret_mask, struct err *err);

/* The id of a function. Its first @count arguments are pointers to the structures @args,
 * and there may be more. */
int kernel_btf_function(const struct btf *btf, const char *name,
			const char *const *args, size_t count, uint32_t *ret,
			struct err *err);

#endif
