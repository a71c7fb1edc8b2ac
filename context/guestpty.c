// SPDX-License-Identifier: GPL-2.0-only
#include "guestpty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cleanup.h"

/* A message with room for one descriptor. */
struct letter {
	struct msghdr head;
	struct iovec body;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} extra;
};

static void letter_init(struct letter *l, void *text, size_t size)
{
	*l = (struct letter){ 0 };
	l->body = (struct iovec){ .iov_base = text, .iov_len = size };
	l->head = (struct msghdr){ .msg_iov = &l->body,
				   .msg_iovlen = 1,
				   .msg_control = l->extra.buf,
				   .msg_controllen = sizeof(l->extra.buf) };
}

int guestpty_send(int socket, int fd)
{
	char byte = 't';
	struct letter l;
	struct cmsghdr *c;

	letter_init(&l, &byte, 1);
	c = CMSG_FIRSTHDR(&l.head);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &l.head, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int guestpty_offer(const char *ptmx, int socket)
{
	/* should the guest have put something else there, it shall not hold us up */
	_cleanup_close_ int master =
		open(ptmx, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	_cleanup_close_ int slave = -1;
	int unlock = 0;
	int r;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return -errno;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return -errno;
	r = guestpty_send(socket, master);
	return r ? r : steal_fd(&slave);
}

/* The multiplexer's device number cannot be forged: a node of the guest's own making
 * cannot be opened. */
static int is_master(int fd)
{
	unsigned int number;
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(5, 2) && !ioctl(fd, TIOCGPTN, &number);
}

int guestpty_take(int socket, struct err *err)
{
	_cleanup_close_ int fd = -1;
	char text[256] = "";
	struct letter l;
	struct cmsghdr *c;
	ssize_t n;

	letter_init(&l, text, sizeof(text) - 1);
	do
		n = recvmsg(socket, &l.head, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&l.head) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (fd < 0)
		return err_set(err, -ECANCELED, "%s",
			       n > 0 ? text : "the guest ended meanwhile");
	return is_master(fd) ? steal_fd(&fd) :
			       err_set(err, -ECANCELED,
				       "the guest has no terminals");
}
