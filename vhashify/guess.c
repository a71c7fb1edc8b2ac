// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of one path, size and metadata in several trees are mostly one file, copied: two of
 * them are read for a digest, and if it is the same the others are taken for equal to
 * them, unread. What is shared is compared with its master byte by byte anyway.
 *
 * Who turns out to be something else (SKIP_DIFFERENT) is read after all, and planned once
 * more with whoever nothing equal was known to, so that the run comes to what its
 * --dry-run, which reads them all, has told. plan.c lets no guess say how many masters there
 * shall be.
 */
#include <stdlib.h>
#include <string.h>

#include "fdio.h"
#include "opener.h"

/* Without these many there is nobody to spare. */
#define READ_FILES 2

static bool may_guess(const struct run *run)
{
	return run->links && !run->dry_run && !run->explain.path &&
	       !run->policy.ignore_mtime;
}

/* Two directories with one digest cost a guess that is wrong. */
static int compare_paths(const struct run *run, const struct file *a,
			 const struct file *b)
{
	uint64_t x = file_dir(run, a)->path;
	uint64_t y = file_dir(run, b)->path;
	int r = (x > y) - (x < y);

	return r ? r : strcmp(a->name, b->name);
}

/* Those in the game first, and of these those whose key is known. */
static int rank(const struct file *f)
{
	return !file_is_undecided(f) ? 2 : !f->keyed;
}

static int by_path(const void *a, const void *b, void *ctx)
{
	const struct run *run = ctx;
	uint32_t i = *(const uint32_t *)a;
	uint32_t j = *(const uint32_t *)b;
	const struct file *f = &run->files[i];
	const struct file *g = &run->files[j];
	int r = compare_paths(run, f, g);

	if (!r)
		r = rank(f) - rank(g);
	return r ? r : (i > j) - (i < j);
}

/* While its digest is not known, a key has room for the two that it hangs on. */
static void set_models(struct file *f, const uint32_t models[READ_FILES])
{
	f->guessed = true;
	memcpy(f->key.b, models, READ_FILES * sizeof(*models));
}

static void guess_path(struct run *run, const uint32_t *same, size_t count)
{
	size_t i;

	for (i = READ_FILES; i < count; i++) {
		struct file *f = &run->files[same[i]];

		if (rank(f) == 1)
			set_models(f, same);
	}
}

void guess_alike(struct run *run, uint32_t *alike, size_t count)
{
	size_t start, end;

	if (count <= READ_FILES || !may_guess(run))
		return;
	qsort_r(alike, count, sizeof(*alike), by_path, run);
	for (start = 0; start < count; start = end) {
		const struct file *f = &run->files[alike[start]];

		for (end = start + 1; end < count; end++)
			if (compare_paths(run, f, &run->files[alike[end]]))
				break;
		guess_path(run, &alike[start], end - start);
	}
}

/* Both models were read, and are equal: then @f has their key, else none. */
static bool has_models(const struct run *run, const struct file *f,
		       struct digest *ret)
{
	uint32_t models[READ_FILES];
	const struct file *a, *b;

	memcpy(models, f->key.b, sizeof(models));
	a = &run->files[models[0]];
	b = &run->files[models[1]];
	*ret = a->key;
	return file_is_undecided(a) && a->keyed && file_is_undecided(b) && b->keyed &&
	       digest_equal(&a->key, &b->key);
}

bool guess_settle(struct run *run)
{
	bool unread = false;
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		struct file *f = &run->files[i];
		struct digest key;

		if (!f->guessed)
			continue;
		f->guessed = has_models(run, f, &key);
		if (f->guessed)
			f->key = key;
		else
			unread = true;
	}
	return unread;
}

bool guess_holds(struct run *run, struct opener *o, struct file *f)
{
	const struct digest guess = f->key;

	digest_file(run, o, f);
	if (file_is_undecided(f) && !digest_equal(&guess, &f->key))
		file_skip(f, SKIP_DIFFERENT);
	else
		f->guessed = false;
	return file_is_undecided(f);
}

static void recall(struct file *f)
{
	f->tried = false;
	file_skip(f, SKIP_NONE);
}

/* Nothing equal was known to it, as far as that was known. */
static bool is_lonely(const struct file *f)
{
	return f->keyed && (f->reason == SKIP_UNIQUE ||
			    f->reason == SKIP_WITHIN_GUEST);
}

/* The engine `kernel` has marked it while it was compared, which changed its ctime. Nothing
 * is known of it yet that hangs on that. */
static void look_again(struct run *run, struct opener *o, struct file *f)
{
	struct statx seen, now;
	const char *name;
	int dir = opener_locate(o, f, &name);

	if (dir < 0 || fdio_statx(dir, name, &now) < 0)
		return; /* who reads it will find out */
	file_statx(run, f, &seen);
	seen.stx_ctime = now.stx_ctime;
	if (!statx_unchanged(&now, &seen))
		return;
	f->ctime_sec = now.stx_ctime.tv_sec;
	f->ctime_nsec = now.stx_ctime.tv_nsec;
}

bool guess_revise(struct run *run)
{
	_cleanup_opener_ struct opener o = READER_INIT(run);
	bool wrong = false;
	size_t i;

	for (i = 0; i < run->file_count; i++) {
		struct file *f = &run->files[i];

		if (f->guessed && f->reason == SKIP_DIFFERENT) {
			recall(f);
			look_again(run, &o, f);
			wrong = true;
		}
		f->guessed = false;
	}
	return wrong;
}

void guess_recall_lonely(struct run *run)
{
	size_t i;

	for (i = 0; i < run->file_count; i++)
		if (is_lonely(&run->files[i]))
			recall(&run->files[i]);
}
