// SPDX-License-Identifier: GPL-2.0-only
/*
 * setxattr, removexattr and changes of ACLs by name act on a private copy, as
 * they would on a private file: each call here is made twice, on a twin of the
 * shared file first, and result, errno and all that can be seen of the file
 * afterwards must be the same. Calls that fail or change nothing copy nothing.
 */
#include "harness.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#define SIZE		5000
#define ACL		"system.posix_acl_access"
#define DEFAULT_ACL	"system.posix_acl_default"
#define CAPS		"security.capability"

enum op { SET, LSET, REMOVE, LREMOVE };

struct call {
	enum op op;
	const char *name;
	const void *value;
	size_t size;
	int flags;
};

/* What the file of a call has before: which of its attributes, besides two. */
enum { HAS_ACL = 1 << 0, HAS_CAPS = 1 << 1 };

/* ---- values ------------------------------------------------------------ */

struct acl {
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry[5];
};

#define ENTRY(tag, perm, id)	{ tag, perm, id }
#define NAMED_ACL(user, perm, group, mask)				\
	{ { POSIX_ACL_XATTR_VERSION }, {				\
		ENTRY(ACL_USER_OBJ, 6, ACL_UNDEFINED_ID),		\
		ENTRY(ACL_USER, perm, user),				\
		ENTRY(ACL_GROUP_OBJ, group, ACL_UNDEFINED_ID),		\
		ENTRY(ACL_MASK, mask, ACL_UNDEFINED_ID),		\
		ENTRY(ACL_OTHER, 4, ACL_UNDEFINED_ID) } }
/* Without a named user: three entries, as much as a mode says. */
#define MODE_ACL(user, group, other)					\
	{ { POSIX_ACL_XATTR_VERSION }, {				\
		ENTRY(ACL_USER_OBJ, user, ACL_UNDEFINED_ID),		\
		ENTRY(ACL_GROUP_OBJ, group, ACL_UNDEFINED_ID),		\
		ENTRY(ACL_OTHER, other, ACL_UNDEFINED_ID) } }
#define MODE_ACL_SIZE	(sizeof(struct posix_acl_xattr_header) +	\
			 3 * sizeof(struct posix_acl_xattr_entry))

static const struct acl first_acl = NAMED_ACL(STRANGER, 6, 4, 6);
static const struct acl other_acl = NAMED_ACL(STRANGER, 7, 5, 7);
static const struct acl nobodys_acl = NAMED_ACL((unsigned int)-1, 7, 5, 7);
static const struct acl acl_of_644 = MODE_ACL(6, 4, 4);
static const struct acl acl_of_660 = MODE_ACL(6, 6, 0);
static const struct acl wrong_version = { { 1 }, { { 0 } } };

static const struct vfs_cap_data caps = {
	.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	.data[0].permitted = 1 << CAP_NET_RAW,
};

static const struct vfs_cap_data other_caps = {
	.magic_etc = VFS_CAP_REVISION_2,
	.data[0].permitted = 1 << CAP_CHOWN,
};

static const char long_name[XATTR_NAME_MAX + 2] = {
	'u', 's', 'e', 'r', '.', [5 ... XATTR_NAME_MAX] = 'x'
};

static char large[70000];

/* ---- a shared file and its twin ---------------------------------------- */

static bool user_xattrs;	/* 6.1's tmpfs has none */

static void make_file(const char *path, mode_t mode, unsigned int has)
{
	mk_file(path, SIZE, SHARED_SEED);
	/* nobody's group, for what the kernel does to S_ISGID then */
	EXPECT_OK(chown(path, OWNER, mode & S_ISGID ? 77 : OWNER));
	EXPECT_OK(chmod(path, mode));
	if (!setxattr(path, "user.have", "1", 1, 0))
		user_xattrs = true;
	EXPECT_OK(setxattr(path, "trusted.have", "1", 1, 0));
	if (has & HAS_CAPS)
		EXPECT_OK(setxattr(path, CAPS, &caps, sizeof(caps), 0));
	if (has & HAS_ACL)
		EXPECT_OK(setxattr(path, ACL, &first_acl, sizeof(first_acl),
				   0));
	set_old_times(path);
}

/* C/name, G1/name and G2/name shared, T/name the twin. */
static struct shared *make_pair(const char *name, mode_t mode,
				unsigned int has)
{
	char path[40];

	if (mkdir("T", 0755))
		EXPECT_EQ(errno, EEXIST);
	snprintf(path, sizeof(path), "C/%s", name);
	make_file(path, mode, has);
	snprintf(path, sizeof(path), "T/%s", name);
	make_file(path, mode, has);
	return share(name);
}

