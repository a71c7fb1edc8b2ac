// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "tree-links.h"
#include "tree-path.h"
#include "tree-used.h"
#include "unit.h"

static void normalizes(const char *raw, const char *want)
{
	char *got = NULL;

	is_int(tree_path_normalize(raw, &got, NULL), 0, raw);
	is_str(got ? got : "(null)", want, want);
	free(got);
}

static void refuses(const char *raw, const char *name)
{
	struct err err = { 0 };
	char *got = NULL;

	is_int(tree_path_normalize(raw, &got, &err), -EINVAL, name);
	ok(!got && err.msg[0], "with a reason and no result");
	free(got);
}

/* "d/d/d..." of @levels components. */
static char *deep_path(size_t levels)
{
	char *path = malloc(2 * levels);
	size_t i;

	for (i = 0; i < levels; i++) {
		path[2 * i] = 'd';
		path[2 * i + 1] = '/';
	}
	path[2 * levels - 1] = '\0';
	return path;
}

static void test_normalize(void)
{
	_cleanup_free_ char *deep = deep_path(3001);
	char name[300];

	normalizes("a/b", "a/b");
	normalizes("./a//b/./c/", "a/b/c");
	normalizes("./", "");
	normalizes("..a/b..", "..a/b..");
	refuses("/etc/passwd", "an absolute path");
	refuses("..", "the parent");
	refuses("a/../b", "a parent in the middle");
	refuses("a/..", "a parent at the end");
	refuses(deep, "too many levels");
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	refuses(name, "a name of 256 bytes");
	name[255] = '\0';
	normalizes(name, name);
}

/* Names of 100 bytes, so that 60 levels are beyond PATH_MAX. */
static void make_deep(int rootfd, char *path)
{
	int dir = dup(rootfd);
	int i;

	path[0] = '\0';
	for (i = 0; i < 60; i++) {
		char name[101];
		int fd;

		memset(name, 'n', 100);
		name[100] = '\0';
		(void)mkdirat(dir, name, 0700);
		fd = openat(dir, name, O_RDONLY | O_DIRECTORY);
		(void)close(dir);
		dir = fd;
		strcat(path, i ? "/" : "");
		strcat(path, name);
	}
	(void)mkdirat(dir, "end", 0751);
	(void)close(dir);
	strcat(path, "/end");
}

static void test_open(int rootfd)
{
	char path[60 * 101 + 10];
	const char *name = NULL;
	struct stat st;
	int fd;

	make_deep(rootfd, path);
	fd = tree_path_open_dir(rootfd, path);
	ok(fd >= 0 && !fstat(fd, &st) && (st.st_mode & 07777) == 0751,
	   "a path longer than PATH_MAX is opened");
	(void)close(fd);
	is_int(tree_path_open_parent(rootfd, path, &fd, &name), 0,
	       "and its parent");
	is_str(name, "end", "with the last component");
	(void)close(fd);
	fd = tree_path_open_dir(rootfd, "");
	ok(fd >= 0, "the empty path is the root");
	(void)close(fd);
	(void)symlinkat(".", rootfd, "link");
	is_int(tree_path_open_dir(rootfd, "link"), -ELOOP,
	       "a symlink is not followed");
	is_int(tree_path_open_dir(rootfd, "link/link"), -ELOOP,
	       "nor one in the middle");
	is_int(tree_path_open_dir(rootfd, "link/"), -ELOOP,
	       "nor with a slash behind it");
	(void)mkdirat(rootfd, "dir", 0700);
	fd = tree_path_open_dir(rootfd, "dir/");
	ok(fd >= 0, "which a directory may have");
	(void)close(fd);
	is_int(tree_path_open_dir(rootfd, "missing"), -ENOENT, "not there");
	(void)mknodat(rootfd, "file", S_IFREG | 0600, 0);
	is_int(tree_path_open_dir(rootfd, "file"), -ENOTDIR, "no directory");
}

static void test_links(void)
{
	struct tree_links links = TREE_LINKS_INIT;
	struct statx a = { .stx_ino = 1, .stx_dev_major = 8 };
	struct statx b = { .stx_ino = 1, .stx_dev_major = 9 };
	struct link_group *first;
	struct link_group *again;

	ok(!tree_links_find(&links, &a), "an empty set has nothing");
	is_int(tree_links_get(&links, &a, &first), 0, "an inode is added");
	first->path = strdup("a");
	is_int(tree_links_get(&links, &a, &again), 0, "and found");
	ok(first == again, "as the same group");
	ok(!tree_links_find(&links, &b),
	   "the same number on another device is another inode");
	tree_links_release(&links);
	ok(!tree_links_find(&links, &a), "and gone after release");
}

static void test_used(void)
{
	struct tree_used used = TREE_USED_INIT;
	const struct store_avoid avoid = tree_used_avoid(&used);
	struct master m = { .fd = -1, .key = { { 1 } }, .replica = 4,
			    .attr.stx = { .stx_ino = 7 } };
	const struct digest other = { { 2 } };
	struct statx eight = { .stx_ino = 8 };

	is_int(avoid.first(&m.key, avoid.ctx), 0, "at first any replica will do");
	ok(!avoid.has(&m.attr.stx, avoid.ctx), "and any inode");
	is_int(tree_used_add(&used, &m), 0, "a master is used");
	is_int(avoid.first(&m.key, avoid.ctx), 5, "the next one is wanted then");
	is_int(avoid.first(&other, avoid.ctx), 0, "of this key only");
	ok(avoid.has(&m.attr.stx, avoid.ctx), "its inode is known");
	m.replica = 9;
	is_int(tree_used_add(&used, &m), 0, "another replica of it");
	is_int(avoid.first(&m.key, avoid.ctx), 10, "counts on");
	ok(!avoid.has(&eight, avoid.ctx), "another inode is not used");
	is_int(tree_used_add_ino(&used, &m.attr.stx, 8), 0, "until it is");
	ok(avoid.has(&eight, avoid.ctx), "known by its number");
	tree_used_release(&used);
}

int main(void)
{
	char dir[] = "/tmp/cowlink-t-tree-path-XXXXXX";
	char command[80];
	int fd;

	unit_plan(51);
	test_normalize();
	fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;
	ok(fd >= 0, "a directory to work in");
	test_open(fd);
	(void)close(fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	is_int(system(command), 0, "cleaned up");
	test_links();
	test_used();
	return unit_done();
}
