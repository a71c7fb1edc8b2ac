/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one scan saw of the directories of a tree, as one piece of bytes that the
 * catalog keeps for the next scan; and what digests that run computed.
 *
 * Of a directory: who it is (inode, mtime, ctime), the inode numbers of its names
 * that are names of masters, and the other names that a scan must look at, of
 * directories and of private files. What is neither (a symlink, a device) does not
 * concern vhashify as long as the directory is the same. A directory whose ctime is
 * the same has the same names: every way to add, remove or exchange one sets it, and
 * nobody can set it back. A name that leads to a master leads to a shared inode,
 * which does not change; private files change without their directory knowing and
 * are looked at each time.
 *
 * A directory that changed so shortly before it was read that it may change again
 * within the same tick of the clock gets a record that matches nothing (as in git's
 * index).
 *
 * All is checked when it is read: bytes that are damaged, or of another version, are
 * as good as none. Numbers are in the machine's own order.
 */
#ifndef VHASHIFY_MEMO_H
#define VHASHIFY_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "hash.h"
#include "strbuf.h"

/* A change within so long before now may not be the last with its time stamp. */
#define MEMO_RACY_NS INT64_C(100000000)

struct memo_dir;

/* Remembered directories, being read; the bytes are borrowed. */
struct memo {
	const struct memo_dir *dirs;	/* by inode */
	size_t count;
	const unsigned char *records;	/* all bytes, up to ... */
	size_t size;			/* ... `dirs` */
};

/* One directory. */
struct memo_record {
	uint64_t shared;	/* names of masters ... */
	uint64_t names;		/* ... and names to look at */
	const unsigned char *start, *next, *end;
	uint64_t ino;
};

/* Is it sound? If not @ret is empty. */
bool memo_open(struct memo *ret, const void *bytes, size_t size);

/* The record of the directory @dir, if it is unchanged. */
bool memo_find(const struct memo *m, const struct statx *dir,
	       struct memo_record *ret);

/* The @i-th record, whatever directory it is of. */
bool memo_at(const struct memo *m, size_t i, struct memo_record *ret);

/* First all inodes, ascending, then all names; false, NULL: damaged. */
bool memo_next_inode(struct memo_record *r, uint64_t *ret);
const char *memo_next_name(struct memo_record *r);

/* The next one, being written. Zero but for `before_ns` is an empty one. */
struct memo_writer {
	struct memo_dir *dirs;
	size_t count, alloc;
	size_t copied;
	struct strbuf records;
	int64_t before_ns;	/* directories older than that are trusted */

	/* the directory at hand */
	struct strbuf inodes, names;
	uint64_t inode_count, name_count, last_ino;
	bool open;
};

/* A directory: begun, its names in ascending order of inodes; the next one ends it.
 * All return 0 or -ENOMEM. */
int memo_begin(struct memo_writer *w, const struct statx *dir);
int memo_add_inode(struct memo_writer *w, uint64_t ino);
int memo_add_name(struct memo_writer *w, const char *name);
/* It could not be read: the record shall match nothing. */
void memo_spoil(struct memo_writer *w);
/* It is what it was. @r as memo_find() gave it. The number of its record is w->count
 * then. */
int memo_copy(struct memo_writer *w, const struct statx *dir,
	      const struct memo_record *r);
/* A record of that number, not 0, shall match nothing. */
void memo_forget(struct memo_writer *w, size_t number);
/* The bytes, malloc'ed. */
int memo_finish(struct memo_writer *w, void **ret, size_t *ret_size);
void memo_writer_release(struct memo_writer *w);

/* The digest of a private file that was read and stays private. */
struct memo_digest {
	uint64_t ino;
	uint64_t size_bytes;
	int64_t mtime_ns, ctime_ns;
	struct digest key;
};

/* Room for @count digests as bytes, and where to put them, in ascending order of inodes;
 * then the bytes are sealed. NULL: memory is out. */
void *memo_digests_begin(size_t count, struct memo_digest **ret_rows,
			 size_t *ret_size);
void memo_digests_seal(void *bytes, size_t count);
/* The other way round: the number of them, 0 when damaged, borrowed from @bytes. */
size_t memo_digests_open(const void *bytes, size_t size,
			 const struct memo_digest **ret);

/* Nanoseconds since 1970. */
int64_t memo_ns(int64_t sec, uint32_t nsec);

#endif
