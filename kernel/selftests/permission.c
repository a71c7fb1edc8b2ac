// SPDX-License-Identifier: GPL-2.0-only
/*
 * Permission comes before the copy: who may not do the operation cannot make
 * the kernel copy a single byte. Who may, may wherever the file lies.
 */
#include "harness.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <linux/landlock.h>

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE	(1ULL << 14)
#endif

#define SIZE	10000

static const struct timespec some_times[2] = { { 1, 2 }, { 3, 4 } };

static struct shared *with(const char *name, mode_t mode, uid_t owner)
{
	char path[80];

	snprintf(path, sizeof(path), "C/%s", name);
	mk_file(path, SIZE, SHARED_SEED);
	EXPECT_OK(chown(path, owner, owner));
	EXPECT_OK(chmod(path, mode));
	return share(name);
}

static void expect_no_write(const char *path, int err)
{
	EXPECT_ERR(open(path, O_WRONLY), err);
	EXPECT_ERR(open(path, O_RDWR), err);
	EXPECT_ERR(open(path, O_WRONLY | O_APPEND), err);
	EXPECT_ERR(open(path, O_WRONLY | O_TRUNC), err);
	EXPECT_ERR(open(path, O_RDONLY | O_TRUNC), err);
	EXPECT_ERR(open(path, O_RDWR | O_CREAT, 0666), err);
	EXPECT_ERR(creat(path, 0666), err);
	EXPECT_ERR(truncate(path, 0), err);
	EXPECT_ERR(truncate(path, SIZE), err);
	EXPECT_ERR(truncate(path, SIZE * 10), err);
	EXPECT_ERR(utimensat(AT_FDCWD, path, NULL, 0), err);
	EXPECT_ERR(access(path, W_OK), err);
}

static void expect_no_ownership(const char *path)
{
	EXPECT_ERR(chmod(path, 0777), EPERM);
	EXPECT_ERR(chmod(path, 0644), EPERM);
	EXPECT_ERR(chown(path, STRANGER, -1), EPERM);
	EXPECT_ERR(lchown(path, -1, STRANGER), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, path, some_times, 0), EPERM);
}

static void stranger(void)
{
	struct counters c;

	with("f", 0644, OWNER);
	c = counters_now();
	AS_USER(STRANGER, STRANGER) {
		expect_no_write("G1/f", EACCES);
		expect_no_ownership("G1/f");
	}
	EXPECT_BREAKS(c, 0);
}

/*
 * chown(-1, -1) asks for nothing, and yet takes suid and sgid away where it is
 * allowed to. The copy must not come before that question.
 */
static void chown_of_nothing_by_a_stranger(void)
{
	struct counters c;

	with("f", 06755, OWNER);
	c = counters_now();
	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(chown("G1/f", -1, -1), EPERM);
		EXPECT_ERR(lchown("G1/f", -1, -1), EPERM);
	}
	EXPECT_BREAKS(c, 0);
}

static void owners_group(void)
{
	struct counters c;

	with("f", 0644, OWNER);
	c = counters_now();
	AS_USER(STRANGER, OWNER) {
		expect_no_write("G1/f", EACCES);
		expect_no_ownership("G1/f");
	}
	EXPECT_BREAKS(c, 0);
}

static void owner_without_write_permission(void)
{
	struct shared *f = with("f", 0444, OWNER);
	struct counters c = counters_now();

	AS_USER(OWNER, OWNER) {
		EXPECT_ERR(open("G1/f", O_WRONLY), EACCES);
		EXPECT_ERR(truncate("G1/f", 0), EACCES);
		EXPECT_ERR(chown("G1/f", STRANGER, -1), EPERM);
		EXPECT_ERR(chown("G1/f", -1, STRANGER), EPERM);
	}
	EXPECT_BREAKS(c, 0);
	expect_others();
	AS_USER(OWNER, OWNER) {
		EXPECT_OK(chmod("G1/f", 0600));
		close(EXPECT_OK(open("G1/f", O_WRONLY)));
	}
	expect_broken(f, G1);
}

