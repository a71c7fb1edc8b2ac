// SPDX-License-Identifier: GPL-2.0-only
/* Metadata read from one inode and given to another. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "fdio.h"
#include "iattr.h"
#include "uapi/cowlink.h"
#include "unit.h"

static int dir;

/* user::rw-,user:1:r--,group::r--,mask::r--,other::--- (acl(5), version 2) */
static const unsigned char acl[] = {
	2, 0, 0, 0,
	1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
	2, 0, 4, 0, 1, 0, 0, 0,
	4, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	16, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	32, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
};

static int make(const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_RDWR, 0600);

	if (fd < 0)
		exit(1);
	return fd;
}

static void test_round_trip(void)
{
	static const struct timespec times[2] = { { 1000, 111 }, { 2000, 222 } };
	struct iattr a = IATTR_INIT, b = IATTR_INIT;
	int src = make("src"), dst = make("dst");

	is_int(fchown(src, 12, 34), 0, "set up owner");
	is_int(fsetxattr(src, "user.z", "", 0, 0), 0, "set up an empty xattr");
	is_int(fsetxattr(src, "user.a", "val", 3, 0), 0, "set up an xattr");
	is_int(fchmod(src, 06751), 0, "set up set-user-ID");
	is_int(futimens(src, times), 0, "set up times");
	is_int(iattr_read_fd(src, &a), 0, "metadata is read");
	is_int(a.xattr_count, 2, "with both xattrs");
	is_str(a.xattrs[0].name, "user.a", "sorted by name");
	is_int(iattr_apply_fd(dst, &a), 0, "and given to another file");
	is_int(iattr_read_at(dir, "dst", &b), 0, "which by name");
	ok(iattr_same_metadata(&a, &b), "has the same metadata");
	is_int(b.stx.stx_mode & 07777, 06751, "set-user-ID bits too");
	is_int(b.stx.stx_mtime.tv_nsec, 222, "and nanoseconds");
	b.xattrs[0].size--;
	ok(!iattr_same_metadata(&a, &b), "a shorter xattr is a difference");
	iattr_release(&a);
	iattr_release(&b);
}

static void test_inherited_acl(void)
{
	struct iattr plain = IATTR_INIT, got = IATTR_INIT;
	int fd;

	is_int(iattr_read_fd(make("plain"), &plain), 0, "a file without ACL");
	if (fsetxattr(dir, "system.posix_acl_default", acl, sizeof(acl), 0)) {
		unit_skip(3, "no POSIX ACLs on this filesystem");
		return;
	}
	fd = make("heir");
	ok(fgetxattr(fd, "system.posix_acl_access", NULL, 0) > 0,
	   "a new file inherits the directory's ACL");
	is_int(iattr_apply_fd(fd, &plain), 0, "metadata is given");
	iattr_read_fd(fd, &got);
	is_int(got.xattr_count, 0, "and the inherited ACL is gone");
	(void)fremovexattr(dir, "system.posix_acl_default");
	iattr_release(&plain);
	iattr_release(&got);
}

static void test_symlink(void)
{
	static const struct timespec times[2] = { { 10, 1 }, { 20, 2 } };
	struct iattr a = IATTR_INIT, b = IATTR_INIT;

	symlinkat("/nowhere", dir, "l1");
	symlinkat("/nowhere", dir, "l2");
	fchownat(dir, "l1", 5, 6, AT_SYMLINK_NOFOLLOW);
	utimensat(dir, "l1", times, AT_SYMLINK_NOFOLLOW);
	is_int(iattr_read_at(dir, "l1", &a), 0, "a symlink's own metadata");
	ok(S_ISLNK(a.stx.stx_mode), "not its target's");
	is_int(iattr_apply_at(dir, "l2", &a), 0, "is given to another symlink");
	iattr_read_at(dir, "l2", &b);
	ok(iattr_same_metadata(&a, &b), "and is the same");
	iattr_release(&a);
	iattr_release(&b);
}

static void test_own_xattr(void)
{
	struct iattr a = IATTR_INIT;
	int fd = make("tree");

	if (fsetxattr(fd, IATTR_OWN_XATTR_PREFIX "id", "1", 1, 0) < 0) {
		unit_skip(1, "trusted xattrs need root");
		return;
	}
	iattr_read_fd(fd, &a);
	is_int(a.xattr_count, 0, "our own identity is no metadata of the file");
	iattr_release(&a);
}

static void test_flags(void)
{
	ok(!iflags_is_special(0), "no flags are nothing special");
	ok(!iflags_is_special(FS_EXTENT_FL), "nor are extents");
	ok(iflags_is_special(FS_APPEND_FL), "append-only is");
	ok(iflags_is_special(FS_IMMUTABLE_FL), "immutable alone is");
	ok(!iflags_is_special(FS_IMMUTABLE_FL | FS_IXUNLINK_FL),
	   "a shared inode is not");
	ok(iflags_is_special(FS_IMMUTABLE_FL | FS_IXUNLINK_FL | FS_NODUMP_FL),
	   "unless it has others");
	ok(!iflags_is_shared(FS_IXUNLINK_FL), "one bit is not shared");
}

int main(void)
{
	char tmp[256];
	char cmd[300];

	if (geteuid()) {
		unit_plan(1);
		unit_skip(1, "needs root to change owners");
		return unit_done();
	}
	unit_plan(30);
	dir = open(unit_tmpdir(tmp), O_DIRECTORY);
	test_round_trip();
	test_inherited_acl();
	test_symlink();
	test_own_xattr();
	test_flags();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp);
	return system(cmd) ? 1 : unit_done();
}