static int do_call(const struct call *c, const char *path)
{
	errno = 0;
	switch (c->op) {
	case SET:
		return setxattr(path, c->name, c->value, c->size, c->flags);
	case LSET:
		return lsetxattr(path, c->name, c->value, c->size, c->flags);
	case REMOVE:
		return removexattr(path, c->name);
	default:
		return lremovexattr(path, c->name);
	}
}

static const char *result_name(int ret, int err)
{
	return ret ? errno_name(err) : "success";
}

/* @err: what the call must give, -1 for whatever it gives on the twin. */
static void compare_calls(const struct call *c, const char *path,
			  const char *twin, int err)
{
	int want = do_call(c, twin), want_errno = errno;
	int got = do_call(c, path), got_errno = errno;

	CHECK(got == want && got_errno == want_errno,
	      "operation %d of '%.20s', size %zu, flags %d: %s privately, %s if shared",
	      c->op, c->name, c->size, c->flags,
	      result_name(want, want_errno), result_name(got, got_errno));
	CHECK(err < 0 || want_errno == err,
	      "operation %d of '%.20s', size %zu, flags %d: expected %s, got %s",
	      c->op, c->name, c->size, c->flags, errno_name(err),
	      result_name(want, want_errno));
}

static void compare_calls_as(uid_t user, const struct call *c,
			     const char *path, const char *twin, int err)
{
	if (!user)
		compare_calls(c, path, twin, err);
	else
		AS_USER(user, user)
			compare_calls(c, path, twin, err);
}

/* The filesystem knows this kind of attribute at all. */
static bool supported(const struct call *c)
{
	return user_xattrs || strncmp(c->name, "user.", 5);
}

/* ---- calls that succeed ------------------------------------------------ */

static const struct change {
	uid_t user;
	mode_t mode;
	unsigned int has;
	bool breaks;
	struct call call;
} changes[] = {
	{ 0, 0644, 0, true, { SET, "user.new", "22", 2, 0 } },
	{ 0, 0644, 0, true, { LSET, "user.new", "22", 2, XATTR_CREATE } },
	{ 0, 0644, 0, true, { SET, "user.have", "2", 1, 0 } },
	{ 0, 0644, 0, true, { SET, "user.have", "22", 2, XATTR_REPLACE } },
	{ 0, 0644, 0, true, { SET, "user.have", "", 0, 0 } },
	{ 0, 0644, 0, true, { REMOVE, "user.have" } },
	{ OWNER, 0600, 0, true, { SET, "user.new", "22", 2, XATTR_CREATE } },
	{ OWNER, 0600, 0, true, { LREMOVE, "user.have" } },
	{ STRANGER, 0666, 0, true, { SET, "user.new", "22", 2, 0 } },
	{ STRANGER, 0622, 0, true, { REMOVE, "user.have" } },
	{ 0, 0644, 0, true, { SET, "trusted.new", "22", 2, 0 } },
	{ 0, 0644, 0, true, { LSET, "trusted.have", "2", 1, XATTR_REPLACE } },
	{ 0, 0644, 0, true, { REMOVE, "trusted.have" } },
	{ 0, 0444, 0, true, { LREMOVE, "trusted.have" } },
	{ 0, 0755, 0, true, { SET, CAPS, &caps, sizeof(caps), 0 } },
	{ 0, 04755, HAS_CAPS, true,
	  { SET, CAPS, &other_caps, sizeof(caps), XATTR_REPLACE } },
	{ 0, 0755, HAS_CAPS, true, { REMOVE, CAPS } },
	{ 0, 0644, 0, true, { SET, "security.other", "1", 1, 0 } },
	/* ACLs; the flags do not matter, and never did */
	{ 0, 0644, 0, true, { SET, ACL, &first_acl, sizeof(first_acl), 0 } },
	{ OWNER, 0644, 0, true,
	  { LSET, ACL, &first_acl, sizeof(first_acl), XATTR_REPLACE } },
	{ OWNER, 0600, HAS_ACL, true,
	  { SET, ACL, &other_acl, sizeof(other_acl), XATTR_CREATE } },
	{ OWNER, 0644, HAS_ACL, true, { REMOVE, ACL } },
	{ 0, 0644, HAS_ACL, true, { LREMOVE, ACL } },
	{ 0, 0644, HAS_ACL, true, { SET, ACL, &acl_of_644, MODE_ACL_SIZE, 0 } },
	{ 0, 0644, 0, true, { SET, ACL, &acl_of_660, MODE_ACL_SIZE, 0 } },
	/* takes S_ISGID away, as of who is not of the group */
	{ OWNER, 02644, 0, true, { SET, ACL, &acl_of_644, MODE_ACL_SIZE, 0 } },

	{ 0, 0644, 0, false, { SET, "user.have", "1", 1, 0 } },
	{ OWNER, 0644, 0, false, { LSET, "user.have", "1", 1, XATTR_REPLACE } },
	{ 0, 0644, 0, false, { SET, "trusted.have", "1", 1, 0 } },
	{ 0, 0644, HAS_CAPS, false, { SET, CAPS, &caps, sizeof(caps), 0 } },
	{ OWNER, 0644, HAS_ACL, false,
	  { SET, ACL, &first_acl, sizeof(first_acl), XATTR_CREATE } },
	{ OWNER, 0644, 0, false, { SET, ACL, &acl_of_644, MODE_ACL_SIZE, 0 } },
	{ 0, 0644, 0, false, { REMOVE, ACL } },
	{ OWNER, 0644, 0, false, { LREMOVE, ACL } },
	{ 0, 0644, HAS_ACL, false, { REMOVE, DEFAULT_ACL } },
};