static void directory_without_search(void)
{
	struct counters c;

	with("f", 0666, OWNER);
	EXPECT_OK(chmod("G1", 0600));
	c = counters_now();
	AS_USER(OWNER, OWNER) {
		expect_no_write("G1/f", EACCES);
		EXPECT_ERR(chmod("G1/f", 0600), EACCES);
	}
	EXPECT_BREAKS(c, 0);
}

static void acl_denies(void)
{
	struct counters c;

	mk_file("C/f", SIZE, SHARED_SEED);
	if (set_acl("C/f", false, 6, STRANGER, 4, 6, 6, 6))
		skip("no ACLs here: %s", errno_name(errno));
	share("f");
	c = counters_now();
	AS_USER(STRANGER, STRANGER)
		expect_no_write("G1/f", EACCES);
	EXPECT_BREAKS(c, 0);
}

static void acl_allows(void)
{
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	if (set_acl("C/f", false, 6, STRANGER, 6, 4, 6, 4))
		skip("no ACLs here: %s", errno_name(errno));
	f = share("f");
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(open("G1/f", O_WRONLY), EACCES);
	expect_others();
	AS_USER(STRANGER, STRANGER)
		close(EXPECT_OK(open("G1/f", O_WRONLY)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
}

static void noatime_of_others(void)
{
	struct counters c;

	with("f", 0666, OWNER);
	c = counters_now();
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(open("G1/f", O_RDWR | O_NOATIME), EPERM);
	EXPECT_BREAKS(c, 0);
}

static void protected_regular(void)
{
	struct counters c;
	struct shared *f = with("f", 0666, OWNER);

	write_sysctl("/proc/sys/fs/protected_regular", "2");
	EXPECT_OK(chmod("G1", 01777));
	c = counters_now();
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(open("G1/f", O_RDWR | O_CREAT, 0666), EACCES);
	EXPECT_BREAKS(c, 0);
	expect_others();
	AS_USER(STRANGER, STRANGER)
		close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	write_sysctl("/proc/sys/fs/protected_regular", "0");
}

/* ---- Landlock: a security module's word counts before the copy too ------ */

static int landlock_ruleset(uint64_t access)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = access };

	return syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
}

static void landlock_denies(void)
{
	struct counters c;
	pid_t pid;
	int fd;

	with("f", 0666, OWNER);
	fd = landlock_ruleset(LANDLOCK_ACCESS_FS_WRITE_FILE);
	if (fd < 0)
		skip("no Landlock: %s", errno_name(errno));
	c = counters_now();
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		EXPECT_OK(syscall(SYS_landlock_restrict_self, fd, 0));
		EXPECT_ERR(open("G1/f", O_WRONLY), EACCES);
		EXPECT_ERR(open("G1/f", O_RDWR), EACCES);
		EXPECT_ERR(open("G1/f", O_WRONLY | O_TRUNC), EACCES);
		close(EXPECT_OK(open("G1/f", O_RDONLY)));
		_exit(0);
	}
	reap(pid);
	EXPECT_BREAKS(c, 0);
}

/* Another access right than writing, since Linux 6.2. */
static void landlock_denies_truncation(void)
{
	struct shared *f = with("f", 0666, OWNER);
	struct counters c = counters_now();
	pid_t pid;
	int fd;

	fd = landlock_ruleset(LANDLOCK_ACCESS_FS_TRUNCATE);
	if (fd < 0)
		skip("no Landlock, or an old one: %s", errno_name(errno));
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		EXPECT_OK(syscall(SYS_landlock_restrict_self, fd, 0));
		EXPECT_ERR(open("G1/f", O_WRONLY | O_TRUNC), EACCES);
		EXPECT_ERR(open("G1/f", O_RDONLY | O_TRUNC), EACCES);
		EXPECT_ERR(truncate("G1/f", 1), EACCES);
		EXPECT_BREAKS(c, 0);
		close(EXPECT_OK(open("G1/f", O_WRONLY)));
		_exit(0);
	}
	reap(pid);
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
}

