// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring opens first without blocking, which must not copy, then hands the
 * open to a worker, which must: for the task that asked, not as root.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/io_uring.h>

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

static int ring_setxattr(struct ring *r, const char *path)
{
	memset(r->sqe, 0, sizeof(*r->sqe));
	r->sqe->opcode = IORING_OP_SETXATTR;
	r->sqe->addr = (uintptr_t)"trusted.x";
	r->sqe->addr2 = (uintptr_t)"1";
	r->sqe->addr3 = (uintptr_t)path;
	r->sqe->len = 1;
	return ring_do(r);
}

static void open_for_writing(void)
{
	static const int flags[] = {
		O_RDWR, O_WRONLY | O_APPEND, O_WRONLY | O_TRUNC,
		O_RDONLY | O_TRUNC, O_RDWR | O_CREAT,
	};
	char name[20], path[30];
	struct ring r;
	size_t i;

	ring_open(&r);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		struct counters c = counters_now();
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		snprintf(path, sizeof(path), "G1/%s", name);
		f = mk_shared(name, SIZE);
		close(EXPECT_OK(ring_openat(&r, path, O_RDONLY)));
		EXPECT_BREAKS(c, 0);
		close(EXPECT_OK(ring_openat(&r, path, flags[i])));
		EXPECT_BREAKS(c, 1);
		expect_broken(f, G1);
		if (!(flags[i] & O_TRUNC))
			EXPECT_SAME(path, &f->before, IGN_COPY);
	}
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

static void set_an_xattr(void)
{
	struct counters c;
	struct ring r;

	mk_shared("f", SIZE);
	c = counters_now();
	ring_open(&r);
	EXPECT_ERR(ring_setxattr(&r, "G1/f"), EPERM);
	EXPECT_BREAKS(c, 0);
}

static const struct test tests[] = {
	{ "openat for writing", open_for_writing },
	{ "openat by who may not: EACCES, nothing copied", who_may_not },
	{ "setxattr: EPERM", set_an_xattr },
};

TEST_MAIN("uring", tests)
