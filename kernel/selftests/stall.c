// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filesystem is frozen, made read-only, unmounted or shut down while links
 * are being broken. A break waits, is refused with EROFS, or goes on; it never
 * stops half way.
 *
 * First while a break is held for certain (hold.h); then in bounded numbers of
 * rounds, in which what may come out does not depend on who wins.
 */
#include "harness.h"
#include "hold.h"
#include "ops.h"
#include "rival.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define IOC_SHUTDOWN		_IOR('X', 125, __u32)
#define SHUTDOWN_LOGFLUSH	1
#define SHUTDOWN_NOLOGFLUSH	2

#define SIZE		OPS_SIZE
#define DISK_SIZE	(32 << 20)
#define ROUNDS		40
#define LIMIT_S		300	/* of what is held */

static struct shared *set_up(struct scratch *fs)
{
	struct shared *f;

	scratch_disk(fs, DISK_SIZE);
	scratch_enter(fs);
	f = mk_shared("f", SIZE);
	sync();
	return f;
}

static void take_down(struct scratch *fs)
{
	scratch_leave();
	scratch_umount(fs);
	scratch_fsck(fs);
	EXPECT_OK(unlink(fs->image));
}

static bool is_broken(const struct shared *f)
{
	struct stat st;

	EXPECT_OK(stat("G1/f", &st));
	return st.st_ino != f->before.st.st_ino;
}

static void expect_old_or_copy(struct shared *f)
{
	if (!is_broken(f))
		return;
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
}

/* -1 and EROFS, as long as it is read-only, is no reason to fail. */
static void until_writable(int (*fn)(void))
{
	while (fn()) {
		CHECK(errno == EROFS, "expected success or EROFS, got %s",
		      errno_name(errno));
		sched_yield();
	}
}

static int unlink_name(void)
{
	return unlink("G1/f");
}

static int link_name(void)
{
	return link("C/f", "G1/f");
}

static void reshare(struct shared *f)
{
	until_writable(unlink_name);
	until_writable(link_name);
	f->state[G1] = NAME_SHARED;
	f->ctime_moves = true;
}

/* ---- a break that is held ---------------------------------------------- */

static struct shared *hold(struct still_disk *disk, struct tracing *tr,
			   pid_t *pid)
{
	struct shared *f;

	time_limit(LIMIT_S);
	still_disk_begin(disk);
	f = mk_shared("f", SIZE);
	trace_breaks(tr);
	still_disk_stop(disk);
	*pid = start_op(OP_OPEN, "G1/f");
	expect_begin(tr);
	return f;
}

/* ---- freeze ------------------------------------------------------------ */

static void held_by_a_freeze(void)
{
	struct scratch fs;
	struct shared *f = set_up(&fs);
	struct freezer fz;
	struct tracing tr;
	pid_t pid;

	time_limit(LIMIT_S);
	trace_breaks(&tr);
	freezer_open(&fz, ".");
	freeze(&fz);
	pid = start_op(OP_OPEN, "G1/f");
	expect_begin(&tr);
	wait_until_blocked_or_ended(pid);
	expect_held(&tr);
	CHECK(!is_broken(f), "a name changed on a frozen filesystem");
	thaw(&fz);
	expect_result(pid, OP_OPEN, 0);
	expect_end(&tr, 0);
	tracing_end(&tr);
	freezer_close(&fz);
	expect_broken(f, G1);
	pattern_check("G1/f", 3, SIZE - 3, SHARED_SEED);
	take_down(&fs);
}

static void *freeze_and_thaw(void *arg)
{
	int rounds = 0;

	while (!rival_stopped()) {
		freeze(arg);
		sched_yield();
		thaw(arg);
		sched_yield();
		rounds++;
	}
	note("frozen %d times", rounds);
	return NULL;
}

static void freezing(void)
{
	struct scratch fs;
	struct shared *f = set_up(&fs);
	struct freezer fz;
	pthread_t t;
	int i;

	freezer_open(&fz, ".");
	t = rival_start(freeze_and_thaw, &fz);
	for (i = 0; i < ROUNDS; i++) {
		close(EXPECT_OK(open("G1/f", O_RDWR)));
		expect_broken(f, G1);
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		reshare(f);
	}
	rival_stop(t);
	freezer_close(&fz);
	take_down(&fs);
}