/* A domain that may write files but not create any must not be stopped. */
static void landlock_allows(void)
{
	struct shared *f = with("f", 0666, OWNER);
	pid_t pid;
	int fd;

	fd = landlock_ruleset(LANDLOCK_ACCESS_FS_MAKE_REG |
			      LANDLOCK_ACCESS_FS_REMOVE_FILE |
			      LANDLOCK_ACCESS_FS_REFER);
	if (fd < 0)
		skip("no Landlock: %s", errno_name(errno));
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		EXPECT_OK(syscall(SYS_landlock_restrict_self, fd, 0));
		EXPECT_ERR(open("G1/new", O_CREAT | O_WRONLY, 0600), EACCES);
		close(EXPECT_OK(open("G1/f", O_WRONLY)));
		_exit(0);
	}
	reap(pid);
	expect_broken(f, G1);
}

/* ---- who may ----------------------------------------------------------- */

static void write_only_file(void)
{
	struct shared *f = with("f", 0222, OWNER);
	struct counters c = counters_now();

	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(open("G1/f", O_RDONLY), EACCES);
		EXPECT_ERR(open("G1/f", O_RDWR), EACCES);
	}
	EXPECT_BREAKS(c, 0);
	AS_USER(STRANGER, STRANGER) {
		int fd = EXPECT_OK(open("G1/f", O_WRONLY));
		char byte;

		EXPECT_ERR(pread(fd, &byte, 1, 0), EBADF);
		pattern_write(fd, 0, 10, 2);
		close(fd);
		EXPECT_ERR(open("G1/f", O_RDONLY), EACCES);
	}
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_CONTENT | IGN_MTIME);
	pattern_check("G1/f", 0, 10, 2);
	pattern_check("G1/f", 10, SIZE - 10, SHARED_SEED);
}

static void break_in_directory(mode_t mode, uid_t owner)
{
	char name[30];
	struct shared *f;

	snprintf(name, sizeof(name), "f%o-%u", mode, owner);
	f = with(name, 0666, OWNER);
	EXPECT_OK(chown("G1", owner, owner));
	EXPECT_OK(chmod("G1", mode));
	AS_USER(STRANGER, STRANGER) {
		int fd = EXPECT_OK(open(shared_path(f, G1), O_RDWR));

		pattern_write(fd, 0, 10, 2);
		close(fd);
	}
	expect_broken(f, G1);
	EXPECT_SAME(shared_path(f, G1), &f->before,
		    IGN_COPY | IGN_CONTENT | IGN_MTIME);
}

static void directories_one_cannot_write(void)
{
	break_in_directory(0755, 0);
	break_in_directory(0555, 0);
	break_in_directory(0711, OWNER);
	break_in_directory(01777, 0);
	break_in_directory(01755, OWNER);
	break_in_directory(01777, STRANGER);
}

/* ---- a guest in a user namespace --------------------------------------- */

#define GUEST_BASE	100000

static void map_ids(pid_t pid, const char *which)
{
	static const char map[] = "0 100000 65536\n";
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	fd = EXPECT_OK(open(path, O_WRONLY));
	EXPECT_OK(write(fd, map, sizeof(map) - 1));
	close(fd);
}

static void as_guest_root(void (*fn)(void))
{
	int ready[2], mapped[2];
	pid_t pid;
	char c = 0;

	EXPECT_OK(pipe(ready));
	EXPECT_OK(pipe(mapped));
	pid = EXPECT_OK(fork());
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			skip("no user namespaces");
		EXPECT_OK(write(ready[1], &c, 1));
		EXPECT_OK(read(mapped[0], &c, 1));
		EXPECT_OK(setresgid(0, 0, 0));
		EXPECT_OK(setresuid(0, 0, 0));
		fn();
		_exit(0);
	}
	EXPECT_OK(read(ready[0], &c, 1));
	map_ids(pid, "uid_map");
	map_ids(pid, "gid_map");
	EXPECT_OK(write(mapped[1], &c, 1));
	reap(pid);
}

