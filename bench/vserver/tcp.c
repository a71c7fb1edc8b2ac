// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two ends of a TCP connection, for bench/vserver/run. Times in nanoseconds.
 *
 * tcp serve ADDRESS PORT       take connections, one after the other, until killed; "ready"
 *                              on standard output when there can be one
 * tcp stream N ADDRESS PORT    N times send 256 MiB, print what one MiB took
 * tcp ask N ADDRESS PORT       N times 10,000 requests and answers of a byte each, print
 *                              what one request took with its answer
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MIB (1 << 20)
#define STREAM_MIB 256
#define REQUESTS 10000

static char buf[MIB];

static long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct sockaddr_in parse(const char *address, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		errx(2, "no address: %s", address);
	return a;
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		err(1, "socket");
	return fd;
}

static void send_all(int fd, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n <= 0)
			err(1, "send");
		len -= n;
	}
}

static void receive_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		err(1, "receive");
}

/* The first byte tells how: 'a' answer each, 's' answer when all STREAM_MIB are here. */
static void answer(int fd)
{
	long long left = STREAM_MIB * (long long)MIB;
	char how;

	if (read(fd, &how, 1) != 1)
		return;
	for (;;) {
		ssize_t n = read(fd, buf, how == 'a' ? 1 : sizeof(buf));

		if (n <= 0)
			return;
		left -= n;
		if (how == 'a' || left <= 0)
			send_all(fd, 1);
	}
}

static void serve(const struct sockaddr_in *a)
{
	int fd = new_socket(), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)a, sizeof(*a)) || listen(fd, 1))
		err(1, "listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			err(1, "accept");
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		answer(c);
		close(c);
	}
}

static int call(const struct sockaddr_in *a, char how)
{
	int fd = new_socket(), one = 1;

	if (connect(fd, (const struct sockaddr *)a, sizeof(*a)))
		err(1, "connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (write(fd, &how, 1) != 1)
		err(1, "send");
	return fd;
}

static void stream(int n, const struct sockaddr_in *a)
{
	while (n-- > 0) {
		int fd = call(a, 's');
		long long start = now();

		send_all(fd, STREAM_MIB * (size_t)MIB);
		receive_byte(fd);
		printf("%lld\n", (now() - start) / STREAM_MIB);
		close(fd);
	}
}

static void ask(int n, const struct sockaddr_in *a)
{
	while (n-- > 0) {
		int fd = call(a, 'a');
		long long start = now();
		int i;

		for (i = 0; i < REQUESTS; i++) {
			send_all(fd, 1);
			receive_byte(fd);
		}
		printf("%lld\n", (now() - start) / REQUESTS);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in a;

	if (argc < 4)
		errx(2, "usage: tcp serve|stream N|ask N ADDRESS PORT");
	a = parse(argv[argc - 2], argv[argc - 1]);
	if (!strcmp(argv[1], "serve"))
		serve(&a);
	else if (argc == 5 && !strcmp(argv[1], "stream"))
		stream(atoi(argv[2]), &a);
	else if (argc == 5 && !strcmp(argv[1], "ask"))
		ask(atoi(argv[2]), &a);
	else
		errx(2, "usage: tcp serve|stream N|ask N ADDRESS PORT");
	return 0;
}
