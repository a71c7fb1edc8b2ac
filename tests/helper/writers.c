// SPDX-License-Identifier: GPL-2.0-only
/*
 * writers [--verify] PROCESSES OPERATIONS SEED DIR
 * writers --menu DIR
 *
 * Each process has a directory DIR/PROCESS with some files, and does so many operations
 * that follow from SEED: writing, appending, truncating, writing to a shared mapping,
 * renaming, replacing, removing, and changing modes; and, over many of these, writing
 * through a descriptor and a mapping that it holds. It knows what each file must hold,
 * and reads one of them after each operation. What it writes is mostly one of a few
 * contents with one time, which --menu makes files of: so files of different processes,
 * and of another guest that has the menu, become equal all the time.
 *
 * Half-way each process stops itself, until SIGCONT.
 *
 * --verify does the operations on paper and looks whether the files are what must have
 * come out. Exit status 1: a byte, a length, a mode or a name is wrong.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 16
#define HOT_SLOTS 4	/* have half of the operations: the others have some peace */
#define CONTENTS 5
#define SIZES 3
#define MAX_BYTES 40000

static const size_t sizes[SIZES] = { 60, 5000, 20000 };

struct slot {
	bool exists;
	unsigned int mode;
	size_t size;
	unsigned char data[MAX_BYTES];
};

struct writer {
	int process;
	bool on_paper;
	int dir;
	uint64_t random;
	struct slot slots[SLOTS];
	int held;		/* slot, or -1 */
	int fd;
	unsigned char *map;
	char name[16], other[16];
};

/* --- what is written ---------------------------------------------------------------- */

static unsigned int draw(struct writer *w, unsigned int below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned int)(w->random >> 33) % below;
}

static void fill(unsigned char *data, unsigned int content, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = (unsigned char)('a' + (i / 7 + content * (i % 11)) % 26);
}

static void scribble(struct writer *w, unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (unsigned char)('A' + draw(w, 26));
}

static const struct timespec menu_times[2] = { { 1000000000, 5 },
					       { 1000000000, 5 } };

/* --- the real thing ----------------------------------------------------------------- */

static void must(bool good, const struct writer *w, const char *what)
{
	if (!good)
		err(2, "process %d, %s of %s", w->process, what, w->name);
}

static const char *name_slot(struct writer *w, int slot)
{
	(void)snprintf(w->name, sizeof(w->name), "f%d", slot);
	return w->name;
}

static int open_slot(struct writer *w, int slot, int flags)
{
	int fd = openat(w->dir, name_slot(w, slot), flags | O_CLOEXEC, 0644);

	must(fd >= 0, w, "open");
	return fd;
}

static void put(struct writer *w, int fd, const unsigned char *data, size_t len,
		off_t at)
{
	must(pwrite(fd, data, len, at) == (ssize_t)len, w, "write");
}

static void done(struct writer *w, int fd)
{
	must(!close(fd), w, "close");
}

/* --- operations: first on paper, then, if it is not all, for real --------------------- */

static int pick(struct writer *w)
{
	int slot = (int)draw(w, draw(w, 2) ? HOT_SLOTS : SLOTS);

	return slot == w->held ? (slot + 1) % SLOTS : slot;
}

static void set_from_menu(struct writer *w, struct slot *s)
{
	s->exists = true;
	s->size = sizes[draw(w, SIZES)];
	fill(s->data, draw(w, CONTENTS), s->size);
}

/* A file of the menu, in place or, if there was none, new. */
static void op_write(struct writer *w, int slot)
{
	struct slot *s = &w->slots[slot];
	bool truncate_first = draw(w, 2);
	int fd;

	if (!s->exists)
		s->mode = 0644;
	set_from_menu(w, s);
	if (w->on_paper)
		return;
	fd = open_slot(w, slot,
		       O_RDWR | O_CREAT | (truncate_first ? O_TRUNC : 0));
	put(w, fd, s->data, s->size, 0);
	must(!ftruncate(fd, (off_t)s->size), w, "ftruncate");
	must(!futimens(fd, menu_times), w, "futimens");
	done(w, fd);
}

