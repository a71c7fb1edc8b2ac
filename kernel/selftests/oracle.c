// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plain kernel is the oracle. One pseudo-random script of operations runs
 * side by side in two trees, P of private files and S of shared ones, by
 * several users. After every operation result and errno are the same, and
 * so is everything that can be seen of the names: type, mode, owner, size,
 * content, xattrs, and times as far as they were given explicitly (else both
 * are of this run). Not compared: inode numbers, link counts, ctime.
 *
 * Left out is what the contract says to differ: changes through a read-only
 * descriptor, RLIMIT_FSIZE, access mode 3, and attributes so large that there may
 * be no room for them. Two names of one shared inode part at the first write, so
 * a link() of a shared file is followed in P by making the new name a copy.
 */
#include "harness.h"

#include <grp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <time.h>
#include <linux/capability.h>

#define NR_NAMES	14
#define NR_OPS		350
#define RESHARE_EVERY	5	/* operations */
#define COMPARE_EVERY	10	/* all names in full */
#define MAX_MASTERS	400
#define MAX_LEN		40000

static const char *const names[NR_NAMES] = {
	"a/0", "a/1", "a/2", "a/3", "a/4", "b/0", "b/1",
	"b/2", "b/3", "b/4", "c/0", "c/1", "c/2", "c/3",
};

static const char *const world_names[] = { "P", "S" };
static int world_fd[2];
static bool sharing;		/* else S is private too: the self check */
static time_t start;

static struct master {
	char path[20];
	struct snapshot before;
} masters[MAX_MASTERS];
static int nr_masters;

/* ---- pseudo-random numbers --------------------------------------------- */

static uint64_t rng_state;

static unsigned int rnd(unsigned int below)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return (rng_state >> 20) % below;
}

static bool chance(unsigned int percent)
{
	return rnd(100) < percent;
}

static mode_t rnd_mode(void)
{
	static const mode_t modes[] = {
		0644, 0644, 0666, 0600, 0444, 0222, 0755, 04755, 02755, 06711,
		02644, 01666, 0000, 0664, 0777,
	};

	return modes[rnd(ARRAY_SIZE(modes))];
}

static uid_t rnd_id(void)
{
	static const uid_t ids[] = { 0, OWNER, OWNER, STRANGER, 77 };

	return ids[rnd(ARRAY_SIZE(ids))];
}

static off_t rnd_len(void)
{
	switch (rnd(4)) {
	case 0:
		return rnd(10);
	case 1:
		return 4096 * rnd(4) + rnd(3);
	default:
		return rnd(MAX_LEN);
	}
}

/* ---- operations -------------------------------------------------------- */

enum kind {
	OP_OPEN, OP_TRUNCATE, OP_CHMOD, OP_CHOWN, OP_UTIMENS, OP_LINK,
	OP_UNLINK, OP_RENAME, OP_EXCHANGE, OP_SYMLINK, OP_ACCESS, OP_READLINK,
	OP_MKDIR, OP_RMDIR, OP_SETXATTR, OP_REMOVEXATTR, OP_SETACL, OP_KINDS,
};

static const struct {
	const char *name;
	unsigned int weight;
} kinds[OP_KINDS] = {
	[OP_OPEN]	= { "open", 40 },
	[OP_TRUNCATE]	= { "truncate", 8 },
	[OP_CHMOD]	= { "chmod", 8 },
	[OP_CHOWN]	= { "chown", 8 },
	[OP_UTIMENS]	= { "utimens", 8 },
	[OP_LINK]	= { "link", 6 },
	[OP_UNLINK]	= { "unlink", 3 },
	[OP_RENAME]	= { "rename", 7 },
	[OP_EXCHANGE]	= { "exchange", 4 },
	[OP_SYMLINK]	= { "symlink", 2 },
	[OP_ACCESS]	= { "access", 5 },
	[OP_READLINK]	= { "readlink", 2 },
	[OP_MKDIR]	= { "mkdir", 1 },
	[OP_RMDIR]	= { "rmdir", 2 },
	[OP_SETXATTR]	= { "setxattr", 10 },
	[OP_REMOVEXATTR] = { "removexattr", 6 },
	[OP_SETACL]	= { "setacl", 8 },
};

/* What is done with the descriptor of OP_OPEN. */
enum io { IO_NONE, IO_READ, IO_WRITE, IO_FTRUNCATE, IO_MMAP, IO_FATTR, IO_KINDS };

