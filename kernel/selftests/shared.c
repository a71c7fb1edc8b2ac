// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared files, what they looked like, and whether they still do.
 */
#include "harness.h"
#include "internal.h"

#include <dirent.h>
#include <sys/xattr.h>

#define MAX_SHARED	64
#define BLOCK		4096
/* Read whole; only larger files are worth asking where their holes are. */
#define SMALL		(1 << 20)

const char *const dir_names[NR_DIRS] = { "C", "G1", "G2" };

static struct shared *all_shared[MAX_SHARED];
static size_t nr_shared, nr_shared_home;
static int home_fd = -1, root_fd = -1;

/* ---- where the test is ------------------------------------------------- */

static void make_dirs(void)
{
	int i;

	for (i = 0; i < NR_DIRS; i++)
		if (mkdir(dir_names[i], 0755) && errno != EEXIST)
			FAIL("cannot make '%s': %m", dir_names[i]);
}

void test_home(const char *dir)
{
	EXPECT_OK(chdir(dir));
	home_fd = EXPECT_OK(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	root_fd = EXPECT_OK(fcntl(home_fd, F_DUPFD_CLOEXEC, 0));
	make_dirs();
}

void test_root_enter(const char *dir)
{
	close(root_fd);
	nr_shared_home = nr_shared;
	EXPECT_OK(chdir(dir));
	root_fd = EXPECT_OK(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
	make_dirs();
}

void test_root_leave(void)
{
	close(root_fd);
	nr_shared = nr_shared_home;	/* the others went with the place */
	EXPECT_OK(fchdir(home_fd));
	root_fd = EXPECT_OK(fcntl(home_fd, F_DUPFD_CLOEXEC, 0));
}

/* ---- patterns ---------------------------------------------------------- */

static unsigned char pattern_byte(uint64_t offset, unsigned int seed)
{
	uint64_t x = (offset + 1) * 0x9e3779b97f4a7c15ULL + seed * 0x85ebca6bU;

	return (x >> 29) ^ (x >> 47);
}

void pattern_fill(void *buf, size_t len, uint64_t offset, unsigned int seed)
{
	unsigned char *bytes = buf;
	size_t i;

	for (i = 0; i < len; i++)
		bytes[i] = pattern_byte(offset + i, seed);
}

void pattern_write(int fd, uint64_t offset, size_t len, unsigned int seed)
{
	char buf[16 * BLOCK];

	while (len) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		pattern_fill(buf, n, offset, seed);
		EXPECT_EQ(EXPECT_OK(pwrite(fd, buf, n, offset)), n);
		offset += n;
		len -= n;
	}
}

void pattern_check(const char *path, uint64_t offset, size_t len,
		   unsigned int seed)
{
	unsigned char buf[16 * BLOCK];
	int fd = EXPECT_OK(open(path, O_RDONLY | O_NOATIME));

	while (len) {
		size_t i, n = len < sizeof(buf) ? len : sizeof(buf);
		ssize_t got = EXPECT_OK(pread(fd, buf, n, offset));

		CHECK(got, "%s: expected %zu more bytes at %llu, got the end",
		      path, len, (unsigned long long)offset);
		for (i = 0; i < (size_t)got; i++)
			CHECK(buf[i] == pattern_byte(offset + i, seed),
			      "%s: byte %llu is not of pattern %u: 0x%02x",
			      path, (unsigned long long)(offset + i), seed,
			      buf[i]);
		offset += got;
		len -= got;
	}
	close(fd);
}

void set_old_times(const char *path)
{
	const struct timespec ts[2] = {
		{ OLD_SEC, OLD_ATIME_NS }, { OLD_SEC, OLD_MTIME_NS },
	};

	EXPECT_OK(utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW));
}

void mk_file(const char *path, size_t size, unsigned int seed)
{
	int fd = EXPECT_OK(open(path, O_CREAT | O_EXCL | O_WRONLY, 0644));

	pattern_write(fd, 0, size, seed);
	EXPECT_OK(close(fd));
	set_old_times(path);
}

/* ---- snapshots --------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

/* The same word by word: kernels under UML are slow enough already. */
static uint64_t mix_block(uint64_t hash, const uint64_t *words, uint64_t index)
{
	uint64_t any = 0;
	size_t i;

	for (i = 0; i < BLOCK / sizeof(*words); i++)
		any |= words[i];
	if (!any)
		return hash;
	hash = mix(hash, &index, sizeof(index));
	for (i = 0; i < BLOCK / sizeof(*words); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 29;
	}
	return hash;
}

static uint64_t hash_extent(int fd, uint64_t hash, off_t pos, off_t end)
{
	uint64_t words[BLOCK / sizeof(uint64_t)];

	for (; pos < end; pos += BLOCK) {
		memset(words, 0, sizeof(words));
		EXPECT_OK(pread(fd, words, sizeof(words), pos));
		hash = mix_block(hash, words, pos / BLOCK);
	}
	return hash;
}

