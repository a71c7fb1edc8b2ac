// SPDX-License-Identifier: GPL-2.0-only
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"
#include "running.h"

#define VISITORS 8
#define KEEPER_MS 10000

/* The directory by its descriptor, since its path may be longer than an address. */
static void address(int run_fd, uint32_t context, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(ret->sun_path, sizeof(ret->sun_path),
		       "/proc/self/fd/%d/%u.console", run_fd, context);
}

int console_remove(int run_fd, uint32_t context, struct err *err)
{
	char name[24];
	int r;

	(void)snprintf(name, sizeof(name), "%u.console", context);
	r = fx_unlinkat(run_fd, name, 0);
	return !r || r == -ENOENT ? 0 :
				    err_errno(err, r, "cannot remove '%s'", name);
}

int console_listen(int run_fd, uint32_t context, struct err *err)
{
	_cleanup_close_ int fd = socket(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a;
	mode_t mask;
	int r = console_remove(run_fd, context, err);

	if (r < 0)
		return r;
	address(run_fd, context, &a);
	r = fd < 0 ? -errno : fx_step("bind");
	if (r < 0)
		return err_errno(err, r, "cannot make the guest's console");
	mask = umask(0177); /* root's alone, from its first moment */
	r = bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -errno : 0;
	(void)umask(mask);
	if (!r && listen(fd, VISITORS) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, r, "cannot make the guest's console") :
		       steal_fd(&fd);
}

int console_visit(uint32_t context, struct err *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int dir = running_dir(err);
	struct sockaddr_un a;

	if (dir < 0)
		return dir;
	address(dir, context, &a);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return steal_fd(&fd);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return -ENOENT;
	return err_errno(err, -errno, "cannot reach the guest's console");
}

int console_stopping(uint32_t context)
{
	int fd = console_visit(context, NULL);

	if (fd >= 0 && send(fd, "s", 1, MSG_NOSIGNAL) == 1)
		return fd;
	cleanup_close(&fd);
	return -1;
}

void console_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	/* what comes meanwhile is for others; a descriptor in it goes at once */
	while (fd >= 0 && poll(&p, 1, KEEPER_MS) == 1) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			break;
	}
	cleanup_close(&fd);
}

/* --- the log ------------------------------------------------------------------------- */

int console_log_dir(struct err *err)
{
	const char *dir = secure_getenv("COWLINK_LOG");
	int fd;
	int r;

	if (!dir || !*dir)
		dir = COWLINK_LOCALSTATEDIR "/log/vserver";
	r = fx_mkdirat(AT_FDCWD, dir, 0700);
	if (r < 0 && r != -EEXIST)
		return err_errno(err, r, "cannot make '%s'", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, -errno, "cannot open '%s'", dir) : fd;
}

void console_log_name(const struct tree_row *row,
		      char buf[CONSOLE_LOG_NAME_SIZE])
{
	(void)snprintf(buf, CONSOLE_LOG_NAME_SIZE, "%s-%.8s.log", row->name,
		       row->uuid);
}
