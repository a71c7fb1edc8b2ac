// SPDX-License-Identifier: GPL-2.0-only
#include "set.h"

#include <errno.h>
#include <stdlib.h>
#include <xxhash.h>

/* The slot of @value, or the free one where it belongs. What is stored is a hash
 * already: its low bits are as good as any. */
static uint64_t *find_slot(const struct set *s, uint64_t value)
{
	size_t i = value & (s->size - 1);

	while (s->slots[i] && s->slots[i] != value)
		i = (i + 1) & (s->size - 1);
	return &s->slots[i];
}

static int grow(struct set *s)
{
	struct set bigger = { .size = s->size ? s->size * 2 : 1024,
			      .count = s->count,
			      .has_zero = s->has_zero };
	size_t i;

	bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < s->size; i++)
		if (s->slots[i])
			*find_slot(&bigger, s->slots[i]) = s->slots[i];
	free(s->slots);
	*s = bigger;
	return 0;
}

int set_add(struct set *s, uint64_t value)
{
	uint64_t *slot;

	if (!value) {
		s->has_zero = true;
		return 0;
	}
	if (s->count * 4 >= s->size * 3) {
		int r = grow(s);

		if (r < 0)
			return r;
	}
	slot = find_slot(s, value);
	s->count += !*slot;
	*slot = value;
	return 0;
}

int set_add_all(struct set *s, const struct set *values)
{
	size_t i;
	int r = 0;

	s->has_zero |= values->has_zero;
	for (i = 0; !r && i < values->size; i++)
		if (values->slots[i])
			r = set_add(s, values->slots[i]);
	return r;
}

bool set_has(const struct set *s, uint64_t value)
{
	if (!value)
		return s->has_zero;
	return s->size && *find_slot(s, value) == value;
}

void set_release(struct set *s)
{
	free(s->slots);
	*s = (struct set){ 0 };
}

uint64_t hash_words(const uint64_t *words, size_t count)
{
	return XXH3_64bits(words, count * sizeof(*words));
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
	return XXH3_64bits(bytes, len);
}
