// SPDX-License-Identifier: GPL-2.0-only
/* Copying, comparing and opening by descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fdio.h"
#include "fx.h"
#include "hash.h"
#include "unit.h"

static int dir;

static int put(const char *name, const char *data, size_t len, off_t at)
{
	int fd = openat(dir, name, O_CREAT | O_RDWR, 0600);

	if (fd < 0 || pwrite(fd, data, len, at) != (ssize_t)len)
		exit(1);
	return fd;
}

static void test_copy(void)
{
	_cleanup_hasher_ struct hasher *h = hasher_new();
	struct digest whole, copied;
	struct stat st;
	int src = put("src", "tail", 4, 5 << 20);
	int dst = fx_tmpfile(dir);
	uint64_t size = (5 << 20) + 4;

	is_int(fdio_copy(src, dst, size, h), 0, "a sparse file is copied");
	is_int(fdio_equal(src, dst, size), 1, "byte by byte");
	hash_fd(src, size, &whole);
	hasher_final(h, &copied);
	ok(digest_equal(&whole, &copied), "and hashed as written");
	fstat(dst, &st);
	ok(st.st_blocks * 512 < 1 << 20, "holes stay holes");
	is_int(fdio_copy(src, fx_tmpfile(dir), size - 1, NULL), -EAGAIN,
	       "a file that grew is reported");
	is_int(fdio_copy(src, fx_tmpfile(dir), size + 1, NULL), -EAGAIN,
	       "a file that shrank is reported");
	put("src", "more", 4, 8 << 20);
	if (ftruncate(src, 9 << 20))
		exit(1);
	dst = fx_tmpfile(dir);
	is_int(fdio_copy(src, dst, 9 << 20, NULL), 0, "a hole at the end");
	fstat(dst, &st);
	is_int(st.st_size, 9 << 20, "keeps the size");
}

static void test_equal(void)
{
	int a = put("a", "same", 4, 0);
	int b = put("b", "same", 4, 0);
	int c = put("c", "sama", 4, 0);
	int d = put("d", "samesame", 8, 0);
	int e = put("e", "", 0, 0);

	is_int(fdio_equal(a, b, 4), 1, "equal files are equal");
	is_int(fdio_equal(a, c, 4), 0, "one byte differs");
	is_int(fdio_equal(a, d, 4), 0, "one goes on");
	is_int(fdio_equal(d, d, 4), 0, "longer than what was said");
	is_int(fdio_equal(e, e, 0), 1, "two empty files");
	is_int(fdio_equal(e, a, 4), 0, "one is empty");
}

static void test_open(void)
{
	is_int(mkdirat(dir, "sub", 0700), 0, "set up");
	put("sub/f", "x", 1, 0);
	is_int(symlinkat("sub", dir, "link"), 0, "set up");
	is_int(mkfifoat(dir, "fifo", 0600), 0, "set up");
	ok(fdio_open_beneath(dir, "sub/f", O_RDONLY) >= 0, "a path below");
	is_int(fdio_open_beneath(dir, "link/f", O_RDONLY), -ELOOP,
	       "not through a symlink");
	is_int(fdio_open_beneath(dir, "sub/../../etc", O_RDONLY), -EXDEV,
	       "not above the directory");
	is_int(fdio_open_beneath(dir, "/etc/passwd", O_RDONLY), -EXDEV,
	       "not an absolute path");
	is_int(fdio_open(dir, "link", O_RDONLY), -ELOOP, "no symlink by name");
	ok(fdio_open(dir, "fifo", O_RDONLY) >= 0, "a fifo does not block");
}

static void test_changed(void)
{
	struct statx before, after;
	int fd = put("watched", "1", 1, 0);

	fdio_statx(fd, NULL, &before);
	fdio_statx(dir, "watched", &after);
	ok(statx_unchanged(&before, &after), "the same file by fd and by name");
	after.stx_ctime.tv_nsec++;
	ok(!statx_unchanged(&before, &after), "a nanosecond of ctime counts");
	fdio_statx(dir, "a", &after);
	ok(!statx_same_inode(&before, &after), "another inode");
}

static void test_random(void)
{
	char a[17], b[17];

	is_int(fdio_random_name(a), 0, "a random name");
	fdio_random_name(b);
	ok(strlen(a) == 16 && strspn(a, "0123456789abcdef") == 16,
	   "of 16 hexadecimal digits");
	ok(strcmp(a, b), "differs from the next");
}

static void on_signal(int sig)
{
}

/* A signal that interrupts what waits, before anything is there. */
static void test_read(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	char buf[8];
	int ends[2];
	pid_t reader = getpid();

	sigaction(SIGUSR1, &sa, NULL);
	is_int(pipe(ends), 0, "a pipe");
	if (!fork()) {
		usleep(200000);
		kill(reader, SIGUSR1);
		usleep(200000);
		_exit(write(ends[1], "some", 4) != 4);
	}
	close(ends[1]);
	is_int(fdio_read(ends[0], buf, sizeof(buf)), 4,
	       "what comes after a signal");
	is_int(fdio_read(ends[0], buf, sizeof(buf)), 0, "then its end");
	close(ends[0]);
	is_int(fdio_read(ends[0], buf, sizeof(buf)), -EBADF, "and its absence");
	wait(NULL);
}

/* Larger than what is looked at in one piece. */
#define LARGE (17 << 20)

static void test_drop(void)
{
	static char bytes[LARGE];
	int w = put("drop", memset(bytes, 'x', LARGE), LARGE, 0);
	int fd = fdio_open(dir, "drop", O_RDONLY);
	struct statx stx;
	char *map;

	fdio_statx(fd, NULL, &stx);
	if (!stx.stx_dev_major) {
		unit_skip(4, "no disk here");
		return;
	}
	is_int(fdio_settle(fd, true), 0, "what was written goes to the disk");
	ok(fdio_drop_pages(fd, LARGE), "and can be forgotten");
	map = mmap(NULL, LARGE, PROT_READ, MAP_SHARED, fd, 0);
	bytes[0] = ((volatile char *)map)[LARGE - 1];
	ok(!fdio_drop_pages(fd, LARGE), "but not what is mapped");
	munmap(map, LARGE);
	if (pwrite(w, "y", 1, 5) != 1)
		exit(1);
	fdio_settle(fd, true);
	ok(fdio_drop_pages(fd, LARGE) && pread(fd, bytes, 6, 0) == 6 &&
		   bytes[5] == 'y', "then it is read again");
	close(w);
	close(fd);
}

int main(void)
{
	char tmp[256];
	char cmd[300];

	unit_plan(37);
	dir = open(unit_tmpdir(tmp), O_DIRECTORY);
	test_copy();
	test_equal();
	test_open();
	test_changed();
	test_random();
	test_read();
	test_drop();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp);
	return system(cmd) ? 1 : unit_done();
}