struct op {
	enum kind kind;
	enum io io;
	const char *a, *b;
	uid_t user, uid;
	gid_t gid;
	int flags;
	mode_t mode, mask;
	off_t off, len;
	struct timespec ts[2];
	unsigned int seed;
};

struct result {
	int ret, err;
	uint64_t data;		/* what was read, or seen by fstat */
};

static int rnd_open_flags(void)
{
	static const int access[] = {
		O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR,
	};
	int flags = access[rnd(ARRAY_SIZE(access))];

	flags |= chance(20) ? O_TRUNC : 0;
	flags |= chance(20) ? O_APPEND : 0;
	flags |= chance(35) ? O_CREAT : 0;
	flags |= flags & O_CREAT && chance(10) ? O_EXCL : 0;
	flags |= chance(10) ? O_NOFOLLOW : 0;
	flags |= chance(5) ? O_SYNC : 0;
	flags |= chance(5) ? O_NOATIME : 0;
	flags |= chance(2) ? O_DIRECTORY : 0;
	return flags;
}

static int rnd_access_flags(void)
{
	return rnd(8);		/* any of R_OK, W_OK, X_OK */
}

static void rnd_times(struct timespec ts[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		ts[i].tv_sec = 1000000 + rnd(1000000);
		ts[i].tv_nsec = rnd(1000000000);
		if (chance(20))
			ts[i].tv_nsec = UTIME_OMIT;
		else if (chance(15))
			ts[i].tv_nsec = UTIME_NOW;
	}
}

static enum kind rnd_kind(void)
{
	unsigned int i, total = 0, pick;

	for (i = 0; i < OP_KINDS; i++)
		total += kinds[i].weight;
	pick = rnd(total);
	for (i = 0; pick >= kinds[i].weight; i++)
		pick -= kinds[i].weight;
	return i;
}

static void rnd_op(struct op *op)
{
	static const uid_t users[] = { 0, 0, OWNER, OWNER, STRANGER };

	memset(op, 0, sizeof(*op));
	op->kind = rnd_kind();
	op->io = rnd(IO_KINDS);
	op->a = names[rnd(NR_NAMES)];
	op->b = names[rnd(NR_NAMES)];
	op->user = users[rnd(ARRAY_SIZE(users))];
	op->uid = chance(30) ? (uid_t)-1 : rnd_id();
	op->gid = chance(30) ? (gid_t)-1 : rnd_id();
	op->flags = op->kind == OP_ACCESS ? rnd_access_flags() :
					    rnd_open_flags();
	op->mode = rnd_mode();
	op->mask = chance(50) ? 022 : 077;
	op->off = rnd_len();
	op->len = rnd_len();
	rnd_times(op->ts);
	op->seed = rnd(1000000);
}

/* What is being done, for who reads a failure. */
static struct op op_now;
static int op_number;

static void describe(void)
{
	const struct op *op = &op_now;

	note("operation %d: %s %s %s by user %u, umask 0%o, seed %u",
	     op_number, kinds[op->kind].name, op->a, op->b, op->user, op->mask,
	     op->seed);
	note("flags 0%o io %d mode 0%o uid %d gid %d off %lld len %lld",
	     op->flags, op->io, op->mode, (int)op->uid, (int)op->gid,
	     (long long)op->off, (long long)op->len);
}

/* CHECK() that tells after which operation. */
#define COMPARE(cond, ...)						\
	do {								\
		if (!(cond)) {						\
			describe();					\
			FAIL(__VA_ARGS__);				\
		}							\
	} while (0)

/* ---- doing them -------------------------------------------------------- */

static uint64_t hash_bytes(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t hash = len;

	while (len--)
		hash = (hash ^ *p++) * 0x100000001b3ULL;
	return hash;
}

