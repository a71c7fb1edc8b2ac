// SPDX-License-Identifier: GPL-2.0-only
/*
 * FS_IOC_LINK_UNIFY: a name goes over to an equal inode, or nothing happens;
 * and nothing that is written through the name is lost.
 */
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <linux/capability.h>

#define SIZE	10000

/* C/f shared with G1 and G2, and G1/own, frozen, equal, an inode apart. */
static struct shared *pair(void)
{
	struct shared *f = mk_shared("f", SIZE);

	mk_file("G1/own", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	return f;
}

static void expect_refused(const char *master, const char *victim, int err)
{
	struct snapshot before;

	snapshot_take("G1/own", &before);
	EXPECT_ERR(unify("G1", "own", master, victim), err);
	EXPECT_SAME("G1/own", &before, 0);
	expect_others();
}

static void equal_files(void)
{
	struct shared *f = pair();
	struct counters c = counters_now();

	EXPECT_OK(unify("G1", "own", "C/f", "G1/own"));
	f->links = 1;
	EXPECT_SAME("G1/own", &f->before, IGN_NLINK | IGN_CTIME);
	EXPECT_EQ(counters_now().breaks, c.breaks);
	expect_others();
	/* And the first write parts them again. */
	close(EXPECT_OK(open("G1/own", O_RDWR)));
	f->links = 0;
	f->ctime_moves = true;
	EXPECT_SAME("G1/own", &f->before, IGN_COPY);
}

static void other_names_of_the_victim_stay(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct shared *g = mk_shared("g", SIZE);

	EXPECT_OK(unify("G1", "g", "C/f", "G1/g"));
	f->links = 1;
	expect_gone(g, G1);
	EXPECT_SAME("G1/g", &f->before, IGN_NLINK | IGN_CTIME);
}

static void holes_and_sizes(void)
{
	static const off_t sizes[] = { 0, 1, 4096, 123456, 1LL << 32 };
	char path[20], own[20];
	size_t i;
	int w;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct shared *f;

		snprintf(path, sizeof(path), "C/f%zu", i);
		snprintf(own, sizeof(own), "G1/own%zu", i);
		for (w = 0; w < 2; w++) {
			const char *p = w ? own : path;

			mk_file(p, 0, 0);
			EXPECT_OK(truncate(p, sizes[i]));
			set_old_times(p);
		}
		f = share(path + 2);
		EXPECT_OK(set_flags(own, SHARED_FL));
		EXPECT_OK(unify("G1", own + 3, path, own));
		f->links = 1;
		EXPECT_SAME(own, &f->before, IGN_NLINK | IGN_CTIME);
	}
}

static void same_content_other_layout(void)
{
	struct shared *f;
	int fd = EXPECT_OK(open("C/f", O_CREAT | O_RDWR, 0644));
	char zeroes[8192] = { 0 };

	EXPECT_OK(pwrite(fd, zeroes, sizeof(zeroes), 0));
	pattern_write(fd, sizeof(zeroes), 100, 1);
	close(fd);
	set_old_times("C/f");
	fd = EXPECT_OK(open("G1/own", O_CREAT | O_RDWR, 0644));
	pattern_write(fd, sizeof(zeroes), 100, 1);
	close(fd);
	set_old_times("G1/own");
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	f = share("f");
	EXPECT_OK(unify("G1", "own", "C/f", "G1/own"));
	f->links = 1;
}

static void already_there(void)
{
	struct shared *f = pair();

	EXPECT_OK(unify("G1", "f", "C/f", "G1/own"));
	(void)f;
}

static void replace_own(size_t size, unsigned int seed)
{
	EXPECT_OK(unlink("G1/own"));
	mk_file("G1/own", size, seed);
}

