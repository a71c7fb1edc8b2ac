// SPDX-License-Identifier: GPL-2.0-only
/*
 * unixprobe: one thing with a Unix socket, and what came of it as one line: "done", what
 * is asked for below, or the name of the errno.
 *
 *	unixprobe [-d|-s] [-c] serve NAME
 *	unixprobe [-d|-s] [-c] ask NAME
 *	unixprobe pair COMMAND [ARGUMENT...]
 *	unixprobe say
 *	unixprobe programs
 *
 * serve     be there, until killed; first "ready NAME". NAME "-": a name that the kernel
 *           chooses, "@..." an abstract one, else a file
 * ask       connect, or with -d send a datagram there, with -c connect and then send it
 * pair      run the command with one end of a pair of datagram sockets as its input, and
 *           print what it sends there
 * say       send "hello" to the input
 * programs  how many programs of ours, "unix_...", the kernel has
 *
 * -d datagrams, -s packets in sequence, else a stream
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int type = SOCK_STREAM;
static int connected;

__attribute__((noreturn)) static void end(const char *what)
{
	const char *name = strerrorname_np(errno);

	printf("%s\n", what ? what : name ? name : "?");
	exit(0);
}

static void must(long result)
{
	if (result < 0)
		end(NULL);
}

static socklen_t parse(const char *name, struct sockaddr_un *ret)
{
	size_t len = strlen(name);

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(ret->sun_path))
		exit(2);
	if (!strcmp(name, "-"))
		return offsetof(struct sockaddr_un, sun_path);
	memcpy(ret->sun_path, name, len);
	if (*name == '@')
		ret->sun_path[0] = '\0';
	else
		len++; /* its NUL */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static void print_name(int fd)
{
	struct sockaddr_un a = { 0 };
	socklen_t len = sizeof(a);

	must(getsockname(fd, (struct sockaddr *)&a, &len));
	if (!a.sun_path[0])
		a.sun_path[0] = '@';
	printf("ready %.*s\n", (int)sizeof(a.sun_path), a.sun_path);
	(void)fflush(stdout);
}

__attribute__((noreturn)) static void verb_serve(const char *name)
{
	struct sockaddr_un a;
	socklen_t len = parse(name, &a);
	int fd = socket(AF_UNIX, type, 0);
	char byte;

	must(fd);
	must(bind(fd, (struct sockaddr *)&a, len));
	if (type != SOCK_DGRAM)
		must(listen(fd, 8));
	print_name(fd);
	for (;;) {
		if (type == SOCK_DGRAM) {
			must(recv(fd, &byte, 1, 0));
		} else {
			int c = accept(fd, NULL, NULL);

			must(c);
			(void)close(c);
		}
	}
}

static void verb_ask(const char *name)
{
	struct sockaddr_un a;
	socklen_t len = parse(name, &a);
	int fd = socket(AF_UNIX, type, 0);

	must(fd);
	if (type != SOCK_DGRAM || connected)
		must(connect(fd, (struct sockaddr *)&a, len));
	if (type == SOCK_DGRAM && connected)
		must(send(fd, "x", 1, 0));
	else if (type == SOCK_DGRAM)
		must(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, len));
	end("done");
}

static void verb_pair(char **argv)
{
	char text[64] = "";
	int fds[2];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds));
	pid = fork();
	must(pid);
	if (!pid) {
		must(dup2(fds[0], 0));
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	must(waitpid(pid, NULL, 0));
	must(recv(fds[1], text, sizeof(text) - 1, MSG_DONTWAIT));
	end(text);
}

static void verb_programs(void)
{
	union bpf_attr attr = { 0 };
	int count = 0;

	while (!syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr))) {
		struct bpf_prog_info info = { 0 };
		union bpf_attr get = { .prog_id = attr.next_id };
		int fd = (int)syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &get,
				      sizeof(get));
		union bpf_attr ask = { .info.bpf_fd = (uint32_t)fd,
				       .info.info_len = sizeof(info),
				       .info.info = (uint64_t)(uintptr_t)&info };

		attr.start_id = attr.next_id;
		if (fd < 0)
			continue; /* it has just gone */
		must(syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &ask,
			     sizeof(ask)));
		count += !strncmp(info.name, "unix_", 5);
		(void)close(fd);
	}
	printf("%d\n", count);
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+dsc")) >= 0) {
		if (c == 'd')
			type = SOCK_DGRAM;
		else if (c == 's')
			type = SOCK_SEQPACKET;
		connected |= c == 'c';
	}
	argv += optind;
	argc -= optind;
	if (argc == 2 && !strcmp(argv[0], "serve"))
		verb_serve(argv[1]);
	else if (argc == 2 && !strcmp(argv[0], "ask"))
		verb_ask(argv[1]);
	else if (argc >= 2 && !strcmp(argv[0], "pair"))
		verb_pair(argv + 1);
	else if (argc == 1 && !strcmp(argv[0], "say"))
		must(send(0, "hello", 5, 0));
	else if (argc == 1 && !strcmp(argv[0], "programs"))
		verb_programs();
	else
		return 2;
	return 0;
}
