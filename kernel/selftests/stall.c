// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filesystem is frozen, made read-only, unmounted or shut down while links
 * are being broken. A break waits, is refused with EROFS, or goes on; it never
 * stops half way. In bounded numbers of rounds; what may come out does not
 * depend on who wins.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define IOC_SHUTDOWN		_IOR('X', 125, __u32)
#define SHUTDOWN_NOLOGFLUSH	2

#define SIZE		200000
#define DISK_SIZE	(32 << 20)
#define ROUNDS		40

static bool stop;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

static pthread_t start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	CHECK(!pthread_create(&t, NULL, fn, arg), "cannot start a thread");
	return t;
}

static void finish(pthread_t t)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
}

static struct shared *set_up(struct scratch *fs)
{
	struct shared *f;

	scratch_ext4(fs, DISK_SIZE, NULL, "");
	scratch_enter(fs);
	f = mk_shared("f", SIZE);
	sync();
	return f;
}

static void take_down(struct scratch *fs)
{
	int status;

	scratch_leave();
	scratch_umount(fs);
	status = RUN("e2fsck", "-f", "-n", fs->image);
	CHECK(!status, "e2fsck: status %d", status);
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

/* ---- freeze ------------------------------------------------------------ */

static void *freeze_and_thaw(void *arg)
{
	int fd = EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY)), rounds = 0;

	(void)arg;
	while (!stopped()) {
		EXPECT_OK(ioctl(fd, FIFREEZE, 0));
		sched_yield();
		EXPECT_OK(ioctl(fd, FITHAW, 0));
		sched_yield();
		rounds++;
	}
	close(fd);
	note("frozen %d times", rounds);
	return NULL;
}

static void freezing(void)
{
	struct scratch fs;
	struct shared *f = set_up(&fs);
	pthread_t t = start(freeze_and_thaw, NULL);
	int i;

	for (i = 0; i < ROUNDS; i++) {
		close(EXPECT_OK(open("G1/f", O_RDWR)));
		expect_broken(f, G1);
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		reshare(f);
	}
	finish(t);
	take_down(&fs);
}

/* ---- read-only --------------------------------------------------------- */

static void *remount(void *arg)
{
	const struct scratch *fs = arg;
	int done = 0, busy = 0;

	while (!stopped()) {
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
	pthread_t t = start(remount, &fs);
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
	finish(t);
	note("%d of %d refused", refused, i);
	take_down(&fs);
}

/* ---- unmount ----------------------------------------------------------- */

/* Ends with the mount that only this process still has. */
static pid_t start_breaker(int go)
{
	pid_t pid = EXPECT_OK(fork());
	struct stat st;
	int fd;
	char c;

	if (pid)
		return pid;
	EXPECT_OK(read(go, &c, 1));
	fd = EXPECT_OK(open("G1/f", O_RDWR));
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQ(st.st_size, SIZE);
	EXPECT_OK(pwrite(fd, "new", 3, 0));
	close(fd);
	pattern_check("G1/f", 3, SIZE - 3, SHARED_SEED);
	_exit(0);
}

static void lazy_unmount(void)
{
	struct scratch fs;
	struct stat st;
	int go[2];
	pid_t pid;

	set_up(&fs);
	EXPECT_OK(pipe2(go, O_CLOEXEC));
	pid = start_breaker(go[0]);
	scratch_leave();
	EXPECT_OK(write(go[1], "x", 1));
	EXPECT_OK(umount2(fs.mnt, MNT_DETACH));
	reap(pid);
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_nlink, 1);
	pattern_check("G1/f", 3, SIZE - 3, SHARED_SEED);
	pattern_check("C/f", 0, SIZE, SHARED_SEED);
	pattern_check("G2/f", 0, SIZE, SHARED_SEED);
	take_down(&fs);
}

/* ---- shutdown ---------------------------------------------------------- */

static void shut_down_after(long delay_us)
{
	int fd = EXPECT_OK(open(".", O_RDONLY | O_DIRECTORY));
	pid_t pid = EXPECT_OK(fork());

	if (!pid) {
		(void)!open("G1/f", O_RDWR);
		_exit(0);
	}
	usleep(delay_us);
	EXPECT_OK(ioctl(fd, IOC_SHUTDOWN, &(__u32){ SHUTDOWN_NOLOGFLUSH }));
	close(fd);
	EXPECT_OK(waitpid(pid, NULL, 0));
}

/* The delay only spreads the shutdowns; no result depends on it. */
static void shut_down(void)
{
	int round, broken = 0;

	for (round = 0; round < 8; round++) {
		struct scratch fs;
		struct stat c, g;

		set_up(&fs);
		shut_down_after(round * 3000);
		scratch_umount(&fs);
		scratch_mount(&fs, "");
		scratch_enter(&fs);
		EXPECT_OK(stat("C/f", &c));
		EXPECT_OK(stat("G1/f", &g));
		broken += c.st_ino != g.st_ino;
		EXPECT_EQ(g.st_nlink, c.st_ino == g.st_ino ? 3 : 1);
		EXPECT_EQ(g.st_mode, c.st_mode);
		pattern_check("G1/f", 0, SIZE, SHARED_SEED);
		pattern_check("C/f", 0, SIZE, SHARED_SEED);
		pattern_check("G2/f", 0, SIZE, SHARED_SEED);
		take_down(&fs);
	}
	note("%d of %d were broken", broken, round);
}

static const struct test tests[] = {
	{ "against freezing and thawing: it waits", freezing, NEED_EXT4 },
	{ "against remounting read-only: success or EROFS",
	  becoming_read_only, NEED_EXT4 },
	{ "against a lazy unmount: it goes on", lazy_unmount, NEED_EXT4 },
	{ "against a shutdown: old inode or whole copy", shut_down,
	  NEED_EXT4 },
};

TEST_MAIN("stall", tests)
