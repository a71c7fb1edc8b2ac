// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races, in bounded numbers of rounds: what may come out does not depend on
 * who wins. UML has one processor, so threads meet where the break sleeps
 * (allocation, locks, fsync, the end of a time slice); the heavy versions of
 * these run elsewhere.
 */
#include "harness.h"
#include "hold.h"
#include "rival.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define MANY	16
#define BIG	(2 << 20)

static pthread_barrier_t barrier;

static void start_thread(pthread_t *t, void *(*fn)(void *), void *arg)
{
	CHECK(!pthread_create(t, NULL, fn, arg), "cannot start a thread");
}

/* ---- many openers of one name ------------------------------------------ */

struct opener {
	pthread_t thread;
	const char *path;
	int flags;
	ino_t ino;
};

static void *open_once(void *arg)
{
	struct opener *o = arg;
	struct stat st;
	int fd;

	pthread_barrier_wait(&barrier);
	fd = EXPECT_OK(open(o->path, o->flags));
	EXPECT_OK(fstat(fd, &st));
	o->ino = st.st_ino;
	close(fd);
	return NULL;
}

static void open_at_once(struct opener *openers, size_t count)
{
	size_t i;

	pthread_barrier_init(&barrier, NULL, count);
	for (i = 0; i < count; i++)
		start_thread(&openers[i].thread, open_once, &openers[i]);
	for (i = 0; i < count; i++)
		pthread_join(openers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
}

static void many_openers_round(int round)
{
	struct opener openers[MANY] = { 0 };
	struct counters c = counters_now();
	size_t size = round % 2 ? BIG : 5000;
	struct shared *f;
	char name[20];
	int i;

	snprintf(name, sizeof(name), "f%d", round);
	f = mk_shared(name, size);
	for (i = 0; i < MANY; i++) {
		openers[i].path = shared_path(f, G1);
		openers[i].flags = i % 2 ? O_RDWR : O_WRONLY;
	}
	open_at_once(openers, MANY);
	expect_broken(f, G1);
	EXPECT_SAME(shared_path(f, G1), &f->before, IGN_COPY);
	for (i = 1; i < MANY; i++)
		EXPECT_EQ(openers[i].ino, openers[0].ino);
	EXPECT_BREAKS(c, 1);
	/* One copy, not sixteen of which fifteen are thrown away. */
	if (c.bytes_copied >= 0)
		EXPECT_EQ(counters_now().bytes_copied - c.bytes_copied,
			  have_reflink() ? 0 : size);
	expect_others();
}

static void many_openers(void)
{
	int round;

	for (round = 0; round < 10; round++)
		many_openers_round(round);
}

/* Not only open: any two operations on one name make one copy. */
static void *chmod_once(void *arg)
{
	struct opener *o = arg;

	pthread_barrier_wait(&barrier);
	EXPECT_OK(chmod(o->path, 0600));
	return NULL;
}

static void *truncate_once(void *arg)
{
	struct opener *o = arg;

	pthread_barrier_wait(&barrier);
	EXPECT_OK(truncate(o->path, 100));
	return NULL;
}

static void *utimes_once(void *arg)
{
	struct opener *o = arg;

	pthread_barrier_wait(&barrier);
	EXPECT_OK(utimensat(AT_FDCWD, o->path, NULL, 0));
	return NULL;
}

static void *setxattr_once(void *arg)
{
	struct opener *o = arg;

	pthread_barrier_wait(&barrier);
	EXPECT_OK(setxattr(o->path, "trusted.x", "1", 1, XATTR_CREATE));
	return NULL;
}

static void mixed_round(int round)
{
	static void *(*const ops[])(void *) = {
		open_once, chmod_once, truncate_once, utimes_once,
		setxattr_once,
	};
	struct opener o = { .flags = O_RDWR };
	pthread_t threads[ARRAY_SIZE(ops)];
	struct counters c = counters_now();
	struct shared *f;
	struct stat st;
	char name[20];
	size_t i;

	snprintf(name, sizeof(name), "f%d", round);
	f = mk_shared(name, 50000);
	o.path = shared_path(f, G1);
	pthread_barrier_init(&barrier, NULL, ARRAY_SIZE(ops));
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		start_thread(&threads[i], ops[(i + round) % ARRAY_SIZE(ops)],
			     &o);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&barrier);
	expect_broken(f, G1);
	EXPECT_OK(stat(shared_path(f, G1), &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	EXPECT_EQ(st.st_size, 100);
	EXPECT_EQ(getxattr(shared_path(f, G1), "trusted.x", NULL, 0), 1);
	pattern_check(shared_path(f, G1), 0, 100, SHARED_SEED);
	EXPECT_BREAKS(c, 1);
}

static void mixed_operations(void)
{
	int round;

	for (round = 0; round < 20; round++)
		mixed_round(round);
}

/* ---- two names of one inode -------------------------------------------- */

static void two_guests(void)
{
	int round;

	for (round = 0; round < 20; round++) {
		struct opener openers[2] = { 0 };
		struct counters c = counters_now();
		struct shared *f;
		char name[20];

		snprintf(name, sizeof(name), "f%d", round);
		f = mk_shared(name, round % 2 ? BIG : 5000);
		openers[0].path = shared_path(f, G1);
		openers[1].path = shared_path(f, G2);
		openers[0].flags = O_RDWR;
		openers[1].flags = O_RDWR;
		open_at_once(openers, 2);
		expect_broken(f, G1);
		expect_broken(f, G2);
		CHECK(openers[0].ino != openers[1].ino, "one copy for both");
		EXPECT_SAME(shared_path(f, G1), &f->before, IGN_COPY);
		EXPECT_SAME(shared_path(f, G2), &f->before, IGN_COPY);
		EXPECT_BREAKS(c, 2);
		EXPECT_EQ(counters_now().races_lost, c.races_lost);
		unlink(shared_path(f, G1));
		unlink(shared_path(f, G2));
	}
}

/* ---- the name moves, goes, is replaced --------------------------------- */

#define ROUNDS	150

/* An open that may find no name, but must not see our retries. */
static int open_or_absent(const char *path, int flags)
{
	int fd = open(path, flags);

	CHECK(fd >= 0 || errno == ENOENT,
	      "%s: expected success or ENOENT, got %s", path,
	      errno_name(errno));
	return fd;
}

/* Gives G1/f back to the shared inode; nobody else touches the name now. */
static void reshare(struct shared *f)
{
	EXPECT_OK(unlink(shared_path(f, G1)));
	EXPECT_OK(link(shared_path(f, C), shared_path(f, G1)));
	f->state[G1] = NAME_SHARED;
	f->ctime_moves = true;
}

static bool broken_now(const struct shared *f)
{
	struct stat st;

	EXPECT_OK(stat(shared_path(f, G1), &st));
	return st.st_ino != f->before.st.st_ino;
}

/* How it ended is up to the scheduler; either is fine, if it is whole. */
static void either_end(struct shared *f)
{
	f->ctime_moves = true;
	if (broken_now(f))
		expect_broken(f, G1);
}

/*
 * What happens to the name once a break of it has begun, until that was before the
 * end at least once. A disk has time for it in each round, as the copy is synced;
 * elsewhere only a copy that is large enough to be preempted has.
 */
struct chase {
	struct tracing tr;
	void (*fn)(void);
	unsigned int ended, met;
};

static void *when_begun(void *arg)
{
	struct chase *chase = arg;
	const char *line;

	while (!rival_stopped()) {
		line = tracing_next(&chase->tr);
		if (!line) {
			sched_yield();
		} else if (!strncmp(line, "cowlink_break_begin: ", 21)) {
			chase->fn();
		} else {
			chase->met += tracing_number(line, "error") ||
				      strcmp(tracing_field(line, "name"), "f");
			__atomic_add_fetch(&chase->ended, 1, __ATOMIC_RELEASE);
		}
	}
	return NULL;
}

static void chase_breaks(void (*fn)(void),
			 void (*expect)(struct shared *f, int fd))
{
	struct shared *f = mk_shared("f", BIG);
	struct chase chase = { .fn = fn };
	/* Nothing takes long where blocks are shared; "held" is about that. */
	bool must_meet = !have_reflink();
	unsigned int round;
	pthread_t t;

	trace_breaks(&chase.tr);
	t = rival_start(when_begun, &chase);
	for (round = 0; round < 50 || (must_meet && !chase.met); round++) {
		int fd = open_or_absent("G1/f", O_RDWR);

		while (__atomic_load_n(&chase.ended, __ATOMIC_ACQUIRE) <= round)
			sched_yield();
		expect(f, fd);
		reshare(f);
	}
	rival_stop(t);
	tracing_end(&chase.tr);
	note("before the end in %u of %u rounds", chase.met, round);
	expect_others();
}

static void rename_it(void)
{
	EXPECT_OK(rename("G1/f", "G1/g"));
}

/*
 * Whoever got a descriptor wrote to the file that the name leads to in the
 * end: a write into the shared inode, or into a copy that was never put in
 * place, would be lost.
 */
static void expect_at_new_name(struct shared *f, int fd)
{
	struct stat st, now;

	CHECK(fd >= 0, "open: %s", errno_name(ENOENT));
	EXPECT_OK(pwrite(fd, "new", 3, 0));
	EXPECT_OK(fstat(fd, &st));
	close(fd);
	EXPECT_ERR(access("G1/f", F_OK), ENOENT);
	EXPECT_OK(stat("G1/g", &now));
	EXPECT_EQ(st.st_nlink, 1);
	EXPECT_EQ(now.st_ino, st.st_ino);
	EXPECT_EQ(now.st_size, BIG);
	EXPECT_OK(rename("G1/g", "G1/f"));
	expect_broken(f, G1);
}

static void write_against_rename(void)
{
	chase_breaks(rename_it, expect_at_new_name);
}

static void unlink_it(void)
{
	EXPECT_OK(unlink("G1/f"));
}

/* The name was gone before the copy was there, or after it. */
static void expect_no_name(struct shared *f, int fd)
{
	struct stat st;

	EXPECT_ERR(access("G1/f", F_OK), ENOENT);
	EXPECT_OK(link("C/f", "G1/f"));
	if (fd < 0)
		return;
	EXPECT_OK(fstat(fd, &st));
	EXPECT_EQ(st.st_nlink, 0);
	EXPECT_EQ(st.st_size, BIG);
	CHECK(st.st_ino != f->before.st.st_ino, "the shared inode");
	close(fd);
}

static void write_once_unlinked(void)
{
	chase_breaks(unlink_it, expect_no_name);
}

static unsigned int attempts;	/* opens that were begun */

/* So that each state of the name meets an open, whatever the scheduler does. */
static void await_attempt(void)
{
	unsigned int seen = __atomic_load_n(&attempts, __ATOMIC_ACQUIRE);

	while (!rival_stopped() &&
	       __atomic_load_n(&attempts, __ATOMIC_ACQUIRE) == seen)
		sched_yield();
}

static void begin_attempt(void)
{
	__atomic_add_fetch(&attempts, 1, __ATOMIC_RELEASE);
}

static void *remove_and_maybe_put_back(void *arg)
{
	while (!rival_stopped()) {
		EXPECT_OK(unlink("G1/f"));
		sched_yield();
		if (link("C/f", "G1/f"))
			EXPECT_EQ(errno, EEXIST);
		await_attempt();
	}
	return arg;
}

/* O_CREAT finds the file or makes one: it has no reason to fail. */
static void write_against_unlink(void)
{
	struct shared *f = mk_shared("f", 20000);
	pthread_t remover;
	struct stat st;
	int round;

	remover = rival_start(remove_and_maybe_put_back, NULL);
	for (round = 0; round < ROUNDS * 3; round++) {
		int fd;

		begin_attempt();
		if (round % 3)
			fd = EXPECT_OK(open("G1/f", O_RDWR | O_CREAT, 0644));
		else
			fd = open_or_absent("G1/f", O_RDWR);
		if (fd < 0)
			continue;
		EXPECT_OK(fstat(fd, &st));
		CHECK(st.st_ino != f->before.st.st_ino, "the shared inode");
		CHECK(st.st_size == 0 || st.st_size == 20000,
		      "neither a new file nor a whole copy");
		EXPECT_OK(pwrite(fd, &round, st.st_size ? sizeof(round) : 0,
				 0));
		close(fd);
	}
	rival_stop(remover);
	either_end(f);
}

static void *replace_by_rename(void *arg)
{
	while (!rival_stopped()) {
		EXPECT_OK(link("C/f", "G1/next"));
		EXPECT_OK(rename("G1/next", "G1/f"));
		/* Two names of one inode: rename left both. */
		if (unlink("G1/next"))
			EXPECT_EQ(errno, ENOENT);
		sched_yield();
	}
	return arg;
}

/* What an upgrade does: the name always exists, so open always succeeds. */
static void write_against_replace(void)
{
	struct shared *f = mk_shared("f", 20000);
	pthread_t replacer;
	struct stat st;
	int round;

	replacer = rival_start(replace_by_rename, NULL);
	for (round = 0; round < ROUNDS; round++) {
		int fd = EXPECT_OK(open("G1/f", O_RDWR));

		EXPECT_OK(fstat(fd, &st));
		CHECK(st.st_ino != f->before.st.st_ino, "the shared inode");
		EXPECT_OK(pwrite(fd, &round, sizeof(round), 0));
		close(fd);
		EXPECT_OK(chmod("G1/f", round % 2 ? 0600 : 0640));
		EXPECT_OK(truncate("G1/f", round));
	}
	rival_stop(replacer);
	either_end(f);
}

static void *move_directory(void *arg)
{
	while (!rival_stopped()) {
		EXPECT_OK(rename("G1/d", "G2/d"));
		sched_yield();
		EXPECT_OK(rename("G2/d", "G1/d"));
		sched_yield();
	}
	return arg;
}

/* The directory moves; the file in it must become private all the same. */
static void write_against_directory_move(void)
{
	struct shared *f = mk_shared("f", 20000);
	struct stat st, now;
	pthread_t mover;
	int round, dir;

	EXPECT_OK(mkdir("G1/d", 0755));
	dir = EXPECT_OK(open("G1/d", O_PATH | O_DIRECTORY));
	mover = rival_start(move_directory, NULL);
	for (round = 0; round < ROUNDS; round++) {
		int fd;

		EXPECT_OK(linkat(AT_FDCWD, "C/f", dir, "x", 0));
		fd = EXPECT_OK(openat(dir, "x", O_RDWR));
		EXPECT_OK(fstat(fd, &st));
		EXPECT_OK(fstatat(dir, "x", &now, 0));
		EXPECT_EQ(st.st_ino, now.st_ino);
		CHECK(st.st_ino != f->before.st.st_ino, "the shared inode");
		close(fd);
		EXPECT_OK(unlinkat(dir, "x", 0));
	}
	rival_stop(mover);
	f->ctime_moves = true;
}

/* ---- the flag goes while copies are made -------------------------------- */

static unsigned int changes;	/* of the flag that were tried */

/* An operation is begun with each state of the flag... */
static void flag_changed(void)
{
	unsigned int seen = __atomic_load_n(&attempts, __ATOMIC_ACQUIRE);

	__atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
	while (!rival_stopped() &&
	       __atomic_load_n(&attempts, __ATOMIC_ACQUIRE) == seen)
		sched_yield();
}

/* ... and the state changes during or after each operation. */
static unsigned int begin_against_change(void)
{
	unsigned int seen = __atomic_load_n(&changes, __ATOMIC_ACQUIRE);

	begin_attempt();
	return seen;
}

static void await_change(unsigned int seen)
{
	while (__atomic_load_n(&changes, __ATOMIC_ACQUIRE) == seen)
		sched_yield();
}

static int change_flags(const char *path, unsigned int flags, int refusal)
{
	int refused = 0;

	while (set_flags(path, flags)) {
		CHECK(errno == refusal, "flags 0x%x: expected success or %s, got %s",
		      flags, errno_name(refusal), errno_name(errno));
		refused++;
		sched_yield();
	}
	flag_changed();
	return refused;
}

static void *clear_and_set(void *arg)
{
	int rounds = 0, breaks = 0, writers = 0;

	while (!rival_stopped()) {
		breaks += change_flags(arg, 0, EBUSY);
		writers += change_flags(arg, SHARED_FL, ETXTBSY);
		rounds++;
	}
	note("the flag was cleared %d times; EBUSY %d times, ETXTBSY %d times",
	     rounds, breaks, writers);
	return NULL;
}

/* The names agree again, and the flag is off. */
static void end_flag_changes(struct shared *f, pthread_t t)
{
	rival_stop(t);
	EXPECT_OK(set_flags("C/f", 0));
	f->ctime_moves = true;
}

/* No writable descriptor ever stands on an inode that has the flag. */
static void expect_unflagged(int fd)
{
	unsigned int flags;

	EXPECT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	CHECK((flags & SHARED_FL) != SHARED_FL,
	      "a writable descriptor on a shared inode");
}

static void break_against_flag_changes(void)
{
	struct shared *f = mk_shared("f", 300000);
	int round, copies = 0, in_place = 0;
	struct stat st;
	pthread_t t;

	t = rival_start(clear_and_set, "C/f");
	for (round = 0; round < ROUNDS; round++) {
		unsigned int seen = begin_against_change();
		int fd = EXPECT_OK(open("G1/f", O_RDWR));

		expect_unflagged(fd);
		sched_yield();
		expect_unflagged(fd);
		EXPECT_OK(fstat(fd, &st));
		EXPECT_EQ(st.st_size, f->before.st.st_size);
		close(fd);
		await_change(seen);
		if (st.st_ino == f->before.st.st_ino) {
			in_place++;
			continue;
		}
		copies++;
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		reshare(f);
	}
	note("%d copies, %d opens while the flag was off", copies, in_place);
	end_flag_changes(f, t);
	CHECK(copies && in_place, "the race was never run");
	EXPECT_OK(set_flags("C/f", SHARED_FL));
}

/*
 * Between the look at the flag and the lock of the inode it can be set, and be
 * cleared before anybody sees what the operation has failed for.
 */
static void changes_against_flag_changes(void)
{
	struct shared *f = mk_shared("f", 20000);
	mode_t mode = f->before.st.st_mode & 07777;
	int round, got, copies = 0;
	struct stat st;
	pthread_t t;

	t = rival_start(clear_and_set, "C/f");
	for (round = 0; round < ROUNDS; round++) {
		unsigned int seen = begin_against_change();

		EXPECT_OK(setxattr("G1/f", "trusted.x", &round, sizeof(round),
				   0));
		EXPECT_EQ(getxattr("G1/f", "trusted.x", &got, sizeof(got)),
			  sizeof(got));
		EXPECT_EQ(got, round);
		begin_attempt();
		EXPECT_OK(removexattr("G1/f", "trusted.x"));
		begin_attempt();
		EXPECT_OK(chmod("G1/f", mode ^ 0020));
		begin_attempt();
		EXPECT_OK(chmod("G1/f", mode));
		await_change(seen);
		EXPECT_OK(stat("G1/f", &st));
		if (st.st_ino == f->before.st.st_ino)
			continue;
		copies++;
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
		reshare(f);
	}
	note("%d copies in %d rounds", copies, ROUNDS);
	end_flag_changes(f, t);
	CHECK(copies && copies < ROUNDS, "the race was never run");
	/* what was done to all while the flag was off */
	if (removexattr("C/f", "trusted.x"))
		EXPECT_EQ(errno, ENODATA);
	EXPECT_OK(chmod("C/f", mode));
	EXPECT_OK(set_flags("C/f", SHARED_FL));
}

/* ---- the writer is killed ---------------------------------------------- */

static void kill_after(long delay_us, struct shared *f)
{
	pid_t pid = EXPECT_OK(fork());

	if (!pid) {
		close(open("G1/f", O_RDWR));
		_exit(0);
	}
	usleep(delay_us);
	(void)kill(pid, SIGKILL);
	EXPECT_OK(waitpid(pid, NULL, 0));
	if (broken_now(f)) {
		expect_broken(f, G1);
		EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	}
}

/* The delay only spreads the signals; no result depends on it. */
static void kill_the_writer(void)
{
	struct shared *f = mk_shared("f", 8 << 20);
	struct statvfs before;
	int round, survived = 0;

	free_now(&before);
	for (round = 0; round < 25; round++) {
		kill_after(round * 3000, f);
		survived += broken_now(f);
		reshare(f);
		expect_others();
	}
	note("%d of %d made it before the signal", survived, round);
	EXPECT_FREE(&before);
}

static void count_signal(int sig)
{
	(void)sig;
}

static void *send_signals(void *arg)
{
	while (!rival_stopped()) {
		kill(getpid(), SIGUSR1);
		sched_yield();
	}
	return arg;
}

/* open() of a file is not interruptible; its users do not expect EINTR. */
static void signals_do_not_interrupt(void)
{
	struct shared *f = mk_shared("f", BIG);
	struct sigaction sa = { .sa_handler = count_signal };	/* no restart */
	pthread_t t;
	int round;

	EXPECT_OK(sigaction(SIGUSR1, &sa, NULL));
	t = rival_start(send_signals, NULL);
	for (round = 0; round < 20; round++) {
		close(EXPECT_OK(open("G1/f", O_RDWR)));
		reshare(f);
	}
	rival_stop(t);
}

/* ---- other attributes of the shared inode ------------------------------ */

static void *toggle_nodump(void *arg)
{
	struct shared *f = arg;

	while (!rival_stopped()) {
		EXPECT_OK(set_flags(shared_path(f, C),
				    SHARED_FL | FS_NODUMP_FL));
		EXPECT_OK(set_flags(shared_path(f, C), SHARED_FL));
		sched_yield();
	}
	return arg;
}

/*
 * Whoever changes another attribute must not take the two flags away for a
 * moment: then an opener would write into the inode of all. XFS did; ext4 lets
 * nobody change another attribute of an immutable file.
 */
static void openers_against_attributes(void)
{
	struct shared *f = mk_shared("f", 5000);
	int round, fd = EXPECT_OK(open("G2/f", O_RDONLY));
	char magic[40];
	pthread_t t;

	snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
	f->ctime_moves = true;
	t = rival_start(toggle_nodump, f);
	for (round = 0; round < 3000; round++) {
		EXPECT_ERR(open(magic, O_RDWR), EPERM);
		if (round % 100)
			continue;
		close(EXPECT_OK(open("G1/f", O_RDWR)));
		EXPECT_OK(unlink("G1/f"));
		EXPECT_OK(link("C/f", "G1/f"));
	}
	rival_stop(t);
	close(fd);
}

static const struct test tests[] = {
	{ "16 threads open one name: one copy, one inode", many_openers },
	{ "open, chmod, truncate, utimes, setxattr at once: one copy",
	  mixed_operations },
	{ "two names of one inode at once: two copies", two_guests },
	{ "against rename of the name: no write is lost",
	  write_against_rename },
	{ "against unlink of the name: ENOENT, or an unlinked copy",
	  write_once_unlinked },
	{ "against unlink and link of the name: no errno but ENOENT",
	  write_against_unlink },
	{ "against replacement of the name: open always succeeds",
	  write_against_replace },
	{ "against moves of its directory", write_against_directory_move },
	{ "against clearing and setting the flag",
	  break_against_flag_changes },
	{ "setxattr, removexattr, chmod against the flag: never EPERM",
	  changes_against_flag_changes },
	{ "against changes of another attribute: never writable",
	  openers_against_attributes, NEED_XFS },
	{ "SIGKILL leaves the old name or the whole copy", kill_the_writer },
	{ "other signals do not interrupt it", signals_do_not_interrupt },
};

TEST_MAIN("race", tests)