static long io_mmap(const struct op *op, int fd, int flags)
{
	bool writable = (flags & O_ACCMODE) == O_RDWR;
	size_t len = 8192;
	struct stat st;
	char *map;

	if (fstat(fd, &st) || st.st_size < (off_t)len)
		return 0;
	map = mmap(NULL, len, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		   MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	if (writable)
		pattern_fill(map + 100, 1000, 0, op->seed);
	return munmap(map, len);
}

static long io_write(const struct op *op, int fd)
{
	static char buf[MAX_LEN];

	pattern_fill(buf, op->len, op->off, op->seed);
	if (op->flags & O_APPEND)
		return write(fd, buf, op->len);
	return pwrite(fd, buf, op->len, op->off);
}

static long io_attributes(const struct op *op, int fd)
{
	long ret;

	if ((op->flags & O_ACCMODE) == O_RDONLY)
		return 0;	/* the contract: refused if shared */
	ret = fchmod(fd, op->mode);
	if (chance(50))
		ret = ret * 2 + fchown(fd, op->uid, op->gid);
	return ret * 2 + futimens(fd, op->ts);
}

static void do_io(const struct op *op, int fd, struct result *r)
{
	static char buf[MAX_LEN];
	ssize_t n;

	switch (op->io) {
	case IO_READ:
		n = pread(fd, buf, op->len, op->off / 4);
		r->ret = n;
		r->data = n > 0 ? hash_bytes(buf, n) : 0;
		break;
	case IO_WRITE:
		r->ret = io_write(op, fd);
		break;
	case IO_FTRUNCATE:
		r->ret = ftruncate(fd, op->len);
		break;
	case IO_MMAP:
		r->ret = io_mmap(op, fd, op->flags);
		break;
	case IO_FATTR:
		r->ret = io_attributes(op, fd);
		break;
	default:
		break;
	}
	r->err = r->ret < 0 ? errno : 0;
}

static void do_open(const struct op *op, struct result *r)
{
	struct stat st;
	int fd = open(op->a, op->flags | O_NONBLOCK, op->mode);

	r->ret = fd < 0 ? -1 : 0;
	r->err = fd < 0 ? errno : 0;
	if (fd < 0)
		return;
	do_io(op, fd, r);
	EXPECT_OK(fstat(fd, &st));
	r->data ^= hash_bytes(&st.st_mode, sizeof(st.st_mode));
	r->data ^= hash_bytes(&st.st_size, sizeof(st.st_size)) << 1;
	close(fd);
}

/* Few names and few values, so that they meet again. */
static const char *xattr_name(const struct op *op)
{
	static const char *const xattrs[] = {
		"user.a", "user.b", "trusted.t", "trusted.u", "security.o",
		"security.capability", "system.posix_acl_access",
		"system.posix_acl_default", "nonsense",
	};

	return xattrs[op->seed / 16 % ARRAY_SIZE(xattrs)];
}

static int do_setxattr(const struct op *op)
{
	static const struct vfs_cap_data caps[2] = {
		{ .magic_etc = VFS_CAP_REVISION_2,
		  .data[0].permitted = 1 << CAP_NET_RAW },
		{ .magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		  .data[0].permitted = 1 << CAP_CHOWN },
	};
	static const int flags[] = { 0, 0, XATTR_CREATE, XATTR_REPLACE };
	const char *name = xattr_name(op);
	const void *value = op->seed & 1 ? "value" : "other";
	size_t size = op->seed & 2 ? 5 : op->len % 300 % 6;
	int how = flags[op->seed / 4 % 4];

	/* Never empty: Linux stores that, and then cannot read it. */
	if (!strcmp(name, "security.capability")) {
		value = op->off % 4 ? (void *)&caps[op->seed & 1] : "value";
		size = op->off % 4 ? sizeof(caps[0]) : 5;
	}
	if (op->off & 1)
		return lsetxattr(op->a, name, value, size, how);
	return setxattr(op->a, name, value, size, how);
}

/* Of five entries, or of three, which say what the mode could say. */
static int do_setacl(const struct op *op)
{
	unsigned int u = op->mode >> 6 & 7, g = op->mode >> 3 & 7;
	unsigned short acl[14] = {
		2, 0, 1, u, 0xffff, 0xffff, 4, g, 0xffff, 0xffff, 32,
		op->mode & 7, 0xffff, 0xffff,
	};

	if (op->seed % 3)
		return setxattr(op->a, "system.posix_acl_access", acl,
				sizeof(acl), 0);
	return set_acl(op->a, op->seed % 11 == 0, u, op->seed & 1 ? OWNER :
		       STRANGER, op->off % 8, g, op->len % 8, op->mode & 7);
}

static int do_simple(const struct op *op)
{
	char buf[100];

	switch (op->kind) {
	case OP_TRUNCATE:
		return truncate(op->a, op->len);
	case OP_CHMOD:
		return chmod(op->a, op->mode);
	case OP_CHOWN:
		return fchownat(AT_FDCWD, op->a, op->uid, op->gid,
				op->seed & 1 ? AT_SYMLINK_NOFOLLOW : 0);
	case OP_UTIMENS:
		return utimensat(AT_FDCWD, op->a,
				 op->seed % 4 ? op->ts : NULL,
				 op->seed & 1 ? AT_SYMLINK_NOFOLLOW : 0);
	case OP_LINK:
		return link(op->a, op->b);
	case OP_UNLINK:
		return unlink(op->a);
	case OP_RENAME:
		return renameat2(AT_FDCWD, op->a, AT_FDCWD, op->b,
				 op->seed % 4 ? 0 : RENAME_NOREPLACE);
	case OP_EXCHANGE:
		return renameat2(AT_FDCWD, op->a, AT_FDCWD, op->b,
				 RENAME_EXCHANGE);
	case OP_SYMLINK:
		snprintf(buf, sizeof(buf), "../%s", op->b);
		return symlink(buf, op->a);
	case OP_ACCESS:
		return faccessat(AT_FDCWD, op->a, op->flags,
				 op->seed & 1 ? AT_EACCESS : 0);
	case OP_READLINK:
		return readlink(op->a, buf, sizeof(buf));
	case OP_MKDIR:
		return mkdir(op->a, op->mode | 0700);
	case OP_RMDIR:
		return rmdir(op->a);
	case OP_SETXATTR:
		return do_setxattr(op);
	case OP_REMOVEXATTR:
		return op->seed & 1 ? lremovexattr(op->a, xattr_name(op)) :
				      removexattr(op->a, xattr_name(op));
	case OP_SETACL:
		return do_setacl(op);
	default:
		return 0;
	}
}

/* Effective capabilities go and come with the effective uid. */
static void become(uid_t uid)
{
	if (uid) {
		EXPECT_OK(setresgid(uid, uid, 0));
		EXPECT_OK(setresuid(uid, uid, 0));
	} else {
		EXPECT_OK(setresuid(0, 0, 0));
		EXPECT_OK(setresgid(0, 0, 0));
	}
}

static struct result execute(const struct op *op, int world)
{
	uint64_t saved = rng_state;	/* both worlds draw the same */
	struct result r = { 0 };

	EXPECT_OK(fchdir(world_fd[world]));
	umask(op->mask);
	become(op->user);
	errno = 0;
	if (op->kind == OP_OPEN) {
		do_open(op, &r);
	} else {
		r.ret = do_simple(op);
		r.err = r.ret < 0 ? errno : 0;
	}
	become(0);
	umask(022);
	rng_state = saved;
	return r;
}

/* ---- comparing --------------------------------------------------------- */

static bool explicit_time(struct timespec ts)
{
	return ts.tv_sec < start;
}

static bool same_time(struct timespec a, struct timespec b)
{
	if (explicit_time(a) || explicit_time(b))
		return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
	return true;
}

/* Reading all of every file after every operation would take minutes. */
static void compare_name_lightly(const char *name)
{
	struct stat st[2];
	char seen[2][60];
	bool gone[2];
	int w;

	for (w = 0; w < 2; w++)
		gone[w] = fstatat(world_fd[w], name, &st[w],
				  AT_SYMLINK_NOFOLLOW) != 0;
	COMPARE(gone[0] == gone[1], "%s: exists in %s only", name,
		world_names[gone[0]]);
	if (gone[0])
		return;
	for (w = 0; w < 2; w++)
		snprintf(seen[w], sizeof(seen[w]), "0%o %u:%u, %lld bytes",
			 st[w].st_mode, st[w].st_uid, st[w].st_gid,
			 S_ISDIR(st[w].st_mode) ? 0LL : st[w].st_size + 0LL);
	COMPARE(!strcmp(seen[0], seen[1]), "%s: private %s, shared %s", name,
		seen[0], seen[1]);
}

static void compare_name(const char *name)
{
	struct snapshot s[2];
	bool gone[2];
	int w;

	for (w = 0; w < 2; w++) {
		struct stat st;

		EXPECT_OK(fchdir(world_fd[w]));
		gone[w] = lstat(name, &st) != 0;
		if (!gone[w])
			snapshot_take(name, &s[w]);
	}
	COMPARE(gone[0] == gone[1], "%s: exists in %s only", name,
		world_names[gone[0]]);
	if (gone[0])
		return;
#define SAME(what, field)						\
	COMPARE(s[0].field == s[1].field, "%s: %s: private 0%llo, shared 0%llo", \
		name, what, (unsigned long long)s[0].field,		\
		(unsigned long long)s[1].field)
	SAME("mode", st.st_mode);
	SAME("owner", st.st_uid);
	SAME("group", st.st_gid);
	if (S_ISDIR(s[0].st.st_mode))
		return;
	SAME("size", st.st_size);
	SAME("content", content);
	SAME("xattrs", xattrs);
#undef SAME
	COMPARE(same_time(s[0].st.st_mtim, s[1].st.st_mtim),
		"%s: mtime: private %lld.%09ld, shared %lld.%09ld", name,
		(long long)s[0].st.st_mtim.tv_sec, s[0].st.st_mtim.tv_nsec,
		(long long)s[1].st.st_mtim.tv_sec, s[1].st.st_mtim.tv_nsec);
	COMPARE(same_time(s[0].st.st_atim, s[1].st.st_atim),
		"%s: atime: private %lld.%09ld, shared %lld.%09ld", name,
		(long long)s[0].st.st_atim.tv_sec, s[0].st.st_atim.tv_nsec,
		(long long)s[1].st.st_atim.tv_sec, s[1].st.st_atim.tv_nsec);
}

static void compare_results(struct result p, struct result s)
{
	COMPARE(p.ret == s.ret && p.err == s.err,
		"private: %d %s, shared: %d %s", p.ret,
		p.err ? errno_name(p.err) : "", s.ret,
		s.err ? errno_name(s.err) : "");
	COMPARE(p.data == s.data, "different data or fstat of the descriptor");
}

/* ---- the two trees ----------------------------------------------------- */

static void make_tree(const char *root)
{
	static const mode_t modes[] = { 0755, 0777, 01777 };
	char path[20];
	int i;

	EXPECT_OK(mkdir(root, 0755));
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%c", root, 'a' + i);
		EXPECT_OK(mkdir(path, 0700));
		EXPECT_OK(chmod(path, modes[i]));
	}
}

