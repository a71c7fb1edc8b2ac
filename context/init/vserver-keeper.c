// SPDX-License-Identifier: GPL-2.0-only
/*
 * The keeper of a guest (context/keeper.h): parent of its first process, holder of its
 * console. Usage: vserver-keeper PID LOG VSERVER POOL NAME, with the master of the
 * console as descriptor 3, a socket that listens as 4, the directory of the log as 5.
 *
 * When the guest ends by itself, `VSERVER --pool=POOL start --ended=PID NAME` takes its
 * place if that was a reboot, `stop --ended=PID` if not: they look after the rest, unless
 * somebody stopped or started the guest meanwhile.
 *
 * Statically linked, and nothing but system calls, since each guest has one. Whoever
 * sends it input is root; what comes from the console is a guest's, and only carried.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MASTER = 3, LISTEN, LOG_DIR };

#define LOG_SIZE (1 << 20)	/* then it becomes LOG.old */
#define VISITORS 8
#define SHORT_LIFE 2		/* seconds; who reboots sooner waits as long */

static const char *log_name;
static int log_fd = -1;
static off_t log_size;
static int slave = -1;		/* or the master would tell of its absence all the time */
static int visitors[VISITORS];
static int stopping = -1;	/* the visitor that stops the guest */

/* --- the log ---------------------------------------------------------------------- */

static void log_open(void)
{
	struct stat st;

	log_fd = openat(LOG_DIR, log_name,
			O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			0600);
	log_size = log_fd >= 0 && !fstat(log_fd, &st) ? st.st_size : 0;
}

static void log_turn(void)
{
	char old[160];

	(void)snprintf(old, sizeof(old), "%s.old", log_name);
	(void)close(log_fd); /* what was not written is lost either way */
	(void)renameat(LOG_DIR, log_name, LOG_DIR, old);
	log_open();
	/* could not be moved: begin it again, it must not grow for ever */
	if (log_size >= LOG_SIZE && !ftruncate(log_fd, 0))
		log_size = 0;
}

/* A full disk loses lines, and nothing else. */
static void log_write(const char *text, size_t len)
{
	ssize_t n;

	if (log_size >= LOG_SIZE)
		log_turn();
	n = log_fd < 0 ? 0 : write(log_fd, text, len);
	if (n > 0)
		log_size += n;
}

/* --- visitors ---------------------------------------------------------------------- */

static void leave(int i)
{
	(void)close(visitors[i]);
	visitors[i] = -1;
	if (stopping == i)
		stopping = -1;
}

/* One byte, and with it the master. */
static int greet(int fd)
{
	int master = MASTER;
	char byte = 'c';
	struct iovec body = { .iov_base = &byte, .iov_len = 1 };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} extra = { 0 };
	struct msghdr m = { .msg_iov = &body,
			    .msg_iovlen = 1,
			    .msg_control = extra.buf,
			    .msg_controllen = sizeof(extra.buf) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &master, sizeof(master));
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}

/* Where all places are taken the first one goes that does not stop the guest. */
static int place(void)
{
	int i;

	for (i = 0; i < VISITORS; i++)
		if (visitors[i] < 0)
			return i;
	i = stopping == 0 ? 1 : 0;
	leave(i);
	return i;
}

static void welcome(void)
{
	int fd = accept4(LISTEN, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred who;
	socklen_t size = sizeof(who);

	if (fd < 0)
		return;
	/* the mode of the socket says so, too */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) || who.uid ||
	    greet(fd))
		(void)close(fd);
	else
		visitors[place()] = fd;
}

static void listen_to(int i)
{
	char byte;
	ssize_t n = recv(visitors[i], &byte, 1, MSG_DONTWAIT);

	if (n == 1 && byte == 's')
		stopping = i;
	else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		leave(i);
}

