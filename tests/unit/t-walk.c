// SPDX-License-Identifier: GPL-2.0-only
/* The walk: order, depth, errors, and what it must never follow. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "fdio.h"
#include "unit.h"
#include "walk.h"

struct seen {
	int dirs, left, files, errors, last_error;
	unsigned int max_depth;
	char paths[4096];
	const char *skip;
	int stop;
};

static void note(struct seen *s, const char *what, const char *path)
{
	size_t len = strlen(s->paths);

	snprintf(s->paths + len, sizeof(s->paths) - len, "%s%s ", what, path);
}

static int on_enter(const struct walk_entry *e, void *ctx)
{
	struct seen *s = ctx;

	s->dirs++;
	if (e->depth > s->max_depth)
		s->max_depth = e->depth;
	if (s->skip && !strcmp(e->name, s->skip))
		return WALK_SKIP;
	return 0;
}

static int on_leave(const struct walk_entry *e, void *ctx)
{
	struct seen *s = ctx;

	s->left++;
	if (e->depth < 3)
		note(s, "<", e->path);
	return 0;
}

static int on_file(const struct walk_entry *e, void *ctx)
{
	struct seen *s = ctx;

	s->files++;
	if (e->depth < 3)
		note(s, "", e->path);
	return s->stop;
}

static int on_error(const struct walk_entry *e, int code, void *ctx)
{
	struct seen *s = ctx;

	(void)e;
	s->errors++;
	s->last_error = code;
	return 0;
}

static const struct walk_ops ops = { on_enter, on_file, on_leave, on_error };

static int make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_WRONLY, 0600);

	return fd < 0 ? -1 : close(fd);
}

/* @depth directories below @dir; the names are short, the path is not. */
static int make_deep(int dir, int depth)
{
	int fd = dup(dir);

	while (fd >= 0 && depth--) {
		int next = -1;

		if (!mkdirat(fd, "d", 0700))
			next = openat(fd, "d", O_DIRECTORY);
		close(fd);
		fd = next;
	}
	if (fd < 0 || make_file(fd, "bottom"))
		return -1;
	return close(fd);
}

static void test_plain(int dir)
{
	struct seen s = { 0 };

	mkdirat(dir, "a", 0700);
	make_file(dir, "a/f");
	symlinkat("/", dir, "a/l");
	symlinkat("..", dir, "up");
	is_int(walk_tree(dir, &ops, &s, NULL), 0, "a small tree is walked");
	is_int(s.dirs, 2, "two directories, symlinks are not followed");
	is_int(s.files, 3, "a symlink is a file");
	is_int(s.left, 2, "each directory is left once");
	ok(strstr(s.paths, "a/f ") && strstr(s.paths, "a/l ") &&
	   strstr(s.paths, "up "), "paths are relative to the root");
	ok(strstr(s.paths, "<a "), "leave has the path of its directory");
	ok(strstr(s.paths, "<a ") > strstr(s.paths, "a/f "),
	   "leave comes after the content");
}

static void test_control(int dir)
{
	struct seen s = { .skip = "a" };
	struct seen stop = { .stop = -EIO };
	struct err err = { 0 };

	is_int(walk_tree(dir, &ops, &s, NULL), 0, "a directory is skipped");
	is_int(s.files, 1, "with what is in it");
	is_int(s.left, 1, "and is not left");
	is_int(walk_tree(dir, &ops, &stop, &err), -EIO, "a callback stops it");
	ok(err.code == -EIO && strstr(err.msg, "cannot walk"),
	   "and the message says where");
}

static void test_deep(int dir)
{
	struct seen s = { 0 };

	fdio_raise_nofile();
	mkdirat(dir, "deep", 0700);
	is_int(make_deep(openat(dir, "deep", O_DIRECTORY), 1000), 0,
	       "a tree of depth 1000 is made");
	is_int(walk_tree(dir, &ops, &s, NULL), 0, "and walked");
	is_int(s.max_depth, 1001, "to its end");
	is_int(s.files, 4, "where a file is");
	is_int(s.left, s.dirs, "every directory was left");
}

static void test_at_once(void)
{
	struct rlimit lim, low;

	getrlimit(RLIMIT_NOFILE, &lim);
	low = lim;
	low.rlim_cur = 1024;
	setrlimit(RLIMIT_NOFILE, &low);
	is_int(walk_at_once(), 1, "few descriptors: one walk at a time");
	low.rlim_cur = 2 * WALK_DEPTH_MAX;
	setrlimit(RLIMIT_NOFILE, &low);
	is_int(walk_at_once(), 1, "not two where each may be too short by a few");
	low.rlim_cur = 5 * WALK_DEPTH_MAX;
	setrlimit(RLIMIT_NOFILE, &low);
	is_int(walk_at_once(), 4, "more where there is room");
	setrlimit(RLIMIT_NOFILE, &lim);
}

static void test_errors(int dir)
{
	struct seen s = { 0 };
	struct walk_ops no_errors = ops;
	struct err err = { 0 };

	if (geteuid() == 0 && seteuid(65534)) {
		unit_skip(3, "cannot become an ordinary user");
		return;
	}
	/* as that user the 0700 directories of root are unreadable */
	walk_tree(dir, &ops, &s, NULL);
	is_int(s.errors, 2, "unreadable directories are reported");
	is_int(s.last_error, -EACCES, "with the reason");
	no_errors.error = NULL;
	is_int(walk_tree(dir, &no_errors, &s, &err), -EACCES,
	       "and end the walk where nobody handles them");
	if (seteuid(0))
		exit(1);
}

int main(void)
{
	char tmp[256];
	char cmd[300];
	int dir;

	unit_plan(23);
	dir = open(unit_tmpdir(tmp), O_DIRECTORY);
	test_plain(dir);
	test_control(dir);
	test_deep(dir);
	test_at_once();
	if (geteuid() == 0) {
		fchmod(dir, 0755);
		test_errors(dir);
	} else {
		unit_skip(3, "needs root to be refused by root's files");
	}
	snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp);
	return system(cmd) ? 1 : unit_done();
}