static void different_files(void)
{
	int fd;

	pair();
	replace_own(SIZE, 2);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
	replace_own(SIZE - 1, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
	/* The very last byte. */
	replace_own(SIZE, SHARED_SEED);
	fd = EXPECT_OK(open("G1/own", O_WRONLY));
	pattern_write(fd, SIZE - 1, 1, 2);
	close(fd);
	set_old_times("G1/own");
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
}

static void different_attributes(void)
{
	const struct timespec ts[2] = {
		{ OLD_SEC, 0 }, { OLD_SEC, OLD_MTIME_NS + 1 },
	};

	pair();
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(chmod("G1/own", 0600));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(chown("G1/own", OWNER, 0));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(chown("G1/own", 0, OWNER));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(utimensat(AT_FDCWD, "G1/own", ts, 0));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("C/f", "G1/own", EBADE);
}

/* The times only, and only if that is asked for. */
static void any_mtime(void)
{
	const struct timespec ts[2] = { { 1, 2 }, { 3, 4 } };
	struct shared *f = pair();
	struct cowlink_unify arg = {
		.size = sizeof(arg),
		.flags = COWLINK_UNIFY_ANY_MTIME,
		.name = (uintptr_t)"own",
	};
	int dir = EXPECT_OK(open("G1", O_RDONLY));

	arg.master_fd = EXPECT_OK(open("C/f", O_RDONLY));
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(chmod("G1/own", 0600));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	arg.victim_fd = EXPECT_OK(open("G1/own", O_RDONLY));
	EXPECT_ERR(ioctl(dir, FS_IOC_LINK_UNIFY, &arg), EBADE);
	close(arg.victim_fd);
	replace_own(SIZE, SHARED_SEED);
	EXPECT_OK(utimensat(AT_FDCWD, "G1/own", ts, 0));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	arg.victim_fd = EXPECT_OK(open("G1/own", O_RDONLY));
	EXPECT_OK(ioctl(dir, FS_IOC_LINK_UNIFY, &arg));
	f->links = 1;
	EXPECT_SAME("G1/own", &f->before, IGN_NLINK | IGN_CTIME);
	expect_others();
}

static void name_is_another_inode(void)
{
	struct shared *f = pair();
	int dir = EXPECT_OK(open("G1", O_RDONLY));
	int m = EXPECT_OK(open("C/f", O_RDONLY));
	int v = EXPECT_OK(open("G1/own", O_RDONLY));
	int fd;

	/* Broken by a writer after we looked: what it writes must stay. */
	fd = EXPECT_OK(open("G1/own", O_RDWR));
	pattern_write(fd, 0, 100, 3);
	EXPECT_ERR(unify_at(dir, "own", m, v), ESTALE);
	close(fd);
	EXPECT_ERR(unify_at(dir, "own", m, v), ESTALE);
	pattern_check("G1/own", 0, 100, 3);
	EXPECT_OK(unlink("G1/own"));
	EXPECT_ERR(unify_at(dir, "own", m, v), ENOENT);
	EXPECT_OK(mkdir("G1/own", 0755));
	EXPECT_ERR(unify_at(dir, "own", m, v), ESTALE);
	(void)f;
}

static void not_frozen(void)
{
	pair();
	replace_own(SIZE, SHARED_SEED);
	expect_refused("C/f", "G1/own", EINVAL);
	EXPECT_OK(set_flags("G1/own", FS_IMMUTABLE_FL));
	expect_refused("C/f", "G1/own", EINVAL);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	mk_file("master", SIZE, SHARED_SEED);
	expect_refused("master", "G1/own", EINVAL);
	expect_refused("C/f", "G2/f", EINVAL);		/* one inode twice */
	expect_refused("C/f", "G1", EINVAL);		/* a directory */
}

static void bad_arguments(void)
{
	static char long_name[300];
	struct {
		struct cowlink_unify arg;
		__u64 unknown;
	} longer = { .unknown = 0 };
	struct cowlink_unify arg;
	int dir, m, v, path;

	pair();
	dir = EXPECT_OK(open("G1", O_RDONLY));
	m = EXPECT_OK(open("C/f", O_RDONLY));
	v = EXPECT_OK(open("G1/own", O_RDONLY));
	path = EXPECT_OK(open("G1/own", O_PATH));
	EXPECT_ERR(unify_at(dir, "", m, v), EINVAL);
	EXPECT_ERR(unify_at(dir, ".", m, v), EINVAL);
	EXPECT_ERR(unify_at(dir, "..", m, v), EINVAL);
	EXPECT_ERR(unify_at(dir, "../G1/own", m, v), EINVAL);
	memset(long_name, 'x', sizeof(long_name) - 1);
	EXPECT_ERR(unify_at(dir, long_name, m, v), ENAMETOOLONG);
	EXPECT_ERR(unify_at(dir, NULL, m, v), EFAULT);
	EXPECT_ERR(unify_at(dir, "own", -1, v), EBADF);
	EXPECT_ERR(unify_at(dir, "own", m, path), EBADF);
	arg = (struct cowlink_unify){
		.size = sizeof(arg), .master_fd = m, .victim_fd = v,
		.name = (uintptr_t)"own",
	};
	arg.flags = COWLINK_UNIFY_ANY_MTIME << 1;
	EXPECT_ERR(ioctl(dir, FS_IOC_LINK_UNIFY, &arg), EINVAL);
	arg.flags = 0;
	arg.reserved[2] = 1;
	EXPECT_ERR(ioctl(dir, FS_IOC_LINK_UNIFY, &arg), EINVAL);
	arg.reserved[2] = 0;
	arg.size = sizeof(arg) - 8;
	EXPECT_ERR(ioctl(dir, FS_IOC_LINK_UNIFY, &arg), EINVAL);
	longer.arg.size = sizeof(longer);
	longer.unknown = 1;
	EXPECT_ERR(ioctl(dir, FS_IOC_LINK_UNIFY, &longer), E2BIG);
	EXPECT_ERR(unify_at(m, "own", m, v), ENOTDIR);
	dir = EXPECT_OK(open("/proc", O_RDONLY));
	EXPECT_ERR(unify_at(dir, "own", m, v), EOPNOTSUPP);
}

static void name_is_a_mountpoint(void)
{
	int dir, m, v;

	pair();
	mk_file("plain", 10, 2);
	m = EXPECT_OK(open("C/f", O_RDONLY));
	v = EXPECT_OK(open("G1/own", O_RDONLY));
	EXPECT_OK(mount("plain", "G1/own", NULL, MS_BIND, NULL));
	dir = EXPECT_OK(open("G1", O_RDONLY));
	EXPECT_ERR(unify_at(dir, "own", m, v), EBUSY);
	EXPECT_OK(umount2("G1/own", 0));
}

static void master_without_a_link_left(void)
{
	struct scratch fs;

	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	mk_file("m", SIZE, SHARED_SEED);
	scratch_umount(&fs);
	CHECK(!RUN("debugfs", "-w", "-R", "sif m links_count 65000",
		   fs.image), "debugfs: expected success");
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_OK(set_flags("m", SHARED_FL));
	mk_file("G1/own", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	expect_refused("m", "G1/own", EMLINK);
	scratch_leave();
	scratch_release(&fs);
}

static void needs_the_capability(void)
{
	pid_t pid;

	pair();
	EXPECT_OK(chmod("G1", 0777));
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(unify("G1", "own", "C/f", "G1/own"), EPERM);
	pid = EXPECT_OK(fork());
	if (!pid) {
		drop_cap(CAP_LINUX_IMMUTABLE);
		EXPECT_ERR(unify("G1", "own", "C/f", "G1/own"), EPERM);
		_exit(0);
	}
	reap(pid);
	EXPECT_OK(set_flags("G1", FS_IMMUTABLE_FL));
	expect_refused("C/f", "G1/own", EPERM);
	EXPECT_OK(set_flags("G1", FS_APPEND_FL));
	expect_refused("C/f", "G1/own", EPERM);
	EXPECT_OK(set_flags("G1", 0));
	bind_remount("G1", MS_RDONLY);
	expect_refused("C/f", "G1/own", EROFS);
	EXPECT_OK(umount2("G1", 0));
}

/* By root without @cap, who has the files open. @err: 0 for success. */
static void expect_without(int cap, const char *name, const char *master,
			   int err)
{
	struct snapshot before;
	char path[40];
	pid_t pid;

	snprintf(path, sizeof(path), "G1/%s", name);
	snapshot_take(path, &before);
	pid = EXPECT_OK(fork());
	if (!pid) {
		int dir = EXPECT_OK(open("G1", O_RDONLY));
		int m = EXPECT_OK(open(master, O_RDONLY));
		int v = EXPECT_OK(open(path, O_RDONLY));

		drop_cap(cap);
		if (err)
			EXPECT_ERR(unify_at(dir, name, m, v), err);
		else
			EXPECT_OK(unify_at(dir, name, m, v));
		_exit(0);
	}
	reap(pid);
	if (err)
		EXPECT_SAME(path, &before, 0);
}

static void directory_of_somebody_else(void)
{
	struct shared *f = pair();

	EXPECT_OK(chown("G1", OWNER, OWNER));
	expect_without(CAP_DAC_OVERRIDE, "own", "C/f", EACCES);
	EXPECT_OK(chmod("G1", 0777));
	expect_without(CAP_DAC_OVERRIDE, "own", "C/f", 0);
	f->links = 1;
	EXPECT_SAME("G1/own", &f->before, IGN_NLINK | IGN_CTIME);
}

/* STRANGER's C/g, shared, and G1/NAME, frozen and equal. */
static struct shared *strangers_pair(const char *name)
{
	char path[40];

	snprintf(path, sizeof(path), "G1/%s", name);
	mk_file("C/g", SIZE, SHARED_SEED);
	mk_file(path, SIZE, SHARED_SEED);
	EXPECT_OK(chown("C/g", STRANGER, STRANGER));
	EXPECT_OK(chown(path, STRANGER, STRANGER));
	EXPECT_OK(set_flags(path, SHARED_FL));
	return share("g");
}

/* There a name is for the owner of the file or of the directory to replace. */
static void sticky_directory(void)
{
	struct shared *f = pair(), *g = strangers_pair("strange");

	EXPECT_OK(chown("G1", OWNER, OWNER));
	EXPECT_OK(chmod("G1", 01777));
	expect_without(CAP_FOWNER, "strange", "C/g", EPERM);
	expect_without(CAP_FOWNER, "own", "C/f", 0);
	f->links = 1;
	expect_others();
	EXPECT_OK(chown("G1", 0, 0));
	expect_without(CAP_FOWNER, "strange", "C/g", 0);
	g->links = 1;
}

static void other_filesystem(void)
{
	struct shared *f = pair();

	EXPECT_OK(mkdir("other", 0755));
	EXPECT_OK(mount("other", "other", "tmpfs", 0, NULL));
	mk_file("other/f", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("other/f", SHARED_FL));
	expect_refused("other/f", "G1/own", EXDEV);
	expect_refused("C/f", "other/f", EXDEV);
	EXPECT_OK(umount2("other", 0));
	(void)f;
}

/* ---- against who clears, kills and breaks ------------------------------ */

#define LARGE		(32 << 20)	/* long enough to be met in the middle */
#define TRIES		100

static ino_t ino_of(const char *path)
{
	struct stat st;

	EXPECT_OK(stat(path, &st));
	return st.st_ino;
}

/* EINVAL: it was not frozen when the unification began. */
static pid_t unify_in_child(int refusal)
{
	pid_t pid = EXPECT_OK(fork());

	if (pid)
		return pid;
	if (!unify("G1", "own", "C/f", "G1/own"))
		_exit(2);
	CHECK(errno == refusal || errno == EINVAL || errno == ESTALE,
	      "unify: expected %s, got %s", errno_name(refusal),
	      errno_name(errno));
	_exit(errno == refusal ? 3 : 2);
}

/* Whether clearing @path was refused before @pid has ended. */
static bool is_busy_until_end(pid_t pid, const char *path)
{
	siginfo_t info = { 0 };

	while (!info.si_pid) {
		if (!set_flags(path, 0)) {
			EXPECT_OK(set_flags(path, SHARED_FL));
		} else {
			EXPECT_EQ(errno, EBUSY);
			return true;
		}
		sched_yield();
		EXPECT_OK(waitid(P_PID, pid, &info,
				 WEXITED | WNOHANG | WNOWAIT));
	}
	return false;
}

/* The same inodes, which nobody keeps any more. */
static bool was_killed_in_time(pid_t pid, ino_t own)
{
	int status;

	EXPECT_OK(kill(pid, SIGKILL));
	EXPECT_OK(waitpid(pid, &status, 0));
	if (!WIFSIGNALED(status) || ino_of("G1/own") != own)
		return false;
	EXPECT_OK(set_flags("G1/own", 0));
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	EXPECT_OK(set_flags("C/f", 0));
	EXPECT_OK(set_flags("C/f", SHARED_FL));
	return true;
}

static void renew_own(void)
{
	EXPECT_OK(unlink("G1/own"));
	mk_file("G1/own", LARGE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
}

static void cleared_and_killed(const char *path)
{
	struct snapshot before;
	int tries;
	pid_t pid;

	for (tries = 0; tries < TRIES; tries++) {
		snapshot_take("G1/own", &before);
		pid = unify_in_child(EINVAL);
		if (!is_busy_until_end(pid, path)) {
			EXPECT_OK(waitpid(pid, NULL, 0));
		} else if (was_killed_in_time(pid, before.st.st_ino)) {
			EXPECT_SAME("G1/own", &before, IGN_CTIME);
			note("%s: after %d tries", path, tries);
			return;
		}
		renew_own();
	}
	FAIL("%s: never met a unification in the middle", path);
}

static void clear_and_kill(void)
{
	struct shared *f = mk_shared("f", LARGE);

	f->ctime_moves = true;
	mk_file("G1/own", LARGE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	cleared_and_killed("G1/own");
	cleared_and_killed("C/f");
}

static pid_t open_in_child(void)
{
	pid_t pid = EXPECT_OK(fork());

	if (pid)
		return pid;
	EXPECT_OK(open("G1/own", O_RDWR));
	_exit(0);
}

/* Whether the unification found the name being broken, and not just broken. */
static bool meets_a_break(int fs)
{
	pid_t unifier, opener;
	int status;

	mk_file("G1/own", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("G1/own", SHARED_FL));
	EXPECT_OK(ioctl(fs, FIFREEZE, 0));
	unifier = unify_in_child(ETXTBSY);
	wait_until_blocked(unifier);
	opener = open_in_child();
	wait_until_blocked(opener);
	EXPECT_OK(ioctl(fs, FITHAW, 0));
	EXPECT_OK(waitpid(unifier, &status, 0));
	reap(opener);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) >= 2,
	      "the unification ended with status 0x%x", status);
	EXPECT_OK(unlink("G1/own"));
	return WEXITSTATUS(status) == 3;
}

/*
 * On a frozen filesystem the unification waits when it has compared and is about
 * to look at the name, and the open when it has told that it breaks it.
 */
static void name_is_being_broken(void)
{
	struct scratch fs;
	int dir, tries = 0;

	scratch_disk(&fs, 16 << 20);
	scratch_enter(&fs);
	mk_shared("f", SIZE)->ctime_moves = true;
	dir = EXPECT_OK(open(".", O_RDONLY));
	while (!meets_a_break(dir))
		CHECK(++tries < TRIES, "never met a break");
	note("after %d tries", tries);
	close(dir);
	scratch_leave();
	scratch_release(&fs);
}

/* ---- against a writer -------------------------------------------------- */

#define ROUNDS	300

static bool stop;
static unsigned int passes;	/* that the nightly pass has finished */

/*
 * The nightly pass: freeze what is there, try it against either master. It may
 * be refused in every way, but it never takes a write away.
 */
static void *unify_all_the_time(void *arg)
{
	int *unified = arg;
	int dir = EXPECT_OK(open("G1", O_RDONLY));
	int a = EXPECT_OK(open("C/a", O_RDONLY));
	int b = EXPECT_OK(open("C/b", O_RDONLY));

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		int v = EXPECT_OK(open("G1/n", O_RDONLY));

		if (set_flags("G1/n", SHARED_FL))
			CHECK(errno == ETXTBSY, "freezing: %s",
			      errno_name(errno));
		sched_yield();
		if (!unify_at(dir, "n", a, v) || !unify_at(dir, "n", b, v))
			__atomic_add_fetch(unified, 1, __ATOMIC_RELEASE);
		else
			CHECK(errno == EBADE || errno == ESTALE ||
			      errno == EINVAL || errno == ETXTBSY,
			      "unify: %s", errno_name(errno));
		close(v);
		__atomic_add_fetch(&passes, 1, __ATOMIC_RELEASE);
		sched_yield();
	}
	return NULL;
}

/* A pass that began and ended after this was called is over. */
static void await_whole_pass(void)
{
	unsigned int seen = __atomic_load_n(&passes, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&passes, __ATOMIC_ACQUIRE) - seen < 2)
		sched_yield();
}

