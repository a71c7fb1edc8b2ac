// SPDX-License-Identifier: GPL-2.0-only
#include "churn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "strbuf.h"

#define PREFIX_DEPTH 8

/* The directory of @path, of at most @depth components. */
static size_t prefix_length(const char *path, unsigned int depth)
{
	size_t len = 0;

	while (depth--) {
		size_t next = len ? len + 1 : 0;
		const char *slash = strchr(path + next, '/');

		if (!slash)
			break;
		len = slash - path;
	}
	return len;
}

/* --- while it scans --------------------------------------------------------------- */

/* Extents are not watched, and who changes nothing records nothing. */
static bool is_watching(const struct run *run)
{
	return run->links && !run->dry_run && !run->explain.path;
}

int churn_begin(struct run *run, size_t tree)
{
	struct tree *t = &run->trees[tree];
	struct pool *p = run->pool;
	void *bytes = NULL;
	size_t size = 0;
	int r;

	if (!is_watching(run))
		return 0;
	(void)pthread_mutex_lock(&p->catalog_lock);
	r = catalog_watch_get(p->catalog, t->row.id, &bytes, &size, NULL);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	if (r == -ENOMEM)
		return r;
	/* malloc'ed: aligned */
	t->watched = bytes;
	t->watched_count = r ? 0 : size / sizeof(*t->watched);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct churn_name *x = a;
	const struct churn_name *y = b;

	if (x->name != y->name)
		return x->name > y->name ? 1 : -1;
	/* of one name the last run comes first */
	return (x->run < y->run) - (x->run > y->run);
}

static int by_name_only(const void *a, const void *b)
{
	const struct churn_name *x = a;
	const struct churn_name *y = b;

	return (x->name > y->name) - (x->name < y->name);
}

static int add_broken(struct run *run, const struct broken *b)
{
	if (array_room(&run->broken, run->broken_count, &run->broken_alloc))
		return -ENOMEM;
	run->broken[run->broken_count++] = *b;
	return 0;
}

int churn_see(struct run *run, size_t tree, const struct walk_entry *e,
	      size_t file)
{
	struct tree *t = &run->trees[tree];
	struct broken b = { .tree = tree, .size_bytes = e->stx->stx_size,
			    .file = file };
	struct churn_name want;
	struct churn_name *known;
	size_t len;

	if (!t->watched_count)
		return 0;
	want.name = hash_bytes(e->path, strlen(e->path));
	known = bsearch(&want, t->watched, t->watched_count,
			sizeof(*t->watched), by_name_only);
	if (!known || !known->run)
		return 0;
	known->run = 0;	/* it is watched no longer */
	/* of a path that is longer the rest is never looked at */
	len = prefix_length(e->path, PREFIX_DEPTH);
	b.path = run_keep(run, e->path, len ? len + 1 : 0);
	return b.path ? add_broken(run, &b) : -ENOMEM;
}

int churn_move(struct run *to, struct run *from)
{
	size_t i;

	if (array_room_for(&to->broken, to->broken_count, from->broken_count,
			   &to->broken_alloc))
		return -ENOMEM;
	for (i = 0; i < from->broken_count; i++) {
		struct broken *b = &to->broken[to->broken_count++];

		*b = from->broken[i];
		if (b->file != SIZE_MAX)
			b->file += to->file_count;
	}
	from->broken_count = 0;
	return 0;
}

/* --- below which directories -------------------------------------------------------- */

static int compare_prefix(const struct broken *x, const struct broken *y)
{
	size_t len = x->prefix_len < y->prefix_len ? x->prefix_len :
						     y->prefix_len;
	int r = memcmp(x->path, y->path, len);

	return r ? r : (x->prefix_len > y->prefix_len) -
			       (x->prefix_len < y->prefix_len);
}

static int by_prefix(const void *a, const void *b)
{
	return compare_prefix(a, b);
}

static size_t count_prefixes(struct broken *list, size_t count,
			     unsigned int depth)
{
	size_t prefixes = 1;
	size_t i;

	for (i = 0; i < count; i++)
		list[i].prefix_len = prefix_length(list[i].path, depth);
	qsort(list, count, sizeof(*list), by_prefix);
	for (i = 1; i < count; i++)
		prefixes += compare_prefix(&list[i - 1], &list[i]) != 0;
	return prefixes;
}

/* One row: files from *@at on that are below the same directory. */
static int record_prefix(struct run *run, int64_t run_id,
			 const struct broken *list, size_t count, size_t *at,
			 struct err *err)
{
	const struct broken *first = &list[*at];
	_cleanup_strbuf_ struct strbuf prefix = STRBUF_INIT;
	struct churn_row row = { 0 };
	int r = strbuf_addstr(&prefix, "/");