static void make_initial_file(int w, const char *name, unsigned int seed)
{
	static const struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2,
		.data[0].permitted = 1 << CAP_NET_RAW,
	};

	rng_state = seed;
	EXPECT_OK(fchdir(world_fd[w]));
	mk_file(name, rnd_len(), seed);
	EXPECT_OK(chown(name, rnd_id(), rnd_id()));
	EXPECT_OK(chmod(name, rnd_mode()));
	if (chance(30))
		EXPECT_OK(setxattr(name, "trusted.t", name, 3, 0));
	if (chance(20))
		EXPECT_OK(setxattr(name, "security.capability", &caps,
				   sizeof(caps), 0));
	if (chance(30))
		(void)set_acl(name, false, rnd(8), STRANGER, rnd(8), rnd(8),
			      rnd(8), rnd(8));
	set_old_times(name);
}

static bool is_shared(const char *name)
{
	unsigned int flags;

	return !get_flags(name, &flags) && (flags & SHARED_FL) == SHARED_FL;
}

/* Gives S/@name, if it is a file on its own, two more names outside. */
static void share_name(const char *name)
{
	struct master *m = &masters[nr_masters];
	unsigned int flags;
	char twin[20];
	struct stat st;

	EXPECT_OK(fchdir(world_fd[1]));
	if (!sharing || nr_masters == MAX_MASTERS || lstat(name, &st) ||
	    !S_ISREG(st.st_mode) || st.st_nlink > 1 || is_shared(name))
		return;
	snprintf(m->path, sizeof(m->path), "../M/%d", nr_masters);
	snprintf(twin, sizeof(twin), "../T/%d", nr_masters);
	EXPECT_OK(link(name, m->path));
	EXPECT_OK(link(name, twin));
	EXPECT_OK(get_flags(name, &flags));
	EXPECT_OK(set_flags(name, flags | SHARED_FL));
	snapshot_take(m->path, &m->before);
	nr_masters++;
}