static uint64_t hash_content(const char *path, off_t size)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	off_t pos = 0, data;
	int fd;

	fd = EXPECT_OK(open(path, O_RDONLY | O_NOATIME | O_NOFOLLOW));
	/* Also because ext4's SEEK_HOLE in inline data gives ENOENT at times. */
	if (size < SMALL) {
		hash = hash_extent(fd, hash, 0, size);
		pos = size;
	}
	while (pos < size && (data = lseek(fd, pos, SEEK_DATA)) >= 0) {
		off_t start = data / BLOCK * BLOCK;
		off_t end = EXPECT_OK(lseek(fd, data, SEEK_HOLE));

		if (start < pos)
			start = pos;
		hash = hash_extent(fd, hash, start, end);
		pos = (end + BLOCK - 1) / BLOCK * BLOCK;
	}
	close(fd);
	return mix(hash, &size, sizeof(size));
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t hash_xattrs(const char *path)
{
	static char list[65536], value[65536];
	char *names[1024], *p;
	uint64_t hash = 0;
	size_t i, n = 0;
	ssize_t len;

	len = llistxattr(path, list, sizeof(list));
	if (len < 0 && errno == EOPNOTSUPP)
		return 0;
	EXPECT_OK(len);
	for (p = list; p < list + len && n < ARRAY_SIZE(names);
	     p += strlen(p) + 1)
		names[n++] = p;
	qsort(names, n, sizeof(*names), compare_names);
	for (i = 0; i < n; i++) {
		len = EXPECT_OK(lgetxattr(path, names[i], value,
					  sizeof(value)));
		hash = mix(hash, names[i], strlen(names[i]) + 1);
		hash = mix(hash, &len, sizeof(len));
		hash = mix(hash, value, len);
	}
	return hash;
}

void snapshot_take(const char *path, struct snapshot *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (lstat(path, &ret->st))
		FAIL("%s: expected the name to exist, got %s", path,
		     errno_name(errno));
	ret->xattrs = hash_xattrs(path);
	if (!S_ISREG(ret->st.st_mode))
		return;
	ret->content = hash_content(path, ret->st.st_size);
	EXPECT_OK(get_flags(path, &ret->flags));
	/* Layout, not state: it differs between a file and its copy. */
	ret->flags &= ~(FS_EXTENT_FL | FS_INLINE_DATA_FL | FS_INDEX_FL);
}

static void expect_time(const char *file, int line, const char *path,
			const char *what, struct timespec got,
			struct timespec want)
{
	if (got.tv_sec == want.tv_sec && got.tv_nsec == want.tv_nsec)
		return;
	fail_at(file, line, "%s: %s: expected %lld.%09ld, got %lld.%09ld",
		path, what, (long long)want.tv_sec, want.tv_nsec,
		(long long)got.tv_sec, got.tv_nsec);
}

static void expect_number(const char *file, int line, const char *path,
			  const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		fail_at(file, line, "%s: %s: expected %llu (0x%llx, 0%llo), got %llu (0x%llx, 0%llo)",
			path, what, (unsigned long long)want,
			(unsigned long long)want, (unsigned long long)want,
			(unsigned long long)got, (unsigned long long)got,
			(unsigned long long)got);
}

void snapshot_expect(const char *file, int line, const char *path,
		     const struct snapshot *want, unsigned int ignore)
{
	struct snapshot now;
	const struct stat *a = &now.st, *b = &want->st;

	snapshot_take(path, &now);
#define SAME(bit, what, got, expected)					\
	do {								\
		if (!(ignore & (bit)))					\
			expect_number(file, line, path, what, got,	\
				      expected);			\
	} while (0)
	SAME(IGN_INO, "inode number", a->st_ino, b->st_ino);
	SAME(IGN_NLINK, "link count", a->st_nlink, b->st_nlink);
	SAME(IGN_MODE, "mode", a->st_mode, b->st_mode);
	SAME(IGN_OWNER, "owner", a->st_uid, b->st_uid);
	SAME(IGN_OWNER, "group", a->st_gid, b->st_gid);
	SAME(IGN_CONTENT, "size", a->st_size, b->st_size);
	SAME(IGN_CONTENT, "hash of the content", now.content, want->content);
	SAME(IGN_XATTRS, "hash of xattrs and ACLs", now.xattrs, want->xattrs);
	SAME(IGN_FLAGS, "inode flags", now.flags, want->flags);
#undef SAME
	if (!(ignore & IGN_MTIME))
		expect_time(file, line, path, "mtime", a->st_mtim, b->st_mtim);
	if (!(ignore & IGN_ATIME))
		expect_time(file, line, path, "atime", a->st_atim, b->st_atim);
	if (!(ignore & IGN_CTIME))
		expect_time(file, line, path, "ctime", a->st_ctim, b->st_ctim);
}

/* ---- shared files ------------------------------------------------------ */

const char *shared_path(const struct shared *sh, enum dir dir)
{
	static char paths[8][80];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir_names[dir], sh->name);
	return path;
}

struct shared *share(const char *name)
{
	struct shared *sh = calloc(1, sizeof(*sh));
	unsigned int flags;