	if (!r)
		r = strbuf_add(&prefix, first->path, first->prefix_len);
	if (r < 0)
		return err_errno(err, r, "cannot record what was broken");
	for (; *at < count && !compare_prefix(first, &list[*at]); ++*at) {
		const struct broken *b = &list[*at];

		row.files++;
		row.bytes += b->size_bytes;
		row.again_files += b->file != SIZE_MAX &&
				   run->files[b->file].reason == SKIP_NONE;
	}
	row.prefix = strbuf_str(&prefix);
	row.prefix_len = first->prefix_len + 1;
	return catalog_churn_add(run->pool->catalog, run_id,
				 run->trees[first->tree].row.id, &row, err);
}

static int record_broken(struct run *run, int64_t run_id, struct err *err)
{
	size_t start, end;
	int r = 0;

	for (start = 0; !r && start < run->broken_count; start = end) {
		struct broken *list = &run->broken[start];
		unsigned int depth = PREFIX_DEPTH;
		size_t at = 0;

		end = start + 1;
		while (end < run->broken_count &&
		       run->broken[end].tree == list->tree)
			end++;
		while (count_prefixes(list, end - start, depth) >
		       CHURN_PREFIXES)
			depth--;
		while (!r && at < end - start)
			r = record_prefix(run, run_id, list, end - start, &at,
					  err);
	}
	return r;
}

/* --- what to watch from now on ------------------------------------------------------ */

/* Names are watched until they were seen broken, or for some runs. */
static size_t keep_watched(const struct tree *t, int64_t run_id,
			   struct churn_name *list)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < t->watched_count; i++)
		if (t->watched[i].run > run_id - CHURN_WATCH_RUNS)
			list[count++] = t->watched[i];
	return count;
}

static int add_shared(const struct run *run, int64_t run_id, size_t start,
		      size_t end, struct churn_name *list, size_t *ret_count)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	int r = 0;

	*ret_count = 0;
	for (; !r && start < end; start++) {
		const struct file *f = &run->files[start];

		if (f->reason != SKIP_NONE)
			continue;
		r = file_path(run, f, &path);
		list[(*ret_count)++] = (struct churn_name){
			.name = hash_bytes(strbuf_str(&path), path.len),
			.run = run_id,
		};
	}
	return r;
}

static size_t sort_names(struct churn_name *list, size_t count)
{
	size_t kept = 0;
	size_t i;

	qsort(list, count, sizeof(*list), by_name);
	for (i = 0; i < count && kept < CHURN_NAMES; i++)
		if (!kept || list[kept - 1].name != list[i].name)
			list[kept++] = list[i];
	return kept;
}

/* Candidates of @t are those from @start to @end. */
static int record_watched(struct run *run, int64_t run_id, const struct tree *t,
			  size_t start, size_t end, struct err *err)
{
	struct churn_name *list =
		malloc((t->watched_count + end - start + 1) * sizeof(*list));
	size_t kept, added, count;
	int r = 0;

	if (!list)
		return err_errno(err, -ENOMEM, "cannot remember names");
	kept = keep_watched(t, run_id, list);
	r = add_shared(run, run_id, start, end, list + kept, &added);
	count = sort_names(list, kept + added);
	if (r < 0)
		r = err_errno(err, r, "cannot remember names");
	else if (added || kept != t->watched_count)
		r = catalog_watch_put(run->pool->catalog, t->row.id, list,
				      count * sizeof(*list), err);
	free(list);
	return r;
}

int churn_record(struct run *run, struct err *err)
{
	struct catalog *c = run->pool->catalog;
	size_t start = 0;
	int64_t run_id;
	size_t i;
	int r;

	if (!is_watching(run))
		return 0;
	r = catalog_run_last(c, &run_id, err);
	if (!r)
		r = record_broken(run, run_id, err);
	if (!r)
		r = catalog_churn_forget(c, run_id, err);
	for (i = 0; !r && i < run->tree_count; i++) {
		size_t end = start;

		while (end < run->file_count &&
		       file_tree(run, &run->files[end]) == i)
			end++;
		if (run->trees[i].status == TREE_SCANNED)
			r = record_watched(run, run_id, &run->trees[i], start,
					   end, err);
		start = end;
	}
	return r;
}

void churn_release(struct run *run)
{
	size_t i;

	for (i = 0; i < run->tree_count; i++)
		free(run->trees[i].watched);
	free(run->broken);
}
