// SPDX-License-Identifier: GPL-2.0-only
/* Sharing extents instead of inodes: engine `reflink`. */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "fx.h"
#include "hash.h"
#include "unify.h"

/* btrfs takes no more at once, and XFS compares under locks meanwhile. */
#define DEDUPE_CHUNK (16 << 20)

#define EXTENTS_AT_ONCE 128

/* No blocks of its own: the data are in the inode, or packed with others'. */
#define EXTENT_INLINE (FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL | \
		       FIEMAP_EXTENT_NOT_ALIGNED)

/* Not on disk although we asked for it: somebody is writing. */
#define EXTENT_PENDING (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC)

/* Where a run of blocks lies. Filesystems cut runs as they like, and sharing cuts
 * them anew: what is contiguous counts as one. */
struct place {
	uint64_t logical;
	uint64_t physical;
	uint64_t len;
	uint64_t unwritten;
};

static bool place_append(struct place *p, const struct place *next)
{
	if (p->logical + p->len != next->logical ||
	    p->physical + p->len != next->physical ||
	    p->unwritten != next->unwritten)
		return false;
	p->len += next->len;
	return true;
}

/* Take in one batch of extents; 1 after the last one, else 0. */
static int feed_extents(const struct fiemap *map, struct hasher *h,
			struct place *run)
{
	uint32_t i;

	for (i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *e = &map->fm_extents[i];
		const struct place next = {
			.logical = e->fe_logical,
			.physical = e->fe_physical,
			.len = e->fe_length,
			.unwritten = e->fe_flags & FIEMAP_EXTENT_UNWRITTEN,
		};

		/* inline ones claim to be unknown as well */
		if (e->fe_flags & EXTENT_INLINE)
			return -ENODATA;
		if (e->fe_flags & EXTENT_PENDING)
			return -EAGAIN;
		if (!place_append(run, &next)) {
			hasher_update(h, run, sizeof(*run));
			*run = next;
		}
		if (e->fe_flags & FIEMAP_EXTENT_LAST)
			return 1;
	}
	return map->fm_mapped_extents < EXTENTS_AT_ONCE;
}

int unify_extents(int fd, uint64_t size_bytes, struct digest *ret)
{
	_cleanup_free_ struct fiemap *map =
		calloc(1, sizeof(*map) +
				  EXTENTS_AT_ONCE * sizeof(struct fiemap_extent));
	_cleanup_hasher_ struct hasher *h = hasher_new();
	struct place run = { 0 };
	int r = 0;

	if (!map || !h)
		return -ENOMEM;
	hasher_update(h, &size_bytes, sizeof(size_bytes));
	while (!r) {
		uint64_t pos = run.logical + run.len;

		*map = (struct fiemap){ .fm_start = pos,
					.fm_length = FIEMAP_MAX_OFFSET - pos,
					.fm_flags = FIEMAP_FLAG_SYNC,
					.fm_extent_count = EXTENTS_AT_ONCE };
		if (ioctl(fd, FS_IOC_FIEMAP, map) < 0)
			return errno == EOPNOTSUPP || errno == ENOTTY ?
				       -ENODATA :
				       -errno;
		r = feed_extents(map, h, &run);
	}
	if (r < 0)
		return r;
	/* nothing but a hole: there is no place to compare */
	if (!run.len)
		return -ENODATA;
	hasher_update(h, &run, sizeof(run));
	hasher_final(h, ret);
	return 0;
}

int unify_is_on_disk(int fd, uint64_t size_bytes, const struct digest *content)
{
	struct digest have;
	int r = hash_disk(fd, size_bytes, &have);

	return !r ? digest_equal(&have, content) : r == -EAGAIN ? 0 : r;
}

/* The kernel's answer for one chunk; *@done is how far it came. */
static int dedupe_chunk(int src, int dst, uint64_t pos, uint64_t len,
			uint64_t *done)
{
	_cleanup_free_ struct file_dedupe_range *range =
		calloc(1, sizeof(*range) + sizeof(range->info[0]));
	int r;

	if (!range)
		return -ENOMEM;
	range->src_offset = pos;
	range->src_length = len;
	range->dest_count = 1;
	range->info[0].dest_fd = dst;
	range->info[0].dest_offset = pos;
	r = fx_dedupe(src, range);
	if (r < 0)
		return r;
	*done = range->info[0].bytes_deduped;
	return range->info[0].status;
}

/* 0 with a reason for what is about these files, else -errno. */
static int classify(int code, enum skip_reason *reason)
{
	switch (code) {
	case FILE_DEDUPE_RANGE_DIFFERS:
		*reason = SKIP_DIFFERENT;
		return 0;
	case -ETXTBSY:
		*reason = SKIP_BUSY;
		return 0;
	case -EPERM:
	case -EACCES:
	case -EINVAL:	/* NOCOW against COW, or swap */
		*reason = SKIP_REFUSED;
		return 0;
	case -ENOSPC:
	case -EDQUOT:
		*reason = SKIP_NO_SPACE;
		return 0;
	default:
		return code;
	}
}

static bool same_extents(int a, int b, uint64_t size_bytes)
{
	struct digest x, y;

	return !unify_extents(a, size_bytes, &x) &&
	       !unify_extents(b, size_bytes, &y) && digest_equal(&x, &y);
}

int unify_dedupe(int src, int dst, uint64_t size_bytes,
		 enum skip_reason *ret_reason, struct err *err)
{
	uint64_t pos = 0;

	*ret_reason = SKIP_NONE;
	if (same_extents(src, dst, size_bytes)) {
		*ret_reason = SKIP_SHARED;
		return 0;
	}
	while (pos < size_bytes) {
		uint64_t len = size_bytes - pos;
		uint64_t done = 0;
		int r;

		if (len > DEDUPE_CHUNK)
			len = DEDUPE_CHUNK;
		r = dedupe_chunk(src, dst, pos, len, &done);
		if (!r && !done)
			r = -EINVAL;
		if (r)
			r = classify(r, ret_reason);
		if (r < 0)
			return err_errno(err, r, "cannot share extents");
		if (*ret_reason)
			return 0;
		pos += done;
	}
	return 0;
}
