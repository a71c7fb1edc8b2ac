/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading and copying by descriptor. The place where EINTR is handled and where
 * short reads end. All descriptors are close-on-exec. "name" is one component
 * below "dirfd", never a path, and is never followed when it is a symlink.
 * Functions return a descriptor, 0, or -errno.
 */
#ifndef COWLINK_FDIO_H
#define COWLINK_FDIO_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct hasher;

/*
 * Open one name read-only and without side effects: O_NOFOLLOW, O_NONBLOCK (a
 * fifo does not block us), O_NOCTTY, O_NOATIME where the owner allows it, plus
 * @flags. A symlink gives -ELOOP.
 */
int fdio_open(int dirfd, const char *name, int flags);

/*
 * Open for reading, with @flags more, what the descriptor @handle holds, which may be one
 * of O_PATH, without looking up any name: after a look at the handle's type no guest can
 * make this a device.
 */
int fdio_reopen(int handle, int flags);

/*
 * Open a relative path of several components below @dirfd with openat2(2), no
 * symlinks, no magic links, no way up and no other mount. Where the kernel lacks
 * openat2 (ENOSYS) the components are opened one by one with O_NOFOLLOW and
 * ".." refused, which gives the same answers.
 */
int fdio_open_beneath(int dirfd, const char *path, int flags);

int fdio_open_dir(int dirfd, const char *name);	/* O_DIRECTORY|O_RDONLY */

/*
 * The names in a directory, one by one, without "." and "..":
 *
 *	_cleanup_dir_ DIR *d = NULL;
 *
 *	r = fdio_names_open(dirfd, name, &d);
 *	while (!r && (e = fdio_names_next(d, &r)))
 *		r = something(dirfd(d), e->d_name);
 *
 * NULL at the end, with *@ret_error 0, or when reading failed, with -errno.
 */
int fdio_names_open(int dirfd, const char *name, DIR **ret);
const struct dirent *fdio_names_next(DIR *d, int *ret_error);

/* What one read(2) gives: so many bytes, 0 at the end, or -errno. */
ssize_t fdio_read(int fd, void *buf, size_t len);

/* Read until @len bytes or the end of file; the number of bytes, or -errno. */
ssize_t fdio_pread_full(int fd, void *buf, size_t len, off_t offset);

/* How much of a file that should have @size_bytes to ask for at a time, at most @chunk:
 * of a short one the byte after the last, too, so that one read shows where it ends. */
size_t fdio_read_size(uint64_t size_bytes, size_t chunk);

/*
 * fdio_pread_full() in one call where that shows the end: a regular file gives fewer bytes
 * than it is asked for only where it ends, so @expected bytes, which are fewer than
 * @len, need no second read that gives none.
 */
ssize_t fdio_pread_once(int fd, void *buf, size_t len, off_t offset,
			size_t expected);

/* close(2) for descriptors whose data matter; never retried. */
int fdio_close(int *fd);

/*
 * Copy the content of @src, @size_bytes long, to the empty file @dst: by reflink
 * where the filesystem has it, else extent by extent, leaving holes. With
 * @hasher not NULL the bytes that are now in @dst are fed to it. -EAGAIN when
 * @src turned out shorter or longer than @size_bytes.
 */
int fdio_copy(int src, int dst, uint64_t size_bytes, struct hasher *hasher);

/* The same without a reflink and without a digest: a copy that shares nothing. */
int fdio_copy_bytes(int src, int dst, uint64_t size_bytes);

/*
 * Are the first @size_bytes of both files the same, and do both end there?
 * 1 equal, 0 different (also in length), -errno unreadable.
 */
int fdio_equal(int a, int b, uint64_t size_bytes);

/* Does the file hold these @size bytes, and end there? As fdio_equal(). */
int fdio_holds(int fd, const void *bytes, size_t size);

/*
 * Wait until what is on its way to the disk of this file is there; with @all what is not
 * yet, too. An error is that of a write that failed, now or before @fd was opened, and of
 * which nobody has been told by the file. Says nothing about metadata.
 */
int fdio_settle(int fd, bool all);

/* Have the next reader ask the disk. False when a part of the @size_bytes stays in
 * memory, because it is not on disk yet, mapped or being read, or that cannot be told. */
bool fdio_drop_pages(int fd, uint64_t size_bytes);

/* Is it what reading gives where data or metadata are damaged? A write may give it, too. */
static inline bool errno_is_damage(int code)
{
	return code == -EIO || code == -EUCLEAN || code == -EBADMSG;
}

/* statx with all basic fields and the birth time; never follows, never triggers
 * an automount. @name NULL or "" means @dirfd itself. */
int fdio_statx(int dirfd, const char *name, struct statx *ret);

/*
 * Same object and nothing changed: device, inode, size, mtime and ctime to the
 * nanosecond, mode, owner.
 */
bool statx_unchanged(const struct statx *a, const struct statx *b);

bool statx_same_inode(const struct statx *a, const struct statx *b);

/* Fill @buf, 17 bytes, with 16 hexadecimal random digits from getrandom(2). */
int fdio_random_name(char buf[17]);

/* Raise the soft limit of open files to the hard one; walks need one per level. For tools
 * that run no programs of others, which would get it, too. */
void fdio_raise_nofile(void);

#endif
