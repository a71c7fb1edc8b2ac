// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can fail inside of a break does: one allocation or one request to the
 * disk after the other, until the operation has no more of them. Each time the
 * name leads to the shared inode or, if it went wrong after the break, to a
 * whole copy; the errno tells what failed; and nothing is left of the attempt.
 *
 * On a filesystem without quota: Linux miscounts when these fail in there. XFS shuts
 * down if it cannot undo: it is mounted again then, and either is right.
 *
 * Where Linux can make functions fail (it needs kprobes, so not under UML), one test
 * more: the copy cannot have its nth page. Of the functions Linux lets us choose it
 * is the only one that a break calls and the others do not reach.
 */
#include "harness.h"

#include <sys/statvfs.h>
#include <sys/xattr.h>

#define DEBUGFS		"/sys/kernel/debug/"
#define SIZE		20000
#define SHORT		9000
#define PAGE		4096
#define POINTS_MAX	3000
#define TIMEOUT_S	900	/* of one test, on a busy machine */
#define DISK_SIZE	(32 << 20)

/* ---- the injection ----------------------------------------------------- */

#define FUNCTION	"__filemap_add_folio"
#define FUNCTION_KNOB	DEBUGFS "fail_function/"

static int nth_fd = -1;
static bool by_function;

/* What can fail for each process that asks for it, and what the kernel says then. */
static const struct kind {
	const char *times;	/* how often it may, yet */
	int err;
} kinds[] = {
	{ DEBUGFS "failslab/times", ENOMEM },
	{ DEBUGFS "fail_page_alloc/times", ENOMEM },
	{ DEBUGFS "fail_make_request/times", EIO },
};

static void set_knob(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		skip("no %s", path);
	CHECK(fd >= 0, "%s: %s", path, errno_name(errno));
	EXPECT_OK(write(fd, value, strlen(value)));
	close(fd);
}

static void set_knobs(const char *const (*knobs)[2], size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		set_knob(knobs[i][0], knobs[i][1]);
}

/*
 * Also what is allowed to wait for memory; and not a word in the log. Pages only
 * with SLUB: SLAB forgets __GFP_NOFAIL when it needs one, and who must not get
 * NULL gets it.
 */
static void prepare_injection(void)
{
	bool slub = !access("/sys/kernel/slab", F_OK);
	const char *const knobs[][2] = {
		{ DEBUGFS "failslab/ignore-gfp-wait", "N" },
		{ DEBUGFS "failslab/verbose", "0" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N" },
		{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ DEBUGFS "fail_page_alloc/min-order", slub ? "0" : "32" },
		{ DEBUGFS "fail_page_alloc/verbose", "0" },
		{ DEBUGFS "fail_make_request/verbose", "0" },
	};

	time_limit(TIMEOUT_S);
	set_knobs(knobs, ARRAY_SIZE(knobs));
	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		skip("no /proc/self/fail-nth");
}

/* Only in this process, with -ENOMEM, the nth call after arm(). */
static void prepare_function(void)
{
	static const char *const knobs[][2] = {
		{ FUNCTION_KNOB "inject", "\n" },	/* none any more */
		{ FUNCTION_KNOB "inject", FUNCTION },
		{ FUNCTION_KNOB FUNCTION "/retval", "0xfffffffffffffff4" },
		{ FUNCTION_KNOB "verbose", "0" },
		{ FUNCTION_KNOB "task-filter", "Y" },
		{ FUNCTION_KNOB "interval", "1" },
		{ FUNCTION_KNOB "times", "0" },
		{ FUNCTION_KNOB "probability", "100" },
		{ "/proc/self/make-it-fail", "1" },
	};

	time_limit(TIMEOUT_S);
	set_knobs(knobs, ARRAY_SIZE(knobs));
	by_function = true;
}

/* Linux does not count down to the failure, but the space left until then. */
static void arm_function(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	set_knob(FUNCTION_KNOB "space", text);
	set_knob(FUNCTION_KNOB "times", nth ? "1" : "0");
}

/* Whether what may fail once has failed. */
static bool is_used_up(const char *times)
{
	char text[16] = "";
	int fd = EXPECT_OK(open(times, O_RDONLY | O_CLOEXEC));

	EXPECT_OK(read(fd, text, sizeof(text) - 1));
	close(fd);
	return !atoi(text);
}

static void arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);
	size_t i;

	if (by_function) {
		arm_function(nth);
		return;
	}
	for (i = 0; nth && i < ARRAY_SIZE(kinds); i++)
		set_knob(kinds[i].times, "1");
	EXPECT_EQ(EXPECT_OK(pwrite(nth_fd, text, len, 0)), len);
}

