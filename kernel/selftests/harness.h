/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The small library under the cowlink selftests.
 *
 * A program is a table of tests and one call:
 *
 *	static void open_wronly(void)
 *	{
 *		struct shared *f = mk_shared("f", 5000);
 *
 *		close(EXPECT_OK(open("G1/f", O_WRONLY)));
 *		expect_broken(f, G1);
 *	}
 *	static const struct test tests[] = {
 *		{ "O_WRONLY breaks the link", open_wronly },
 *	};
 *	TEST_MAIN("open", tests)
 *
 * and is run as "open DIR", DIR being on the filesystem to test. Each test is
 * a forked child with root's credentials, a mount namespace of its own, umask
 * 022, and an empty working directory that holds three directories: C (the
 * catalog), G1 and G2 (two guests). mk_shared() makes one inode with a name in
 * each of the three.
 *
 * The point of all tests is what happens to the *other* names. So the library
 * asks it, not the test: when a test returns, every name of every shared inode
 * must still be that inode with every byte, attribute and time it had, unless
 * the test said otherwise with expect_broken() or expect_gone(); the link
 * count must add up; and no temporary name may be left in the directories.
 *
 * An assertion that fails prints what was expected and ends the test. TAP on
 * stdout; exit status 0, 1 (a test failed) or 4 (all skipped).
 */
#ifndef COWLINK_SELFTESTS_HARNESS_H
#define COWLINK_SELFTESTS_HARNESS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#ifndef FS_IXUNLINK_FL
#define FS_IXUNLINK_FL		0x08000000
#endif
#ifndef FS_XFLAG_IXUNLINK
#define FS_XFLAG_IXUNLINK	0x40000000
#endif
#define SHARED_FL		(FS_IMMUTABLE_FL | FS_IXUNLINK_FL)
#define SHARED_XFLAGS		(FS_XFLAG_IMMUTABLE | FS_XFLAG_IXUNLINK)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/* ---- tests ------------------------------------------------------------- */

/*
 * What a test cannot do without; absent, it is skipped with the reason. Tests
 * that are about one filesystem are left out of the plan on others.
 */
enum test_needs {
	NEED_NOTHING	= 1 << 0,	/* not even the attribute */
	NEED_EXT4	= 1 << 1,
	NEED_TMPFS	= 1 << 2,
	NEED_PRJQUOTA	= 1 << 3,	/* enforced project quota */
	NEED_XFS	= 1 << 4,
	NEED_DISK	= 1 << 5,	/* ext4 or XFS */
	NEED_REFLINK	= 1 << 6,	/* files can share blocks */
	NEED_NO_REFLINK	= 1 << 7,
};

struct test {
	const char *name;
	void (*fn)(void);
	unsigned int needs;	/* enum test_needs */
};

int harness_main(int argc, char **argv, const char *group,
		 const struct test *tests, size_t count);

#define TEST_MAIN(group, tests)						\
	int main(int argc, char **argv)					\
	{								\
		return harness_main(argc, argv, group, tests,		\
				    ARRAY_SIZE(tests));			\
	}

