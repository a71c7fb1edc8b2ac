// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that cannot have the attribute, on a filesystem that does not have it, while
 * others come and go with it elsewhere: what their filesystem refuses is refused at
 * once, and by the errno that it has said. Its server is asked as often as without
 * the attribute in the kernel.
 *
 * The filesystem is one of FUSE, and its server a thread here: one file that is called
 * "f" and refuses what it is asked to count.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <linux/fuse.h>

#define FILE_NODE	2
#define ROUNDS		200
#define MAX_ANSWERS	3

/* ---- the server -------------------------------------------------------- */

static struct {
	int dev;
	pthread_t thread;
	uint32_t opcode;		/* what is refused */
	int answers[MAX_ANSWERS];	/* errnos; the last one for all that come */
	unsigned int asked;
} server;

static void reply(const struct fuse_in_header *in, int err, const void *data,
		  size_t size)
{
	char buf[sizeof(struct fuse_out_header) + 200];
	struct fuse_out_header out = {
		.len = sizeof(out) + size, .error = -err, .unique = in->unique,
	};

	memcpy(buf, &out, sizeof(out));
	if (size)
		memcpy(buf + sizeof(out), data, size);
	/* Who has asked may have been interrupted: ENOENT. */
	if (write(server.dev, buf, out.len) != (ssize_t)out.len)
		CHECK(errno == ENOENT || errno == ENODEV, "FUSE reply: %m");
}

static void fill_attr(struct fuse_attr *attr, uint64_t node)
{
	bool is_file = node == FILE_NODE;

	attr->ino = node;
	attr->mode = is_file ? S_IFREG | 0644 : S_IFDIR | 0755;
	attr->nlink = is_file ? 1 : 2;
	attr->size = is_file ? 4096 : 0;
	attr->blksize = 4096;
}

static void reply_attr(const struct fuse_in_header *in)
{
	struct fuse_attr_out out = { .attr_valid = 1000 };

	fill_attr(&out.attr, in->nodeid);
	reply(in, 0, &out, sizeof(out));
}

static void reply_lookup(const struct fuse_in_header *in)
{
	const char *name = (const char *)(in + 1);
	struct fuse_entry_out out = {
		.nodeid = FILE_NODE, .entry_valid = 1000, .attr_valid = 1000,
	};

	if (strcmp(name, "f")) {
		reply(in, ENOENT, NULL, 0);
		return;
	}
	fill_attr(&out.attr, FILE_NODE);
	reply(in, 0, &out, sizeof(out));
}

static void reply_init(const struct fuse_in_header *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096,
	};

	reply(in, 0, &out, sizeof(out));
}

static int next_answer(void)
{
	unsigned int n = __atomic_fetch_add(&server.asked, 1, __ATOMIC_ACQ_REL);

	while (n >= MAX_ANSWERS || !server.answers[n])
		n = n >= MAX_ANSWERS ? MAX_ANSWERS - 1 : n - 1;
	return server.answers[n];
}

static void serve(const struct fuse_in_header *in)
{
	if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET ||
	    in->opcode == FUSE_INTERRUPT)
		return;		/* not to be answered */
	if (in->opcode == server.opcode)
		reply(in, next_answer(), NULL, 0);
	else if (in->opcode == FUSE_INIT)
		reply_init(in);
	else if (in->opcode == FUSE_LOOKUP)
		reply_lookup(in);
	else if (in->opcode == FUSE_GETATTR)
		reply_attr(in);
	else
		reply(in, ENOSYS, NULL, 0);
}

