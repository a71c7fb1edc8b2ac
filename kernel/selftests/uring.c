// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring opens first without blocking, which must not copy, then hands the
 * open to a worker, which must: for the task that asked, not as root.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>

#define SIZE	10000

/* A ring for one request at a time. */
struct ring {
	int fd;
	char *queue;
	struct io_uring_sqe *sqe;
	struct io_uring_params p;
};

static void ring_open(struct ring *r)
{
	size_t len;

	memset(r, 0, sizeof(*r));
	r->fd = syscall(SYS_io_uring_setup, 1, &r->p);
	if (r->fd < 0)
		skip("no io_uring: %s", errno_name(errno));
	CHECK(r->p.features & IORING_FEAT_SINGLE_MMAP, "an io_uring too old");
	len = r->p.cq_off.cqes +
	      r->p.cq_entries * sizeof(struct io_uring_cqe);
	r->queue = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
			IORING_OFF_SQ_RING);
	CHECK(r->queue != MAP_FAILED, "mapping the ring: %m");
	r->sqe = mmap(NULL, sizeof(*r->sqe), PROT_READ | PROT_WRITE,
		      MAP_SHARED, r->fd, IORING_OFF_SQES);
	CHECK(r->sqe != MAP_FAILED, "mapping the requests: %m");
}

static unsigned int *word(struct ring *r, unsigned int offset)
{
	return (unsigned int *)(r->queue + offset);
}

/* Does what is in the request and returns its result, as a system call does. */
static int ring_do(struct ring *r)
{
	struct io_uring_cqe *cqe;
	unsigned int head;
	int res;

	word(r, r->p.sq_off.array)[0] = 0;
	__atomic_add_fetch(word(r, r->p.sq_off.tail), 1, __ATOMIC_RELEASE);
	EXPECT_EQ(EXPECT_OK(syscall(SYS_io_uring_enter, r->fd, 1, 1,
				    IORING_ENTER_GETEVENTS, NULL, 0)), 1);
	head = *word(r, r->p.cq_off.head);
	cqe = (void *)(r->queue + r->p.cq_off.cqes);
	res = cqe[head & *word(r, r->p.cq_off.ring_mask)].res;
	__atomic_store_n(word(r, r->p.cq_off.head), head + 1,
			 __ATOMIC_RELEASE);
	errno = res < 0 ? -res : 0;
	return res < 0 ? -1 : res;
}

static int ring_openat(struct ring *r, const char *path, int flags)
{
	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_OPENAT;
	r->sqe->fd = AT_FDCWD;
	r->sqe->addr = (uintptr_t)path;
	r->sqe->len = 0600;
	r->sqe->open_flags = flags;
	return ring_do(r);
}

static int ring_openat2(struct ring *r, const char *path, uint64_t flags,
			uint64_t resolve)
{
	struct open_how how = {
		.flags = flags,
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = resolve,
	};

	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_OPENAT2;
	r->sqe->fd = AT_FDCWD;
	r->sqe->addr = (uintptr_t)path;
	r->sqe->addr2 = (uintptr_t)&how;
	r->sqe->len = sizeof(how);
	return ring_do(r);
}

static int ring_setxattr(struct ring *r, const char *path, const char *name,
			 const char *value, int flags)
{
	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_SETXATTR;
	r->sqe->addr = (uintptr_t)name;
	r->sqe->addr2 = (uintptr_t)value;
	r->sqe->addr3 = (uintptr_t)path;
	r->sqe->len = strlen(value);
	r->sqe->xattr_flags = flags;
	return ring_do(r);
}

static int ring_fsetxattr(struct ring *r, int fd, const char *name,
			  const char *value)
{
	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_FSETXATTR;
	r->sqe->fd = fd;
	r->sqe->addr = (uintptr_t)name;
	r->sqe->addr2 = (uintptr_t)value;
	r->sqe->len = strlen(value);
	return ring_do(r);
}

struct way {
	uint64_t flags, resolve;
};

/* Each of the @n ways to open for writing breaks a link, opening to read none. */

static void expect_breaks(struct ring *r, const struct way *ways, size_t n,
			  int (*open_by)(struct ring *r, const char *path,
					 const struct way *way))
{
	char name[24], path[30];
	size_t i;

	for (i = 0; i < n; i++) {
		struct counters c = counters_now();
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		snprintf(path, sizeof(path), "G1/%s", name);
		f = mk_shared(name, SIZE);
		close(EXPECT_OK(ring_openat(r, path, O_RDONLY)));
		EXPECT_BREAKS(c, 0);
		close(EXPECT_OK(open_by(r, path, &ways[i])));
		EXPECT_BREAKS(c, 1);
		expect_broken(f, G1);
		if (!(ways[i].flags & O_TRUNC))
			EXPECT_SAME(path, &f->before, IGN_COPY);
	}
}

static int by_openat(struct ring *r, const char *path, const struct way *way)
{
	return ring_openat(r, path, way->flags);
}

