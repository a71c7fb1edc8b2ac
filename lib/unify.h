/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replace one name of a tree by a link to a master, so that no update is lost.
 *
 *	r = store_intern(p, src, &attr, NULL, NULL, &m, err);	any number of masters
 *	r = store_sync(p, err);					once for all of them
 *	r = unify_replace(&task, &reason, err);			for each name
 *
 * Steps, for the name N, its inode V (the victim) and the master M:
 *
 *  1. open V below its directory and see that it is the inode the caller decided
 *     about, unchanged (fdio.h, statx_unchanged());
 *  2. see that it has no flags of its own (iflags_is_special()), unless the caller has;
 *     engine `kernel`: mark V shared, leaving its project id alone. This fails
 *     with ETXTBSY while anybody has it open or mapped for writing, and from here
 *     on V cannot change: a writer that opens N now gets a private copy and N
 *     becomes another inode. A victim that keeps a name loses the mark in the
 *     end, unless a copy is being made (EBUSY): then a writer takes the name away;
 *  3. compare metadata and xattrs of V and M;
 *  4. engine `kernel`: FS_IOC_LINK_UNIFY compares every byte and puts M in the
 *     place of V under the directory's lock, if N still is V. No write is lost. V
 *     has a name left after that? Then somebody linked it in this moment, and the
 *     same call puts it back, whatever signal has come; a warning tells when it cannot.
 *
 * On unprotected pools nobody guards the inodes, and the rest is done by hand:
 *
 *  4. take a lease (lease.h) on V, which is refused while anybody has it open for writing;
 *     compare every byte; link M into our own staging directory, see that N still
 *     is V, and exchange the two in one rename (RENAME_EXCHANGE): N exists at every
 *     instant, and what N was before is in our hands instead of gone;
 *  5. see whether that is V, with no other name and with the metadata, xattrs and bytes it
 *     had: leases that are still held on V and M tell of these, or they are read again where
 *     none could be had. If it is not, or somebody has V open for writing by now, somebody
 *     wrote, renamed or linked between 1 and 4: exchange back; else unlink it. What is put at
 *     N between the two exchanges is displaced in turn and kept as
 *     staging/kept-<random>, with a warning.
 *
 * With @ignore_mtime a victim that differs from M in its modification time, and in
 * nothing else, is replaced nevertheless; what the name leads to has M's then.
 *
 * The directory keeps its mtime (dirtime.h). Temporary names are in staging/, or
 * the kernel's own.
 *
 * A crash leaves the displaced file in staging under the name
 * "<inode number of V>-<that of M>.<number>": pool_recover() removes it only if it is a
 * master, or V and on unprotected pools still equal to M; anything else is data and
 * is kept as staging/kept-<random> (with @ignore_mtime V, too, whose time is another).
 * It may also leave V marked, with one link: the next run takes such a file like any
 * other.
 */
#ifndef COWLINK_UNIFY_H
#define COWLINK_UNIFY_H

#include <sys/stat.h>

#include "dirtime.h"
#include "err.h"
#include "pool.h"
#include "store.h"

/* Two inode numbers, a number, and what is between them. */
#define UNIFY_TEMP_SIZE 64

/* Why a file was not shared; the table in unify-reason.c has name, text and hint. */
enum skip_reason {
	SKIP_NONE = 0,		/* it was shared */
	SKIP_SHARED,		/* is a name of a master already */
	SKIP_SMALL,		/* shorter than the minimum size, or empty */
	SKIP_LARGE,		/* longer than the maximum size */
	SKIP_EXCLUDED,		/* by a rule */
	SKIP_CONFFILE,		/* configuration of a package */
	SKIP_UNIQUE,		/* nothing equal elsewhere */
	SKIP_WITHIN_GUEST,	/* equal only to files of its own tree */
	SKIP_HARDLINKED,	/* has several names inside the guest */
	SKIP_SPECIAL,		/* carries chattr flags a master could not keep */
	SKIP_CHANGED,		/* changed between looking at it and sharing it */
	SKIP_BUSY,		/* open for writing */
	SKIP_DIFFERENT,		/* same digest, other bytes */
	SKIP_NO_BLOCKS,		/* has no blocks that could be shared */
	SKIP_REFUSED,		/* the filesystem refused the new name */
	SKIP_LOCKED,		/* another command is working on the tree */
	SKIP_UNREADABLE,	/* I/O error or permission */
	SKIP_NO_SPACE,		/* no room for a new master */
	SKIP_OTHER_FS,		/* below a mount point */
	SKIP_TOO_DEEP,
	SKIP_NOT_REACHED,	/* an error or the deadline ended the run before */
	SKIP_REASON_COUNT
};

struct skip_info {
	const char *name;	/* stable, for --json: "hard-linked" */
	const char *text;	/* for people */
	const char *hint;	/* what an operator can do, or NULL */
	bool is_failure;	/* counts for exit status 1 */
};

