// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"
#include "tree.h"
#include "unit.h"

static int top = -1;

static void make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1)
		perror(name);
	(void)close(fd);
}

static bool exists(const char *name)
{
	return !faccessat(top, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

static void remove_it(const char *name)
{
	struct err err = { 0 };

	is_int(tree_remove(top, "tree", &err), 0, name);
	ok(!exists("tree"), err.msg[0] ? err.msg : "nothing is left of it");
}

/* @levels directories, each with a file; names are @width bytes. */
static void make_chain(int levels, size_t width)
{
	int dir = dup(top);
	char name[256] = "tree";
	int i;

	for (i = 0; i < levels; i++) {
		int fd;

		(void)mkdirat(dir, name, 0700);
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
		(void)close(dir);
		dir = fd;
		make_file(dir, "file");
		memset(name, 'd', width);
		name[width] = '\0';
	}
	(void)close(dir);
}

static void test_kinds(void)
{
	int dir;

	is_int(tree_remove(top, "tree", NULL), 0, "what is missing is removed");
	make_file(top, "tree");
	remove_it("a file");
	(void)symlinkat("/etc", top, "tree");
	remove_it("a symlink");
	ok(!access("/etc/passwd", F_OK), "and not what it points to");
	(void)mknodat(top, "tree", S_IFIFO | 0600, 0);
	remove_it("a fifo");
	(void)mkdirat(top, "tree", 0);
	remove_it("an empty directory without permissions");
	(void)mkdirat(top, "tree", 0700);
	dir = openat(top, "tree", O_RDONLY | O_DIRECTORY);
	(void)symlinkat("/etc", dir, "link");
	(void)mknodat(dir, "fifo", S_IFIFO | 0600, 0);
	(void)mkdirat(dir, "sub", 0);
	make_file(dir, "a\nb");
	make_file(dir, "\377");
	(void)close(dir);
	remove_it("a directory with everything");
	ok(!access("/etc/passwd", F_OK), "but for what a symlink points to");
}

static void test_depth(void)
{
	make_chain(70, 5);
	remove_it("deeper than it descends at once");
	make_chain(1000, 200);
	remove_it("a path of 200,000 bytes");
}

static int set_flags(int dir, const char *name, unsigned int flags)
{
	int fd = openat(dir, name, O_RDONLY);
	int r = fx_setflags(fd, flags);

	(void)close(fd);
	return r;
}

static void test_flags(void)
{
	int dir;

	(void)mkdirat(top, "tree", 0700);
	dir = openat(top, "tree", O_RDONLY | O_DIRECTORY);
	(void)mkdirat(dir, "sub", 0700);
	make_file(dir, "sub/file");
	make_file(dir, "append");
	make_file(dir, "shared");
	(void)linkat(dir, "shared", top, "other", 0);
	if (set_flags(dir, "sub/file", FS_IMMUTABLE_FL) < 0) {
		unit_skip(7, "this filesystem has no flags");
		(void)close(dir);
		(void)tree_remove(top, "tree", NULL);
		return;
	}
	(void)set_flags(dir, "append", FS_APPEND_FL);
	(void)set_flags(dir, "sub", FS_IMMUTABLE_FL);
	(void)set_flags(dir, "shared", FS_IMMUTABLE_FL);
	is_int(tree_remove(top, "tree", NULL), -EPERM,
	       "a +i file with another name, a master perhaps, is not removed");
	ok(exists("other") && exists("tree/shared"), "nor its other name");
	is_int(set_flags(top, "other", 0), 0, "its flags can be taken away");
	remove_it("all else goes, whatever its flags");
	ok(exists("other"), "the other name stays");
	ok(!unlinkat(top, "other", 0), "and goes");
	(void)close(dir);
}

static void test_mount(void)
{
	(void)mkdirat(top, "tree", 0700);
	(void)mkdirat(top, "tree/mnt", 0700);
	if (fchdir(top) || mount("none", "tree/mnt", "tmpfs", 0, NULL)) {
		unit_skip(4, "cannot mount");
		(void)tree_remove(top, "tree", NULL);
		return;
	}
	make_file(top, "tree/mnt/precious");
	ok(tree_remove(top, "tree", NULL) < 0, "a mount point is not removed");
	ok(exists("tree/mnt/precious"), "and what is mounted stays");
	(void)umount("tree/mnt");
	remove_it("without the mount it goes");
}

int main(void)
{
	char dir[] = "/var/tmp/cowlink-t-tree-remove-XXXXXX";

	unit_plan(30);
	top = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;
	ok(top >= 0, "a directory to work in");
	test_kinds();
	test_depth();
	test_flags();
	test_mount();
	(void)chdir("/");
	ok(!rmdir(dir), "nothing is left");
	return unit_done();
}