/* ---- read-only --------------------------------------------------------- */

/* The copy is a file open for writing like any other. */
static void read_only_while_held(void)
{
	struct still_disk disk;
	struct tracing tr;
	struct shared *f;
	pid_t pid;

	f = hold(&disk, &tr, &pid);
	/* Not before there is one. */
	still_disk_await(&disk, STILL_WRITE);
	EXPECT_ERR(mount(NULL, disk.fs.mnt, NULL, MS_REMOUNT | MS_RDONLY,
			 NULL), EBUSY);
	expect_held(&tr);
	still_disk_go_on(&disk);
	expect_result(pid, OP_OPEN, 0);
	expect_end(&tr, 0);
	expect_broken(f, G1);
	EXPECT_OK(mount(NULL, disk.fs.mnt, NULL, MS_REMOUNT | MS_RDONLY,
			NULL));
	EXPECT_ERR(open("G2/f", O_RDWR), EROFS);
	tracing_end(&tr);
	still_disk_end(&disk);
}

static void *remount(void *arg)
{
	const struct scratch *fs = arg;
	int done = 0, busy = 0;

	while (!rival_stopped()) {
		if (!mount(NULL, fs->mnt, NULL, MS_REMOUNT | MS_RDONLY, NULL))
			done++;
		else if (errno == EBUSY)
			busy++;
		else
			FAIL("remount: %s", errno_name(errno));
		sched_yield();
		EXPECT_OK(mount(NULL, fs->mnt, NULL, MS_REMOUNT, NULL));
		sched_yield();
	}
	note("read-only %d times, busy %d times", done, busy);
	return NULL;
}

static void becoming_read_only(void)
{
	struct scratch fs;
	struct shared *f = set_up(&fs);
	pthread_t t = rival_start(remount, &fs);
	int i, refused = 0;

	for (i = 0; i < ROUNDS; i++) {
		int fd = open("G1/f", O_RDWR);

		CHECK(fd >= 0 || errno == EROFS, "expected success or EROFS, got %s",
		      errno_name(errno));
		if (fd < 0) {
			refused++;
			expect_old_or_copy(f);
		} else {
			close(fd);
			expect_broken(f, G1);
			EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		}
		reshare(f);
	}
	rival_stop(t);
	note("%d of %d refused", refused, i);
	take_down(&fs);
}

/* ---- unmount ----------------------------------------------------------- */

/* It ends with the mount that only its process still has. */
static void lazy_unmount(void)
{
	struct still_disk disk;
	struct tracing tr;
	struct stat st;
	pid_t pid;

	hold(&disk, &tr, &pid);
	scratch_leave();
	EXPECT_ERR(umount2(disk.fs.mnt, 0), EBUSY);
	EXPECT_OK(umount2(disk.fs.mnt, MNT_DETACH));
	expect_held(&tr);
	still_disk_go_on(&disk);
	expect_result(pid, OP_OPEN, 0);
	expect_end(&tr, 0);
	tracing_end(&tr);
	scratch_mount(&disk.fs, "");
	scratch_enter(&disk.fs);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_nlink, 1);
	pattern_check("G1/f", 3, SIZE - 3, SHARED_SEED);
	pattern_check("C/f", 0, SIZE, SHARED_SEED);
	pattern_check("G2/f", 0, SIZE, SHARED_SEED);
	still_disk_end(&disk);
}

/* ---- shutdown ---------------------------------------------------------- */

enum outcome { OLD, COPY, EITHER };

static void shut_down(unsigned int how)
{
	int fd = EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));

	EXPECT_OK(ioctl(fd, IOC_SHUTDOWN, &how));
	close(fd);
}

static void before_the_copy(struct still_disk *disk, struct tracing *tr)
{
	struct freezer fz;
	pid_t pid;

	freezer_open(&fz, disk->fs.mnt);
	freeze(&fz);
	pid = start_op(OP_OPEN, "G1/f");
	expect_begin(tr);
	wait_until_blocked_or_ended(pid);
	shut_down(SHUTDOWN_NOLOGFLUSH);
	expect_held(tr);
	thaw(&fz);
	freezer_close(&fz);
	expect_result(pid, OP_OPEN, EIO);
	expect_end(tr, EIO);
}

