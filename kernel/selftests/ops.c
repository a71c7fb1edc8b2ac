// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations that break a link, and whether they were done.
 */
#include "harness.h"
#include "ops.h"

#include <sys/wait.h>
#include <sys/xattr.h>

#define SIZE	OPS_SIZE
#define SHORT	100001		/* no whole number of blocks */

/* A write that is in the file that the name leads to in the end. */
static int op_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0)
		return -1;
	EXPECT_EQ(pwrite(fd, "new", 3, 0), 3);
	close(fd);
	return 0;
}

static int op_truncate(const char *path)
{
	return truncate(path, SHORT);
}

static int op_chmod(const char *path)
{
	return chmod(path, 0600);
}

static int op_chown(const char *path)
{
	return chown(path, OWNER, OWNER);
}

static int op_utimes(const char *path)
{
	return utimensat(AT_FDCWD, path, NULL, 0);
}

static int op_setxattr(const char *path)
{
	return setxattr(path, "trusted.x", "1", 1, XATTR_CREATE);
}

const struct op ops[] = {
	{ "open", op_open, IGN_CONTENT | IGN_MTIME, SIZE },
	{ "truncate", op_truncate, IGN_CONTENT | IGN_MTIME, SHORT },
	{ "chmod", op_chmod, IGN_MODE, SIZE },
	{ "chown", op_chown, IGN_OWNER, SIZE },
	{ "utimes", op_utimes, IGN_ATIME | IGN_MTIME, SIZE },
	{ "setxattr", op_setxattr, IGN_XATTRS, SIZE },
	{ NULL }
};

void expect_done(const char *path, const struct op *op,
		 const struct snapshot *before)
{
	struct snapshot now;
	off_t from = op->fn == op_open ? 3 : 0;
	unsigned int flags;
	char new[3];
	int fd;

	EXPECT_SAME(path, before, IGN_COPY | op->changes);
	snapshot_take(path, &now);
	EXPECT_EQ(now.st.st_nlink, 1);
	EXPECT_EQ(now.st.st_size, op->size);
	pattern_check(path, from, op->size - from, SHARED_SEED);
	EXPECT_OK(get_flags(path, &flags));
	EXPECT_EQ(flags & SHARED_FL, 0);
	if (op->fn == op_open) {
		fd = EXPECT_OK(open(path, O_RDONLY));
		EXPECT_EQ(pread(fd, new, 3, 0), 3);
		CHECK(!memcmp(new, "new", 3), "%s: the write is lost", path);
		close(fd);
	}
	if (op->fn == op_chmod)
		EXPECT_EQ(now.st.st_mode, S_IFREG | 0600);
	if (op->fn == op_chown)
		EXPECT_EQ(now.st.st_uid, OWNER);
	if (op->fn == op_utimes)
		CHECK(now.st.st_mtim.tv_sec > OLD_SEC, "%s: an old mtime", path);
	if (op->fn == op_setxattr)
		EXPECT_EQ(getxattr(path, "trusted.x", NULL, 0), 1);
}

pid_t start_op(const struct op *op, const char *path)
{
	pid_t pid = EXPECT_OK(fork());

	if (pid)
		return pid;
	_exit(op->fn(path) ? errno : 0);
}

void expect_result(pid_t pid, const struct op *op, int err)
{
	int status;

	EXPECT_OK(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status), "%s: ended by signal %d", op->name,
	      WTERMSIG(status));
	CHECK(WEXITSTATUS(status) == err, "%s: expected %s, got %s", op->name,
	      err ? errno_name(err) : "success",
	      WEXITSTATUS(status) ? errno_name(WEXITSTATUS(status)) :
				    "success");
}