static void no_write_is_lost(void)
{
	struct shared *a, *b;
	int round, unified = 0;
	pthread_t t;

	a = mk_shared("a", SIZE);
	mk_file("C/b", SIZE, 2);
	b = share("b");
	mk_file("G1/n", SIZE, SHARED_SEED);
	EXPECT_EQ(pthread_create(&t, NULL, unify_all_the_time, &unified), 0);
	for (round = 0; round < ROUNDS; round++) {
		unsigned int seed = round % 2 ? SHARED_SEED : 2;
		int fd = EXPECT_OK(open("G1/n", O_RDWR));

		pattern_write(fd, 0, SIZE, seed);
		close(fd);
		/* As old as the masters, or nothing would ever be equal. */
		set_old_times("G1/n");
		if (round % 10 == 0) {
			await_whole_pass();
			CHECK(ino_of("G1/n") ==
			      ino_of(seed == 2 ? "C/b" : "C/a"),
			      "nobody wrote, and it was not unified");
		}
		pattern_check("G1/n", 0, SIZE, seed);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	note("%d writes, unified %d times", ROUNDS, unified);
	EXPECT_OK(unlink("G1/n"));
	a->ctime_moves = true;
	b->ctime_moves = true;
}

static const struct test tests[] = {
	{ "equal files become one", equal_files },
	{ "other names of the victim stay", other_names_of_the_victim_stay },
	{ "all sizes, all holes", holes_and_sizes },
	{ "zeroes on disk equal a hole", same_content_other_layout },
	{ "a name that is there already", already_there },
	{ "different content or size: EBADE", different_files },
	{ "different mode, owner, group, mtime: EBADE",
	  different_attributes },
	{ "another mtime, where that is allowed", any_mtime },
	{ "the name is another inode by now: ESTALE",
	  name_is_another_inode },
	{ "not frozen, not two files: EINVAL", not_frozen },
	{ "bad arguments", bad_arguments },
	{ "capability and permission", needs_the_capability },
	{ "a directory of somebody else: EACCES", directory_of_somebody_else },
	{ "a sticky directory has its rules: EPERM", sticky_directory },
	{ "another filesystem: EXDEV", other_filesystem },
	{ "a mountpoint: EBUSY", name_is_a_mountpoint },
	{ "a master without a link left: EMLINK",
	  master_without_a_link_left, NEED_EXT4 },
	{ "meanwhile clearing is EBUSY, and SIGKILL ends it", clear_and_kill },
	{ "the name is being broken: ETXTBSY", name_is_being_broken,
	  NEED_DISK },
	{ "against a writer: nothing written is lost", no_write_is_lost },
};

TEST_MAIN("unify", tests)
