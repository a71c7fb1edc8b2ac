// SPDX-License-Identifier: GPL-2.0-only
/* What belongs to struct run as a whole. */
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "vhashify.h"

#define BLOCK_BYTES (1 << 20)

/* Paths lie one after the other in blocks that are freed at the end. */
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

const char *run_keep_path(struct run *run, const char *path)
{
	size_t len = strlen(path) + 1;
	struct path_block *b = block_with_room(run, len);
	char *copy;

	if (!b)
		return NULL;
	copy = memcpy(b->bytes + b->used, path, len);
	b->used += len;
	return copy;
}

void file_statx(const struct file *f, struct statx *ret)
{
	*ret = (struct statx){
		.stx_mode = f->mode,
		.stx_uid = f->uid,
		.stx_gid = f->gid,
		.stx_dev_major = f->dev_major,
		.stx_dev_minor = f->dev_minor,
		.stx_ino = f->ino,
		.stx_size = f->size_bytes,
		.stx_mtime = f->mtime,
		.stx_ctime = f->ctime,
	};
}

static uint64_t holding(uint64_t ino, size_t tree)
{
	const uint64_t words[] = { ino, tree };

	return hash_words(words, 2);
}

int run_hold(struct run *run, uint64_t ino, size_t tree)
{
	return set_add(&run->holders, holding(ino, tree));
}

bool run_holds(const struct run *run, uint64_t ino, size_t tree)
{
	return set_has(&run->holders, holding(ino, tree));
}

void run_release(struct run *run)
{
	size_t i;

	churn_release(run);
	while (run->paths) {
		struct path_block *next = run->paths->next;

		free(run->paths);
		run->paths = next;
	}
	for (i = 0; i < run->tree_count; i++) {
		free(run->trees[i].seen);
		free(run->trees[i].digests);
	}
	free(run->trees);
	free(run->files);
	free(run->order);
	free(run->groups);
	policy_release(&run->policy);
	masters_release(&run->masters);
	set_release(&run->confirmed);
	mtimes_release(&run->mtimes);
	set_release(&run->holders);
}

bool totals_is_failure(const struct totals *t, enum skip_reason reason)
{
	return skip_reason_info(reason)->is_failure &&
	       !(t->cut && reason == SKIP_NOT_REACHED);
}

void totals_count(const struct run *run, struct totals *ret)
{
	struct totals t = { .cut = run->cut };
	size_t i;

	memcpy(t.outcome, run->outcome, sizeof(t.outcome));
	for (i = 0; i < run->tree_count; i++) {
		t.trees += run->trees[i].status == TREE_SCANNED;
		t.unreached_trees += run->trees[i].status == TREE_NOT_REACHED;
		t.files += run->trees[i].files;
	}
	for (i = 0; i < run->file_count; i++) {
		const struct file *f = &run->files[i];

		t.outcome[f->reason]++;
		if (f->reason == SKIP_NONE)
			t.shared_bytes += f->size_bytes;
	}
	for (i = 0; i < SKIP_REASON_COUNT; i++)
		if (totals_is_failure(&t, i))
			t.failed += t.outcome[i];
	t.saved_bytes = (int64_t)(t.shared_bytes - run->new_bytes);
	*ret = t;
}