/* Who is too slow misses something: nobody holds up the guest. */
static void show(const char *text, size_t len)
{
	int i;

	for (i = 0; i < VISITORS; i++)
		if (visitors[i] >= 0 &&
		    send(visitors[i], text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			leave(i);
}

/* --- the console ------------------------------------------------------------------- */

/* What is there: 1 when there may be more. */
static int carry(void)
{
	char text[4096];
	ssize_t n = read(MASTER, text, sizeof(text));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	log_write(text, n);
	show(text, n);
	return 1;
}

/* Somebody inside hung it up, and with it our own side. */
static void open_slave(void)
{
	if (slave >= 0)
		(void)close(slave);
	slave = ioctl(MASTER, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* --- the end ----------------------------------------------------------------------- */

static void say(const char *text)
{
	log_write(text, strlen(text));
	show(text, strlen(text));
}

/* reboot(2) in a process namespace ends its first process by one of two signals. */
static int ended(pid_t pid)
{
	char text[64];
	int status = 0;
	int sig;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	if (sig == SIGHUP)
		(void)snprintf(text, sizeof(text), "[the guest reboots]\r\n");
	else if (sig == SIGINT)
		(void)snprintf(text, sizeof(text), "[the guest is down]\r\n");
	else if (sig)
		(void)snprintf(text, sizeof(text),
			       "[the guest was ended by signal %d]\r\n", sig);
	else
		(void)snprintf(text, sizeof(text),
			       "[the guest ended with status %d]\r\n",
			       WEXITSTATUS(status));
	say(text);
	return sig == SIGHUP;
}

static time_t now(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return t.tv_sec;
}

static void hand_over(char **argv, int reboot)
{
	char pool[4200];
	char of[40];
	char *words[] = { argv[3], pool, (char *)(reboot ? "start" : "stop"), of, argv[5],
			  NULL };

	(void)snprintf(pool, sizeof(pool), "--pool=%s", argv[4]);
	(void)snprintf(of, sizeof(of), "--ended=%s", argv[1]);
	if (log_fd >= 0) {
		(void)dup2(log_fd, 1);
		(void)dup2(log_fd, 2);
	}
	(void)close_range(3, ~0U, 0);
	(void)execve(argv[3], words, environ);
}

/* Carry until the guest has ended. */
static void attend(int end)
{
	struct pollfd p[3 + VISITORS] = { { .fd = end, .events = POLLIN },
					  { .fd = LISTEN, .events = POLLIN },
					  { .fd = MASTER, .events = POLLIN } };
	int i;

	do {
		for (i = 0; i < VISITORS; i++)
			p[3 + i] = (struct pollfd){ .fd = visitors[i],
						    .events = POLLIN };
		/* without our own side of it, look now and then */
		p[2].fd = slave < 0 ? -1 : MASTER;
		if (poll(p, 3 + VISITORS, slave < 0 ? 200 : -1) < 0)
			continue;
		for (i = 0; i < VISITORS; i++)
			if (visitors[i] >= 0 && p[3 + i].revents)
				listen_to(i);
		if (p[1].revents)
			welcome();
		if (!carry() && (slave < 0 || p[2].revents & POLLHUP))
			open_slave();
	} while (!p[0].revents);
}

int main(int argc, char **argv)
{
	time_t began = now();
	pid_t pid = argc == 6 ? (pid_t)strtol(argv[1], NULL, 10) : 0;
	int end = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	int reboot;
	int i;

	if (end < 0)
		return 2;
	log_name = argv[2];
	log_open();
	for (i = 0; i < VISITORS; i++)
		visitors[i] = -1;
	open_slave();
	attend(end);
	while (carry())
		;
	reboot = ended(pid);
	/* whoever stops it may have asked at the same moment */
	for (i = 0; i < VISITORS; i++)
		if (visitors[i] >= 0)
			listen_to(i);
	if (stopping >= 0)
		return 0;
	if (reboot && now() - began < SHORT_LIFE)
		(void)sleep(SHORT_LIFE);
	hand_over(argv, reboot);
	return 1;
}