static void guest_root(void)
{
	struct stat st;

	/* Its own file and one of its users': as root of any machine. */
	close(EXPECT_OK(open("G1/root", O_RDWR)));
	close(EXPECT_OK(open("G1/user", O_RDWR)));
	EXPECT_OK(chmod("G1/mode", 04755));
	EXPECT_OK(stat("G1/mode", &st));
	EXPECT_EQ(st.st_uid, 0);
	EXPECT_EQ(st.st_mode, S_IFREG | 04755);
	/* The host's root is nobody here. */
	expect_no_write("G1/host", EACCES);
	EXPECT_ERR(chmod("G1/host", 0777), EPERM);
	EXPECT_ERR(utimensat(AT_FDCWD, "G1/host", some_times, 0), EPERM);
}

static void user_namespace(void)
{
	struct shared *root = with("root", 0644, GUEST_BASE);
	struct shared *user = with("user", 0600, GUEST_BASE + OWNER);
	struct shared *mode = with("mode", 0644, GUEST_BASE);
	struct counters c;

	with("host", 0644, 0);
	c = counters_now();
	as_guest_root(guest_root);
	EXPECT_BREAKS(c, 3);
	expect_broken(root, G1);
	expect_broken(user, G1);
	expect_broken(mode, G1);
	EXPECT_SAME("G1/root", &root->before, IGN_COPY);
	EXPECT_SAME("G1/user", &user->before, IGN_COPY);
	EXPECT_SAME("G1/mode", &mode->before, IGN_COPY | IGN_MODE);
}

/* ---- a mount with other ids --------------------------------------------- */

/* A namespace of the map above. It lives as long as its descriptor. */
static int open_userns(void)
{
	int made[2], done[2], fd;
	char path[40], c = 0;
	pid_t pid;

	EXPECT_OK(pipe(made));
	EXPECT_OK(pipe(done));
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(unshare(CLONE_NEWUSER));
		EXPECT_OK(write(made[1], &c, 1));
		EXPECT_OK(read(done[0], &c, 1));
		_exit(0);
	}
	EXPECT_EQ(read(made[0], &c, 1), 1);
	map_ids(pid, "uid_map");
	map_ids(pid, "gid_map");
	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	fd = EXPECT_OK(open(path, O_RDONLY | O_CLOEXEC));
	EXPECT_OK(write(done[1], &c, 1));
	reap(pid);
	return fd;
}

/* Who is 5 on the disk below @dir is GUEST_BASE + 5 below @where. */
static void mount_mapped(const char *dir, const char *where)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int fd = EXPECT_OK(open_tree(AT_FDCWD, dir,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));

	attr.userns_fd = open_userns();
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr))) {
		CHECK(errno == EINVAL && on_tmpfs(), "idmapped mount: %m");
		skip("tmpfs of this kernel has no idmapped mounts");
	}
	EXPECT_OK(mkdir(where, 0755));
	EXPECT_OK(move_mount(fd, "", AT_FDCWD, where, MOVE_MOUNT_F_EMPTY_PATH));
	close(attr.userns_fd);
	close(fd);
}

static int errno_of(long ret)
{
	return ret < 0 ? errno : 0;
}