static int by_openat2(struct ring *r, const char *path, const struct way *way)
{
	return ring_openat2(r, path, way->flags, way->resolve);
}

static void open_for_writing(void)
{
	static const struct way ways[] = {
		{ O_RDWR }, { O_WRONLY | O_APPEND }, { O_WRONLY | O_TRUNC },
		{ O_RDONLY | O_TRUNC }, { O_RDWR | O_CREAT },
	};
	struct ring r;

	ring_open(&r);
	expect_breaks(&r, ways, ARRAY_SIZE(ways), by_openat);
}

static void who_may_not(void)
{
	struct counters c;

	mk_shared("f", SIZE);
	c = counters_now();
	AS_USER(STRANGER, STRANGER) {
		struct ring r;

		ring_open(&r);
		EXPECT_ERR(ring_openat(&r, "G1/f", O_RDWR), EACCES);
		EXPECT_ERR(ring_openat(&r, "G1/f", O_RDONLY | O_TRUNC),
			   EACCES);
	}
	EXPECT_BREAKS(c, 0);
}

static void openat2_for_writing(void)
{
	static const struct way ways[] = {
		{ O_RDWR, 0 }, { O_WRONLY | O_APPEND, RESOLVE_BENEATH },
		{ O_WRONLY | O_TRUNC, RESOLVE_IN_ROOT },
		{ O_RDONLY | O_TRUNC, RESOLVE_NO_SYMLINKS },
		{ O_RDWR | O_CREAT, RESOLVE_NO_XDEV },
	};
	struct ring r;

	ring_open(&r);
	expect_breaks(&r, ways, ARRAY_SIZE(ways), by_openat2);
}

/* Asked for, RESOLVE_CACHED is not followed by another try that blocks. */
static void openat2_cached(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	struct ring r;
	int fd;

	ring_open(&r);
	close(EXPECT_OK(open("G1/f", O_RDONLY)));
	fd = ring_openat2(&r, "G1/f", O_RDONLY, RESOLVE_CACHED);
	if (fd < 0)
		skip("RESOLVE_CACHED gives %s even for reading",
		     errno_name(errno));
	close(fd);
	EXPECT_ERR(ring_openat2(&r, "G1/f", O_RDWR, RESOLVE_CACHED), EAGAIN);
	EXPECT_ERR(ring_openat2(&r, "G1/f", O_WRONLY | O_APPEND,
				RESOLVE_CACHED), EAGAIN);
	EXPECT_BREAKS(c, 0);
	expect_others();
	close(EXPECT_OK(ring_openat2(&r, "G1/f", O_RDWR, 0)));
	expect_broken(f, G1);
	close(EXPECT_OK(ring_openat2(&r, "G1/f", O_RDWR, RESOLVE_CACHED)));
}

static void set_an_xattr(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	struct ring r;
	char value[4];

	ring_open(&r);
	EXPECT_OK(ring_setxattr(&r, "G1/f", "trusted.x", "one", 0));
	EXPECT_BREAKS(c, 1);
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_XATTRS);
	EXPECT_EQ(getxattr("G1/f", "trusted.x", value, sizeof(value)), 3);
	CHECK(!memcmp(value, "one", 3), "another value was set");
}

static void set_no_xattr(void)
{
	struct counters c;
	struct ring r;
	char path[40];
	int fd;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/f", "trusted.x", "1", 1, 0));
	share("f");
	c = counters_now();
	ring_open(&r);
	EXPECT_OK(ring_setxattr(&r, "G1/f", "trusted.x", "1", 0));
	EXPECT_ERR(ring_setxattr(&r, "G1/f", "trusted.x", "2", XATTR_CREATE),
		   EEXIST);
	EXPECT_ERR(ring_setxattr(&r, "G1/f", "trusted.y", "2", XATTR_REPLACE),
		   ENODATA);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	EXPECT_ERR(ring_fsetxattr(&r, fd, "trusted.x", "2"), EPERM);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_ERR(ring_setxattr(&r, path, "trusted.x", "2", 0), EPERM);
	AS_USER(STRANGER, STRANGER) {
		struct ring s;

		ring_open(&s);
		EXPECT_ERR(ring_setxattr(&s, "G1/f", "trusted.x", "2", 0),
			   EPERM);
		EXPECT_ERR(ring_setxattr(&s, "G1/f", "user.x", "2", 0),
			   EACCES);
	}
	EXPECT_BREAKS(c, 0);
}

static const struct test tests[] = {
	{ "openat for writing", open_for_writing },
	{ "openat by who may not: EACCES, nothing copied", who_may_not },
	{ "openat2 for writing, with RESOLVE_*", openat2_for_writing },
	{ "openat2 with RESOLVE_CACHED: EAGAIN, no break", openat2_cached },
	{ "setxattr", set_an_xattr },
	{ "setxattr that fails or changes nothing: nothing copied",
	  set_no_xattr },
};

TEST_MAIN("uring", tests)