/* The errno of what has failed, 0 if nothing has. */
static int what_failed(void)
{
	size_t i;

	if (by_function)
		return is_used_up(FUNCTION_KNOB "times") ? ENOMEM : 0;
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_used_up(kinds[i].times))
			return kinds[i].err;
	return 0;
}

/* The same, and from now on nothing does. Keeps errno. */
static int disarm(void)
{
	int err = errno, failed;

	if (!by_function)
		EXPECT_EQ(EXPECT_OK(pwrite(nth_fd, "0", 1, 0)), 1);
	failed = what_failed();
	arm(0);
	errno = err;
	return failed;
}

/* Requests of this process to the disk below the scratch filesystem fail. */
static void fail_requests(const struct scratch *fs)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/block/%s/make-it-fail",
		 strrchr(fs->dev, '/') + 1);
	set_knob(path, "1");
}

/* ---- a disk of our own -------------------------------------------------- */

/*
 * XFS shuts down when it fails in the middle of a transaction, in our process or in
 * one of its own for it. What can be seen by then was a promise; after recovery it
 * is the old inode or the copy.
 */
static struct scratch disk;

static void disk_begin(void)
{
	if (on_xfs())
		scratch_xfs(&disk, NULL, "");
	else
		scratch_ext4(&disk, DISK_SIZE, NULL, "");
	if (!by_function)
		fail_requests(&disk);
	scratch_enter(&disk);
}

static void disk_end(void)
{
	scratch_leave();
	scratch_umount(&disk);
	scratch_fsck(&disk);
}

static bool is_shut_down(void)
{
	int err = errno, fd = open(".", O_RDONLY | O_DIRECTORY);

	CHECK(fd >= 0 || (on_xfs() && errno == EIO), "the disk: %s",
	      errno_name(errno));
	close(fd);
	errno = err;
	return fd < 0;
}

static void recover(struct shared *f)
{
	scratch_recover(&disk, "");
	fail_requests(&disk);
	watch_again(f);
	f->ctime_moves = true;
}

/* ---- one operation ----------------------------------------------------- */

struct op {
	const char *name;
	int (*fn)(void);
	unsigned int changes;	/* enum snapshot_ignore, in the copy */
	off_t size;		/* of the copy */
	nlink_t nlink;
};

/* A descriptor is closed by who has disarmed. */
static int op_open(void)
{
	return open("G1/f", O_RDWR);
}