static void *serve_all(void *arg)
{
	static char buf[65536] __attribute__((aligned(8)));
	ssize_t n;

	(void)arg;
	while ((n = read(server.dev, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		serve((const struct fuse_in_header *)buf);
	}
	CHECK(errno == ENODEV, "FUSE request: %m");	/* unmounted */
	return NULL;
}

static void server_begin(void)
{
	char options[100];

	server.dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server.dev < 0)
		skip("no /dev/fuse: %s", errno_name(errno));
	EXPECT_OK(mkdir("m", 0755));
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=0,group_id=0", server.dev);
	EXPECT_OK(mount("foreign", "m", "fuse", 0, options));
	CHECK(!pthread_create(&server.thread, NULL, serve_all, NULL),
	      "cannot start a thread");
}

static void server_end(void)
{
	EXPECT_OK(umount2("m", 0));
	pthread_join(server.thread, NULL);
	close(server.dev);
}

/* ---- somebody who clears the attribute elsewhere, again and again ------ */

static bool stop;
static unsigned int clears;

static void *clear_and_set(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		EXPECT_OK(set_flags("C/other", SHARED_FL));
		EXPECT_OK(set_flags("C/other", 0));
		__atomic_add_fetch(&clears, 1, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

static pthread_t clearing_begin(void)
{
	pthread_t t;

	mk_file("C/other", 10, 1);
	CHECK(!pthread_create(&t, NULL, clear_and_set, NULL),
	      "cannot start a thread");
	while (!__atomic_load_n(&clears, __ATOMIC_ACQUIRE))
		sched_yield();
	return t;
}

static void clearing_end(pthread_t t)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	note("cleared %u times meanwhile", clears);
}

/* ---- what is asked for -------------------------------------------------- */

static int op_open(void)
{
	return open("m/f", O_WRONLY);
}

static int op_creat(void)
{
	return open("m/f", O_RDWR | O_CREAT | O_TRUNC, 0644);
}

static int op_truncate(void)
{
	return truncate("m/f", 1);
}

static int op_chmod(void)
{
	return chmod("m/f", 0600);
}

static int op_chown(void)
{
	return chown("m/f", OWNER, OWNER);
}

static int op_utimes(void)
{
	return utimensat(AT_FDCWD, "m/f", NULL, 0);
}

static int op_setxattr(void)
{
	return setxattr("m/f", "user.x", "1", 1, 0);
}

static int op_removexattr(void)
{
	return removexattr("m/f", "user.x");
}

static const struct op {
	const char *name;
	int (*fn)(void);
	uint32_t opcode;
} ops[] = {
	{ "open", op_open, FUSE_OPEN },
	{ "open with O_CREAT and O_TRUNC", op_creat, FUSE_OPEN },
	{ "truncate", op_truncate, FUSE_SETATTR },
	{ "chmod", op_chmod, FUSE_SETATTR },
	{ "chown", op_chown, FUSE_SETATTR },
	{ "utimes", op_utimes, FUSE_SETATTR },
	{ "setxattr", op_setxattr, FUSE_SETXATTR },
	{ "removexattr", op_removexattr, FUSE_REMOVEXATTR },
};

/* One call that the server answers with @first, then, if asked again, with @then. */
static void expect_asked(const struct op *op, int first, int then,
			 unsigned int asked, int err)
{
	int ret;

	server.answers[0] = first;
	server.answers[1] = then;
	server.asked = 0;
	__atomic_store_n(&server.opcode, op->opcode, __ATOMIC_RELEASE);
	ret = op->fn();
	CHECK(ret < 0 && errno == err, "%s: expected %s, got %d (%s)",
	      op->name, errno_name(err), ret < 0 ? errno : 0,
	      ret < 0 ? errno_name(errno) : "success");
	CHECK(server.asked == asked,
	      "%s: the server was asked %u times, expected %u", op->name,
	      server.asked, asked);
	server.opcode = 0;
}

static void expect_asked_by_all(int first, int then, unsigned int asked,
				int err)
{
	pthread_t t = clearing_begin();
	size_t i, round;

	server_begin();
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < ARRAY_SIZE(ops); i++)
			expect_asked(&ops[i], first, then, asked, err);
	server_end();
	clearing_end(t);
}

/* Not twice, to see whether the attribute is gone that has never been there. */
static void eperm_is_final(void)
{
	expect_asked_by_all(EPERM, 0, 1, EPERM);
}

/* As open(2) says it for a program that is being executed. */
static void etxtbsy_is_final(void)
{
	expect_asked_by_all(ETXTBSY, 0, 1, ETXTBSY);
}

/* The walk that follows ESTALE is the kernel's; what it comes to is for the caller. */
static void eperm_after_estale(void)
{
	expect_asked_by_all(ESTALE, EPERM, 2, EPERM);
}

static const struct test tests[] = {
	{ "what the server refuses by EPERM it is asked once", eperm_is_final },
	{ "... by ETXTBSY, too", etxtbsy_is_final },
	{ "ESTALE, then EPERM: that is the errno", eperm_after_estale },
};

TEST_MAIN("foreign", tests)
