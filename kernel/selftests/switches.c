// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/sys/fs/cowlink/: what the switches do, and that the counters count each
 * break, byte, lost race and failure once.
 */
#include "harness.h"
#include "hold.h"

#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <linux/fs.h>

#define KNOB(name)	"/proc/sys/fs/cowlink/" name
#define SIZE		(1 << 20)

/* What happened since @since, and nothing else. */
static void expect_counted(const struct counters *since,
			   const struct counters *want)
{
	struct counters now = counters_now();

	EXPECT_EQ(now.breaks - since->breaks, want->breaks);
	EXPECT_EQ(now.bytes_copied - since->bytes_copied, want->bytes_copied);
	EXPECT_EQ(now.bytes_cloned - since->bytes_cloned, want->bytes_cloned);
	EXPECT_EQ(now.races_lost - since->races_lost, want->races_lost);
	EXPECT_EQ(now.failed - since->failed, want->failed);
}

/* Some filesystems share the blocks of the copy instead. */
static void expect_break_of(const struct counters *since, long long size,
			    long long data)
{
	struct counters now = counters_now(), want = { .breaks = 1 };

	if (now.bytes_cloned != since->bytes_cloned)
		want.bytes_cloned = size;
	else
		want.bytes_copied = data;
	expect_counted(since, &want);
}

/* ---- switches ---------------------------------------------------------- */

static volatile sig_atomic_t got_sigxfsz;

static void on_sigxfsz(int sig)
{
	(void)sig;
	got_sigxfsz = 1;
}

static void expect_too_big(const char *path)
{
	EXPECT_ERR(open(path, O_RDWR), EFBIG);
	EXPECT_ERR(open(path, O_WRONLY | O_APPEND), EFBIG);
	EXPECT_ERR(truncate(path, SIZE - 1), EFBIG);
	EXPECT_ERR(truncate(path, 2 * SIZE), EFBIG);
	EXPECT_ERR(chmod(path, 0600), EFBIG);
	EXPECT_ERR(chown(path, OWNER, OWNER), EFBIG);
	EXPECT_ERR(utimensat(AT_FDCWD, path, NULL, 0), EFBIG);
}

static void max_bytes(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	struct counters want = { .failed = 7 };

	signal(SIGXFSZ, on_sigxfsz);
	write_sysctl(KNOB("max_bytes"), "524288");
	expect_too_big("G1/f");
	write_sysctl(KNOB("max_bytes"), "0");
	expect_counted(&c, &want);
	EXPECT_EQ(got_sigxfsz, 0);
	expect_others();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
}

static void max_bytes_is_about_what_is_kept(void)
{
	struct shared *f = mk_shared("f", SIZE), *g = mk_shared("g", SIZE);
	struct shared *h = mk_shared("h", SIZE / 2);

	write_sysctl(KNOB("max_bytes"), "524288");
	close(EXPECT_OK(open("G1/f", O_WRONLY | O_TRUNC)));
	EXPECT_OK(truncate("G1/g", SIZE / 2));
	close(EXPECT_OK(open("G1/h", O_RDWR)));		/* not one too many */
	write_sysctl(KNOB("max_bytes"), "0");
	expect_broken(f, G1);
	expect_broken(g, G1);
	pattern_check("G1/g", 0, SIZE / 2, SHARED_SEED);
	expect_broken(h, G1);
}

static void enabled(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct counters c = counters_now();
	struct counters want = { .failed = 2 };

	write_sysctl(KNOB("enabled"), "0");
	EXPECT_ERR(open("G1/f", O_RDWR), EPERM);
	EXPECT_ERR(truncate("G1/f", 0), EPERM);
	EXPECT_ERR(access("G1/f", W_OK), EPERM);	/* a question, no try */
	EXPECT_OK(rename("G1/f", "G1/g"));
	EXPECT_OK(rename("G1/g", "G1/f"));
	write_sysctl(KNOB("enabled"), "1");
	f->ctime_moves = true;
	expect_counted(&c, &want);
	EXPECT_OK(access("G1/f", W_OK));
}

