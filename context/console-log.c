// SPDX-License-Identifier: GPL-2.0-only
#include "console-log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "console.h"

#define OLD_NAME_SIZE (CONSOLE_LOG_NAME_SIZE + 4)

/* --- the file ------------------------------------------------------------------------- */

int console_log_watch(struct console_log *f, struct err *err)
{
	char path[40];

	f->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->dir);
	/* of the directory, so that a new file of the name is seen, too */
	if (f->watch_fd < 0 ||
	    inotify_add_watch(f->watch_fd, path,
			      IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
		return err_errno(err, -errno, "cannot watch the log");
	return 0;
}

void console_log_release(struct console_log *f)
{
	cleanup_close(&f->watch_fd);
	cleanup_close(&f->fd);
}

struct reader {
	int (*to)(void *ctx, const char *text, size_t len);
	void *ctx;
};

/* From *@offset to the end. */
static int read_rest(int fd, off_t *offset, const struct reader *to)
{
	char text[8192];
	ssize_t n;
	int r = 0;

	while (!r && (n = pread(fd, text, sizeof(text), *offset)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		*offset += n;
		r = to->to(to->ctx, text, n);
	}
	return r;
}

/* The file of this name, or -ENOENT. */
static int open_name(int dir, const char *name, struct stat *st)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, st) < 0) {
		int r = -errno;

		cleanup_close(&fd);
		return r;
	}
	return fd;
}

/* What is NAME.old, unless it is one of these two: the one that we have read, which was
 * turned away, or the one that we are about to. */
static int read_between(struct console_log *f, ino_t ours, ino_t next,
			const struct reader *to)
{
	_cleanup_close_ int old = -1;
	char name[OLD_NAME_SIZE];
	struct stat st;
	off_t offset = 0;

	(void)snprintf(name, sizeof(name), "%s.old", f->name);
	old = open_name(f->dir, name, &st);
	if (old == -ENOENT)
		return 0;
	if (old < 0)
		return old;
	return st.st_ino == ours || st.st_ino == next ?
		       0 :
		       read_rest(old, &offset, to);
}

/* What we have open is complete: only now is there another one of its name. */
static int change_file(struct console_log *f, int fd, ino_t ours, ino_t next,
		       const struct reader *to)
{
	int r = f->fd < 0 ? 0 : read_rest(f->fd, &f->offset, to);

	if (!r)
		r = read_between(f, ours, next, to);
	cleanup_close(&f->fd);
	f->fd = fd;
	f->offset = 0;
	return r;
}

static int read_new(struct console_log *f, const struct reader *to)
{
	struct stat ours = { 0 };
	struct stat st = { 0 };
	bool had = f->fd >= 0;
	int fd = open_name(f->dir, f->name, &st);
	int r = 0;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (had && fstat(f->fd, &ours) < 0)
		r = -errno;
	/* no file has number 0, and ours keeps its own while it is open */
	if (!r && fd >= 0 && ours.st_ino != st.st_ino)
		r = change_file(f, steal_fd(&fd), ours.st_ino, st.st_ino, to);
	else if (!r && had && ours.st_size < f->offset)
		f->offset = 0; /* somebody has emptied it */
	cleanup_close(&fd);
	if (!r && f->fd >= 0)
		r = read_rest(f->fd, &f->offset, to);
	return r;
}

int console_log_read(struct console_log *f,
		     int (*to)(void *ctx, const char *text, size_t len), void *ctx,
		     struct err *err)
{
	const struct reader reader = { .to = to, .ctx = ctx };
	int r = read_new(f, &reader);

	return r < 0 ? err_errno(err, r, "cannot read '%s'", f->name) : 0;
}

/* --- following ------------------------------------------------------------------------ */

struct follow {
	struct console_log *file;
	int keeper;		/* its end is after the last line; -1: it is gone */
	int guest;		/* pidfd of the first process */
};

static int show(void *ctx, const char *text, size_t len)
{
	console_text_put(ctx, text, len);
	return 0;
}

/* What it says is in the log, too. */
static void hear_keeper(struct follow *f)
{
	char text[4096];
	ssize_t n;

	do
		n = recv(f->keeper, text, sizeof(text), MSG_DONTWAIT);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 && errno == EAGAIN)
		return;
	cleanup_close(&f->keeper);
}

static void drain(int fd)
{
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
}

/* Until something happens: 1 when it is over. */
static int wait_for_more(struct follow *f)
{
	struct pollfd p[] = {
		{ .fd = f->file->watch_fd, .events = POLLIN },
		{ .fd = f->keeper, .events = POLLIN },
		/* without a keeper nobody writes more when the guest has ended */
		{ .fd = f->keeper < 0 ? f->guest : -1, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (poll(p, sizeof(p) / sizeof(*p), -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents)
		drain(f->file->watch_fd);
	if (p[1].revents)
		hear_keeper(f);
	return p[2].revents || p[3].revents & (POLLERR | POLLNVAL);
}

int console_log_follow(struct console_log *file, const struct guest *g,
		       struct console_text *s, struct err *err)
{
	struct follow f = { .file = file,
			    .keeper = console_visit(g->row.context, err),
			    .guest = g->run.pidfd };
	bool over = false;
	int r = f.keeper < 0 && f.keeper != -ENOENT ? f.keeper : 0;

	while (!r) {
		r = console_log_read(file, show, s, err);
		/* what goes wrong with the output the command finds, too */
		if (r || fflush(stdout) || over)
			break;
		r = wait_for_more(&f);
		if (r < 0)
			err_errno(err, r, "cannot wait for the guest");
		over = r > 0;
		r = r < 0 ? r : 0;
	}
	cleanup_close(&f.keeper);
	return r;
}