const struct skip_info *skip_reason_info(enum skip_reason r);

/*
 * Open the regular file @name in @dirfd for reading if it still is what @seen
 * says. No device is opened and no fifo waited for, whatever the name has become;
 * with @nodev because the mount that @dirfd is on lets nobody open one
 * (fsinfo_is_nodev()), which saves two of four system calls.
 * A descriptor and *@ret what was seen by it, -EAGAIN when it is another or a changed
 * file, or -errno.
 */
int unify_open(int dirfd, const char *name, const struct statx *seen,
	       bool nodev, struct statx *ret);

/* Does unify_replace() displace files itself here? Else the kernel does it, and takes no
 * room in the pool. */
bool unify_needs_scratch(const struct pool *p);

/* The name @name in @dirfd, seen as @seen, shall become a link to @m. */
struct unify_task {
	struct pool *pool;
	const struct staging *scratch;	/* a staging directory of the caller,
					 * where unify_needs_scratch() */
	int dirfd;
	const char *name;		/* borrowed until dirtime_end() */
	const struct statx *seen;
	bool unread;			/* nobody has looked at its flags yet */
	const struct master *m;		/* durable: store_sync() */
	bool ignore_mtime;
	bool nodev;			/* as of unify_open() */
	/* of @dirfd: begun when it is needed, and the caller ends it before that is
	 * closed */
	struct dirtime *dirtime;
};

/*
 * 0 and *@ret_reason SKIP_NONE when done; 0 and another reason when left alone
 * (nothing changed); -EMLINK when @m ran out of links (intern again);
 * -ENOTRECOVERABLE when a file that was displaced could neither be put back nor kept:
 * it lies in @scratch, which must be left for pool_recover() and not be released; any
 * other -errno for what concerns the pool and not this file.
 */
int unify_replace(const struct unify_task *t, enum skip_reason *ret_reason,
		  struct err *err);

/*
 * The way back: the name of a shared inode gets a private copy, content, metadata
 * and xattrs as they are, and exists at every instant.
 *
 *	r = unify_copy(&scratch, dirfd, name, &seen, &copy, &reason, err);
 *	r = store_sync(p, err);			once for any number of copies
 *	r = unify_undo(p, &scratch, dirfd, name, &seen, &copy, &dirtime, &reason,
 *		       err);
 *
 * The copy lies in @scratch as "<its inode number>-<that of the shared
 * inode>.<number>". On unprotected pools it is exchanged for the name; what was
 * there must be the shared inode with the bytes and the metadata that were copied, which
 * nobody has open for writing, or it is put back.
 * Under `kernel` it is marked shared, put at the name by FS_IOC_LINK_UNIFY, and
 * unmarked. So a crash leaves for pool_recover() the copy or a link to the master,
 * and it knows both; or the copy at the name, marked, with one link. Results and
 * @ret_reason as of unify_replace(); @seen's ctime does not count, since every other
 * name that comes or goes changes it.
 */
struct unify_copy {
	int fd;			/* read-only; the caller closes it */
	struct statx stx;
	struct digest meta;	/* of what it was made of: metadata and xattrs */
	char name[UNIFY_TEMP_SIZE];	/* in the scratch directory */
};

int unify_copy(const struct staging *scratch, int dirfd, const char *name,
	       const struct statx *seen, struct unify_copy *ret,
	       enum skip_reason *ret_reason, struct err *err);
int unify_undo(struct pool *p, const struct staging *scratch, int dirfd,
	       const char *name, const struct statx *seen,
	       const struct unify_copy *copy, struct dirtime *dirtime,
	       enum skip_reason *ret_reason, struct err *err);

/*
 * Engine `reflink`: has the disk, whatever is in memory, a file of @size_bytes with this
 * @content? When the disk fails to write, filesystems leave pages in memory as if they had
 * been written (lib/store-sync.h), and these are what FIDEDUPERANGE compares. So ask before
 * others get the blocks. 1, 0 or -errno.
 */
int unify_is_on_disk(int fd, uint64_t size_bytes, const struct digest *content);

/*
 * Engine `reflink`: let @dst share @src's extents, by FIDEDUPERANGE, in which
 * the kernel compares the bytes itself. @dst may be open read-only.
 * *@ret_reason SKIP_NONE when the whole file is shared now, SKIP_SHARED when its
 * extents were the same before.
 */
int unify_dedupe(int src, int dst, uint64_t size_bytes,
		 enum skip_reason *ret_reason, struct err *err);

/*
 * A digest of where the file's data lie on the device (FIEMAP). Two files with the
 * same one have the same blocks; where the filesystem compresses this is only
 * nearly so, hence it may decide what need not be read, never that files are
 * equal. -ENODATA when there are no blocks (a hole, data inside the inode),
 * -EAGAIN when somebody is writing, or -errno.
 */
int unify_extents(int fd, uint64_t size_bytes, struct digest *ret);

#endif
