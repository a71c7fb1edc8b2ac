// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power goes at every instant. Two guests break links while dm-log-writes
 * records the disk below them; then the disk is made again as it was at each
 * flush and each FUA write, mounted, and looked at: a name leads to the old
 * inode or to a whole copy, whatever the guest was doing, and all other names
 * are as they were. What was synced is there.
 *
 * At every second of these instants some of the writes that came after it have
 * reached the disk, too: a cache may write what it likes.
 */
#include "harness.h"
#include "dm.h"
#include "logwrites.h"
#include "powercut.h"

#include <sys/mman.h>
#include <sys/mount.h>

#define PLACE		"/tmp/cowlink-powercut"
#define DISK		PLACE "/disk"
#define START		PLACE "/start"	/* the disk when logging began */
#define LOG		PLACE "/log"
#define REPLAY		PLACE "/replay"
#define CUT		PLACE "/cut"	/* the replay, to be mounted */
#define MNT		PLACE "/mnt"
#define LOG_SIZE	(1LL << 30)
#define TIMEOUT_S	900	/* of one test, on a busy machine */

/* ---- files ------------------------------------------------------------- */

static void make_file(const char *path, off_t size)
{
	int fd = EXPECT_OK(open(path, O_CREAT | O_RDWR | O_TRUNC, 0600));

	EXPECT_OK(ftruncate(fd, size));
	close(fd);
}

static bool is_zero(const char *buf, size_t len)
{
	return !buf[0] && !memcmp(buf, buf + 1, len - 1);
}

/* Only what is not zero is written: a mkfs may have filled its log. */
static void copy_range(int from, int to, off_t pos, off_t end)
{
	static char buf[65536];

	while (pos < end) {
		size_t want = end - pos < (off_t)sizeof(buf) ?
			      (size_t)(end - pos) : sizeof(buf);
		ssize_t n = EXPECT_OK(pread(from, buf, want, pos));

		CHECK(n, "the image ends at %lld", (long long)pos);
		if (!is_zero(buf, n))
			EXPECT_EQ(EXPECT_OK(pwrite(to, buf, n, pos)), n);
		pos += n;
	}
}

static void copy_image(const char *from, const char *to)
{
	int in = EXPECT_OK(open(from, O_RDONLY)), out;
	off_t data, hole = 0, size = EXPECT_OK(lseek(in, 0, SEEK_END));

	make_file(to, size);
	out = EXPECT_OK(open(to, O_WRONLY));
	while ((data = lseek(in, hole, SEEK_DATA)) >= 0) {
		hole = EXPECT_OK(lseek(in, data, SEEK_HOLE));
		copy_range(in, out, data, hole);
	}
	close(in);
	close(out);
}

/* Mapped, as both are mostly holes. */
static bool same_image(const char *a, const char *b)
{
	int fa = EXPECT_OK(open(a, O_RDONLY)), fb = EXPECT_OK(open(b, O_RDONLY));
	off_t size = EXPECT_OK(lseek(fa, 0, SEEK_END));
	void *ma = mmap(NULL, size, PROT_READ, MAP_SHARED, fa, 0);
	void *mb = mmap(NULL, size, PROT_READ, MAP_SHARED, fb, 0);
	bool same;

	CHECK(ma != MAP_FAILED && mb != MAP_FAILED, "cannot map the images");
	EXPECT_EQ(lseek(fb, 0, SEEK_END), size);
	same = !memcmp(ma, mb, size);
	munmap(ma, size);
	munmap(mb, size);
	close(fa);
	close(fb);
	return same;
}

/* ---- filesystems ------------------------------------------------------- */

struct fs_type {
	const char *name;
	void (*mkfs)(void);		/* on DISK */
	bool (*is_clean)(void);		/* is CUT? */
	const char *options;
	off_t size;
	unsigned int checks_max;	/* instants to look at, unless all are */
	unsigned int clean_every;	/* how many of them per is_clean() */
};

static void ext4_make(void)
{
	CHECK(!RUN("mkfs.ext4", "-q", "-F", "-b", "4096", "-J", "size=4",
		   "-E", "lazy_itable_init=0", DISK), "mkfs.ext4 failed");
}

