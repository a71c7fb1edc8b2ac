// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many masters share.c would make, without making them: the same rounds, on
 * paper. A master takes one name of each tree until it has as many as allowed.
 */
#include <errno.h>
#include <stdlib.h>

#include "array.h"
#include "fdio.h"
#include "log.h"
#include "store.h"
#include "vhashify.h"

/* A master on paper: one that is there, or the n-th that would be made, which
 * gets a number no inode has. */
struct paper {
	uint64_t ino;
	uint64_t links_left;
};

struct foresight {
	struct run *run;
	struct paper *masters;
	size_t count;
	size_t alloc;
	uint64_t next_ino;
};

static int add_paper(struct foresight *fs, uint64_t ino, uint64_t links_left)
{
	if (array_room(&fs->masters, fs->count, &fs->alloc))
		return -ENOMEM;
	fs->masters[fs->count++] =
		(struct paper){ .ino = ino, .links_left = links_left };
	return 0;
}

static int load_masters(struct foresight *fs, const struct digest *key,
			struct err *err)
{
	const uint32_t limit = fs->run->pool->info.link_limit;
	size_t count, i;
	const struct object_row *row =
		masters_by_key(&fs->run->masters, key, &count);
	int r = 0;

	fs->count = 0;
	for (i = 0; !r && i < count; i++) {
		struct statx x;

		r = store_stat(fs->run->pool, key, row[i].replica, &x, err);
		if (r == -ENOENT)
			r = 0;
		else if (!r && x.stx_nlink < limit)
			r = add_paper(fs, x.stx_ino, limit - x.stx_nlink);
	}
	return r;
}

static bool fits(const struct foresight *fs, const struct paper *m,
		 const struct file *f)
{
	return m->links_left && (fs->run->policy.within_guest ||
				 !run_holds(fs->run, m->ino, file_tree(fs->run, f)));
}

static int choose_master(struct foresight *fs, const struct file *f,
			 struct paper **ret)
{
	size_t i;
	int r;

	for (i = 0; i < fs->count; i++)
		if (fits(fs, &fs->masters[i], f))
			break;
	if (i == fs->count) {
		/* the store's own link counts too */
		r = add_paper(fs, --fs->next_ino,
			      fs->run->pool->info.link_limit - 1);
		if (r < 0)
			return r;
		fs->run->new_masters++;
		fs->run->new_bytes += f->size_bytes;
	}
	*ret = &fs->masters[i];
	return 0;
}

/* One round of share.c: the first member that is left finds the master, and all
 * that are left and fit get a name of it. */
static int play_round(struct foresight *fs, const struct group *g, size_t first)
{
	struct run *run = fs->run;
	struct paper *m;
	size_t i;
	int r = choose_master(fs, file_of(run, g, first), &m);

	for (i = first; !r && i < g->count; i++) {
		struct file *f = file_of(run, g, i);

		if (f->tried || !fits(fs, m, f))
			continue;
		f->tried = true;
		m->links_left--;
		r = run_hold(run, m->ino, file_tree(run, f));
	}
	return r;
}

/* One of the masters cannot be looked at: what equals it is left out, as it would be. */
static int leave_out(struct foresight *fs, const struct group *g,
		     struct err *err)
{
	struct run *run = fs->run;
	size_t i;

	log_warning("%s, skipping what equals it; see 'vtemplate check --scrub'",
		    err->msg);
	err_clear(err);
	for (i = 0; i < g->count; i++)
		file_skip(file_of(run, g, i), SKIP_UNREADABLE);
	return 0;
}

static int play_group(struct foresight *fs, const struct group *g,
		      struct err *err)
{
	struct run *run = fs->run;
	size_t i;
	int r = load_masters(fs, &file_of(run, g, 0)->key, err);

	if (errno_is_damage(r))
		return leave_out(fs, g, err);
	for (i = 0; !r && i < g->count; i++)
		if (!file_of(run, g, i)->tried)
			r = play_round(fs, g, i);
	return r;
}

int foresee_links(struct run *run, struct err *err)
{
	struct foresight fs = { .run = run, .next_ino = UINT64_MAX };
	size_t j;
	int r = 0;

	for (j = 0; !r && j < run->group_count; j++)
		r = play_group(&fs, &run->groups[j], err);
	free(fs.masters);
	if (r == -ENOMEM)
		return err_errno(err, r, "cannot plan");
	return r;
}
