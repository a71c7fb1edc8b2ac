// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "iattr.h"
#include "log.h"
#include "progress.h"
#include "vhashify.h"

/* Content, metadata and xattrs of an open candidate become its key. */
static int read_key(struct run *run, int fd, struct file *f)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct digest content;
	struct statx seen;
	int r = hash_fd(fd, f->size_bytes, &content);

	if (!r)
		r = iattr_read_fd(fd, &attr);
	if (r < 0)
		return r;
	file_statx(f, &seen);
	if (!statx_unchanged(&attr.stx, &seen))
		return -EAGAIN;
	if (run->links) {
		r = hash_key(&attr, &content, &f->key);
		/* a key that stands for another time is nothing to remember */
		f->keyed = !r && !run->policy.ignore_mtime;
		return r ? r : mtimes_adopt(run, &attr, &content, f);
	}
	f->key = content;
	return 0;
}

static int read_candidate(struct run *run, struct opener *o, struct file *f)
{
	_cleanup_close_ int fd = opener_open(o, f);
	unsigned int flags;
	int r;

	if (fd < 0)
		return fd;
	r = iflags_get(fd, &flags);
	if (r < 0)
		return r;
	if (iflags_is_special(flags)) {
		file_skip(f, SKIP_SPECIAL);
		return 0;
	}
	run->hashed_files++;
	run->hashed_bytes += f->size_bytes;
	return read_key(run, fd, f);
}

void digest_file(struct run *run, struct opener *o, struct file *f)
{
	int r = read_candidate(run, o, f);

	if (!r)
		return;
	file_skip(f, reason_of_errno(r));
	if (f->reason == SKIP_UNREADABLE)
		log_warning("cannot read '%s' in %s '%s': %s, skipping it",
			    f->path,
			    tree_kind_name(run->trees[f->tree].row.kind),
			    run->trees[f->tree].row.name, strerror(-r));
}

static void show_progress(uint64_t done_bytes, uint64_t total_bytes)
{
	char done[32], total[32], rate[80];

	progress_show("reading, %s of %s%s", format_bytes(done, done_bytes),
		      format_bytes(total, total_bytes),
		      progress_rate(rate, done_bytes, total_bytes));
}

void digest_candidates(struct run *run)
{
	_cleanup_opener_ struct opener o = READER_INIT(run);
	uint64_t total_bytes = 0;
	uint64_t done_bytes = 0;
	size_t i;

	for (i = 0; i < run->file_count; i++)
		if (run->files[i].reason == SKIP_NONE)
			total_bytes += run->files[i].size_bytes;
	progress_phase();
	for (i = 0; i < run->file_count; i++) {
		if (run->files[i].reason != SKIP_NONE)
			continue;
		if (progress_due())
			show_progress(done_bytes, total_bytes);
		if (run->policy.ignore_mtime ||
		    !remember_digest(run, &run->files[i]))
			digest_file(run, &o, &run->files[i]);
		done_bytes += run->files[i].size_bytes;
	}
}