static void change_one(size_t i)
{
	const struct change *t = &changes[i];
	struct counters since;
	struct snapshot want;
	struct shared *f;
	char name[10], twin[20];
	bool breaks;

	snprintf(name, sizeof(name), "f%zu", i);
	snprintf(twin, sizeof(twin), "T/%s", name);
	f = make_pair(name, t->mode, t->has);
	breaks = t->breaks && supported(&t->call);
	since = counters_now();
	compare_calls_as(t->user, &t->call, shared_path(f, G1), twin,
			 supported(&t->call) ? 0 : EOPNOTSUPP);
	EXPECT_BREAKS(since, breaks);
	if (breaks)
		expect_broken(f, G1);
	snapshot_take(twin, &want);
	EXPECT_SAME(shared_path(f, G1), &want, IGN_COPY);
	if (t->breaks && supported(&t->call))
		CHECK(want.xattrs != f->before.xattrs ||
		      want.st.st_mode != f->before.st.st_mode,
		      "%s: the call changes nothing, so it proves nothing",
		      name);
	expect_others();
}

static void change(bool breaks)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].breaks == breaks)
			change_one(i);
}

static void calls_that_change_something(void)
{
	change(true);
}

static void calls_that_change_nothing(void)
{
	change(false);
}

/* ---- calls that are refused -------------------------------------------- */

#define ANY	(-1)

/*
 * Of a file with user.have and trusted.have, mode 0644, of OWNER. @argument: the
 * error is found before the path is.
 */
