// SPDX-License-Identifier: GPL-2.0-only
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define DETACH 0x1d /* Ctrl-] */

int terminal_check(const char *instead, struct err *err)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) ?
		       0 :
		       err_set(err, -ENOTTY,
			       "standard input and output are no terminal; %s",
			       instead);
}

bool terminal_find(struct terminal *t)
{
	static const int outputs[] = { STDOUT_FILENO, STDERR_FILENO, STDIN_FILENO };
	size_t i;

	t->keyboard = isatty(STDIN_FILENO) ? STDIN_FILENO : -1;
	for (i = 0; i < sizeof(outputs) / sizeof(*outputs); i++)
		if (isatty(outputs[i])) {
			t->screen = outputs[i];
			return true;
		}
	return false;
}

/* Only interrupts a poll. */
static void on_resize(int sig)
{
}

static void pass_size(const struct terminal *t)
{
	struct winsize size;

	if (!ioctl(t->screen, TIOCGWINSZ, &size))
		(void)ioctl(t->input, TIOCSWINSZ, &size); /* no size, no harm */
}

/* All of it, also where the other side is slow. */
static int put(int fd, const char *buf, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			buf += n;
			len -= n;
		}
	}
	return 0;
}

/* Show what is there: 1, or 0 when nothing will come any more. */
static int show(const struct terminal *t)
{
	char buf[4096];
	ssize_t n = read(t->output, buf, sizeof(buf));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	/* EIO: the last one inside has closed it */
	if (n <= 0)
		return n < 0 && errno != EIO && errno != ECONNRESET ? -errno : 0;
	n = put(t->screen, buf, n);
	return n < 0 ? (int)n : 1;
}

/* Pass on what was typed: 1, 0 when the operator is gone, 2 when detached. */
static int type(const struct terminal *t)
{
	char buf[1024];
	ssize_t n = read(t->keyboard, buf, sizeof(buf));
	const char *detach;
	int r;

	if (n < 0 && errno == EINTR)
		return 1;
	if (n <= 0)
		return 0;
	detach = t->detach ? memchr(buf, DETACH, n) : NULL;
	r = put(t->input, buf, detach ? (size_t)(detach - buf) : (size_t)n);
	return r < 0 ? r : detach ? 2 : 1;
}

/* What was written before the end. */
static int show_rest(const struct terminal *t)
{
	struct pollfd p = { .fd = t->output, .events = POLLIN };
	int r = 1;

	while (r > 0 && poll(&p, 1, 0) > 0)
		r = show(t);
	return r < 0 ? r : 0;
}

/*
 * SIGWINCH is blocked but for the poll, so that none is lost before it. It may come together
 * with what was typed after it, and is not told of then: the size is passed on each time, which
 * does nothing where it is the same.
 */
static int connect_both(const struct terminal *t, const sigset_t *unblocked)
{
	struct pollfd p[] = { { .fd = t->output, .events = POLLIN },
			      { .fd = t->keyboard, .events = POLLIN },
			      { .fd = t->end, .events = POLLIN } };
	int r = 1;

	while (r > 0) {
		if (ppoll(p, 3, NULL, unblocked) < 0) {
			r = errno == EINTR ? 1 : -errno;
			pass_size(t);
			continue;
		}
		pass_size(t);
		if (p[2].revents)
			return show_rest(t);
		if (p[0].revents)
			r = show(t);
		/* where the end is told, output may be closed and come again */
		if (!r && t->end >= 0) {
			p[0].fd = -1;
			r = 1;
		}
		if (r > 0 && p[1].revents)
			r = type(t);
		if (r == 2)
			return 1;
	}
	return r;
}

/* With the size known there, and told when it changes. */
static int connect_sized(const struct terminal *t)
{
	struct sigaction watch = { .sa_handler = on_resize };
	sigset_t resize;
	sigset_t mask;
	int r;

	(void)sigemptyset(&resize);
	(void)sigaddset(&resize, SIGWINCH);
	(void)sigprocmask(SIG_BLOCK, &resize, &mask);
	(void)sigaction(SIGWINCH, &watch, NULL); /* exists */
	pass_size(t);
	r = connect_both(t, &mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	return r;
}

int terminal_connect(const struct terminal *t, struct err *err)
{
	bool typed = t->keyboard >= 0;
	struct termios before;
	struct termios raw;
	int r;

	if (typed && tcgetattr(t->keyboard, &before) < 0)
		return err_errno(err, -errno, "cannot use the terminal");
	if (typed) {
		raw = before;
		cfmakeraw(&raw);
		if (tcsetattr(t->keyboard, TCSANOW, &raw) < 0)
			return err_errno(err, -errno, "cannot use the terminal");
	}
	r = connect_sized(t);
	if (typed)
		(void)tcsetattr(t->keyboard, TCSADRAIN, &before); /* or it has gone */
	return r < 0 ? err_errno(err, r, "the terminal failed") : r;
}
