/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `vtemplate check --scrub`: reads every master from the disk and compares it with
 * its key, which covers content and metadata. Masters never change, so it needs no
 * lock for that, and runs beside everything. Only to put a damaged one in quarantine
 * it takes the pool for itself, looks once more, and moves it.
 *
 * No file of a tree is touched, whatever is found.
 */
#ifndef TEMPLATES_SCRUB_H
#define TEMPLATES_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "check.h"

struct scrub_stats {
	uint64_t files;
	uint64_t read_bytes;
	uint64_t damaged;
	bool resumed;		/* went on where another one was interrupted */
};

/* Read at most @rate bytes a second, 0: as fast as it goes. What is damaged and
 * could not be moved away is added to @ret; the rest is in quarantine. */
int scrub_store(const char *pool_path, uint64_t rate, struct problems *ret,
		struct scrub_stats *stats, struct err *err);

/* Name the files of trees that share what @ps says is damaged, and those that hold
 * it intact. */
int scrub_names(const char *pool_path, struct problems *ps, struct err *err);

/* Reading within limits; scrub-read.c. */
struct scrub_reader;

struct scrub_reader *scrub_reader_new(uint64_t rate);
void scrub_reader_free(struct scrub_reader *r);

/*
 * Does the open file hold what @key promises, on the disk and not only in memory? 1,
 * 0, or -errno; scrub_is_damage() says whether that is the disk's fault.
 */
int scrub_read(struct scrub_reader *r, int fd, const struct digest *key,
	       uint64_t *read_bytes);
bool scrub_is_damage(int code);

#endif
