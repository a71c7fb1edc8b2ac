// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shall be shared, for engines that link.
 *
 * A master is worth making for two files of different trees. Equal files at
 * different paths of one tree are another matter: linked, they would be one file
 * to a backup that knows hard links, and to whoever restores it outside of
 * cowlink. So a tree gets a second name of a master only at a path where some
 * other tree has the same content: there that is decided already, by the template
 * both came from. Which is what makes a package that was installed again in a
 * guest come back whole. --within-guest lifts the rule.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "store.h"
#include "vhashify.h"

struct plan {
	struct run *run;
	const char *origin;	/* the template that is open as origin_fd */
	int origin_fd;
	uint64_t *paths;	/* room for the paths of the largest group */
};

static bool in_set(const struct set *s, const struct digest *key, uint64_t what)
{
	uint64_t words[3];

	memcpy(words, key->b, DIGEST_SIZE);
	words[2] = what;
	return set_has(s, hash_words(words, 3));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Mark members whose path another member, of another tree then, or a name that
 * is shared already has. */
static void mark_pairs(struct plan *plan, const uint32_t *members, size_t count)
{
	const struct set *names = &plan->run->names;
	struct file *files = plan->run->files;
	size_t kept = 0;
	size_t i;

	for (i = 0; i < count; i++)
		plan->paths[i] = hash_path(files[members[i]].path);
	qsort(plan->paths, count, sizeof(*plan->paths), by_value);
	for (i = 0; i + 1 < count; i++)
		if (plan->paths[i] == plan->paths[i + 1])
			plan->paths[kept++] = plan->paths[i];
	for (i = 0; i < count; i++) {
		struct file *f = &files[members[i]];
		uint64_t path = hash_path(f->path);

		f->paired = bsearch(&path, plan->paths, kept,
				    sizeof(*plan->paths), by_value) ||
			    in_set(names, &f->key, path);
	}
}

static void close_origin(struct plan *plan)
{
	cleanup_close(&plan->origin_fd);
	plan->origin_fd = -1;
}

/* The root of the template that @tree was cloned from, or -1. */
static int open_origin(struct plan *plan, const struct tree *tree)
{
	const struct tree_row *guest = &tree->row;
	struct tree_row row;

	if (!guest->origin_uuid[0])
		return -1;
	if (plan->origin && !strcmp(plan->origin, guest->origin))
		return plan->origin_fd;
	close_origin(plan);
	plan->origin = guest->origin;
	if (pool_open_tree(plan->run->pool, TREE_TEMPLATE, guest->origin, &row,
			   &plan->origin_fd, NULL) < 0)
		plan->origin_fd = -1;
	else if (strcmp(row.uuid, guest->origin_uuid))
		close_origin(plan);
	return plan->origin_fd;
}

/* When only some guests were scanned their template was not: ask it directly. */
static void ask_template(struct plan *plan, struct file *f)
{
	struct run *run = plan->run;
	const struct object_row *row;
	_cleanup_close_ int fd = -1;
	struct statx x;
	int origin;

	if (f->paired || run->all_trees)
		return;
	origin = open_origin(plan, &run->trees[f->tree]);
	if (origin < 0)
		return;
	fd = fdio_open_beneath(origin, f->path, O_PATH | O_NOFOLLOW);
	if (fd < 0 || fdio_statx(fd, NULL, &x) < 0)
		return;
	row = masters_by_ino(&run->masters, x.stx_ino);
	f->paired = row && digest_equal(&row->key, &f->key);
}

/* The members that lie in one tree. */
static void judge_tree(struct plan *plan, const uint32_t *members, size_t count)
{
	struct run *run = plan->run;
	struct file *first = &run->files[members[0]];
	bool has_name = in_set(&run->holders, &first->key, first->tree);
	size_t i;

	if (count == 1 && !has_name)
		return;
	for (i = 0; i < count; i++)
		ask_template(plan, &run->files[members[i]]);
	for (i = 0; i < count; i++)
		has_name |= run->files[members[i]].paired;
	for (i = 0; i < count; i++) {
		struct file *f = &run->files[members[i]];

		if (f->paired)
			continue;
		if (has_name)
			file_skip(f, SKIP_WITHIN_GUEST);
		has_name = true;
	}
}

static void apply_tree_rule(struct plan *plan, const struct group *g)
{
	const uint32_t *members = &plan->run->order[g->first];
	const struct file *files = plan->run->files;
	size_t start, end;

	mark_pairs(plan, members, g->count);
	for (start = 0; start < g->count; start = end) {
		for (end = start + 1; end < g->count; end++)
			if (files[members[end]].tree !=
			    files[members[start]].tree)
				break;
		judge_tree(plan, &members[start], end - start);
	}
}

static void plan_group(struct plan *plan, struct group *g)
{
	struct run *run = plan->run;
	struct file *first = &run->files[run->order[g->first]];
	enum skip_reason reason =
		g->count == 1 ? SKIP_UNIQUE : SKIP_WITHIN_GUEST;
	size_t masters;

	if (!run->opts->within_guest)
		apply_tree_rule(plan, g);
	group_compact(run, g);
	if (g->count != 1 || masters_by_key(&run->masters, &first->key, &masters))
		return;
	/* alone, and nothing to join */
	file_skip(&run->files[run->order[g->first]], reason);
	g->count = 0;
}

static size_t largest_group(const struct run *run)
{
	size_t largest = 0;
	size_t i;

	for (i = 0; i < run->group_count; i++)
		if (run->groups[i].count > largest)
			largest = run->groups[i].count;
	return largest;
}

int plan_links(struct run *run, struct err *err)
{
	struct plan plan = { .run = run, .origin_fd = -1 };
	size_t kept = 0;
	size_t i;
	int r = group_by_key(run, 1, err);

	if (r < 0 || !run->group_count)
		return r;
	plan.paths = calloc(largest_group(run), sizeof(*plan.paths));
	if (!plan.paths)
		return err_errno(err, -ENOMEM, "cannot plan");
	for (i = 0; i < run->group_count; i++) {
		plan_group(&plan, &run->groups[i]);
		if (run->groups[i].count)
			run->groups[kept++] = run->groups[i];
	}
	run->group_count = kept;
	close_origin(&plan);
	free(plan.paths);
	return 0;
}
