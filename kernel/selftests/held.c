// SPDX-License-Identifier: GPL-2.0-only
/*
 * Races that are hit for certain: the break is held at a known place (hold.h) until
 * what it races with has been done, and the trace says that it was begun before and
 * ended after that.
 */
#include "harness.h"
#include "hold.h"
#include "ops.h"

#include <signal.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define SIZE	OPS_SIZE
#define PROJECT	77
#define DISK	(32 << 20)
#define LIMIT_S	300		/* when a break is not held, or does not go on */

/* What breaks end with, besides those of errno.h: the caller walks again. */
#define WALKAGAIN	600

/* ---- one break that is held -------------------------------------------- */

struct race {
	struct still_disk disk;
	struct tracing tr;
	const struct op *op;
	struct shared *f;
	pid_t pid;
};

static void race_set_up(struct race *r)
{
	time_limit(LIMIT_S);
	memset(r, 0, sizeof(*r));
	still_disk_begin(&r->disk);
	trace_breaks(&r->tr);
}

static void race_set_up_sharing(struct race *r)
{
	time_limit(LIMIT_S);
	memset(r, 0, sizeof(*r));
	still_disk_begin_sharing(&r->disk);
	trace_breaks(&r->tr);
}

static void race_take_down(struct race *r)
{
	const char *line = tracing_next(&r->tr);

	CHECK(!line, "unexpected '%s'", line);
	tracing_end(&r->tr);
	still_disk_end(&r->disk);
}

/* The shared file NAME has a copy on its way, which does not arrive. */
static void race_hold(struct race *r, const struct op *op, const char *path,
		      const char *name)
{
	const char *line;

	r->op = op;
	still_disk_stop(&r->disk);
	r->pid = start_op(op, path);
	line = expect_begin(&r->tr);
	CHECK(!strcmp(tracing_field(line, "name"), name), "another name in '%s'",
	      line);
	EXPECT_EQ(tracing_number(line, "ino"), r->f->before.st.st_ino);
}

/* The break goes on, and ends with @error, or successfully at @name. */
static void race_go_on(struct race *r, const char *name, int error)
{
	const char *line;

	expect_held(&r->tr);
	still_disk_go_on(&r->disk);
	line = expect_end(&r->tr, error);
	if (name)
		CHECK(!strcmp(tracing_field(line, "name"), name),
		      "expected it at %s in '%s'", name, line);
}

/* Somebody who waits for the break that is held. */
static pid_t start_waiter(const struct op *op, const char *path)
{
	struct counters c = counters_now();
	pid_t pid = start_op(op, path);

	while (counters_now().races_lost == c.races_lost)
		usleep(1000);
	return pid;
}

static void kill_and_reap(pid_t pid)
{
	int status;

	EXPECT_OK(kill(pid, SIGKILL));
	EXPECT_OK(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status), "exit status %d despite SIGKILL",
	      WEXITSTATUS(status));
	EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

static void expect_no_clearing(const char *path)
{
	struct fsxattr fsx;

	EXPECT_ERR(set_flags(path, 0), EBUSY);
	EXPECT_ERR(set_flags(path, FS_IMMUTABLE_FL), EBUSY);
	EXPECT_ERR(set_flags(path, FS_IXUNLINK_FL), EBUSY);
	EXPECT_OK(get_fsx(path, &fsx));
	EXPECT_EQ(fsx.fsx_xflags & SHARED_XFLAGS, SHARED_XFLAGS);
	fsx.fsx_xflags &= ~SHARED_XFLAGS;
	EXPECT_ERR(set_fsx(path, &fsx), EBUSY);
}

/* ---- the name moves ---------------------------------------------------- */

static void renamed(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		r.f = mk_shared(op->name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		EXPECT_OK(rename(shared_path(r.f, G1), "G1/new"));
		race_go_on(&r, "new", 0);
		expect_result(r.pid, op, 0);
		EXPECT_ERR(access(shared_path(r.f, G1), F_OK), ENOENT);
		expect_gone(r.f, G1);
		expect_done("G1/new", op, &r.f->before);
		expect_others();
		EXPECT_OK(unlink("G1/new"));
	}
	race_take_down(&r);
}

