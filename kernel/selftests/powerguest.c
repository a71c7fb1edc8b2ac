// SPDX-License-Identifier: GPL-2.0-only
/*
 * The steps of the power-cut test. Each has a file of its own, shared by the
 * catalog and two guests, that each guest breaks the link of in one way; the
 * table says what the file can look like from the break on.
 */
#include "harness.h"
#include "powercut.h"

#include <dirent.h>
#include <stdarg.h>

#define SIZE		50000
#define SHORT		23001
#define LONG		90000
#define NEW_SEED	2
#define NEW_OFF		12000
#define NEW_LEN		10000
#define PREFIX		".ixunlink-"

/*
 * Once private, the file has @lo to @hi bytes and in the end @hi or, if less,
 * @lo (a truncation is done with the break). The first @keep are the old ones,
 * but for the @new_len new ones at @new_off. Behind @keep there may be zeroes:
 * a filesystem can have written the size before the data.
 */
struct step {
	void (*fn)(const char *path);
	off_t lo, hi, keep, new_off;
	size_t new_len;
	mode_t mode;		/* if another than 0644 */
	bool unifies;		/* the guest's file starts as another inode */
	bool new_mtime;
};

static void write_some(const char *path)
{
	int fd = EXPECT_OK(open(path, O_RDWR));

	pattern_write(fd, NEW_OFF, NEW_LEN, NEW_SEED);
	close(fd);
}

static void append(const char *path)
{
	int fd = EXPECT_OK(open(path, O_WRONLY | O_APPEND));
	char buf[NEW_LEN];

	pattern_fill(buf, sizeof(buf), SIZE, NEW_SEED);
	EXPECT_EQ(EXPECT_OK(write(fd, buf, sizeof(buf))), sizeof(buf));
	close(fd);
}

static void open_only(const char *path)
{
	close(EXPECT_OK(open(path, O_RDWR)));
}

static void shorten(const char *path)
{
	EXPECT_OK(truncate(path, SHORT));
}

static void lengthen(const char *path)
{
	EXPECT_OK(truncate(path, LONG));
}

static void new_mode(const char *path)
{
	EXPECT_OK(chmod(path, 04700));
}

static void touch(const char *path)
{
	EXPECT_OK(utimensat(AT_FDCWD, path, NULL, 0));
}

static void new_content(const char *path)
{
	int fd = EXPECT_OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	pattern_write(fd, 0, NEW_LEN, NEW_SEED);
	close(fd);
}

static void empty(const char *path)
{
	EXPECT_OK(truncate(path, 0));
}

static void become_master(const char *path)
{
	char guest[8], master[20];

	snprintf(guest, sizeof(guest), "%.2s", path);
	snprintf(master, sizeof(master), "C/%s", path + 3);
	EXPECT_OK(unify(guest, path + 3, master, path));
}

#define KEEPS_ALL	.lo = SIZE, .hi = SIZE, .keep = SIZE

static const struct step steps[] = {
	{ write_some, KEEPS_ALL, .new_off = NEW_OFF, .new_len = NEW_LEN,
	  .new_mtime = true },
	{ new_mode, KEEPS_ALL, .mode = 04700 },
	{ shorten, .lo = SHORT, .hi = SHORT, .keep = SHORT,
	  .new_mtime = true },
	{ become_master, KEEPS_ALL, .unifies = true },
	{ append, .lo = SIZE, .hi = SIZE + NEW_LEN, .keep = SIZE,
	  .new_off = SIZE, .new_len = NEW_LEN, .new_mtime = true },
	{ open_only, KEEPS_ALL },
	{ new_content, .lo = 0, .hi = NEW_LEN, .new_len = NEW_LEN,
	  .new_mtime = true },
	{ touch, KEEPS_ALL, .new_mtime = true },
	{ lengthen, .lo = SIZE, .hi = LONG, .keep = SIZE, .new_mtime = true },
	{ empty, .lo = 0, .hi = 0, .new_mtime = true },
	{ open_only, KEEPS_ALL },
	{ new_mode, KEEPS_ALL, .mode = 04700 },
};

const size_t power_steps = ARRAY_SIZE(steps);

/* ---- the files --------------------------------------------------------- */