static bool ext4_is_clean(void)
{
	return !RUN("e2fsck", "-f", "-n", CUT);
}

/*
 * noauto_da_alloc: else ext4 itself writes a file that is renamed over another,
 * and nothing would show that the break did so before.
 */
static const struct fs_type ext4 = {
	"ext4", ext4_make, ext4_is_clean, "noauto_da_alloc", 48 << 20, 60, 1,
};

static void xfs_make(void)
{
	mkfs_xfs(DISK, NULL);
}

static bool xfs_cut_is_clean(void)
{
	return xfs_is_clean(CUT);
}

/* xfs_repair takes longer than all the rest. */
static const struct fs_type xfs = {
	"xfs", xfs_make, xfs_cut_is_clean, "", 64 << 20, 14, 3,
};

static void mount_image(const struct fs_type *fs, const char *image)
{
	char dev[32];
	int fd = loop_attach(image, dev, sizeof(dev));

	if (mount(dev, MNT, fs->name, 0, fs->options))
		FAIL("%s: mount of '%s': %s", power_where(NULL), image,
		     errno_name(errno));
	close(fd);
	EXPECT_OK(chdir(MNT));
}

static void unmount(void)
{
	EXPECT_OK(chdir("/"));
	EXPECT_OK(umount(MNT));
}

static void set_up(const struct fs_type *fs)
{
	EXPECT_OK(mkdir(PLACE, 0700) && errno != EEXIST ? -1 : 0);
	EXPECT_OK(mount("powercut", PLACE, "tmpfs", 0, "mode=0700,size=90%"));
	EXPECT_OK(mkdir(MNT, 0755));
	make_file(DISK, fs->size);
	fs->mkfs();
	mount_image(fs, DISK);
	power_make_files();
	unmount();
	copy_image(DISK, START);
	make_file(LOG, LOG_SIZE);
}

/* ---- the guests at work ------------------------------------------------ */

static struct dm_device dm;

static void mark(const char *guest, size_t step, const char *what)
{
	char text[80];

	snprintf(text, sizeof(text), "mark %s:%zu:%s", guest, step, what);
	dm_message(&dm, text);
}

static void fsync_path(const char *path)
{
	int fd = EXPECT_OK(open(path, O_RDONLY));

	EXPECT_OK(fsync(fd));
	close(fd);
}

/* Every step in an order of the guest's own; every second one is synced. */
static void guest_works(const char *guest, size_t first)
{
	size_t i;

	for (i = 0; i < power_steps; i++) {
		size_t step = (first + i * 5) % power_steps;

		mark(guest, step, "begin");
		power_do(guest, step);
		if (i % 2)
			continue;
		fsync_path(power_path(guest, step));
		fsync_path(guest);
		mark(guest, step, "end");
	}
}

/*
 * Somebody unrelated who syncs all the time, so that transactions end while
 * the guests are in the middle of something.
 */
static void neighbour_syncs(void)
{
	int fd = EXPECT_OK(open("neighbour", O_CREAT | O_RDWR, 0600));
	int i;

	for (i = 0; i < 50; i++) {
		EXPECT_OK(pwrite(fd, &i, sizeof(i), 0));
		EXPECT_OK(fsync(fd));
		usleep(1000);
	}
	_exit(0);
}

static pid_t start_guest(const char *guest, size_t first)
{
	pid_t pid = EXPECT_OK(fork());

	if (pid)
		return pid;
	guest_works(guest, first);
	_exit(0);
}

static void record(const struct fs_type *fs, void (*work)(void))
{
	char disk[32], log[32], params[80];
	int disk_fd = loop_attach(DISK, disk, sizeof(disk));
	int log_fd = loop_attach(LOG, log, sizeof(log));

	snprintf(params, sizeof(params), "%s %s", disk, log);
	dm_create(&dm, fs->size / 512, "log-writes", params);
	EXPECT_OK(mount(dm.node, MNT, fs->name, 0, fs->options));
	EXPECT_OK(chdir(MNT));
	work();
	unmount();
	dm_remove(&dm);
	close(disk_fd);
	close(log_fd);
}