static void renamed_into_project(void)
{
	struct race r;
	const char *line;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	EXPECT_OK(mkdir("G1/p", 0755));
	EXPECT_OK(set_project("G1/p", PROJECT, true));
	race_hold(&r, OP_OPEN, "G1/f", "f");
	EXPECT_OK(rename("G1/f", "G1/p/f"));
	still_disk_go_on(&r.disk);
	line = expect_end(&r.tr, 0);
	/* The first copy belonged to no project, so it was made again. */
	EXPECT_EQ(tracing_number(line, "copied"), 2 * SIZE);
	expect_result(r.pid, r.op, 0);
	expect_gone(r.f, G1);
	expect_done("G1/p/f", r.op, &r.f->before);
	EXPECT_EQ(get_project("G1/p/f"), PROJECT);
	race_take_down(&r);
}

static void exchanged(void)
{
	struct snapshot other;
	struct race r;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	mk_file("G1/other", SIZE, SHARED_SEED + 1);
	snapshot_take("G1/other", &other);
	race_hold(&r, OP_OPEN, "G1/f", "f");
	EXPECT_OK(renameat2(AT_FDCWD, "G1/f", AT_FDCWD, "G1/other",
			    RENAME_EXCHANGE));
	race_go_on(&r, "other", 0);
	expect_result(r.pid, r.op, 0);
	expect_gone(r.f, G1);
	expect_done("G1/other", r.op, &r.f->before);
	EXPECT_SAME("G1/f", &other, IGN_CTIME);
	race_take_down(&r);
}

static void moved_with_its_directory(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	r.f->ctime_moves = true;
	FOR_EACH_OP(op) {
		EXPECT_OK(mkdir("G1/d", 0755));
		EXPECT_OK(link("C/f", "G1/d/x"));
		race_hold(&r, op, "G1/d/x", "x");
		EXPECT_OK(rename("G1/d", "G2/d"));
		race_go_on(&r, "x", 0);
		expect_result(r.pid, op, 0);
		expect_done("G2/d/x", op, &r.f->before);
		expect_others();
		EXPECT_OK(unlink("G2/d/x"));
		EXPECT_OK(rmdir("G2/d"));
	}
	race_take_down(&r);
}

/* ---- the name goes ----------------------------------------------------- */

static void unlinked(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		struct counters c = counters_now();

		r.f = mk_shared(op->name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		EXPECT_OK(unlink(shared_path(r.f, G1)));
		race_go_on(&r, NULL, WALKAGAIN);
		expect_result(r.pid, op, ENOENT);
		expect_gone(r.f, G1);
		expect_others();
		EXPECT_EQ(counters_now().breaks - c.breaks, 0);
		EXPECT_EQ(counters_now().failed - c.failed, 0);
		EXPECT_EQ(counters_now().races_lost - c.races_lost, 1);
	}
	race_take_down(&r);
}

static int op_create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0640);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

static const struct op create = { "O_CREAT", op_create };

static void lose_directory(struct race *r, const struct op *op)
{
	EXPECT_OK(mkdir("G1/d", 0755));
	EXPECT_OK(link("C/f", "G1/d/x"));
	race_hold(r, op, "G1/d/x", "x");
	EXPECT_OK(unlink("G1/d/x"));
	EXPECT_OK(rmdir("G1/d"));
	race_go_on(r, NULL, WALKAGAIN);
	expect_result(r->pid, op, ENOENT);
	expect_others();
}

static void unlinked_with_its_directory(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	r.f->ctime_moves = true;
	FOR_EACH_OP(op)
		lose_directory(&r, op);
	lose_directory(&r, &create);
	race_take_down(&r);
}

static void unlinked_and_created(void)
{
	struct race r;
	struct stat st;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	race_hold(&r, &create, "G1/f", "f");
	EXPECT_OK(unlink("G1/f"));
	race_go_on(&r, NULL, WALKAGAIN);
	expect_result(r.pid, &create, 0);
	expect_gone(r.f, G1);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_size, 0);
	EXPECT_EQ(st.st_mode, S_IFREG | 0640);
	race_take_down(&r);
}

/* Another link of the same inode at the same place: as if nothing had happened. */
static void unlinked_and_linked_again(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		r.f = mk_shared(op->name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		EXPECT_OK(unlink(shared_path(r.f, G1)));
		EXPECT_OK(link(shared_path(r.f, C), shared_path(r.f, G1)));
		race_go_on(&r, op->name, 0);
		expect_result(r.pid, op, 0);
		expect_broken(r.f, G1);
		expect_done(shared_path(r.f, G1), op, &r.f->before);
		expect_others();
	}
	race_take_down(&r);
}

/* ---- the name is another file's ---------------------------------------- */