static struct stat master[ARRAY_SIZE(steps)];
static struct guest {
	const char *name;
	struct stat before[ARRAY_SIZE(steps)];
	enum step_state state[ARRAY_SIZE(steps)];
} guests[] = { { .name = "G1" }, { .name = "G2" } };

static char where[100] = "at the start";
static unsigned int seen_shared, seen_private, seen_temp;

const char *power_path(const char *guest, size_t step)
{
	static char paths[4][20];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/f%zu", guest, step);
	return path;
}

static void make_names(size_t step)
{
	const char *c = power_path("C", step);
	size_t g;

	mk_file(c, SIZE, SHARED_SEED);
	EXPECT_OK(set_flags(c, SHARED_FL));
	for (g = 0; g < ARRAY_SIZE(guests); g++) {
		const char *own = power_path(guests[g].name, step);

		if (steps[step].unifies) {
			mk_file(own, SIZE, SHARED_SEED);
			EXPECT_OK(set_flags(own, SHARED_FL));
		} else {
			EXPECT_OK(link(c, own));
		}
		EXPECT_OK(stat(own, &guests[g].before[step]));
		guests[g].state[step] = STEP_NOT_BEGUN;
	}
	EXPECT_OK(stat(c, &master[step]));
}

void power_make_files(void)
{
	size_t i;

	EXPECT_OK(mkdir("C", 0755));
	for (i = 0; i < ARRAY_SIZE(guests); i++)
		EXPECT_OK(mkdir(guests[i].name, 0755));
	for (i = 0; i < power_steps; i++)
		make_names(i);
	sync();
}

void power_do(const char *guest, size_t step)
{
	steps[step].fn(power_path(guest, step));
}

void power_reached(const char *guest, size_t step, enum step_state state)
{
	size_t g;

	CHECK(step < power_steps, "a mark of step %zu", step);
	for (g = 0; g < ARRAY_SIZE(guests); g++)
		if (!strcmp(guests[g].name, guest))
			guests[g].state[step] = state;
}

/* ---- what is found ----------------------------------------------------- */

const char *power_where(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (fmt)
		vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	return where;
}