static void all_work(void)
{
	pid_t neighbour, g1, g2;

	neighbour = EXPECT_OK(fork());
	if (!neighbour)
		neighbour_syncs();
	g1 = start_guest("G1", 0);
	g2 = start_guest("G2", 3);
	reap(g1);
	reap(g2);
	reap(neighbour);
}

/* ---- and what is left of it -------------------------------------------- */

static void note_mark(const char *text)
{
	char guest[8], what[8];
	size_t step;

	if (sscanf(text, "%7[^:]:%zu:%7s", guest, &step, what) == 3)
		power_reached(guest, step, strcmp(what, "end") ?
			      STEP_BEGUN : STEP_SYNCED);
}

/*
 * Half of what follows @log up to the next barrier; @log stays where it is. Those
 * writes are of what was begun by then.
 */
static void apply_some(const struct log_reader *log, int fd, unsigned int salt)
{
	struct log_reader ahead = *log;
	struct log_entry e;

	while (log_next(&ahead, &e) && !(e.flags & LOG_BARRIER)) {
		note_mark(e.mark);
		if ((e.number * 2654435761U >> 7 ^ salt) & 1)
			log_apply(&ahead, &e, fd);
	}
}

/* What the filesystem that was cut off at entry @e looks like. */
static void check_cut(const struct fs_type *fs, const struct log_reader *log,
		      const struct log_entry *e, unsigned int nth)
{
	int fd;

	copy_image(REPLAY, CUT);
	if (nth % 2) {
		fd = EXPECT_OK(open(CUT, O_RDWR));
		apply_some(log, fd, nth / 2);
		close(fd);
	}
	power_where("entry %llu of %llu, cut %u",
		    (unsigned long long)e->number,
		    (unsigned long long)log->count, nth);
	mount_image(fs, CUT);
	power_check();
	unmount();
	CHECK(nth % fs->clean_every || fs->is_clean(), "%s: not clean after recovery",
	      power_where(NULL));
}

static unsigned int count_barriers(void)
{
	struct log_reader log;
	struct log_entry e;
	unsigned int n = 0;

	log_open(&log, LOG);
	while (log_next(&log, &e))
		n += !!(e.flags & LOG_BARRIER);
	log_close(&log);
	return n;
}

/* Of @total instants at most @max, evenly, or all; always the last. */
static bool chosen(unsigned int nth, unsigned int total, unsigned int max)
{
	if (max > total || getenv("COWLINK_LONG_TESTS"))
		max = total;
	return nth + 1 == total ||
	       (unsigned long)nth * max / total !=
	       (unsigned long)(nth + 1) * max / total;
}

static unsigned int replay(const struct fs_type *fs)
{
	unsigned int total = count_barriers(), nth = 0, checks = 0;
	struct log_reader log;
	struct log_entry e;
	int fd;

	copy_image(START, REPLAY);
	fd = EXPECT_OK(open(REPLAY, O_RDWR));
	log_open(&log, LOG);
	while (log_next(&log, &e)) {
		log_apply(&log, &e, fd);
		note_mark(e.mark);
		if (!(e.flags & LOG_BARRIER))
			continue;
		if (chosen(nth++, total, fs->checks_max))
			check_cut(fs, &log, &e, checks++);
	}
	log_close(&log);
	close(fd);
	note("%u of %u instants, %llu entries", checks, total,
	     (unsigned long long)log.count);
	CHECK(same_image(REPLAY, DISK),
	      "the log does not lead to what the disk holds");
	return checks;
}

static void every_instant(const struct fs_type *fs)
{
	unsigned int checks;

	time_limit(TIMEOUT_S);
	set_up(fs);
	record(fs, all_work);
	checks = replay(fs);
	CHECK(checks >= power_steps, "only %u instants", checks);
	power_summary();
}

static void on_ext4_journal(void)
{
	every_instant(&ext4);
}

static void on_xfs_log(void)
{
	every_instant(&xfs);
}

static const struct test tests[] = {
	{ "ext4: old inode or whole copy at every flush", on_ext4_journal,
	  NEED_EXT4 },
	{ "XFS: old inode or whole copy at every flush", on_xfs_log, NEED_XFS },
};

TEST_MAIN("powercut", tests)