static void replaced_by_a_private_file(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		struct snapshot other;

		r.f = mk_shared(op->name, SIZE);
		mk_file("G1/other", SIZE, SHARED_SEED);
		snapshot_take("G1/other", &other);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		EXPECT_OK(rename("G1/other", shared_path(r.f, G1)));
		race_go_on(&r, NULL, WALKAGAIN);
		expect_result(r.pid, op, 0);
		expect_gone(r.f, G1);
		EXPECT_SAME(shared_path(r.f, G1), &other,
			    IGN_CTIME | op->changes);
		expect_done(shared_path(r.f, G1), op, &other);
		expect_others();
	}
	race_take_down(&r);
}

/* What an upgrade does while a guest writes: the write is for the new one. */
static void replaced_by_a_shared_file(void)
{
	const struct op *op;
	struct race r;
	const char *line;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		char name[30];
		struct shared *new;

		snprintf(name, sizeof(name), "new-%s", op->name);
		r.f = mk_shared(op->name, SIZE);
		new = mk_shared(name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		EXPECT_OK(rename(shared_path(new, G1), shared_path(r.f, G1)));
		race_go_on(&r, NULL, WALKAGAIN);
		line = expect_begin(&r.tr);
		EXPECT_EQ(tracing_number(line, "ino"), new->before.st.st_ino);
		line = expect_end(&r.tr, 0);
		expect_result(r.pid, op, 0);
		expect_gone(r.f, G1);
		expect_gone(new, G1);
		expect_done(shared_path(r.f, G1), op, &new->before);
		expect_others();
	}
	race_take_down(&r);
}

/* ---- copies that share blocks ------------------------------------------ */

/* It is held where the part of a block that cannot be shared is written. */
static void shared_blocks(void)
{
	const struct op *op = OP_TRUNCATE;
	struct race r;

	race_set_up_sharing(&r);
	r.f = mk_shared("f", SIZE);
	r.f->ctime_moves = true;
	race_hold(&r, op, "G1/f", "f");
	expect_no_clearing("C/f");
	EXPECT_OK(rename("G1/f", "G1/new"));
	race_go_on(&r, "new", 0);
	expect_result(r.pid, op, 0);
	expect_done("G1/new", op, &r.f->before);

	EXPECT_OK(link("C/f", "G1/f"));
	race_hold(&r, op, "G1/f", "f");
	kill_and_reap(start_waiter(op, "G1/f"));
	EXPECT_OK(unlink("G1/f"));
	race_go_on(&r, NULL, WALKAGAIN);
	expect_result(r.pid, op, ENOENT);
	expect_gone(r.f, G1);
	race_take_down(&r);
}

/* ---- two names of one inode -------------------------------------------- */

/* Both have begun before either can go on, so neither waits for the other. */
static void two_containers(void)
{
	const struct op *op;
	struct freezer fz;
	struct scratch fs;
	struct tracing tr;

	time_limit(LIMIT_S);
	scratch_disk(&fs, DISK);
	scratch_enter(&fs);
	freezer_open(&fz, ".");
	trace_breaks(&tr);
	FOR_EACH_OP(op) {
		struct shared *f = mk_shared(op->name, SIZE);
		struct counters c = counters_now();
		long long dir;
		pid_t pid[2];
		const char *line;

		freeze(&fz);
		pid[0] = start_op(op, shared_path(f, G1));
		dir = tracing_number(expect_begin(&tr), "dir");
		pid[1] = start_op(op, shared_path(f, G2));
		line = expect_begin(&tr);
		EXPECT_EQ(tracing_number(line, "ino"), f->before.st.st_ino);
		CHECK(tracing_number(line, "dir") != dir, "one name twice");
		expect_held(&tr);
		thaw(&fz);
		expect_result(pid[0], op, 0);
		expect_result(pid[1], op, 0);
		expect_end(&tr, 0);
		expect_end(&tr, 0);
		EXPECT_EQ(counters_now().races_lost, c.races_lost);
		EXPECT_BREAKS(c, 2);
		expect_broken(f, G1);
		expect_broken(f, G2);
		expect_done(shared_path(f, G1), op, &f->before);
		expect_done(shared_path(f, G2), op, &f->before);
		expect_others();
	}
	tracing_end(&tr);
	freezer_close(&fz);
	scratch_leave();
	scratch_release(&fs);
}

