// SPDX-License-Identifier: GPL-2.0-only
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"
#include "hash.h"

#define COPY_CHUNK (1 << 20)

/* Two of them stay in a processor's cache. */
#define EQUAL_CHUNK (128 << 10)

/* So much is mapped at a time to see what of it is in memory, of pages no smaller. */
#define RESIDENT_CHUNK (16 << 20)
#define PAGE_MIN 4096

static int open_noatime(int dirfd, const char *name, int flags)
{
	int fd;

	do
		fd = openat(dirfd, name, flags | O_NOATIME);
	while (fd < 0 && errno == EINTR);
	/* O_NOATIME is the owner's or CAP_FOWNER's */
	if (fd < 0 && errno == EPERM)
		do
			fd = openat(dirfd, name, flags);
		while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int fdio_open(int dirfd, const char *name, int flags)
{
	flags |= O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	return open_noatime(dirfd, name, flags);
}

int fdio_open_dir(int dirfd, const char *name)
{
	return fdio_open(dirfd, name, O_RDONLY | O_DIRECTORY);
}

int fdio_reopen(int handle, int flags)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	return open_noatime(AT_FDCWD, path,
			    O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | flags);
}

/* openat2 says ELOOP where O_DIRECTORY finds a symlink to be no directory. */
static int step_error(int dirfd, const char *part)
{
	int error = errno;
	struct stat st;

	if (error == ENOTDIR &&
	    fstatat(dirfd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		error = ELOOP;
	return -error;
}

/* The fallback for kernels (and seccomp filters) without openat2. */
static int open_by_steps(int dirfd, const char *path, int flags)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int dir = -1;
	struct statx top, here;
	char *part;
	char *rest;
	int r;

	if (!copy)
		return -ENOMEM;
	r = fdio_statx(dirfd, NULL, &top);
	for (part = strtok_r(copy, "/", &rest); part && !r;) {
		char *next = strtok_r(NULL, "/", &rest);
		int fd;

		if (!strcmp(part, ".."))
			return -EXDEV;
		fd = openat(dir < 0 ? dirfd : dir, part,
			    (next ? O_PATH | O_DIRECTORY : flags) | O_NOFOLLOW |
				    O_CLOEXEC);
		if (fd < 0)
			return step_error(dir < 0 ? dirfd : dir, part);
		cleanup_close(&dir);
		dir = fd;
		r = fdio_statx(dir, NULL, &here);
		if (!r && here.stx_mnt_id != top.stx_mnt_id)
			r = -EXDEV;
		part = next;
	}
	if (!r && dir < 0)
		return -ENOENT;
	return r ? r : steal_fd(&dir);
}

int fdio_open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		/* openat2 refuses what O_PATH has no use for */
		.flags = flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	if (path[0] == '/')
		return -EXDEV;
	do
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0 && errno == ENOSYS)
		return open_by_steps(dirfd, path, flags);
	return fd < 0 ? -errno : (int)fd;
}

int fdio_names_open(int dirfd, const char *name, DIR **ret)
{
	int fd = fdio_open_dir(dirfd, name);

	if (fd < 0)
		return fd;
	*ret = fdopendir(fd);
	if (!*ret) {
		cleanup_close(&fd);
		return -ENOMEM;
	}
	return 0;
}

const struct dirent *fdio_names_next(DIR *d, int *ret_error)
{
	const struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	*ret_error = e ? 0 : -errno;
	return e;
}

