/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stops a break where a test wants it, so that what is done meanwhile is done during
 * the break for certain, whatever the scheduler does:
 *
 *	frozen filesystem	before the copy is made; but nobody else can write
 *				there either
 *	disk that stands still	where the copy must be on disk, before it gets its
 *				name; names and flags can be changed meanwhile
 *
 * Where a break is, is told by its tracepoints.
 */
#ifndef COWLINK_SELFTESTS_HOLD_H
#define COWLINK_SELFTESTS_HOLD_H

#include "harness.h"

struct freezer {
	int fd;
	pid_t keeper;
};

/*
 * For the filesystem of @path. If this process ends while it is frozen, for whatever
 * reason, it is thawed: a test that fails holds up no other.
 */
void freezer_open(struct freezer *fz, const char *path);
void freezer_close(struct freezer *fz);
void freeze(struct freezer *fz);
void thaw(struct freezer *fz);

/*
 * A scratch filesystem of the type under test on a disk that can be stopped: it is a
 * file on another filesystem, which is frozen.
 */
struct still_disk {
	struct scratch fs, below;
	struct freezer below_freezer;
};

/*
 * Makes both, and enters the former. On XFS, too, it copies the data, and does not share
 * blocks; with still_disk_begin_sharing() it shares all but a part of a block.
 */
void still_disk_begin(struct still_disk *disk);
void still_disk_begin_sharing(struct still_disk *disk);
/*
 * Until still_disk_go_on() nothing is written to the disk, and nothing is read after
 * the first who has tried to write: an fsync does not return. All that happened before
 * is on disk.
 */
void still_disk_stop(struct still_disk *disk);
/* Returns when somebody waits for a request of this kind. */
enum still_request { STILL_READ, STILL_WRITE };
void still_disk_await(const struct still_disk *disk, enum still_request what);
void still_disk_go_on(struct still_disk *disk);
/* Leaves, has it checked and lets go of it. */
void still_disk_end(struct still_disk *disk);

/* Begins and ends of breaks, from now on. */
void trace_breaks(struct tracing *tr);
/* Waits for the next of them, which must be that; of an end also with @error. */
const char *expect_begin(struct tracing *tr);
const char *expect_end(struct tracing *tr, int error);
/* What has begun has not ended. */
void expect_held(struct tracing *tr);

#endif