#define CUT_CHECK(cond, path, fmt, ...)					\
	CHECK(cond, "%s: %s: " fmt, where, path, ##__VA_ARGS__)

static const char *read_whole(const char *path, off_t size)
{
	static char buf[LONG + 1];
	int fd = EXPECT_OK(open(path, O_RDONLY));

	CUT_CHECK(size < (off_t)sizeof(buf), path, "%lld bytes",
		  (long long)size);
	EXPECT_EQ(EXPECT_OK(pread(fd, buf, sizeof(buf), 0)), size);
	close(fd);
	return buf;
}

static bool in_new(const struct step *s, off_t i)
{
	return i >= s->new_off && i < s->new_off + (off_t)s->new_len;
}

/* Each of @size bytes is an old or a new one, at its place. */
static void check_bytes(const char *path, const struct step *s, off_t size,
			bool synced)
{
	static char old[LONG], new[LONG];
	const char *buf = read_whole(path, size);
	off_t i;

	pattern_fill(old, size, 0, SHARED_SEED);
	pattern_fill(new, size, 0, NEW_SEED);
	for (i = 0; i < size; i++) {
		bool is_new = in_new(s, i) && buf[i] == new[i];
		bool is_old = i < s->keep && buf[i] == old[i];
		bool is_zero = i >= s->keep && !buf[i];
		bool must_be_new = synced && in_new(s, i);

		CUT_CHECK(is_new || (!must_be_new && (is_old || is_zero)), path,
			  "byte %lld of %lld is 0x%02x", (long long)i,
			  (long long)size, (unsigned char)buf[i]);
	}
}

/* The old file, untouched, with both flags. */
static void check_old(const char *path, const struct stat *before)
{
	static const struct step untouched = { .keep = SIZE };
	unsigned int flags;
	struct stat st;

	EXPECT_OK(stat(path, &st));
	CUT_CHECK(st.st_ino == before->st_ino, path, "another inode");
	CUT_CHECK(st.st_size == SIZE, path, "%lld bytes",
		  (long long)st.st_size);
	CUT_CHECK(st.st_mode == before->st_mode, path, "mode %o", st.st_mode);
	CUT_CHECK(st.st_mtim.tv_sec == OLD_SEC &&
		  st.st_mtim.tv_nsec == OLD_MTIME_NS, path, "another mtime");
	EXPECT_OK(get_flags(path, &flags));
	CUT_CHECK((flags & SHARED_FL) == SHARED_FL, path, "flags 0x%x", flags);
	check_bytes(path, &untouched, SIZE, false);
}

static void check_private(const char *path, const struct step *s,
			  const struct stat *st, bool synced)
{
	mode_t mode = st->st_mode & 07777;
	unsigned int flags;

	EXPECT_OK(get_flags(path, &flags));
	CUT_CHECK(!(flags & SHARED_FL), path, "flags 0x%x", flags);
	CUT_CHECK(st->st_nlink == 1, path, "%u links",
		  (unsigned int)st->st_nlink);
	CUT_CHECK(st->st_size >= (synced ? s->hi : s->lo) &&
		  st->st_size <= s->hi, path, "%lld bytes",
		  (long long)st->st_size);
	CUT_CHECK((mode == 0644 && !(synced && s->mode)) ||
		  (s->mode && mode == s->mode), path, "mode %o", mode);
	CUT_CHECK(s->new_mtime || (st->st_mtim.tv_sec == OLD_SEC &&
				   st->st_mtim.tv_nsec == OLD_MTIME_NS),
		  path, "another mtime");
	check_bytes(path, s, st->st_size, synced);
}

static void check_name(const struct guest *g, size_t step)
{
	const char *path = power_path(g->name, step);
	const struct stat *before = &g->before[step];
	enum step_state state = g->state[step];
	struct stat st;

	CUT_CHECK(!stat(path, &st), path, "%s", errno_name(errno));
	if (st.st_ino == before->st_ino) {
		CUT_CHECK(state != STEP_SYNCED, path,
			  "what was synced is lost");
		check_old(path, before);
		seen_shared++;
		return;
	}
	CUT_CHECK(state != STEP_NOT_BEGUN, path, "not broken yet");
	if (steps[step].unifies)
		check_old(path, &master[step]);
	else
		check_private(path, &steps[step], &st, state == STEP_SYNCED);
	seen_private++;
}

/* A whole copy of some file as it was when its break was committed. */
static void check_temp(const char *path)
{
	struct stat st;
	size_t i;

	EXPECT_OK(stat(path, &st));
	for (i = 0; i < power_steps; i++)
		if (st.st_size == (steps[i].keep < SIZE ? steps[i].keep :
							  SIZE))
			break;
	CUT_CHECK(i < power_steps, path, "%lld bytes", (long long)st.st_size);
	check_bytes(path, &(struct step){ .keep = SIZE }, st.st_size, false);
	seen_temp++;
}

/* No other names than ours, and at most one that a break left. */
static void check_dir(const char *name, unsigned int temps_max)
{
	unsigned int files = 0, temps = 0;
	struct dirent *de;
	char path[300];
	DIR *d = opendir(name);

	CUT_CHECK(d, name, "%s", errno_name(errno));
	while ((de = readdir(d))) {
		if (de->d_name[0] == 'f')
			files++;
		if (strncmp(de->d_name, PREFIX, strlen(PREFIX)))
			continue;
		temps++;
		snprintf(path, sizeof(path), "%s/%s", name, de->d_name);
		check_temp(path);
	}
	closedir(d);
	CUT_CHECK(files == power_steps, name, "%u names", files);
	CUT_CHECK(temps <= temps_max, name, "%u temporary names", temps);
}

void power_check(void)
{
	size_t g, i;

	check_dir("C", 0);
	for (i = 0; i < power_steps; i++)
		check_old(power_path("C", i), &master[i]);
	for (g = 0; g < ARRAY_SIZE(guests); g++) {
		check_dir(guests[g].name, 1);
		for (i = 0; i < power_steps; i++)
			check_name(&guests[g], i);
	}
}

void power_summary(void)
{
	note("names found: %u as before, %u broken or unified, %u temporary",
	     seen_shared, seen_private, seen_temp);
	CHECK(seen_shared && seen_private, "one outcome was never seen");
}
