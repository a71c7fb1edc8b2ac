/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replays what dm-log-writes has recorded: the writes to a disk in the order in
 * which they were safe, with its flushes, FUA writes and marks.
 */
#ifndef COWLINK_SELFTESTS_LOGWRITES_H
#define COWLINK_SELFTESTS_LOGWRITES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What an entry is; a write has neither of the last two. */
enum log_flags {
	LOG_FLUSH	= 1 << 0,
	LOG_FUA		= 1 << 1,
	LOG_DISCARD	= 1 << 2,
	LOG_MARK	= 1 << 3,
};

/* After such an entry everything before it is on the disk for certain. */
#define LOG_BARRIER	(LOG_FLUSH | LOG_FUA)

struct log_entry {
	uint64_t number;	/* from 0 */
	uint64_t flags;
	off_t offset, length;	/* on the disk, bytes */
	off_t data;		/* of the data, in the log */
	char mark[200];		/* "" if it is none */
};

struct log_reader {
	int fd;
	uint64_t next, count;	/* entries */
	uint32_t sector_size;
	off_t pos;
};

void log_open(struct log_reader *log, const char *path);
/* False at the end. Fails the test when the log is damaged. */
bool log_next(struct log_reader *log, struct log_entry *ret);
/* Does to the image behind @fd what was done to the disk. */
void log_apply(const struct log_reader *log, const struct log_entry *e,
	       int fd);
void log_close(struct log_reader *log);

#endif
