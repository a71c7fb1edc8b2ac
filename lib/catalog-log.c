// SPDX-License-Identifier: GPL-2.0-only
/* The log that SQLite writes beside the catalog. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "catalog-db.h"
#include "cleanup.h"

#define LOG_RESERVE (256 << 10)
#define LOG_FRAMES 64		/* of a page each: as much */
#define LOG_FRAMES_MAX 1000

/*
 * In a pool that is full to the last block one must be able to look around and to
 * destroy. So the log keeps its file and its blocks when the last one closes the
 * catalog, and some more, and a commit overwrites what is there. Blocks beyond the
 * end of the file are enough; where there is no room or no way to get them, the
 * catalog works all the same.
 */
void catalog_log_reserve(sqlite3 *db, int pool_fd)
{
	_cleanup_close_ int fd = openat(pool_fd, CATALOG_FILE "-wal",
					O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int keep = 1;

	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_blocks * 512 < LOG_RESERVE)
		(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, LOG_RESERVE);
}

/* After each commit. Who has changed something writes the log back when it closes the
 * catalog; in between that is SQLite's own rule. */
static int committed(void *ctx, sqlite3 *db, const char *name, int frames)
{
	struct catalog *c = ctx;

	c->log_frames = frames;
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	if (frames >= LOG_FRAMES_MAX)
		/* or with the next one: all is in the log */
		(void)sqlite3_wal_checkpoint_v2(
			db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

/*
 * Whoever opens the catalog while nobody else has it open reads all of the log, also what
 * was written back: only memory that they share tells that. SQLite begins it anew when
 * something is written after all was written back, in which one short command after the
 * other does not succeed. So something is written that changes nothing; its page
 * overwrites the begin of the log, and needs no space.
 */
void catalog_log_restart(struct catalog *c)
{
	char same[48];
	int frames = 0;
	int written = 0;

	if (c->log_frames < LOG_FRAMES ||
	    sqlite3_wal_checkpoint_v2(c->db, "main", SQLITE_CHECKPOINT_PASSIVE,
				      &frames, &written) ||
	    written < frames)
		return;
	(void)snprintf(same, sizeof(same), "PRAGMA application_id = %d",
		       CATALOG_APPLICATION_ID);
	/* what fails here will be tried by who commits next */
	(void)sqlite3_exec(c->db, same, NULL, NULL, NULL);
}

void catalog_log_watch(struct catalog *c)
{
	(void)sqlite3_wal_hook(c->db, committed, c);
}