static const struct refusal {
	uid_t user;
	int err;
	bool argument;
	struct call call;
} refusals[] = {
	{ 0, EEXIST, false, { SET, "user.have", "2", 1, XATTR_CREATE } },
	{ 0, EEXIST, false, { LSET, "user.have", "1", 1, XATTR_CREATE } },
	{ 0, ENODATA, false, { SET, "user.none", "2", 1, XATTR_REPLACE } },
	{ 0, ENODATA, false, { REMOVE, "user.none" } },
	{ 0, EEXIST, false, { SET, "trusted.have", "2", 1, XATTR_CREATE } },
	{ 0, ENODATA, false, { LSET, "trusted.none", "2", 1, XATTR_REPLACE } },
	{ 0, ENODATA, false, { REMOVE, "trusted.none" } },
	{ 0, ENODATA, false, { LREMOVE, "trusted.none" } },
	{ 0, ENODATA, false, { REMOVE, CAPS } },
	{ 0, ENODATA, false, { SET, CAPS, &caps, sizeof(caps), XATTR_REPLACE } },
	{ 0, ENODATA, false, { REMOVE, "security.none" } },
	{ 0, EEXIST, false,
	  { SET, "trusted.have", "2", 1, XATTR_CREATE | XATTR_REPLACE } },
	{ 0, ENODATA, false,
	  { SET, "trusted.none", "2", 1, XATTR_CREATE | XATTR_REPLACE } },
	{ OWNER, EEXIST, false, { SET, "user.have", "2", 1, XATTR_CREATE } },
	{ OWNER, ENODATA, false, { REMOVE, "user.none" } },
	/* who may not is not told whether it exists */
	{ STRANGER, EACCES, false, { SET, "user.have", "2", 1, 0 } },
	{ STRANGER, EACCES, false, { SET, "user.have", "1", 1, 0 } },
	{ STRANGER, EACCES, false, { SET, "user.have", "2", 1, XATTR_CREATE } },
	{ STRANGER, EACCES, false, { SET, "user.none", "2", 1, XATTR_REPLACE } },
	{ STRANGER, EACCES, false, { REMOVE, "user.have" } },
	{ STRANGER, EACCES, false, { LREMOVE, "user.none" } },
	{ OWNER, EPERM, false, { SET, "trusted.new", "2", 1, 0 } },
	{ OWNER, EPERM, false, { SET, "trusted.have", "2", 1, XATTR_CREATE } },
	{ STRANGER, EPERM, false, { SET, "trusted.none", "2", 1, XATTR_REPLACE } },
	{ OWNER, EPERM, false, { REMOVE, "trusted.have" } },
	{ STRANGER, EPERM, false, { REMOVE, "trusted.none" } },
	{ OWNER, EPERM, false, { SET, "security.other", "2", 1, 0 } },
	{ OWNER, EPERM, false, { REMOVE, "security.none" } },
	{ OWNER, EPERM, false, { SET, CAPS, &caps, sizeof(caps), 0 } },
	{ STRANGER, EPERM, false, { LSET, CAPS, &caps, sizeof(caps), 0 } },
	{ OWNER, EPERM, false, { REMOVE, CAPS } },
	/* the value of a file capability is looked at before the caller is */
	{ STRANGER, EINVAL, false, { SET, CAPS, "short", 5, 0 } },
	{ 0, EINVAL, false, { SET, CAPS, "short", 5, XATTR_CREATE } },
	/* names */
	{ 0, EOPNOTSUPP, false, { SET, "nonsense", "1", 1, 0 } },
	{ 0, EOPNOTSUPP, false, { SET, "system.nonsense", "1", 1, 0 } },
	{ STRANGER, EACCES, false, { SET, "nonsense", "1", 1, 0 } },
	{ 0, EOPNOTSUPP, false, { REMOVE, "nonsense" } },
	{ 0, EINVAL, false, { SET, "trusted.", "1", 1, 0 } },
	{ 0, EINVAL, false, { REMOVE, "trusted." } },
	{ 0, ERANGE, true, { SET, "", "1", 1, 0 } },
	{ 0, ERANGE, true, { REMOVE, "" } },
	{ STRANGER, ERANGE, true, { LSET, long_name, "1", 1, 0 } },
	{ 0, ERANGE, true, { LREMOVE, long_name } },
	{ STRANGER, EINVAL, true, { SET, "trusted.have", "2", 1, 4 } },
	{ 0, E2BIG, true, { SET, "trusted.new", large, 65537, 0 } },
	{ 0, EFAULT, true, { SET, "trusted.new", (void *)16, 10, 0 } },
	{ 0, EFAULT, true, { REMOVE, (void *)16 } },
	/* ACLs */
	{ STRANGER, EPERM, false, { SET, ACL, &first_acl, sizeof(first_acl), 0 } },
	{ STRANGER, EPERM, false, { SET, ACL, &acl_of_644, MODE_ACL_SIZE, 0 } },
	{ STRANGER, EPERM, false, { REMOVE, ACL } },
	{ 0, EINVAL, false, { SET, ACL, &first_acl, sizeof(first_acl) - 1, 0 } },
	{ 0, EINVAL, false, { SET, ACL, "x", 1, 0 } },
	{ STRANGER, EINVAL, false, { SET, ACL, "x", 1, 0 } },
	{ 0, EOPNOTSUPP, false,
	  { SET, ACL, &wrong_version, sizeof(wrong_version), 0 } },
	/* no mask */
	{ 0, EINVAL, false, { SET, ACL, &first_acl, MODE_ACL_SIZE, 0 } },
	{ STRANGER, EPERM, false, { SET, ACL, &first_acl, MODE_ACL_SIZE, 0 } },
	{ 0, EINVAL, false, { SET, ACL, &nobodys_acl, sizeof(nobodys_acl), 0 } },
	{ OWNER, EACCES, false,
	  { SET, DEFAULT_ACL, &first_acl, sizeof(first_acl), 0 } },
	{ STRANGER, EACCES, false,
	  { SET, DEFAULT_ACL, &first_acl, sizeof(first_acl), 0 } },
	/* 6.1: EINVAL; later: a way to remove it */
	{ 0, ANY, false, { SET, ACL, NULL, 0, 0 } },
	{ STRANGER, ANY, false, { SET, ACL, NULL, 0, 0 } },
	{ STRANGER, ANY, false, { REMOVE, DEFAULT_ACL } },
};