/* What needs no copy of the data is done before the copy for the other is. */
static void one_container_overtakes(void)
{
	struct race r;
	struct stat st;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	race_hold(&r, OP_OPEN, "G1/f", "f");
	close(EXPECT_OK(open("G2/f", O_WRONLY | O_TRUNC)));
	expect_begin(&r.tr);
	expect_end(&r.tr, 0);
	expect_broken(r.f, G2);
	EXPECT_OK(stat("G2/f", &st));
	EXPECT_EQ(st.st_size, 0);
	race_go_on(&r, "f", 0);
	expect_result(r.pid, r.op, 0);
	expect_broken(r.f, G1);
	expect_done("G1/f", r.op, &r.f->before);
	race_take_down(&r);
}

/* ---- the flag ---------------------------------------------------------- */

/* Whoever clears the flag is refused, by any of the names; afterwards not. */
static void flag_is_cleared(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		r.f = mk_shared(op->name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		expect_no_clearing(shared_path(r.f, C));
		expect_no_clearing(shared_path(r.f, G1));
		race_go_on(&r, op->name, 0);
		expect_result(r.pid, op, 0);
		expect_broken(r.f, G1);
		expect_done(shared_path(r.f, G1), op, &r.f->before);
		expect_others();
		EXPECT_OK(set_flags(shared_path(r.f, C), 0));
		EXPECT_OK(set_flags(shared_path(r.f, C), SHARED_FL));
		r.f->ctime_moves = true;
	}
	race_take_down(&r);
}

/* The other way round: as long as the copy is open for writing. */
static void flag_is_set_on_the_copy(void)
{
	struct race r;
	int fd;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	race_hold(&r, OP_OPEN, "G1/f", "f");
	race_go_on(&r, "f", 0);
	expect_result(r.pid, r.op, 0);
	expect_broken(r.f, G1);
	fd = EXPECT_OK(open("G1/f", O_WRONLY));
	EXPECT_ERR(set_flags("G1/f", SHARED_FL), ETXTBSY);
	close(fd);
	EXPECT_OK(set_flags("G1/f", SHARED_FL));
	EXPECT_OK(set_flags("G1/f", 0));
	race_take_down(&r);
}

/* Nor is the name given to another inode that it could be broken off from. */
static void name_is_unified(void)
{
	struct race r;

	race_set_up(&r);
	r.f = mk_shared("f", SIZE);
	mk_file("C/m", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("C/m", SHARED_FL));
	race_hold(&r, OP_OPEN, "G1/f", "f");
	EXPECT_ERR(unify("G1", "f", "C/m", "G1/f"), ETXTBSY);
	EXPECT_OK(unify("G2", "f", "C/m", "G2/f"));
	expect_gone(r.f, G2);
	race_go_on(&r, "f", 0);
	expect_result(r.pid, r.op, 0);
	expect_broken(r.f, G1);
	expect_done("G1/f", r.op, &r.f->before);
	race_take_down(&r);
}

/* ---- who breaks it is killed ------------------------------------------- */

static void waiter_is_killed(void)
{
	const struct op *op;
	struct race r;

	race_set_up(&r);
	FOR_EACH_OP(op) {
		r.f = mk_shared(op->name, SIZE);
		race_hold(&r, op, shared_path(r.f, G1), op->name);
		kill_and_reap(start_waiter(op, shared_path(r.f, G1)));
		race_go_on(&r, op->name, 0);
		expect_result(r.pid, op, 0);
		expect_broken(r.f, G1);
		expect_done(shared_path(r.f, G1), op, &r.f->before);
		expect_others();
	}
	race_take_down(&r);
}

/* The signal is there when the copy begins, on any filesystem. */
static pid_t kill_frozen(struct freezer *fz, struct tracing *tr, bool waits)
{
	pid_t pid, waiter = 0;

	freeze(fz);
	pid = start_op(OP_OPEN, "G1/f");
	expect_begin(tr);
	if (waits)
		waiter = start_waiter(OP_OPEN, "G1/f");
	EXPECT_OK(kill(pid, SIGKILL));
	expect_held(tr);
	thaw(fz);
	kill_and_reap(pid);
	expect_end(tr, EINTR);
	return waiter;
}

static void killed_before_the_copy(void)
{
	struct statvfs free;
	struct freezer fz;
	struct scratch fs;
	struct tracing tr;
	struct shared *f;
	pid_t waiter;

	time_limit(LIMIT_S);
	scratch_disk(&fs, DISK);
	scratch_enter(&fs);
	f = mk_shared("f", SIZE);
	free_now(&free);
	freezer_open(&fz, ".");
	trace_breaks(&tr);
	kill_frozen(&fz, &tr, false);
	expect_others();
	EXPECT_FREE(&free);
	/* If somebody waits for it he makes the copy. */
	waiter = kill_frozen(&fz, &tr, true);
	expect_begin(&tr);
	expect_end(&tr, 0);
	expect_result(waiter, OP_OPEN, 0);
	expect_broken(f, G1);
	expect_done("G1/f", OP_OPEN, &f->before);
	tracing_end(&tr);
	freezer_close(&fz);
	scratch_leave();
	scratch_release(&fs);
}