/* The same in another file that takes the name. */
static void op_replace(struct writer *w, int slot)
{
	struct slot *s = &w->slots[slot];
	int fd;

	set_from_menu(w, s);
	s->mode = 0644;
	if (w->on_paper)
		return;
	fd = openat(w->dir, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
	must(fd >= 0, w, "creation");
	put(w, fd, s->data, s->size, 0);
	must(!futimens(fd, menu_times), w, "futimens");
	done(w, fd);
	must(!renameat(w->dir, "new", w->dir, name_slot(w, slot)), w, "rename");
}

static void op_append(struct writer *w, int slot)
{
	struct slot *s = &w->slots[slot];
	size_t len = 1 + draw(w, 100);
	int fd;

	if (s->size + len > MAX_BYTES)
		return;
	scribble(w, s->data + s->size, len);
	if (!w->on_paper) {
		fd = open_slot(w, slot, O_WRONLY | O_APPEND);
		must(write(fd, s->data + s->size, len) == (ssize_t)len, w,
		     "append");
		done(w, fd);
	}
	s->size += len;
}

static void op_truncate(struct writer *w, int slot)
{
	struct slot *s = &w->slots[slot];
	size_t size = draw(w, MAX_BYTES / 2);
	char path[64];

	if (size > s->size)
		memset(s->data + s->size, 0, size - s->size);
	s->size = size;
	if (w->on_paper)
		return;
	(void)snprintf(path, sizeof(path), "%s", name_slot(w, slot));
	must(!fchdir(w->dir) && !truncate(path, (off_t)size), w, "truncate");
}

static void op_map(struct writer *w, int slot)
{
	struct slot *s = &w->slots[slot];
	size_t at, len;
	unsigned char *map;
	int fd;

	if (!s->size)
		return;
	at = draw(w, (unsigned int)s->size);
	len = 1 + draw(w, (unsigned int)(s->size - at));
	scribble(w, s->data + at, len);
	if (w->on_paper)
		return;
	fd = open_slot(w, slot, O_RDWR);
	map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, w, "mmap");
	/* the mapping alone holds the file */
	done(w, fd);
	memcpy(map + at, s->data + at, len);
	must(!munmap(map, s->size), w, "munmap");
}

/* Are the two names, of which the first was renamed to the second, one file? Then nothing
 * has happened, as POSIX has it. --within-guest makes such names of equal files. */
static bool was_one_file(const struct writer *w)
{
	struct stat from, to;

	return !fstatat(w->dir, w->name, &from, AT_SYMLINK_NOFOLLOW) &&
	       !fstatat(w->dir, w->other, &to, AT_SYMLINK_NOFOLLOW) &&
	       from.st_ino == to.st_ino;
}

static void op_rename(struct writer *w, int slot)
{
	int to = pick(w);

	if (to == slot)
		return;
	w->slots[to] = w->slots[slot];
	w->slots[slot].exists = false;
	if (w->on_paper)
		return;
	(void)snprintf(w->other, sizeof(w->other), "f%d", to);
	must(!renameat(w->dir, name_slot(w, slot), w->dir, w->other), w,
	     "rename");
	/* as mv(1) does */
	if (was_one_file(w))
		must(!unlinkat(w->dir, w->name, 0), w, "unlink");
}

static void op_unlink(struct writer *w, int slot)
{
	w->slots[slot].exists = false;
	if (!w->on_paper)
		must(!unlinkat(w->dir, name_slot(w, slot), 0), w, "unlink");
}

static void op_chmod(struct writer *w, int slot)
{
	w->slots[slot].mode ^= 0044;
	if (!w->on_paper)
		must(!fchmodat(w->dir, name_slot(w, slot), w->slots[slot].mode,
			       0),
		     w, "chmod");
}

/* --- a descriptor and a mapping that stay --------------------------------------------- */

static void hold(struct writer *w, int slot)
{
	w->held = slot;
	if (w->on_paper)
		return;
	w->fd = open_slot(w, slot, O_RDWR);
	w->map = mmap(NULL, w->slots[slot].size, PROT_READ | PROT_WRITE,
		      MAP_SHARED, w->fd, 0);
	must(w->map != MAP_FAILED, w, "mmap");
}

static void release(struct writer *w)
{
	if (!w->on_paper && w->held >= 0) {
		must(!munmap(w->map, w->slots[w->held].size), w, "munmap");
		done(w, w->fd);
	}
	w->held = -1;
}

static void use_held(struct writer *w)
{
	struct slot *s = &w->slots[w->held];
	bool by_map = draw(w, 2);
	size_t at = draw(w, (unsigned int)s->size);

	scribble(w, s->data + at, 1);
	if (w->on_paper)
		return;
	if (by_map)
		w->map[at] = s->data[at];
	else
		put(w, w->fd, s->data + at, 1, (off_t)at);
}