static void refused_as_if_private(void)
{
	struct counters since;
	size_t i;

	make_pair("f", 0644, 0);
	since = counters_now();
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *t = &refusals[i];
		bool odd = !t->argument && t->err != EACCES;

		/* A contradiction; XFS of 6.12 creates it, others do not. */
		if (on_xfs() &&
		    t->call.flags == (XATTR_CREATE | XATTR_REPLACE))
			continue;
		compare_calls_as(t->user, &t->call, "G1/f", "T/f",
				 odd && !supported(&t->call) ? ANY : t->err);
		EXPECT_BREAKS(since, 0);
	}
	expect_others();
}

/* EROFS comes before anything about the file, and after the arguments. */
static void refused_if_read_only(void)
{
	struct counters since;
	struct shared *f = make_pair("f", 0644, 0);
	size_t i;

	EXPECT_OK(mkdir("G1/T", 0755));
	make_file("G1/T/f", 0644, 0);
	EXPECT_OK(mkdir("ro", 0755));
	EXPECT_OK(mount("G1", "ro", NULL, MS_BIND, NULL));
	EXPECT_OK(mount(NULL, "ro", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
			NULL));
	since = counters_now();
	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		compare_calls_as(refusals[i].user, &refusals[i].call, "ro/f",
				 "ro/T/f", refusals[i].argument ?
				 refusals[i].err : EROFS);
	for (i = 0; i < ARRAY_SIZE(changes); i++)
		compare_calls_as(changes[i].user, &changes[i].call, "ro/f",
				 "ro/T/f", EROFS);
	EXPECT_BREAKS(since, 0);
	expect_others();
	EXPECT_OK(umount2("ro", 0));
	EXPECT_OK(setxattr("G1/f", "trusted.new", "1", 1, 0));
	expect_broken(f, G1);
}

/* ---- paths and places -------------------------------------------------- */

static void through_symlinks(void)
{
	struct shared *f = make_pair("f", 0644, 0);
	struct shared *g = make_pair("g", 0644, 0);
	struct counters since;

	EXPECT_OK(symlink("f", "G1/s"));
	EXPECT_OK(symlink("../G1/g", "G2/s"));
	since = counters_now();
	/* These are about the symlink. */
	EXPECT_OK(lsetxattr("G1/s", "trusted.new", "1", 1, 0));
	EXPECT_OK(lremovexattr("G1/s", "trusted.new"));
	EXPECT_BREAKS(since, 0);
	expect_others();
	EXPECT_OK(setxattr("G1/s", "trusted.new", "1", 1, 0));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_XATTRS);
	EXPECT_OK(removexattr("G2/s", "trusted.have"));
	expect_broken(g, G1);
	EXPECT_SAME("G1/g", &g->before, IGN_COPY | IGN_XATTRS);
	EXPECT_BREAKS(since, 2);
}

static void many_in_a_row(void)
{
	struct shared *f = make_pair("f", 0644, 0);
	struct counters since = counters_now();
	struct snapshot want;
	char name[20];
	int i;

	/* So many fit in a block of 1 KiB. */
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "trusted.%d", i);
		EXPECT_OK(setxattr("T/f", name, large, i, XATTR_CREATE));
		EXPECT_OK(setxattr("G1/f", name, large, i, XATTR_CREATE));
	}
	EXPECT_OK(setxattr("T/f", ACL, &first_acl, sizeof(first_acl), 0));
	EXPECT_OK(setxattr("G1/f", ACL, &first_acl, sizeof(first_acl), 0));
	expect_broken(f, G1);
	EXPECT_BREAKS(since, 1);
	snapshot_take("T/f", &want);
	EXPECT_SAME("G1/f", &want, IGN_COPY);
}