ssize_t fdio_read(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t fdio_pread_full(int fd, void *buf, size_t len, off_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done,
				  offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
}

size_t fdio_read_size(uint64_t size_bytes, size_t chunk)
{
	return size_bytes < chunk ? size_bytes + 1 : chunk;
}

ssize_t fdio_pread_once(int fd, void *buf, size_t len, off_t offset,
			size_t expected)
{
	ssize_t n;

	do
		n = pread(fd, buf, len, offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == expected || (size_t)n == len || !n)
		return n;
	len = fdio_pread_full(fd, (char *)buf + n, len - n, offset + n);
	return (ssize_t)len < 0 ? (ssize_t)len : n + (ssize_t)len;
}

int fdio_close(int *fd)
{
	int r = close(steal_fd(fd));

	return r < 0 && errno != EINTR ? -errno : 0;
}

/* The next extent with data at or after @pos: *@ret_end is where it ends.
 * Returns its start, or @size when only a hole is left. */
static off_t next_data(int fd, off_t pos, off_t size, off_t *ret_end)
{
	off_t start = lseek(fd, pos, SEEK_DATA);
	off_t end;

	if (start < 0 && errno == ENXIO)
		return size;
	if (start < 0)
		start = pos; /* no SEEK_DATA here: all is data */
	end = lseek(fd, start, SEEK_HOLE);
	if (end < 0 || end > size)
		end = size;
	*ret_end = end;
	return start < size ? start : size;
}

static int copy_extent(int src, int dst, off_t start, off_t end, char *buf,
		       struct hasher *hasher)
{
	while (start < end) {
		size_t want = end - start < COPY_CHUNK ? end - start :
							 COPY_CHUNK;
		ssize_t n = fdio_pread_full(src, buf, want, start);
		int r;

		if (n < 0)
			return n;
		if ((size_t)n < want)
			return -EAGAIN;
		r = fx_pwrite(dst, buf, want, start);
		if (r < 0)
			return r;
		if (hasher)
			hasher_update(hasher, buf, want);
		start += want;
	}
	return 0;
}

static int copy_extents(int src, int dst, off_t size, struct hasher *hasher)
{
	_cleanup_free_ char *buf = malloc(fdio_read_size(size, COPY_CHUNK));
	off_t written = 0; /* up to here */
	off_t pos = 0;

	if (!buf)
		return -ENOMEM;
	while (pos < size) {
		off_t end = size;
		off_t start = next_data(src, pos, size, &end);
		int r;

		if (hasher)
			hasher_update_zeros(hasher, start - pos);
		r = copy_extent(src, dst, start, end, buf, hasher);
		if (r < 0)
			return r;
		pos = start < size ? end : size;
		if (start < size)
			written = end;
	}
	return written == size ? 0 : fx_ftruncate(dst, size);
}

static int feed_hasher(int fd, off_t size, struct hasher *hasher)
{
	_cleanup_free_ char *buf = malloc(fdio_read_size(size, COPY_CHUNK));
	off_t pos;

	if (!buf)
		return -ENOMEM;
	for (pos = 0; pos < size;) {
		size_t want = size - pos < COPY_CHUNK ? size - pos : COPY_CHUNK;
		ssize_t n = fdio_pread_full(fd, buf, want, pos);

		if (n < 0)
			return n;
		if ((size_t)n < want)
			return -EAGAIN;
		hasher_update(hasher, buf, want);
		pos += want;
	}
	return 0;
}

static int size_is(int fd, uint64_t size_bytes)
{
	struct statx stx;
	int r = fdio_statx(fd, NULL, &stx);

	if (r < 0)
		return r;
	return stx.stx_size == size_bytes ? 0 : -EAGAIN;
}

int fdio_copy_bytes(int src, int dst, uint64_t size_bytes)
{
	int r = copy_extents(src, dst, size_bytes, NULL);

	return r ? r : size_is(src, size_bytes);
}

int fdio_copy(int src, int dst, uint64_t size_bytes, struct hasher *hasher)
{
	int r = fx_clone(dst, src);

	if (r == 0) {
		r = size_is(dst, size_bytes);
		if (!r && hasher)
			r = feed_hasher(dst, size_bytes, hasher);
		return r;
	}
	if (r != -EOPNOTSUPP)
		return r;
	r = copy_extents(src, dst, size_bytes, hasher);
	return r ? r : size_is(src, size_bytes);
}

int fdio_equal(int a, int b, uint64_t size_bytes)
{
	size_t want = fdio_read_size(size_bytes, EQUAL_CHUNK);
	_cleanup_free_ char *buf = malloc(2 * want);
	uint64_t pos = 0;

	if (!buf)
		return -ENOMEM;
	for (;;) {
		uint64_t left = size_bytes - pos;
		ssize_t na = fdio_pread_once(a, buf, want, pos, left);
		ssize_t nb = fdio_pread_once(b, buf + want, want, pos, left);

		if (na < 0 || nb < 0)
			return na < 0 ? na : nb;
		if (na != nb || memcmp(buf, buf + want, na))
			return 0;
		pos += na;
		if ((size_t)na < want)
			return pos == size_bytes;
		if (pos > size_bytes)
			return 0;
	}
}

int fdio_holds(int fd, const void *bytes, size_t size)
{
	/* and one byte more, to see where it ends */
	_cleanup_free_ char *buf = malloc(size + 1);
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = fdio_pread_once(fd, buf, size + 1, 0, size);
	if (n < 0)
		return n;
	return (size_t)n == size && !memcmp(buf, bytes, size);
}

int fdio_settle(int fd, bool all)
{
	unsigned int flags = SYNC_FILE_RANGE_WAIT_BEFORE;

	if (all)
		flags |= SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	return sync_file_range(fd, 0, 0, flags) < 0 ? -errno : 0;
}

/* Does one of the pages of these at most RESIDENT_CHUNK bytes stay in memory? They are
 * dropped once more, as valgrind reads what is mapped. */
static bool is_resident(int fd, uint64_t pos, size_t len)
{
	unsigned char pages[RESIDENT_CHUNK / PAGE_MIN];
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)pos);
	bool resident = false;
	size_t i;

	if (map == MAP_FAILED)
		return true;
	memset(pages, 0, sizeof(pages));
	if (posix_fadvise(fd, (off_t)pos, (off_t)len, POSIX_FADV_DONTNEED) ||
	    mincore(map, len, pages) < 0)
		resident = true;
	for (i = 0; !resident && i < sizeof(pages); i++)
		resident = pages[i] & 1;
	(void)munmap(map, len); /* it was mapped */
	return resident;
}

