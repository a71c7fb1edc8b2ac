// SPDX-License-Identifier: GPL-2.0-only
/*
 * The candidates of a run. There may be tens of millions, so what those of one directory
 * have in common is kept once, and their names lie one after the other in blocks.
 */
#include <errno.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "strbuf.h"
#include "vhashify.h"
#include "walk.h"

/* --- bytes that are freed at the end ------------------------------------------------- */

#define BLOCK_BYTES (1 << 16)

struct path_block {
	struct path_block *next;
	size_t used;
	size_t size;
	char bytes[];
};

static struct path_block *block_with_room(struct run *run, size_t len)
{
	struct path_block *b = run->paths;
	size_t size = len > BLOCK_BYTES ? len : BLOCK_BYTES;

	if (b && b->size - b->used >= len)
		return b;
	b = malloc(sizeof(*b) + size);
	if (!b)
		return NULL;
	b->next = run->paths;
	b->used = 0;
	b->size = size;
	run->paths = b;
	return b;
}

const char *run_keep(struct run *run, const char *bytes, size_t len)
{
	struct path_block *b = block_with_room(run, len + 1);
	char *copy;

	if (!b)
		return NULL;
	copy = memcpy(b->bytes + b->used, bytes, len);
	copy[len] = '\0';
	b->used += len + 1;
	return copy;
}

/* --- directories --------------------------------------------------------------------- */

static int append_dir(struct run *run, const struct file_dir *d)
{
	if (run->dir_count == UINT32_MAX)
		return -EOVERFLOW;
	if (array_room(&run->dirs, run->dir_count, &run->dir_alloc))
		return -ENOMEM;
	run->dirs[run->dir_count++] = *d;
	return 0;
}

/* One called @name, of @len bytes, in @parent, or a root. */
static int add_dir(struct run *run, const struct file_dir *parent,
		   const char *name, size_t len, struct file_dir *d)
{
	const uint64_t path[] = { parent ? parent->path : 0,
				  hash_bytes(name, len) };

	d->name = run_keep(run, name, len);
	d->path = hash_words(path, 2);
	d->parent = parent ? (size_t)(parent - run->dirs) : run->dir_count;
	return d->name ? append_dir(run, d) : -ENOMEM;
}

/* Is run.dirs[@at] that one? */
static bool is_dir(const struct run *run, uint32_t at, size_t tree,
		   uint32_t parent, const char *name, size_t len)
{
	const struct file_dir *d = &run->dirs[at];

	return at < run->dir_count && d->tree == tree && d->parent == parent &&
	       !strncmp(d->name, name, len) && !d->name[len];
}

/* The directory at @depth on the way to @e, those above it being at hand; it is called @name
 * there. */
static int use_dir(struct run *run, size_t tree, const struct walk_entry *e,
		   unsigned int depth, const char *name, size_t len)
{
	uint32_t *at = &run->dirs_above[depth];
	uint32_t parent = depth ? at[-1] : *at;
	struct file_dir d = { .tree = tree,
			      .dev_major = e->stx->stx_dev_major,
			      .dev_minor = e->stx->stx_dev_minor };
	int r;

	if (is_dir(run, *at, tree, parent, name, len))
		return 0;
	r = add_dir(run, depth ? &run->dirs[parent] : NULL, name, len, &d);
	*at = run->dir_count - 1;
	return r;
}

/* Where files of one directory are on several devices it is there for each. */
static int use_device(struct run *run, uint32_t *at, const struct statx *x)
{
	struct file_dir d = run->dirs[*at];
	int r;

	if (d.dev_major == x->stx_dev_major && d.dev_minor == x->stx_dev_minor)
		return 0;
	d.dev_major = x->stx_dev_major;
	d.dev_minor = x->stx_dev_minor;
	if (d.parent == *at)
		d.parent = run->dir_count;
	r = append_dir(run, &d);
	*at = run->dir_count - 1;
	return r;
}

/*
 * The walk comes back to a directory after those below it: of the last candidate, the
 * directory at each depth is at hand. What is there may be of another branch by now, which
 * its name, or one above it, tells.
 */
static int find_dir(struct run *run, size_t tree, const struct walk_entry *e,
		    uint32_t *ret)
{
	const char *end = e->path + strlen(e->path) - strlen(e->name);
	const char *name = e->path;
	unsigned int depth = 0;
	int r;

	if (!run->dirs_above)
		run->dirs_above = calloc(WALK_DEPTH_MAX + 2,
					 sizeof(*run->dirs_above));
	if (!run->dirs_above)
		return -ENOMEM;
	r = use_dir(run, tree, e, depth, "", 0);
	while (!r && name < end) {
		size_t len = strchr(name, '/') - name;

		r = use_dir(run, tree, e, ++depth, name, len);
		name += len + 1;
	}
	if (!r)
		r = use_device(run, &run->dirs_above[depth], e->stx);
	*ret = run->dirs_above[depth];
	return r;
}

static size_t path_length(const struct run *run, uint32_t dir)
{
	size_t len = 0;

	for (; run->dirs[dir].parent != dir; dir = run->dirs[dir].parent)
		len += strlen(run->dirs[dir].name) + 1;
	return len;
}

char *dir_path(const struct run *run, uint32_t dir)
{
	size_t len = path_length(run, dir);
	char *path = malloc(len + 1);
	char *at = path + len;

	if (!path)
		return NULL;
	*at = '\0';
	for (; run->dirs[dir].parent != dir; dir = run->dirs[dir].parent) {
		const char *name = run->dirs[dir].name;

		*--at = '/';
		len = strlen(name);
		at -= len;
		memcpy(at, name, len);
	}
	return path;
}