/* No more than the filesystem could know beforehand: the copy is made. */
static void no_room_for_it(void)
{
	const struct call c = { SET, "trusted.large", large, 60000, 0 };
	struct shared *f = make_pair("f", 0644, 0);
	struct snapshot want;

	compare_calls(&c, "G1/f", "T/f", ANY);
	note("60000 bytes: %s", getxattr("T/f", c.name, NULL, 0) == 60000 ?
	     "there was room" : "there was none");
	expect_broken(f, G1);
	snapshot_take("T/f", &want);
	EXPECT_SAME("G1/f", &want, IGN_COPY);
}

/* ---- user namespaces --------------------------------------------------- */

static void write_map(pid_t pid, const char *map)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, map);
	write_sysctl(path, "0 1000 1\n1 1001 1\n");
}

/* Runs in a namespace where root is OWNER and 1 is STRANGER. */
static void in_namespace(const struct call *c, const char *path,
			 const char *twin, int err)
{
	int ready[2], go[2];
	pid_t pid;
	char b = 0;

	EXPECT_OK(pipe(ready));
	EXPECT_OK(pipe(go));
	pid = EXPECT_OK(fork());
	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			skip("no user namespaces: %s", errno_name(errno));
		EXPECT_OK(write(ready[1], &b, 1));
		EXPECT_EQ(read(go[0], &b, 1), 1);
		EXPECT_OK(setresgid(0, 0, 0));
		EXPECT_OK(setresuid(0, 0, 0));
		compare_calls(c, path, twin, err);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &b, 1) == 1) {
		write_map(pid, "uid_map");
		write_map(pid, "gid_map");
		EXPECT_OK(write(go[1], &b, 1));
	}
	reap(pid);
}

static void ids_of_a_namespace(void)
{
	static const struct acl inside = NAMED_ACL(1, 7, 5, 7);
	static const struct acl unmapped = NAMED_ACL(STRANGER, 7, 5, 7);
	const struct call set = { SET, ACL, &inside, sizeof(inside), 0 };
	const struct call bad = { SET, ACL, &unmapped, sizeof(unmapped), 0 };
	const struct call cap = { SET, CAPS, &caps, sizeof(caps), 0 };
	struct shared *f = make_pair("f", 0644, 0);
	struct shared *g = make_pair("g", 0755, 0);
	struct counters since = counters_now();
	struct snapshot want;
	struct acl acl;

	in_namespace(&bad, "G1/f", "T/f", EINVAL);
	EXPECT_BREAKS(since, 0);
	expect_others();
	in_namespace(&set, "G1/f", "T/f", 0);
	in_namespace(&set, "G1/f", "T/f", 0);
	expect_broken(f, G1);
	snapshot_take("T/f", &want);
	EXPECT_SAME("G1/f", &want, IGN_COPY);
	EXPECT_EQ(getxattr("G1/f", ACL, &acl, sizeof(acl)), sizeof(acl));
	EXPECT_EQ(acl.entry[1].e_id, STRANGER);

	/* Stored with the id that is root there; again, it is there. */
	in_namespace(&cap, "G1/g", "T/g", 0);
	expect_broken(g, G1);
	snapshot_take("T/g", &want);
	EXPECT_SAME("G1/g", &want, IGN_COPY);
	EXPECT_BREAKS(since, 2);
}

/* The value is compared with what would be stored, not with what is given. */
static void unchanged_in_a_namespace(void)
{
	static const struct acl inside = NAMED_ACL(1, 6, 4, 6);
	const struct call set = { SET, ACL, &inside, sizeof(inside), 0 };
	struct counters since;

	make_pair("f", 0644, HAS_ACL);
	since = counters_now();
	in_namespace(&set, "G1/f", "T/f", 0);
	EXPECT_BREAKS(since, 0);
}

static const struct test tests[] = {
	{ "calls that change something break the link",
	  calls_that_change_something },
	{ "calls that change nothing do not, and keep the ctime",
	  calls_that_change_nothing },
	{ "refusals are those of a private file, and copy nothing",
	  refused_as_if_private },
	{ "EROFS comes first", refused_if_read_only },
	{ "symlinks, followed and not", through_symlinks },
	{ "many in a row: one copy", many_in_a_row },
	{ "no room for the attribute: an equal copy", no_room_for_it },
	{ "ACLs and capabilities set in a user namespace",
	  ids_of_a_namespace },
	{ "an ACL that is there already, seen from a user namespace",
	  unchanged_in_a_namespace },
};

TEST_MAIN("xattr", tests)