/* How many masters have lost a name of S; each keeps all else. */
static int check_masters(void)
{
	struct stat st;
	int i, lost = 0;

	EXPECT_OK(fchdir(world_fd[1]));
	for (i = 0; i < nr_masters; i++) {
		EXPECT_SAME(masters[i].path, &masters[i].before,
			    IGN_NLINK | IGN_CTIME);
		EXPECT_OK(stat(masters[i].path, &st));
		lost += st.st_nlink < 3;
	}
	return lost;
}

static bool same_inode(int w, const char *a, const char *b)
{
	struct stat x, y;

	EXPECT_OK(fchdir(world_fd[w]));
	return !lstat(a, &x) && !lstat(b, &y) && x.st_ino == y.st_ino;
}

/* rename() of two names of one inode does nothing: P has two inodes there. */
static bool not_comparable(const struct op *op)
{
	return op->kind == OP_RENAME &&
	       same_inode(0, op->a, op->b) != same_inode(1, op->a, op->b);
}

/* See the head of the file: in S the two names are two files in waiting. */
static void part_linked_names(const struct op *op, struct result r)
{
	EXPECT_OK(fchdir(world_fd[1]));
	if (op->kind != OP_LINK || r.ret || !is_shared(op->b))
		return;
	EXPECT_OK(fchdir(world_fd[0]));
	EXPECT_OK(unlink(op->b));
	CHECK(!RUN("cp", "-a", "--", op->a, op->b), "cannot copy '%s'", op->a);
}