/* --- files --------------------------------------------------------------------------- */

static int add_file(struct run *run, const struct file *f)
{
	if (run->file_count == UINT32_MAX)
		return -EOVERFLOW;
	if (array_room(&run->files, run->file_count, &run->file_alloc))
		return -ENOMEM;
	run->files[run->file_count++] = *f;
	return 0;
}

int run_add_file(struct run *run, size_t tree, const struct walk_entry *e)
{
	const struct statx *x = e->stx;
	struct file f = {
		.ino = x->stx_ino,
		.size_bytes = x->stx_size,
		.mtime_sec = x->stx_mtime.tv_sec,
		.mtime_nsec = x->stx_mtime.tv_nsec,
		.ctime_sec = x->stx_ctime.tv_sec,
		.ctime_nsec = x->stx_ctime.tv_nsec,
		.uid = x->stx_uid,
		.gid = x->stx_gid,
		.mode = x->stx_mode,
	};
	int r = find_dir(run, tree, e, &f.dir);

	if (r < 0)
		return r;
	f.name = run_keep(run, e->name, strlen(e->name));
	return f.name ? add_file(run, &f) : -ENOMEM;
}

/* So many are there twice for a moment. */
#define MOVE_FILES 1024

/* Those at the end first, whose memory is given back before the next ones are moved. */
static void move_files(struct run *to, struct run *from)
{
	size_t total = from->file_count;

	while (from->file_count) {
		size_t n = from->file_count < MOVE_FILES ? from->file_count :
							   MOVE_FILES;
		size_t start = from->file_count - n;
		struct file *at = &to->files[to->file_count + start];
		struct file *left;

		memcpy(at, &from->files[start], n * sizeof(*at));
		while (n)
			at[--n].dir += to->dir_count;
		from->file_count = start;
		left = start ? realloc(from->files, start * sizeof(*left)) : NULL;
		if (left) {
			from->files = left;
			from->file_alloc = start;
		}
	}
	to->file_count += total;
}

static void move_dirs(struct run *to, struct run *from)
{
	size_t i;

	for (i = 0; i < from->dir_count; i++) {
		struct file_dir *d = &to->dirs[to->dir_count + i];

		*d = from->dirs[i];
		d->parent += to->dir_count;
	}
	to->dir_count += from->dir_count;
	from->dir_count = 0;
}

int files_move(struct run *to, struct run *from)
{
	if (from->file_count > UINT32_MAX - to->file_count ||
	    from->dir_count > UINT32_MAX - to->dir_count)
		return -EOVERFLOW;
	if (array_room_for(&to->files, to->file_count, from->file_count,
			   &to->file_alloc) ||
	    array_room_for(&to->dirs, to->dir_count, from->dir_count,
			   &to->dir_alloc))
		return -ENOMEM;
	move_files(to, from);
	move_dirs(to, from);
	return 0;
}

void files_move_paths(struct run *to, struct run *from)
{
	struct path_block **end = &to->paths;

	while (*end)
		end = &(*end)->next;
	*end = from->paths;
	from->paths = NULL;
}

int file_path(const struct run *run, const struct file *f, struct strbuf *ret)
{
	_cleanup_free_ char *dir = dir_path(run, f->dir);
	int r = dir ? 0 : -ENOMEM;

	strbuf_setlen(ret, 0);
	if (!r)
		r = strbuf_addstr(ret, dir);
	return r ? r : strbuf_addstr(ret, f->name);
}

const char *file_text(const struct run *run, const struct file *f,
		      struct strbuf *buf)
{
	return file_path(run, f, buf) ? f->name : strbuf_str(buf);
}

const char *file_title(const struct run *run, const struct file *f,
		       struct strbuf *buf)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	const struct tree_row *row = &run->trees[file_tree(run, f)].row;

	return strbuf_addf(buf, "'%s' in %s '%s'", file_text(run, f, &path),
			   tree_kind_name(row->kind), row->name) ?
		       f->name :
		       strbuf_str(buf);
}

void file_statx(const struct run *run, const struct file *f, struct statx *ret)
{
	*ret = (struct statx){
		.stx_mode = f->mode,
		.stx_uid = f->uid,
		.stx_gid = f->gid,
		.stx_dev_major = file_dir(run, f)->dev_major,
		.stx_dev_minor = file_dir(run, f)->dev_minor,
		.stx_ino = f->ino,
		.stx_size = f->size_bytes,
		.stx_mtime = { .tv_sec = f->mtime_sec, .tv_nsec = f->mtime_nsec },
		.stx_ctime = { .tv_sec = f->ctime_sec, .tv_nsec = f->ctime_nsec },
	};
}

int run_add_places(struct run *run)
{
	run->places = calloc(run->file_count + 1, sizeof(*run->places));
	return run->places ? 0 : -ENOMEM;
}

static int by_place(const void *a, const void *b, void *places)
{
	const struct digest *d = places;
	uint32_t i = *(const uint32_t *)a;
	uint32_t j = *(const uint32_t *)b;
	int r = memcmp(d[i].b, d[j].b, DIGEST_SIZE);

	return r ? r : (i > j) - (i < j);
}

void sort_by_place(struct run *run, size_t count)
{
	if (count)
		qsort_r(run->order, count, sizeof(*run->order), by_place,
			run->places);
}

void files_release(struct run *run)
{
	while (run->paths) {
		struct path_block *next = run->paths->next;

		free(run->paths);
		run->paths = next;
	}
	free(run->files);
	free(run->places);
	free(run->dirs);
	free(run->dirs_above);
}