static void operate(struct writer *w)
{
	static void (*const ops[])(struct writer *w, int slot) = {
		op_write,  op_write,	op_write,  op_replace,
		op_append, op_truncate, op_map,	   op_map,
		op_rename, op_unlink,	op_chmod,
	};
	unsigned int op = draw(w, sizeof(ops) / sizeof(*ops));
	int slot = pick(w);

	if (!w->slots[slot].exists)
		op_write(w, slot);
	else
		ops[op](w, slot);
	if (w->held >= 0)
		use_held(w);
	if (!draw(w, 20))
		release(w);
	slot = pick(w);
	if (w->held < 0 && w->slots[slot].exists && w->slots[slot].size &&
	    !draw(w, 8))
		hold(w, slot);
}

/* --- what must be there --------------------------------------------------------------- */

static int complain(const struct writer *w, const char *what, size_t at)
{
	printf("process %d, file %s: %s at %zu\n", w->process, w->name, what,
	       at);
	return 1;
}

static int compare(struct writer *w, int slot)
{
	static unsigned char have[MAX_BYTES + 1];
	const struct slot *s = &w->slots[slot];
	int fd = openat(w->dir, name_slot(w, slot), O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t len;
	size_t i;

	if (!s->exists)
		return fd < 0 ? 0 : complain(w, "is there", 0);
	if (fd < 0)
		return complain(w, "is not there", 0);
	len = pread(fd, have, sizeof(have), 0);
	must(len >= 0 && !fstat(fd, &st), w, "read");
	done(w, fd);
	if ((size_t)len != s->size)
		return complain(w, "wrong length", (size_t)len);
	if ((st.st_mode & 07777) != s->mode)
		return complain(w, "wrong mode", st.st_mode);
	for (i = 0; i < s->size; i++)
		if (have[i] != s->data[i])
			return complain(w, "wrong byte", i);
	return 0;
}

static int run_process(int process, bool on_paper, long operations,
		       uint64_t seed, const char *dir)
{
	static struct writer w;
	char path[4096];
	int bad = 0;
	long i;

	w.process = process;
	w.on_paper = on_paper;
	w.random = (seed * 64 + (uint64_t)process + 1) * 0x9e3779b97f4a7c15;
	w.held = -1;
	(void)snprintf(path, sizeof(path), "%s/%d", dir, process);
	if (!on_paper && mkdir(path, 0755) < 0)
		err(2, "%s", path);
	w.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.dir < 0)
		err(2, "%s", path);
	for (i = 0; i < operations && !bad; i++) {
		/* until SIGCONT: however fast we are, something happens meanwhile */
		if (i == operations / 2 && !on_paper)
			(void)raise(SIGSTOP);
		operate(&w);
		if (!on_paper)
			bad = compare(&w, (int)(i % SLOTS));
	}
	release(&w);
	for (i = 0; i < SLOTS; i++)
		bad |= compare(&w, (int)i);
	return bad;
}

static int run(int processes, bool on_paper, long operations, uint64_t seed,
	       const char *dir)
{
	int failed = 0;
	int status;
	int i;

	for (i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(2, "fork");
		if (!pid)
			exit(run_process(i, on_paper, operations, seed, dir));
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	return failed;
}

static int make_menu(const char *dir)
{
	static struct writer w = { .process = -1, .held = -1 };
	unsigned char data[MAX_BYTES];
	unsigned int n;

	w.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w.dir < 0)
		err(2, "%s", dir);
	for (n = 0; n < CONTENTS * SIZES; n++) {
		int fd = open_slot(&w, (int)n, O_WRONLY | O_CREAT | O_EXCL);

		fill(data, n % CONTENTS, sizes[n / CONTENTS]);
		put(&w, fd, data, sizes[n / CONTENTS], 0);
		must(!futimens(fd, menu_times), &w, "futimens");
		done(&w, fd);
	}
	return 0;
}

int main(int argc, char **argv)
{
	bool verify = argc > 1 && !strcmp(argv[1], "--verify");

	(void)umask(022);
	if (argc == 3 && !strcmp(argv[1], "--menu"))
		return make_menu(argv[2]);
	argv += verify;
	if (argc - verify != 5)
		errx(2, "usage: writers [--verify] PROCESSES OPERATIONS SEED DIR");
	return run(atoi(argv[1]), verify, atol(argv[2]),
		   strtoull(argv[3], NULL, 10), argv[4]);
}