static int op_open_trunc(void)
{
	return open("G1/f", O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

static int op_truncate(void)
{
	return truncate("G1/f", SHORT);
}

static int op_chmod(void)
{
	return chmod("G1/f", 0711);
}

static int op_chown(void)
{
	return chown("G1/f", STRANGER, STRANGER);
}

static int op_utimes(void)
{
	return utimensat(AT_FDCWD, "G1/f", NULL, 0);
}

static int op_setxattr(void)
{
	return setxattr("G1/f", "trusted.new", "value", 5, XATTR_CREATE);
}

static int op_removexattr(void)
{
	return removexattr("G1/f", "trusted.note");
}

static int op_acl(void)
{
	return set_acl("G1/f", false, 6, STRANGER, 6, 4, 6, 0);
}

static int op_link(void)
{
	return link("G1/f", "G1/l");
}

static const struct op ops[] = {
	{ "open", op_open, IGN_COPY, SIZE, 1 },
	{ "open with O_TRUNC", op_open_trunc,
	  IGN_COPY | IGN_CONTENT | IGN_MTIME, 0, 1 },
	{ "truncate", op_truncate, IGN_COPY | IGN_CONTENT | IGN_MTIME, SHORT,
	  1 },
	{ "chmod", op_chmod, IGN_COPY | IGN_MODE | IGN_XATTRS, SIZE, 1 },
	{ "chown", op_chown, IGN_COPY | IGN_OWNER, SIZE, 1 },
	{ "utimes", op_utimes, IGN_COPY | IGN_ATIME | IGN_MTIME, SIZE, 1 },
	{ "setxattr", op_setxattr, IGN_COPY | IGN_XATTRS, SIZE, 1 },
	{ "removexattr", op_removexattr, IGN_COPY | IGN_XATTRS, SIZE, 1 },
	{ "ACL", op_acl, IGN_COPY | IGN_MODE | IGN_XATTRS, SIZE, 1 },
};

static const struct op link_op = { "link", op_link, IGN_COPY, SIZE, 2 };

static struct shared *make_file(void)
{
	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	if (!on_tmpfs())
		EXPECT_OK(setxattr("C/f", "user.note", "kept", 4, 0));
	EXPECT_OK(setxattr("C/f", "trusted.note", "kept too", 8, 0));
	EXPECT_OK(set_acl("C/f", false, 6, STRANGER, 4, 4, 7, 4));
	set_old_times("C/f");
	return share("f");
}

static bool is_shared_now(const struct shared *f)
{
	struct stat st;

	EXPECT_OK(stat("G1/f", &st));
	return st.st_ino == f->before.st.st_ino;
}

/* As large as the operation makes it, or not yet cut. */
static void expect_copy(struct shared *f, const struct op *op, bool failed)
{
	struct stat st;

	expect_broken_links(f, G1, failed ? 1 : op->nlink);
	EXPECT_SAME("G1/f", &f->before, op->changes);
	EXPECT_OK(stat("G1/f", &st));
	CHECK(st.st_size == op->size || (failed && st.st_size == SIZE),
	      "the copy has %lld bytes", (long long)st.st_size);
	pattern_check("G1/f", 0, st.st_size, SHARED_SEED);
}

static void expect_usage(const struct statvfs *before)
{
	struct statvfs now;

	free_now(&now);
	EXPECT_EQ(now.f_ffree, before->f_ffree);
	EXPECT_EQ(now.f_bfree, before->f_bfree);
}

static void reshare(struct shared *f)
{
	EXPECT_OK(unlink("G1/f"));
	CHECK(!unlink("G1/l") || errno == ENOENT, "unlink: %m");
	EXPECT_OK(link("C/f", "G1/f"));
	f->state[G1] = NAME_SHARED;
	f->ctime_moves = true;
}

/*
 * Whether an operation may fail by errno after @injected has been. tmpfs says ENOSPC
 * when there is no memory for an inode.
 */
static bool is_injected(int injected)
{
	return injected && (errno == injected ||
			    (on_tmpfs() && injected == ENOMEM &&
			     errno == ENOSPC));
}

struct tally {
	unsigned int points, refused, late, requests, shutdowns;
};

static void check_result(const struct op *op, unsigned int nth, bool refused,
			 int injected, bool down)
{
	if (!refused || is_injected(injected) || (down && errno == EIO))
		return;
	FAIL("%s: point %u: %s, as %s was injected", op->name, nth,
	     errno_name(errno), injected ? errno_name(injected) : "nothing");
}

/* Return: whether there was an @nth point to fail at. */
static bool fail_at_point(struct shared *f, const struct op *op,
			  unsigned int nth, struct tally *t)
{
	bool refused, down;
	int ret, injected;

	arm(nth);
	ret = op->fn();
	injected = disarm();
	refused = ret < 0;
	down = is_shut_down();
	check_result(op, nth, refused, injected, down);
	if (ret > 0)
		close(ret);
	if (down)
		recover(f);
	t->points += !!injected;
	t->requests += injected == EIO;
	t->refused += refused;
	t->shutdowns += down;
	if ((refused || down) && is_shared_now(f)) {
		expect_others();
		return injected;
	}
	t->late += refused;
	expect_copy(f, op, refused || down);
	reshare(f);
	expect_others();
	return injected;
}

/* Without a failure, so that caches and directories are as large as ever. */
static void warm_up(struct shared *f, const struct op *op)
{
	int ret = EXPECT_OK(op->fn());

	if (ret > 0)
		close(ret);
	expect_copy(f, op, false);
	reshare(f);
	sync();
}

/*
 * A copy that cannot have its first page is refused. At a later one a write ends
 * early, and what is missing is written by the next, which finds memory again.
 */
static void expect_enough(const struct op *op, const struct tally *t)
{
	unsigned int pages = (op->size + PAGE - 1) / PAGE;

	if (by_function)
		CHECK(t->points >= pages && (!pages || t->refused),
		      "%s: %u pages, %u points, %u refused", op->name, pages,
		      t->points, t->refused);
	else
		CHECK(t->refused > 10, "%s: only %u failures were seen",
		      op->name, t->refused);
}

/* Return: how many of the failures were requests to the disk. */
static unsigned int sweep(struct shared *f, const struct op *op)
{
	struct statvfs before;
	struct tally t = { 0 };
	unsigned int n;

	warm_up(f, op);
	free_now(&before);
	for (n = 1; fail_at_point(f, op, n, &t); n++) {
		CHECK(n < POINTS_MAX, "%s: no end", op->name);
		expect_usage(&before);
	}
	note("%s: %u points, %u of them requests; %u refused, %u of them after the break; %u shutdowns",
	     op->name, t.points, t.requests, t.refused, t.late, t.shutdowns);
	expect_enough(op, &t);
	sync();
	expect_usage(&before);
	return t.requests;
}

static void all_ops(void)
{
	struct shared *f = make_file();
	unsigned int requests = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		requests += sweep(f, &ops[i]);
	/* A copy that shares blocks may have none. */
	CHECK(requests || by_function || on_tmpfs() || have_reflink(),
	      "no request has failed");
}

/* The inode has as many links as it can have; the name gets a copy then. */
static void link_ext4(void)
{
	struct shared *f;

	prepare_injection();
	disk_begin();
	mk_file("C/f", SIZE, SHARED_SEED);
	scratch_umount(&disk);
	CHECK(!RUN("debugfs", "-w", "-R", "sif C/f links_count 64998",
		   disk.image), "debugfs: expected success");
	scratch_mount(&disk, "");
	fail_requests(&disk);
	scratch_enter(&disk);
	f = share("f");
	EXPECT_EQ(f->before.st.st_nlink, 65000);
	sweep(f, &link_op);
	scratch_leave();
	scratch_umount(&disk);
	CHECK(!RUN("debugfs", "-w", "-R", "sif C/f links_count 3", disk.image),
	      "debugfs: expected success");
	scratch_fsck(&disk);
}

static void everything_on_disk(void)
{
	prepare_injection();
	disk_begin();
	all_ops();
	disk_end();
}

static void pages_ext4(void)
{
	prepare_function();
	disk_begin();
	all_ops();
	disk_end();
}

static void allocations_tmpfs(void)
{
	prepare_injection();
	all_ops();
}

/* ---- unification ------------------------------------------------------- */

static struct {
	int dir, master, victim;
} fds;

static void open_fds(void)
{
	fds.dir = EXPECT_OK(open("G1", O_RDONLY | O_DIRECTORY));
	fds.master = EXPECT_OK(open("C/f", O_RDONLY));
	fds.victim = EXPECT_OK(open("G1/own", O_RDONLY));
}

static void close_fds(void)
{
	close(fds.victim);
	close(fds.master);
	close(fds.dir);
}

static int op_unify(void)
{
	return unify_at(fds.dir, "own", fds.master, fds.victim);
}

static const struct op unify_op = { "unify", op_unify, 0, SIZE, 0 };

static bool is_unified(const struct shared *f)
{
	struct stat st;

	EXPECT_OK(stat("G1/own", &st));
	return st.st_ino == f->before.st.st_ino;
}

static bool unify_at_point(struct shared *f, unsigned int nth, struct tally *t)
{
	struct snapshot before;
	bool refused, down;
	int injected;

	snapshot_take("G1/own", &before);
	open_fds();
	sync();		/* what comes now is what a shutdown may undo */
	arm(nth);
	refused = unify_op.fn();
	injected = disarm();
	down = is_shut_down();
	check_result(&unify_op, nth, refused, injected, down);
	close_fds();
	if (down)
		recover(f);
	t->points += !!injected;
	t->refused += refused;
	if ((refused || down) && !is_unified(f))
		EXPECT_SAME("G1/own", &before, 0);
	else
		EXPECT_SAME("G1/own", &f->before, IGN_NLINK | IGN_CTIME);
	return injected;
}

static void make_own(void)
{
	mk_file("G1/own", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
}

static void unify_sweep(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct tally t = { 0 };
	unsigned int n = 0;
	bool came;

	f->ctime_moves = true;
	do {
		make_own();
		came = unify_at_point(f, ++n, &t);
		if (!is_unified(f))
			EXPECT_OK(set_flags("G1/own", 0));
		EXPECT_OK(unlink("G1/own"));
		expect_others();
	} while (came && n < POINTS_MAX);
	note("%u points, %u refused", t.points, t.refused);
	/* the tmpfs of 6.1 allocates no more than that */
	CHECK(t.refused >= 3, "only %u failures were seen", t.refused);
}

static void unify_on_disk(void)
{
	prepare_injection();
	disk_begin();
	unify_sweep();
	disk_end();
}

static void unify_tmpfs(void)
{
	prepare_injection();
	unify_sweep();
}

static const struct test tests[] = {
	{ "each allocation and each request of a break fails",
	  everything_on_disk, NEED_DISK },
	{ "each allocation of a break fails", allocations_tmpfs, NEED_TMPFS },
	{ "the same of a break for a link too many", link_ext4, NEED_EXT4 },
	{ "a copy cannot have its nth page", pages_ext4, NEED_EXT4 },
	{ "each allocation of a unification fails", unify_on_disk,
	  NEED_DISK },
	{ "each allocation of a unification fails", unify_tmpfs, NEED_TMPFS },
};

TEST_MAIN("inject", tests)