/* ext4 waits for the disk, too, after it has shut itself down. */
static void before_the_name(struct still_disk *disk, struct tracing *tr)
{
	pid_t pid, other;

	still_disk_stop(disk);
	pid = start_op(OP_OPEN, "G1/f");
	expect_begin(tr);
	still_disk_await(disk, STILL_WRITE);
	other = EXPECT_OK(fork());
	if (!other) {
		shut_down(SHUTDOWN_NOLOGFLUSH);
		_exit(0);
	}
	wait_until_blocked_or_ended(other);
	expect_held(tr);
	still_disk_go_on(disk);
	reap(other);
	expect_result(pid, OP_OPEN, EIO);
	expect_end(tr, EIO);
}

/* Not held: anywhere. */
static void as_soon_as_begun(struct still_disk *disk, struct tracing *tr)
{
	pid_t pid = start_op(OP_OPEN, "G1/f");

	(void)disk;
	expect_begin(tr);
	shut_down(SHUTDOWN_NOLOGFLUSH);
	EXPECT_OK(waitpid(pid, NULL, 0));
	tracing_await(tr, "cowlink_break_end");
}

static void after_the_end(struct still_disk *disk, struct tracing *tr)
{
	(void)disk;
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_begin(tr);
	expect_end(tr, 0);
	shut_down(SHUTDOWN_NOLOGFLUSH);
}

static void after_the_commit(struct still_disk *disk, struct tracing *tr)
{
	(void)disk;
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_begin(tr);
	expect_end(tr, 0);
	shut_down(SHUTDOWN_LOGFLUSH);
}

static const struct stage {
	const char *name;
	void (*fn)(struct still_disk *disk, struct tracing *tr);
	enum outcome outcome;
} stages[] = {
	{ "before the copy", before_the_copy, OLD },
	{ "before the copy has its name", before_the_name, OLD },
	{ "at any time", as_soon_as_begun, EITHER },
	{ "after the end", after_the_end, EITHER },
	{ "after the commit", after_the_commit, COPY },
};

static bool shut_down_at(const struct stage *stage)
{
	struct still_disk disk;
	struct tracing tr;
	struct stat c, g;
	bool broken;

	still_disk_begin(&disk);
	mk_shared("f", SIZE);
	sync();
	trace_breaks(&tr);
	stage->fn(&disk, &tr);
	tracing_end(&tr);
	scratch_umount(&disk.fs);
	scratch_mount(&disk.fs, "");
	scratch_enter(&disk.fs);
	EXPECT_OK(stat("C/f", &c));
	EXPECT_OK(stat("G1/f", &g));
	broken = c.st_ino != g.st_ino;
	note("%s: %s", stage->name, broken ? "copy" : "old inode");
	CHECK(stage->outcome == EITHER || broken == (stage->outcome == COPY),
	      "%s: it should not be", stage->name);
	EXPECT_EQ(g.st_nlink, broken ? 1 : 3);
	EXPECT_EQ(g.st_mode, c.st_mode);
	pattern_check("C/f", 0, SIZE, SHARED_SEED);
	pattern_check("G2/f", 0, SIZE, SHARED_SEED);
	/* The write of who had the copy may have arrived. */
	pattern_check("G1/f", 3, SIZE - 3, SHARED_SEED);
	EXPECT_EQ(g.st_size, SIZE);
	still_disk_end(&disk);
	return broken;
}

static void shut_down_at_each_stage(void)
{
	size_t i, broken = 0;

	time_limit(LIMIT_S * ARRAY_SIZE(stages));
	for (i = 0; i < ARRAY_SIZE(stages); i++)
		broken += shut_down_at(&stages[i]);
	CHECK(broken && broken < i, "%zu of %zu were broken", broken, i);
}

static const struct test tests[] = {
	{ "on a frozen filesystem: it waits", held_by_a_freeze, NEED_DISK },
	{ "against freezing and thawing: it waits", freezing, NEED_DISK },
	{ "while a copy is made remounting read-only is EBUSY",
	  read_only_while_held, NEED_DISK },
	{ "against remounting read-only: success or EROFS",
	  becoming_read_only, NEED_DISK },
	{ "during a lazy unmount: it goes on", lazy_unmount, NEED_DISK },
	{ "during a shutdown: old inode or whole copy",
	  shut_down_at_each_stage, NEED_DISK },
};

TEST_MAIN("stall", tests)
