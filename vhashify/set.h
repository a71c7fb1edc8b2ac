/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of 64-bit numbers. Open addressing; hashes of things go in, so a collision (one
 * in 2^64 pairs) may only ever cost a saving. Zero is a valid empty set.
 */
#ifndef VHASHIFY_SET_H
#define VHASHIFY_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct set {
	uint64_t *slots;
	size_t count;
	size_t size;		/* power of two */
	bool has_zero;
};

int set_add(struct set *s, uint64_t value); /* 0 or -ENOMEM */
int set_add_all(struct set *s, const struct set *values);
bool set_has(const struct set *s, uint64_t value);
void set_release(struct set *s);

/* A digest of a short record, for such sets. */
uint64_t hash_words(const uint64_t *words, size_t count);
uint64_t hash_bytes(const void *bytes, size_t len);

#endif