static void setup(unsigned int seed)
{
	char here[300];
	int i, w;

	start = time(NULL) - 1;
	CHECK(getcwd(here, sizeof(here)), "getcwd: %m");
	/* Reads move the atime of P and, by design, not that of S. */
	bind_remount(here, MS_NOATIME);
	EXPECT_OK(chdir(here));
	EXPECT_OK(setgroups(0, NULL));
	EXPECT_OK(mkdir("M", 0700));
	EXPECT_OK(mkdir("T", 0700));
	for (w = 0; w < 2; w++) {
		make_tree(world_names[w]);
		world_fd[w] = EXPECT_OK(open(world_names[w],
					     O_PATH | O_DIRECTORY));
	}
	for (i = 0; i < NR_NAMES; i++) {
		if (i % 4 == 3)
			continue;
		for (w = 0; w < 2; w++)
			make_initial_file(w, names[i], seed * 100 + i + 1);
		share_name(names[i]);
	}
	rng_state = seed * 0x9e3779b97f4a7c15ULL + 1;
}

static void step(int number)
{
	struct result p, s;
	const struct op *op = &op_now;
	int i;

	op_number = number;
	rnd_op(&op_now);
	if (not_comparable(op))
		return;
	if (getenv("VERBOSE"))
		describe();
	p = execute(op, 0);
	s = execute(op, 1);
	compare_results(p, s);
	part_linked_names(op, p);
	for (i = 0; i < NR_NAMES; i++)
		compare_name_lightly(names[i]);
	compare_name(op->a);
	compare_name(op->b);
	for (i = 0; i < NR_NAMES && number % COMPARE_EVERY == 0; i++)
		compare_name(names[i]);
	if (number % RESHARE_EVERY == 0)
		share_name(names[rnd(NR_NAMES)]);
}

static void run_script(unsigned int seed)
{
	struct counters since = counters_now();
	int i, lost;

	note("seed %u", seed);
	setup(seed);
	for (i = 1; i <= NR_OPS; i++)
		step(i);
	lost = check_masters();
	note("%d operations, %d files shared, %d of them left by a name",
	     NR_OPS, nr_masters, lost);
	note("%lld links broken", counters_now().breaks - since.breaks);
	CHECK(!sharing || (nr_masters > 10 && lost > 5),
	      "the script did not do enough to prove anything");
}

static void self_check(void)
{
	sharing = false;
	run_script(1);
}

#define SEED(n)								\
	static void seed_##n(void)					\
	{								\
		if (have_cowlink())					\
			write_sysctl("/proc/sys/fs/protected_hardlinks", \
				     "0");				\
		sharing = true;						\
		run_script(n);						\
	}

SEED(1) SEED(2) SEED(3) SEED(4) SEED(5) SEED(6) SEED(7) SEED(8)
SEED(9) SEED(10) SEED(11) SEED(12) SEED(13) SEED(14) SEED(15) SEED(16)

#define T(n)	{ "shared files behave as private ones, seed " #n, seed_##n }

static const struct test tests[] = {
	{ "private files behave as private ones", self_check, NEED_NOTHING },
	T(1), T(2), T(3), T(4), T(5), T(6), T(7), T(8),
	T(9), T(10), T(11), T(12), T(13), T(14), T(15), T(16),
};

TEST_MAIN("oracle", tests)