#define CACHED	(1 << 20)

/* Of @path no more than the beginning is in memory. */
static void cache_beginning(const char *path)
{
	static char buf[CACHED];
	int fd = EXPECT_OK(open(path, O_RDONLY));

	sync();
	EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	EXPECT_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
	EXPECT_EQ(pread(fd, buf, CACHED, 0), CACHED);
	close(fd);
}

static int op_fsync(const char *path)
{
	int fd = open(path, O_WRONLY);

	EXPECT_OK(pwrite(fd, "x", 1, 0));
	return fsync(fd);
}

static const struct op sync_it = { "fsync", op_fsync };

/* Behind its write all reads wait. */
static pid_t stop_reads(struct race *r)
{
	pid_t pid;

	still_disk_stop(&r->disk);
	pid = start_op(&sync_it, "filler");
	still_disk_await(&r->disk, STILL_WRITE);
	return pid;
}

static void killed_in_the_copy(void)
{
	struct statvfs free;
	const char *line;
	struct race r;
	pid_t writer;

	race_set_up(&r);
	r.f = mk_shared("f", 4 * CACHED);
	mk_file("filler", 4096, 1);
	/* What else it takes is in memory. */
	EXPECT_OK(link("C/f", "G1/x"));
	close(EXPECT_OK(open("G1/x", O_RDWR)));
	EXPECT_OK(unlink("G1/x"));
	r.f->ctime_moves = true;
	expect_begin(&r.tr);
	expect_end(&r.tr, 0);
	free_now(&free);
	cache_beginning("C/f");
	writer = stop_reads(&r);
	r.pid = start_op(OP_OPEN, "G1/f");
	expect_begin(&r.tr);
	still_disk_await(&r.disk, STILL_READ);
	kill_and_reap(r.pid);
	line = expect_end(&r.tr, EINTR);
	EXPECT_EQ(tracing_number(line, "copied"), CACHED);
	still_disk_go_on(&r.disk);
	expect_result(writer, &sync_it, 0);
	expect_others();
	EXPECT_FREE(&free);
	race_take_down(&r);
}

static const struct test tests[] = {
	{ "the name is renamed: the copy goes with it", renamed, NEED_DISK },
	{ "... into a directory of a project: it is the project's",
	  renamed_into_project, NEED_DISK },
	{ "... or exchanged with another file's", exchanged, NEED_DISK },
	{ "the directory moves: the copy is in it", moved_with_its_directory,
	  NEED_DISK },
	{ "the name is unlinked: ENOENT", unlinked, NEED_DISK },
	{ "... and its directory removed: ENOENT",
	  unlinked_with_its_directory, NEED_DISK },
	{ "... for O_CREAT: a new file", unlinked_and_created, NEED_DISK },
	{ "... and linked again: the copy is there",
	  unlinked_and_linked_again, NEED_DISK },
	{ "the name is replaced by another file: done to that",
	  replaced_by_a_private_file, NEED_DISK },
	{ "... by a shared file: done to a copy of that",
	  replaced_by_a_shared_file, NEED_DISK },
	{ "the same with a copy that shares blocks", shared_blocks,
	  NEED_REFLINK },
	{ "two names of one inode: neither waits for the other",
	  two_containers, NEED_DISK },
	{ "... and without data to copy one overtakes",
	  one_container_overtakes, NEED_DISK },
	{ "the flag is cleared: EBUSY, success afterwards", flag_is_cleared,
	  NEED_DISK },
	{ "the flag is set on an open copy: ETXTBSY", flag_is_set_on_the_copy,
	  NEED_DISK },
	{ "the name is unified: ETXTBSY, other names are",
	  name_is_unified, NEED_DISK },
	{ "SIGKILL to who waits: at once", waiter_is_killed, NEED_DISK },
	{ "SIGKILL to who breaks it: EINTR, and who waits makes the copy",
	  killed_before_the_copy, NEED_DISK },
	{ "... with a part of the data copied: at once, and nothing is left",
	  killed_in_the_copy, NEED_DISK },
};

TEST_MAIN("held", tests)