/* An owner without an id in the mount: what root may do to an ordinary file. */
static void expect_like_private(const char *shared, const char *private)
{
	EXPECT_EQ(errno_of(open(private, O_RDWR)), EACCES);
	EXPECT_EQ(errno_of(open(shared, O_RDWR)), EACCES);
	EXPECT_EQ(errno_of(truncate(shared, 0)), errno_of(truncate(private, 0)));
	EXPECT_EQ(errno_of(chmod(shared, 0600)), errno_of(chmod(private, 0600)));
	EXPECT_EQ(errno_of(chown(shared, 0, -1)),
		  errno_of(chown(private, 0, -1)));
	EXPECT_EQ(errno_of(utimensat(AT_FDCWD, shared, NULL, 0)),
		  errno_of(utimensat(AT_FDCWD, private, NULL, 0)));
	EXPECT_EQ(errno_of(utimensat(AT_FDCWD, shared, some_times, 0)),
		  errno_of(utimensat(AT_FDCWD, private, some_times, 0)));
	EXPECT_EQ(errno_of(setxattr(shared, "user.a", "x", 1, 0)),
		  errno_of(setxattr(private, "user.a", "x", 1, 0)));
}

static void idmapped_mount(void)
{
	struct shared *f = with("f", 0644, OWNER);
	struct shared *g = with("g", 0644, OWNER);
	struct shared *h = with("h", 0644, OWNER);
	struct counters c;
	struct stat st;

	with("outside", 0666, GUEST_BASE);
	mk_file("G1/private", SIZE, 0);
	EXPECT_OK(chown("G1/private", GUEST_BASE, GUEST_BASE));
	EXPECT_OK(chmod("G1/private", 0666));
	mount_mapped("G1", "mapped");
	c = counters_now();
	AS_USER(OWNER, OWNER) {
		expect_no_write("mapped/f", EACCES);
		EXPECT_ERR(chmod("mapped/f", 0777), EPERM);
		EXPECT_ERR(utimensat(AT_FDCWD, "mapped/f", some_times, 0),
			   EPERM);
	}
	expect_like_private("mapped/outside", "mapped/private");
	EXPECT_BREAKS(c, 0);
	AS_USER(GUEST_BASE + OWNER, GUEST_BASE + OWNER) {
		close(EXPECT_OK(open("mapped/f", O_RDWR)));
		EXPECT_OK(chmod("mapped/g", 0600));
	}
	EXPECT_OK(chown("mapped/h", GUEST_BASE + STRANGER, -1));
	EXPECT_BREAKS(c, 3);
	EXPECT_OK(umount2("mapped", MNT_DETACH));
	expect_broken(f, G1);
	expect_broken(g, G1);
	expect_broken(h, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	EXPECT_SAME("G1/g", &g->before, IGN_COPY | IGN_MODE);
	EXPECT_SAME("G1/h", &h->before, IGN_COPY | IGN_OWNER);
	EXPECT_OK(stat("G1/h", &st));
	EXPECT_EQ(st.st_uid, STRANGER);
	EXPECT_EQ(st.st_gid, OWNER);
}

static const struct test tests[] = {
	{ "a stranger: EACCES or EPERM, nothing copied", stranger },
	{ "the owner's group: the same", owners_group },
	{ "chown(-1, -1) of a suid file by a stranger",
	  chown_of_nothing_by_a_stranger },
	{ "the owner without write permission",
	  owner_without_write_permission },
	{ "a directory without search permission",
	  directory_without_search },
	{ "an ACL denies", acl_denies },
	{ "an ACL allows", acl_allows },
	{ "O_NOATIME on another's file: EPERM, nothing copied",
	  noatime_of_others },
	{ "protected_regular in a sticky directory", protected_regular },
	{ "Landlock denies writing", landlock_denies },
	{ "Landlock denies truncation, not writing",
	  landlock_denies_truncation },
	{ "Landlock denies creating, but that is not what happens",
	  landlock_allows },
	{ "a file one may write but not read", write_only_file },
	{ "directories one cannot write, sticky, of others",
	  directories_one_cannot_write },
	{ "root of a guest in a user namespace", user_namespace },
	{ "a mount with other ids", idmapped_mount },
};

TEST_MAIN("permission", tests)
