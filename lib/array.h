/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An array that grows: a list, malloc'ed or NULL, with @count items and room for
 * @alloc.
 *
 *	if (array_room(&run->files, run->file_count, &run->file_alloc))
 *		return -ENOMEM;
 *	run->files[run->file_count++] = f;
 */
#ifndef COWLINK_ARRAY_H
#define COWLINK_ARRAY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Make room for one item more, or for @more. 0, or -ENOMEM and nothing has changed. */
#define array_room(list, count, alloc) array_room_for((list), (count), 1, (alloc))
#define array_room_for(list, count, more, alloc) \
	array_make_room((list), (count) + (more), (alloc), sizeof(**(list)))

/* @list points to the pointer; of which type does not matter. */
static inline int array_make_room(void *list, size_t count, size_t *alloc,
				  size_t item_bytes)
{
	size_t want = *alloc ? *alloc : 16;
	void *items;

	if (count <= *alloc)
		return 0;
	while (want < count)
		want *= 2;
	memcpy(&items, list, sizeof(items));
	items = reallocarray(items, want, item_bytes);
	if (!items)
		return -ENOMEM;
	memcpy(list, &items, sizeof(items));
	*alloc = want;
	return 0;
}

#endif