	CHECK(sh && nr_shared < MAX_SHARED, "too many shared files");
	snprintf(sh->name, sizeof(sh->name), "%s", name);
	EXPECT_OK(get_flags(shared_path(sh, C), &flags));
	EXPECT_OK(set_flags(shared_path(sh, C), flags | SHARED_FL));
	EXPECT_OK(link(shared_path(sh, C), shared_path(sh, G1)));
	EXPECT_OK(link(shared_path(sh, C), shared_path(sh, G2)));
	snapshot_take(shared_path(sh, C), &sh->before);
	CHECK((sh->before.flags & SHARED_FL) == SHARED_FL,
	      "%s: expected both flags set, got 0x%x", name,
	      sh->before.flags);
	all_shared[nr_shared++] = sh;
	return sh;
}

void watch_again(struct shared *sh)
{
	CHECK(nr_shared < MAX_SHARED, "too many shared files");
	all_shared[nr_shared++] = sh;
}

struct shared *mk_shared(const char *name, size_t size)
{
	char path[80];

	snprintf(path, sizeof(path), "C/%s", name);
	mk_file(path, size, SHARED_SEED);
	return share(name);
}

void expect_broken_at(const char *file, int line, struct shared *sh,
		      enum dir dir, nlink_t nlink)
{
	const char *path = shared_path(sh, dir);
	unsigned int flags;
	struct stat st;

	if (lstat(path, &st))
		fail_at(file, line, "%s: expected a private copy, got %s",
			path, errno_name(errno));
	if (st.st_ino == sh->before.st.st_ino)
		fail_at(file, line, "%s: expected a private copy, but it is still the shared inode",
			path);
	expect_number(file, line, path, "link count of the copy", st.st_nlink,
		      nlink);
	if (get_flags(path, &flags))
		fail_at(file, line, "%s: cannot read the flags: %m", path);
	if (flags & SHARED_FL)
		fail_at(file, line, "%s: the copy has flags 0x%x", path,
			flags);
	sh->state[dir] = NAME_BROKEN;
}

void expect_gone(struct shared *sh, enum dir dir)
{
	struct stat st;

	CHECK(lstat(shared_path(sh, dir), &st) ||
	      st.st_ino != sh->before.st.st_ino,
	      "%s: expected not to be the shared inode any more",
	      shared_path(sh, dir));
	sh->state[dir] = NAME_GONE;
}

void unshare_file(struct shared *sh)
{
	size_t i;

	for (i = 0; i < nr_shared; i++)
		if (all_shared[i] == sh)
			all_shared[i] = all_shared[--nr_shared];
}

static void expect_shared_names(const char *file, int line,
				const struct shared *sh)
{
	unsigned int ignore = IGN_NLINK;
	nlink_t nlink = sh->before.st.st_nlink + sh->links;
	int i;

	for (i = 0; i < NR_DIRS; i++)
		nlink -= sh->state[i] != NAME_SHARED;
	/* A link that came or went is a change of the inode, as always. */
	if (nlink != sh->before.st.st_nlink || sh->ctime_moves)
		ignore |= IGN_CTIME;
	for (i = 0; i < NR_DIRS; i++) {
		const char *path = shared_path(sh, i);
		struct stat st;

		if (sh->state[i] != NAME_SHARED)
			continue;
		snapshot_expect(file, line, path, &sh->before, ignore);
		if (!lstat(path, &st))
			expect_number(file, line, path,
				      "link count of the shared inode",
				      st.st_nlink, nlink);
	}
}

static void expect_no_hidden_name(const char *file, int line, const char *dir)
{
	struct dirent *de;
	DIR *d = opendir(dir);

	while (d && (de = readdir(d)))
		if (!strncmp(de->d_name, ".ixunlink-", 10))
			fail_at(file, line, "'%s/%s' was left behind", dir,
				de->d_name);
	if (d)
		closedir(d);
}

void expect_others_at(const char *file, int line)
{
	size_t i;

	EXPECT_OK(fchdir(root_fd));
	for (i = 0; i < nr_shared; i++)
		expect_shared_names(file, line, all_shared[i]);
	for (i = 0; i < NR_DIRS; i++)
		expect_no_hidden_name(file, line, dir_names[i]);
	expect_no_hidden_name(file, line, ".");
}

/* ---- counters ---------------------------------------------------------- */

static long long read_counter(const char *name)
{
	long long value = -1;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/fs/cowlink/%s", name);
	f = fopen(path, "re");

	if (f && fscanf(f, "%lld", &value) != 1)
		value = -1;
	if (f)
		fclose(f);
	return value;
}

struct counters counters_now(void)
{
	struct counters now = {
		.breaks = read_counter("breaks"),
		.bytes_copied = read_counter("bytes_copied"),
		.bytes_cloned = read_counter("bytes_cloned"),
		.races_lost = read_counter("races_lost"),
		.failed = read_counter("failed"),
	};

	return now;
}

void counters_expect_at(const char *file, int line, struct counters since,
			long long breaks)
{
	struct counters now = counters_now();

	if (since.breaks >= 0)
		expect_number(file, line, "counter", "links broken",
			      now.breaks - since.breaks, breaks);
	if (since.bytes_copied >= 0 && !breaks)
		expect_number(file, line, "counter", "bytes copied",
			      now.bytes_copied - since.bytes_copied, 0);
}
