// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "vhashify.h"

static int add_row(const struct object_row *row, void *ctx)
{
	struct masters *m = ctx;

	if (array_room(&m->rows, m->count, &m->alloc))
		return -ENOMEM;
	m->rows[m->count++] = *row;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct object_row *x = a;
	const struct object_row *y = b;
	int r = memcmp(x->key.b, y->key.b, DIGEST_SIZE);

	if (r)
		return r;
	return (x->replica > y->replica) - (x->replica < y->replica);
}

static int by_ino(const void *a, const void *b, void *rows)
{
	const struct object_row *r = rows;
	uint64_t x = r[*(const uint32_t *)a].ino;
	uint64_t y = r[*(const uint32_t *)b].ino;

	return (x > y) - (x < y);
}

int masters_load(struct masters *m, struct catalog *c, struct err *err)
{
	size_t i;
	int r = catalog_object_each(c, add_row, m, err);

	if (r == -ENOMEM)
		return err_errno(err, r, "cannot load the list of masters");
	if (r < 0 || !m->count)
		return r;
	qsort(m->rows, m->count, sizeof(*m->rows), by_key);
	m->by_ino = malloc(m->count * sizeof(*m->by_ino));
	if (!m->by_ino)
		return err_errno(err, -ENOMEM, "cannot load the list of masters");
	for (i = 0; i < m->count; i++)
		m->by_ino[i] = i;
	qsort_r(m->by_ino, m->count, sizeof(*m->by_ino), by_ino, m->rows);
	for (i = 0; !r && i < m->count; i++)
		r = set_add(&m->known, m->rows[i].ino);
	return r ? err_errno(err, r, "cannot load the list of masters") : 0;
}

const struct object_row *masters_by_ino(const struct masters *m, uint64_t ino)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct object_row *row = &m->rows[m->by_ino[mid]];

		if (row->ino == ino)
			return row;
		if (row->ino < ino)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct object_row *masters_by_key(const struct masters *m,
					const struct digest *key,
					size_t *ret_count)
{
	size_t low = 0, high = m->count, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(m->rows[mid].key.b, key->b, DIGEST_SIZE) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < m->count; end++)
		if (!digest_equal(&m->rows[end].key, key))
			break;
	*ret_count = end - low;
	return end > low ? &m->rows[low] : NULL;
}

void masters_release(struct masters *m)
{
	free(m->rows);
	free(m->by_ino);
	set_release(&m->known);
	*m = (struct masters){ 0 };
}