/* Ends the test as skipped; @fmt says what is missing. */
void skip(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/*
 * Fails this test after @seconds; of a test that says nothing after 600.
 * COWLINK_SLOW=N in the environment is for a machine that is N times slower.
 */
void time_limit(unsigned int seconds);

/* A line of explanation in the TAP output. */
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

bool on_ext4(void);
bool on_tmpfs(void);
bool on_xfs(void);
bool have_reflink(void);
bool have_cowlink(void);

/* ---- assertions -------------------------------------------------------- */

void fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
const char *errno_name(int err);
long expect_ok_at(const char *file, int line, const char *what, long ret);
void expect_err_at(const char *file, int line, const char *what, long ret,
		   int err);

#define FAIL(...)	fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* @cond holds, or the printf-like rest says what was expected. */
#define CHECK(cond, ...)						\
	do {								\
		if (!(cond))						\
			FAIL(__VA_ARGS__);				\
	} while (0)

/* A system call that must succeed; its value. */
#define EXPECT_OK(call)							\
	({ errno = 0; expect_ok_at(__FILE__, __LINE__, #call, (call)); })

/* A system call that must fail with this errno. */
#define EXPECT_ERR(call, err)						\
	({ errno = 0;							\
	   expect_err_at(__FILE__, __LINE__, #call, (call), (err)); })

#define EXPECT_EQ(got, want)						\
	do {								\
		long long got_ = (got), want_ = (want);			\
		CHECK(got_ == want_, "%s: expected %lld (0x%llx), got %lld (0x%llx)", \
		      #got, want_, want_, got_, got_);			\
	} while (0)

/* ---- snapshots --------------------------------------------------------- */

/* Everything a user can see of a file. The hashes are of this library. */
struct snapshot {
	struct stat st;
	unsigned int flags;	/* FS_IOC_GETFLAGS, what we have a name for */
	uint64_t content;	/* holes and zeroes hash alike */
	uint64_t xattrs;	/* names and values, ACLs included */
};

enum snapshot_ignore {
	IGN_INO		= 1 << 0,
	IGN_NLINK	= 1 << 1,
	IGN_CTIME	= 1 << 2,
	IGN_MTIME	= 1 << 3,
	IGN_ATIME	= 1 << 4,
	IGN_CONTENT	= 1 << 5,	/* and the size */
	IGN_MODE	= 1 << 6,
	IGN_OWNER	= 1 << 7,
	IGN_FLAGS	= 1 << 8,
	IGN_XATTRS	= 1 << 9,
};

/* What a private copy may differ in before anything was done to it. */
#define IGN_COPY	(IGN_INO | IGN_NLINK | IGN_CTIME | IGN_FLAGS)

void snapshot_take(const char *path, struct snapshot *ret);
void snapshot_expect(const char *file, int line, const char *path,
		     const struct snapshot *want, unsigned int ignore);
#define EXPECT_SAME(path, want, ignore)					\
	snapshot_expect(__FILE__, __LINE__, path, want, ignore)

/* ---- files and shared files -------------------------------------------- */

/*
 * Test data: each byte follows from @seed and its offset, so that content in a
 * wrong place is seen. pattern_check() fails the test.
 */
void pattern_fill(void *buf, size_t len, uint64_t offset, unsigned int seed);
void pattern_write(int fd, uint64_t offset, size_t len, unsigned int seed);
void pattern_check(const char *path, uint64_t offset, size_t len,
		   unsigned int seed);

#define SHARED_SEED	1	/* what mk_shared() writes */
#define OLD_SEC		1000000000	/* the explicit times it sets */
#define OLD_ATIME_NS	111222333
#define OLD_MTIME_NS	123456789

/* A plain file of @size bytes, mode 0644, with the old explicit times. */
void mk_file(const char *path, size_t size, unsigned int seed);
void set_old_times(const char *path);

enum dir { C, G1, G2, NR_DIRS };
extern const char *const dir_names[NR_DIRS];

enum name_state { NAME_SHARED, NAME_BROKEN, NAME_GONE };

struct shared {
	char name[64];
	struct snapshot before;
	enum name_state state[NR_DIRS];
	int links;		/* names made or removed beyond the three */
	bool ctime_moves;	/* links came and went again */
};

/* @size bytes of SHARED_SEED linked as C/name, G1/name, G2/name and flagged. */
struct shared *mk_shared(const char *name, size_t size);

/* The same for a file that the test has made itself as C/name. */
struct shared *share(const char *name);

/* Path of @sh in @dir; static storage, eight at a time. */
const char *shared_path(const struct shared *sh, enum dir dir);

/*
 * The name in @dir is now a private file: another inode, one link, neither
 * flag. expect_broken_links() for one that got more links since.
 */
void expect_broken_at(const char *file, int line, struct shared *sh,
		      enum dir dir, nlink_t nlink);
#define expect_broken(sh, dir)						\
	expect_broken_at(__FILE__, __LINE__, sh, dir, 1)
#define expect_broken_links(sh, dir, nlink)				\
	expect_broken_at(__FILE__, __LINE__, sh, dir, nlink)

/* The name in @dir no longer leads to the shared inode; nothing else is said. */
void expect_gone(struct shared *sh, enum dir dir);

/* All that the harness asks after each test, now. */
void expect_others_at(const char *file, int line);
#define expect_others()		expect_others_at(__FILE__, __LINE__)

/*
 * Looks after @sh again, which was forgotten when the place that it is in was
 * left or unmounted.
 */
void watch_again(struct shared *sh);

/* Removes the flags and lets go of the inode: it is no longer looked at. */
void unshare_file(struct shared *sh);

/* ---- break counters ---------------------------------------------------- */

/* /proc/sys/fs/cowlink/; all -1 where the kernel does not count. */
struct counters {
	long long breaks, bytes_copied, bytes_cloned, races_lost, failed;
};

struct counters counters_now(void);
void counters_expect_at(const char *file, int line, struct counters since,
			long long breaks);
/* Exactly @breaks links were broken since; if none, no byte was copied. */
#define EXPECT_BREAKS(since, breaks)					\
	counters_expect_at(__FILE__, __LINE__, since, breaks)

/* What the kernel has written down, in a buffer of this test's own. */
struct tracing {
	char dir[64];
	FILE *pipe;
};

/* @events: "cowlink/cowlink_denied" and the like, ended by NULL. */
void tracing_begin(struct tracing *tr, const char *const events[]);
/* The next line from "EVENT: " on, in static storage; NULL if there is none. */
const char *tracing_next(struct tracing *tr);
/* Waits for it; it must be one of @event. */
const char *tracing_await(struct tracing *tr, const char *event);
/* A value of a line like "EVENT: KEY VALUE KEY VALUE", in static storage. */
const char *tracing_field(const char *line, const char *key);
long long tracing_number(const char *line, const char *key);
void tracing_end(struct tracing *tr);

/* ---- the system -------------------------------------------------------- */

#define OWNER		1000	/* uid and gid of the ordinary users */
#define STRANGER	1001

int as_user_begin(uid_t uid, gid_t gid);
void as_user_end(void) __attribute__((noreturn));

/*
 * The block that follows runs in a child without any privilege. It must not
 * leave the block by break, return or goto.
 */
#define AS_USER(uid, gid)						\
	for (int u_ = as_user_begin(uid, gid); u_;	\
	     as_user_end(), u_ = 0)

/* Waits for @pid, which must end with status 0. */
void reap(pid_t pid);
/* Runs a program with stdout and stderr in the TAP output as notes. */
int run(const char *const argv[]);
#define RUN(...)	run((const char *const []){ __VA_ARGS__, NULL })

/* Runs @path, a copy of sleep(1), in a child; returns when it has begun. */
pid_t start_program(const char *path);

/*
 * Returns when the child waits where no signal reaches it, e.g. to write to a
 * frozen filesystem; one that has ended fails the test.
 */
void wait_until_blocked(pid_t pid);
/* Its state in /proc/PID/stat: 'D', or 'Z' when it has ended. */
char wait_until_blocked_or_ended(pid_t pid);

/* -1 and errno as the ioctls give it. */
int get_flags(const char *path, unsigned int *ret);
int set_flags(const char *path, unsigned int flags);
int get_fsx(const char *path, struct fsxattr *ret);
int set_fsx(const char *path, const struct fsxattr *fsx);
int set_project(const char *path, unsigned int projid, bool inherit);
unsigned int get_project(const char *path);

/*
 * What is free in the filesystem of ".": XFS frees inodes in the background, but not
 * while it is frozen, as it is for a moment here.
 */
struct statvfs;
void free_now(struct statvfs *ret);

/* Free blocks and inodes of "." are @want, now or soon. */
void expect_free_at(const char *file, int line, const struct statvfs *want);
#define EXPECT_FREE(want)	expect_free_at(__FILE__, __LINE__, want)

void write_sysctl(const char *path, const char *value);
void drop_cap(int cap);

/* Writes a POSIX access or default ACL with one named user into @path. */
int set_acl(const char *path, bool is_default, unsigned int user_obj,
	    uid_t named, unsigned int named_perm, unsigned int group_obj,
	    unsigned int mask, unsigned int other);

#ifndef FS_IOC_LINK_UNIFY
struct cowlink_unify {
	__u32 size, flags;
	__s32 master_fd, victim_fd;
	__u64 name;
	__u64 reserved[3];
};

#define FS_IOC_LINK_UNIFY _IOW('f', 0x90, struct cowlink_unify)
#define COWLINK_UNIFY_ANY_MTIME 0x1
#endif

/* FS_IOC_LINK_UNIFY, by descriptors or by paths; -1 and errno. */
int unify_at(int dir, const char *name, int master, int victim);
int unify(const char *dir, const char *name, const char *master,
	  const char *victim);

/* Binds @path on itself, then remounts the bind with MS_* @flags. */
void bind_remount(const char *path, unsigned long flags);

/* A descriptor of a loop device for @image that goes with its last user. */
int loop_attach(const char *image, char *dev, size_t dev_size);

/*
 * A filesystem of its own on a loop device, for what remounts, fills or breaks
 * one. Lives until scratch_release() or the end of the test.
 */
struct scratch {
	char image[96], dev[32], mnt[64];
	const char *type;
};

/* Later ones have their images on @below, or, if NULL, in memory. */
void scratch_place(const struct scratch *below);
/* @mkfs_opts are words for mkfs.ext4, @mount_opts the data string. */
void scratch_ext4(struct scratch *fs, size_t size_bytes,
		  const char *const mkfs_opts[], const char *mount_opts);
/* Of 64 MiB, with mkfs_xfs(). */
void scratch_xfs(struct scratch *fs, const char *mkfs_opts,
		 const char *mount_opts);
/* On @image with the words @mkfs_opts, or, if NULL, like the XFS under test. */
void mkfs_xfs(const char *image, const char *mkfs_opts);
/* As large as need be: the image is sparse. */
void scratch_large_xfs(struct scratch *fs, size_t groups, size_t size_bytes);
/* What is under test, ext4 (of @ext4_bytes) or XFS, with default options. */
void scratch_disk(struct scratch *fs, size_t ext4_bytes);
void scratch_mount(struct scratch *fs, const char *mount_opts);
void scratch_umount(struct scratch *fs);
void scratch_release(struct scratch *fs);
/*
 * Checks the filesystem while it is not mounted; it must be clean. A shared
 * file is in order although xfs_repair does not know the flag.
 */
void scratch_fsck(struct scratch *fs);
/* What scratch_fsck() asks for XFS; notes say what xfs_repair found. */
bool xfs_is_clean(const char *image);
/* Makes C, G1 and G2 on it and goes there: mk_shared() then works on it. */
void scratch_enter(struct scratch *fs);
/* Unmounts, has scratch_fsck() look, mounts again and enters. */
void scratch_check(struct scratch *fs, const char *mount_opts);
/* Commits the journal with all that happened, whoever did it. */
void scratch_commit(void);
/* From now on nothing reaches the disk. @path: anything on it. */
void scratch_shutdown(const char *path);
/* After that the disk is mounted again, as it is now, and looked at. */
void scratch_recover(struct scratch *fs, const char *mount_opts);
/* The power goes, and what is not in the journal is lost. Then recovery. */
void scratch_crash(struct scratch *fs, const char *mount_opts);
/* Back to the test's own directory. */
void scratch_leave(void);

#endif
