// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "iattr.h"
#include "log.h"
#include "opener.h"
#include "progress.h"
#include "strbuf.h"
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
	file_statx(run, f, &seen);
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

/* @fd is the candidate or why it could not be opened. */
static int read_candidate(struct run *run, int fd, struct file *f)
{
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
	__atomic_fetch_add(&run->hashed_files, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&run->hashed_bytes, f->size_bytes, __ATOMIC_RELAXED);
	return read_key(run, fd, f);
}

static void digest_open_file(struct run *run, int fd, struct file *f)
{
	_cleanup_strbuf_ struct strbuf title = STRBUF_INIT;
	int r = read_candidate(run, fd, f);

	if (!r)
		return;
	file_skip(f, reason_of_errno(r));
	if (f->reason == SKIP_UNREADABLE)
		log_warning("cannot read %s: %s, skipping it",
			    file_title(run, f, &title), strerror(-r));
}

void digest_file(struct run *run, struct opener *o, struct file *f)
{
	_cleanup_close_ int fd = opener_open(o, f);

	digest_open_file(run, fd, f);
}

/* --- all candidates, by several threads ---------------------------------------- */

/*
 * The candidates are in the order of the walk, which is that of inodes in each
 * directory. A thread takes the next few, so that those of one directory are read
 * together, and asks the kernel for the next file before it reads one.
 */
#define CHUNK_FILES 32

/* What a thread reads in this time costs less than to start it. */
#define FILES_PER_THREAD 64

struct reading {
	struct run *run;
	pthread_mutex_t lock;	/* for run->cut_file */
	size_t next;		/* file nobody has taken yet */
	uint64_t done_bytes, total_bytes;
};

static void show_progress(const struct reading *rd)
{
	uint64_t bytes = __atomic_load_n(&rd->done_bytes, __ATOMIC_RELAXED);
	char done[32], total[32], rate[80];

	if (progress_due())
		progress_show("reading, %s of %s%s", format_bytes(done, bytes),
			      format_bytes(total, rd->total_bytes),
			      progress_rate(rate, bytes, rd->total_bytes));
}

static bool needs_reading(const struct file *f)
{
	return file_is_undecided(f) && !f->keyed && !f->guessed;
}

/* The next candidate from *@at on that must be read, below @end; or NULL. */
static struct file *next_unread(struct run *run, size_t *at, size_t end)
{
	while (*at < end) {
		struct file *f = &run->files[(*at)++];

		if (needs_reading(f))
			return f;
	}
	return NULL;
}

static int open_ahead(struct opener *o, const struct file *f)
{
	int fd = f ? opener_open(o, f) : -1;

	if (fd >= 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED); /* advice */
	return fd;
}

/* The deadline has come, and nobody has read @file. */
static void note_cut(struct reading *rd, size_t file)
{
	(void)pthread_mutex_lock(&rd->lock);
	if (file < rd->run->cut_file)
		rd->run->cut_file = file;
	(void)pthread_mutex_unlock(&rd->lock);
}

static void read_chunk(struct reading *rd, struct opener *o, size_t at,
		       size_t end)
{
	struct file *f = next_unread(rd->run, &at, end);
	int fd = open_ahead(o, f);

	while (f && !run_is_over(rd->run)) {
		struct file *ahead = next_unread(rd->run, &at, end);
		int ahead_fd = open_ahead(o, ahead);

		show_progress(rd);
		digest_open_file(rd->run, fd, f);
		cleanup_close(&fd);
		__atomic_fetch_add(&rd->done_bytes, f->size_bytes,
				   __ATOMIC_RELAXED);
		f = ahead;
		fd = ahead_fd;
	}
	cleanup_close(&fd);
	if (f)
		note_cut(rd, f - rd->run->files);
}

static void *read_all(void *ctx)
{
	struct reading *rd = ctx;
	_cleanup_opener_ struct opener o = READER_INIT(rd->run);
	size_t count = rd->run->file_count;
	size_t at;

	/* chunks that nobody takes any more come after those that were cut */
	while (!__atomic_load_n(&rd->run->cut, __ATOMIC_RELAXED) &&
	       (at = __atomic_fetch_add(&rd->next, CHUNK_FILES,
					__ATOMIC_RELAXED)) < count)
		read_chunk(rd, &o, at,
			   at + CHUNK_FILES < count ? at + CHUNK_FILES : count);
	return NULL;
}

void digest_candidates(struct run *run)
{
	struct reading rd = { .run = run, .lock = PTHREAD_MUTEX_INITIALIZER };
	size_t files = 0;
	size_t i;

	for (i = 0; i < run->file_count; i++)
		if (needs_reading(&run->files[i])) {
			rd.total_bytes += run->files[i].size_bytes;
			files++;
		}
	progress_phase();
	run_threads(run_jobs(run, files, FILES_PER_THREAD), read_all, &rd);
}
