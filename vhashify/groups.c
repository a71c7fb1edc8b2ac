// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vhashify.h"

static int by_key(const void *a, const void *b, void *files)
{
	const struct file *f = files;
	uint32_t i = *(const uint32_t *)a;
	uint32_t j = *(const uint32_t *)b;
	int r = memcmp(f[i].key.b, f[j].key.b, DIGEST_SIZE);

	return r ? r : (i > j) - (i < j);
}

static size_t sort_players(struct run *run)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < run->file_count; i++)
		if (file_is_undecided(&run->files[i]))
			run->order[count++] = i;
	qsort_r(run->order, count, sizeof(*run->order), by_key, run->files);
	return count;
}

static size_t group_end(const struct run *run, size_t start, size_t count)
{
	const struct digest *key = &run->files[run->order[start]].key;
	size_t end = start + 1;

	while (end < count &&
	       digest_equal(&run->files[run->order[end]].key, key))
		end++;
	return end;
}

/* Groups in the order of their first members: then neighbours in a tree are
 * worked on together. */
static int by_first_member(const void *a, const void *b, void *order)
{
	const uint32_t *o = order;
	uint32_t i = o[((const struct group *)a)->first];
	uint32_t j = o[((const struct group *)b)->first];

	return (i > j) - (i < j);
}

int group_by_key(struct run *run, size_t min, struct err *err)
{
	size_t count, start, end;

	if (!run->file_count)
		return 0;
	count = sort_players(run);
	free(run->groups);
	run->group_count = 0;
	run->groups = calloc(count + 1, sizeof(*run->groups));
	if (!run->groups)
		return err_errno(err, -ENOMEM, "cannot group the candidates");
	for (start = 0; start < count; start = end) {
		end = group_end(run, start, count);
		if (end - start >= min)
			run->groups[run->group_count++] = (struct group){
				.first = start, .count = end - start
			};
		else
			for (; start < end; start++)
				file_skip(&run->files[run->order[start]],
					  SKIP_UNIQUE);
	}
	qsort_r(run->groups, run->group_count, sizeof(*run->groups),
		by_first_member, run->order);
	return 0;
}

size_t group_compact(struct run *run, struct group *g)
{
	uint32_t *members = &run->order[g->first];
	size_t kept = 0;
	size_t i;

	for (i = 0; i < g->count; i++)
		if (run->files[members[i]].reason == SKIP_NONE)
			members[kept++] = members[i];
	g->count = kept;
	return kept;
}