/* keep: how much of the file is kept, SIZE: by opening it */
static int fsyncs_of_a_break(const char *name, off_t keep)
{
	static const char *const ext4[] = { "ext4/ext4_sync_file_enter", NULL };
	static const char *const xfs[] = { "xfs/xfs_file_fsync", NULL };
	struct shared *f = mk_shared(name, SIZE);
	struct tracing tr;
	int n = 0;

	tracing_begin(&tr, on_xfs() ? xfs : ext4);
	if (keep == SIZE)
		close(EXPECT_OK(open(shared_path(f, G1), O_RDWR)));
	else
		EXPECT_OK(truncate(shared_path(f, G1), keep));
	while (tracing_next(&tr))
		n++;
	tracing_end(&tr);
	expect_broken(f, G1);
	if (keep == SIZE)
		EXPECT_SAME(shared_path(f, G1), &f->before, IGN_COPY);
	return n;
}

static void fsync_switch(void)
{
	EXPECT_EQ(fsyncs_of_a_break("f", SIZE), have_reflink() ? 0 : 1);
	/* A part of a block cannot be cloned. */
	EXPECT_EQ(fsyncs_of_a_break("g", SIZE - 1), 1);
	EXPECT_EQ(fsyncs_of_a_break("h", 0), 0);
	write_sysctl(KNOB("fsync"), "0");
	EXPECT_EQ(fsyncs_of_a_break("i", SIZE), 0);
	EXPECT_EQ(fsyncs_of_a_break("j", SIZE - 1), 0);
	write_sysctl(KNOB("fsync"), "1");
	EXPECT_EQ(fsyncs_of_a_break("k", SIZE), have_reflink() ? 0 : 1);
}

static void expect_refused_value(const char *path, const char *value)
{
	int fd = EXPECT_OK(open(path, O_WRONLY));

	EXPECT_ERR(write(fd, value, strlen(value)), EINVAL);
	close(fd);
}

static void values(void)
{
	expect_refused_value(KNOB("enabled"), "2");
	expect_refused_value(KNOB("fsync"), "-1");
	expect_refused_value(KNOB("max_bytes"), "many");
}

static const char *const counter_files[] = {
	KNOB("breaks"), KNOB("bytes_copied"), KNOB("bytes_cloned"),
	KNOB("races_lost"), KNOB("failed"),
};

static void who_may_write(void)
{
	static const char *const switches[] = {
		KNOB("enabled"), KNOB("fsync"), KNOB("max_bytes"),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counter_files); i++)
		EXPECT_ERR(open(counter_files[i], O_WRONLY), EACCES);
	/* Nor by root of a namespace of his own. */
	AS_USER(OWNER, OWNER) {
		EXPECT_OK(unshare(CLONE_NEWUSER));
		for (i = 0; i < ARRAY_SIZE(switches); i++)
			EXPECT_ERR(open(switches[i], O_WRONLY), EACCES);
	}
}

/* ---- counters ---------------------------------------------------------- */

static void breaks_and_bytes(void)
{
	struct shared *f = mk_shared("f", 12345), *g = mk_shared("g", 0);
	struct shared *h = mk_shared("h", SIZE);
	struct counters c = counters_now();

	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_break_of(&c, 12345, 12345);
	c = counters_now();
	EXPECT_OK(chmod("G2/f", 0600));
	expect_break_of(&c, 12345, 12345);
	c = counters_now();
	EXPECT_OK(utimensat(AT_FDCWD, "G1/g", NULL, 0));
	expect_break_of(&c, 0, 0);
	c = counters_now();
	close(EXPECT_OK(open("G1/h", O_WRONLY | O_TRUNC)));
	expect_break_of(&c, SIZE, 0);
	c = counters_now();
	EXPECT_OK(truncate("G2/h", 1000));
	expect_break_of(&c, SIZE, 1000);
	expect_broken(f, G1);
	expect_broken(f, G2);
	expect_broken(g, G1);
	expect_broken(h, G1);
	expect_broken(h, G2);
}