bool fdio_drop_pages(int fd, uint64_t size_bytes)
{
	uint64_t pos;

	if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		return false;
	for (pos = 0; pos < size_bytes; pos += RESIDENT_CHUNK) {
		uint64_t left = size_bytes - pos;

		if (is_resident(fd, pos,
				left < RESIDENT_CHUNK ? left : RESIDENT_CHUNK))
			return false;
	}
	return true;
}

int fdio_statx(int dirfd, const char *name, struct statx *ret)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;

	if (!name || !*name)
		flags |= AT_EMPTY_PATH;
	if (statx(dirfd, name ? name : "", flags,
		  STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, ret) < 0)
		return -errno;
	return 0;
}

bool statx_same_inode(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

static bool same_time(const struct statx_timestamp *a,
		      const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool statx_unchanged(const struct statx *a, const struct statx *b)
{
	return statx_same_inode(a, b) && a->stx_size == b->stx_size &&
	       a->stx_mode == b->stx_mode && a->stx_uid == b->stx_uid &&
	       a->stx_gid == b->stx_gid &&
	       same_time(&a->stx_mtime, &b->stx_mtime) &&
	       same_time(&a->stx_ctime, &b->stx_ctime);
}

int fdio_random_name(char buf[17])
{
	uint64_t bits;
	ssize_t n;

	do
		n = getrandom(&bits, sizeof(bits), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(bits))
		return n < 0 ? -errno : -EIO;
	(void)snprintf(buf, 17, "%016llx", (unsigned long long)bits);
	return 0;
}

void fdio_raise_nofile(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim); /* then walks are shallower */
}
