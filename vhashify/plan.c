// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shall be shared, for engines that link.
 *
 * A tree has at most one name of a master, as import and clone see to it: linked
 * to each other, equal files of one tree would be one file to a backup that knows
 * hard links, and to whoever restores it. So the n-th equal file of a tree shares
 * the n-th master (replica) of that content, if there are so many, or if another
 * tree has n of them too: a copy on the disk is worth its place when two trees
 * share it. What is beyond that stays private. --within-guest lifts the rule.
 */
#include <errno.h>

#include "vhashify.h"

/* Members of one group that lie in one tree. */
struct share_of_tree {
	const uint32_t *members;
	size_t count;
	size_t held;		/* masters of this content it has names of */
};

static size_t count_held(const struct run *run, const struct object_row *rows,
			 size_t count, size_t tree)
{
	size_t held = 0;
	size_t i;

	for (i = 0; i < count; i++)
		held += run_holds(run, rows[i].ino, tree);
	return held;
}

/* The members from @start on that are of one tree. */
static struct share_of_tree next_tree(const struct run *run,
				      const struct group *g, size_t start,
				      const struct object_row *rows,
				      size_t row_count)
{
	const uint32_t *members = &run->order[g->first];
	size_t tree = file_tree(run, &run->files[members[start]]);
	size_t end = start + 1;

	while (end < g->count &&
	       file_tree(run, &run->files[members[end]]) == tree)
		end++;
	return (struct share_of_tree){
		.members = &members[start],
		.count = end - start,
		.held = count_held(run, rows, row_count, tree),
	};
}

/* How many masters of this content are worth having: those that are there, or as
 * many as the tree with the second most of such files could use. */
static size_t useful_masters(const struct run *run, const struct group *g,
			     const struct object_row *rows, size_t row_count)
{
	size_t most = 0, second = 0;
	size_t i = 0;

	while (i < g->count) {
		struct share_of_tree t = next_tree(run, g, i, rows, row_count);
		size_t files = t.count + t.held;

		if (files > most) {
			second = most;
			most = files;
		} else if (files > second) {
			second = files;
		}
		i += t.count;
	}
	return second > row_count ? second : row_count;
}

static void apply_tree_rule(struct run *run, const struct group *g,
			    const struct object_row *rows, size_t row_count)
{
	size_t masters = useful_masters(run, g, rows, row_count);
	enum skip_reason reason =
		g->count == 1 && !row_count ? SKIP_UNIQUE : SKIP_WITHIN_GUEST;
	size_t i = 0;

	while (i < g->count) {
		struct share_of_tree t = next_tree(run, g, i, rows, row_count);
		size_t j = masters > t.held ? masters - t.held : 0;

		for (; j < t.count; j++)
			file_skip(&run->files[t.members[j]], reason);
		i += t.count;
	}
}

static void plan_group(struct run *run, struct group *g)
{
	struct file *first = file_of(run, g, 0);
	size_t row_count;
	const struct object_row *rows =
		masters_by_key(&run->masters, &first->key, &row_count);

	if (!run->policy.within_guest)
		apply_tree_rule(run, g, rows, row_count);
	else if (g->count == 1 && !row_count)
		file_skip(first, SKIP_UNIQUE);
	group_compact(run, g);
}

/* Where a tree has several files of this content, how many masters there shall be hangs
 * on each of them. */
static bool is_crowded(const struct run *run, const struct group *g)
{
	size_t row_count;
	const struct object_row *rows = masters_by_key(
		&run->masters, &file_of(run, g, 0)->key, &row_count);
	size_t i = 0;

	while (i < g->count) {
		struct share_of_tree t = next_tree(run, g, i, rows, row_count);

		if (t.count + t.held > 1)
			return true;
		i += t.count;
	}
	return false;
}

static bool drop_guesses(struct run *run, const struct group *g)
{
	bool dropped = false;
	size_t i;

	for (i = 0; i < g->count; i++) {
		struct file *f = file_of(run, g, i);

		dropped |= f->guessed;
		f->guessed = false;
	}
	return dropped;
}

/* True when some that are guessed must be read before there is a plan. */
static bool doubt(struct run *run)
{
	bool doubted = false;
	size_t i;

	for (i = 0; i < run->group_count; i++)
		if (is_crowded(run, &run->groups[i]))
			doubted |= drop_guesses(run, &run->groups[i]);
	return doubted;
}

static void plan_groups(struct run *run)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < run->group_count; i++) {
		plan_group(run, &run->groups[i]);
		if (run->groups[i].count)
			run->groups[kept++] = run->groups[i];
	}
	run->group_count = kept;
}

int plan_links(struct run *run, struct err *err)
{
	for (;;) {
		int r = remember_holders(run, err);

		if (!r)
			r = group_by_key(run, 1, err);
		if (r < 0)
			return r;
		if (!doubt(run))
			break;
		digest_candidates(run);
		if (run->cut) {
			run_leave_rest(run);
			run->group_count = 0;
			return 0;
		}
	}
	plan_groups(run);
	return 0;
}