/* Holes are not copied, and not counted. */
static void bytes_of_a_sparse_file(void)
{
	struct shared *f;
	struct counters c;
	int fd = EXPECT_OK(open("C/f", O_CREAT | O_RDWR | O_EXCL, 0644));

	pattern_write(fd, SIZE, 65536, SHARED_SEED);
	EXPECT_OK(ftruncate(fd, 4 * SIZE));
	EXPECT_OK(fsync(fd));
	close(fd);
	f = share("f");
	c = counters_now();
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_break_of(&c, 4 * SIZE, 65536);
	expect_broken(f, G1);
}

static void no_permission_no_count(void)
{
	struct counters c, want = { 0 };

	mk_shared("f", SIZE);
	c = counters_now();
	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(open("G1/f", O_RDWR), EACCES);
		EXPECT_ERR(truncate("G1/f", 0), EACCES);
		EXPECT_ERR(chmod("G1/f", 0777), EPERM);
	}
	close(EXPECT_OK(open("G1/f", O_RDONLY)));
	EXPECT_OK(chmod("G1/f", 0644));
	EXPECT_ERR(open("G1/f", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	expect_counted(&c, &want);
}

static void refusals(void)
{
	struct counters c, want = { .failed = 2 };
	struct rlimit limit;

	mk_shared("f", SIZE);
	signal(SIGXFSZ, on_sigxfsz);
	EXPECT_OK(getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = SIZE / 2;
	EXPECT_OK(setrlimit(RLIMIT_FSIZE, &limit));
	c = counters_now();
	EXPECT_ERR(open("G1/f", O_RDWR), EFBIG);
	EXPECT_OK(set_flags("G2", FS_IMMUTABLE_FL));
	limit.rlim_cur = limit.rlim_max;
	EXPECT_OK(setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_ERR(open("G2/f", O_RDWR), EPERM);
	EXPECT_OK(set_flags("G2", 0));
	expect_counted(&c, &want);
}

#define WAITERS	3

static pid_t open_in_child(const char *path)
{
	pid_t pid = EXPECT_OK(fork());

	if (!pid) {
		EXPECT_OK(open(path, O_RDWR));
		_exit(0);
	}
	return pid;
}

/*
 * On a frozen filesystem the first stops where it makes the copy and the others
 * wait for it, until all have been counted.
 */
static void races_lost(void)
{
	struct counters c, want = { .breaks = 1, .races_lost = WAITERS };
	pid_t pid[WAITERS + 1];
	struct freezer fz;
	struct scratch fs;
	struct shared *f;
	int i;

	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	f = mk_shared("f", 5000);
	want.bytes_copied = 5000;
	c = counters_now();
	freezer_open(&fz, ".");
	freeze(&fz);
	for (i = 0; i <= WAITERS; i++)
		pid[i] = open_in_child("G1/f");
	while (counters_now().races_lost - c.races_lost < WAITERS)
		usleep(10000);
	thaw(&fz);
	for (i = 0; i <= WAITERS; i++)
		reap(pid[i]);
	freezer_close(&fz);
	expect_counted(&c, &want);
	expect_broken(f, G1);
	scratch_leave();
	scratch_release(&fs);
}

/* ---- user.max_cowlink_breaks -------------------------------------------- */

#define MAX_BREAKS	"/proc/sys/user/max_cowlink_breaks"

static pid_t open_as_owner(const char *path)
{
	pid_t pid = EXPECT_OK(fork());

	if (!pid) {
		EXPECT_OK(setresgid(OWNER, OWNER, OWNER));
		EXPECT_OK(setresuid(OWNER, OWNER, OWNER));
		EXPECT_OK(open(path, O_RDWR));
		_exit(0);
	}
	return pid;
}

static void fill_disk(void)
{
	static const char buf[4096];
	int fd = EXPECT_OK(open("filler", O_CREAT | O_WRONLY, 0600));

	while (write(fd, buf, sizeof(buf)) > 0)
		;
	EXPECT_EQ(errno, ENOSPC);
	EXPECT_OK(fsync(fd));
	close(fd);
}

/* One is in the middle of its copy when another file is to be broken. */
static void one_break_at_a_time(void)
{
	struct shared *f, *g, *h;
	struct scratch fs;
	pid_t pid, other;
	struct freezer fz;

	write_sysctl(MAX_BREAKS, "1");
	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	f = mk_shared("f", 5000);
	g = mk_shared("g", 5000);
	mk_file("C/h", 5000, SHARED_SEED);
	EXPECT_OK(chmod("C/h", 0666));
	h = share("h");
	freezer_open(&fz, ".");
	freeze(&fz);
	pid = open_in_child("G1/f");
	wait_until_blocked_or_ended(pid);
	EXPECT_ERR(open("G1/g", O_RDWR), EAGAIN);
	other = open_as_owner("G1/h");
	wait_until_blocked_or_ended(other);
	thaw(&fz);
	reap(pid);
	reap(other);
	freezer_close(&fz);
	close(EXPECT_OK(open("G1/g", O_RDWR)));
	write_sysctl(MAX_BREAKS, "1000");
	expect_broken(f, G1);
	expect_broken(g, G1);
	expect_broken(h, G1);
	scratch_leave();
	scratch_release(&fs);
}

/* One that fails is over, too. */
static void failures_do_not_add_up(void)
{
	struct scratch fs;
	struct shared *f;

	write_sysctl(MAX_BREAKS, "1");
	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	f = mk_shared("f", 5000);
	fill_disk();
	EXPECT_ERR(open("G1/f", O_RDWR), ENOSPC);
	EXPECT_ERR(open("G1/f", O_RDWR), ENOSPC);
	EXPECT_OK(unlink("filler"));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	write_sysctl(MAX_BREAKS, "1000");
	expect_broken(f, G1);
	scratch_leave();
	scratch_release(&fs);
}

/* In a namespace of his own, where he is root and may set its limits. */
static void become_guest_root(void)
{
	EXPECT_OK(unshare(CLONE_NEWUSER));
	write_sysctl("/proc/self/setgroups", "deny");
	write_sysctl("/proc/self/uid_map", "0 1000 1");
	write_sysctl("/proc/self/gid_map", "0 1000 1");
}

static void no_breaks_in_a_namespace(void)
{
	struct counters c, want = { .failed = 3 };
	struct shared *f;

	mk_file("C/f", 5000, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	f = share("f");
	if (access(MAX_BREAKS, F_OK))
		skip("no " MAX_BREAKS);
	c = counters_now();
	AS_USER(OWNER, OWNER) {
		become_guest_root();
		EXPECT_OK(access(MAX_BREAKS, W_OK));
		write_sysctl(MAX_BREAKS, "0");
		EXPECT_ERR(open("G1/f", O_RDWR), EAGAIN);
		EXPECT_ERR(truncate("G1/f", 0), EAGAIN);
		EXPECT_ERR(chmod("G1/f", 0600), EAGAIN);
		close(EXPECT_OK(open("G1/f", O_RDONLY)));
	}
	expect_counted(&c, &want);
	expect_others();
	AS_USER(OWNER, OWNER)
		close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
}

static const struct test tests[] = {
	{ "max_bytes: EFBIG, no signal, nothing changed", max_bytes },
	{ "max_bytes is about what is kept", max_bytes_is_about_what_is_kept },
	{ "enabled=0: EPERM, names stay free", enabled },
	{ "fsync: one for a break, none for a clone, or never", fsync_switch,
	  NEED_DISK },
	{ "other values are refused", values },
	{ "switches are root's, counters nobody's", who_may_write },
	{ "counters: each break and each byte", breaks_and_bytes },
	{ "counters: holes do not count", bytes_of_a_sparse_file },
	{ "counters: who may not write leaves no trace",
	  no_permission_no_count },
	{ "counters: a refusal is a failure", refusals },
	{ "counters: who waited for another's copy", races_lost, NEED_EXT4 },
	{ "max_cowlink_breaks=1: another at the same time is EAGAIN",
	  one_break_at_a_time, NEED_EXT4 },
	{ "... and each ends, also one that fails", failures_do_not_add_up,
	  NEED_EXT4 },
	{ "max_cowlink_breaks=0 in a user namespace: there alone",
	  no_breaks_in_a_namespace },
};

TEST_MAIN("switches", tests)
