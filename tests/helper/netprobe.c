// SPDX-License-Identifier: GPL-2.0-only
/*
 * netprobe: one thing with a socket, and what came of it as one line: what is asked
 * for below, or the name of the errno.
 *
 *	netprobe [-u] [-o] [-x] [-b SOURCE] [-p SOURCE] VERB ADDRESS PORT
 *
 * bpf          can a program for a cgroup be loaded here?
 * hook CGROUP  put one there that lets all packets out, beside those that are there
 * unhook CGROUP  take one off that there is for connect(2) of IPv4
 * sockets      "NAME RESULT" for each kind of socket that a guest has no use for
 * bind         bind; the address that getsockname(2) tells
 * serve        answer whoever asks with his address, until killed; first "ready PORT"
 * ask          connect; "ANSWER PEER SELF", with -u only the ANSWER and from where
 *
 * -u UDP; -o IPv6 only; -x with an option of IPv4, or a routing header of IPv6 by way of
 * the address that is asked; -b bind to this first; -c (UDP) connect first; -p (with -c)
 * this source by a control message; -a nothing is bound, so that the socket gets a port
 * but no address: by listen(2), or (UDP) by something that is sent to ADDRESS first
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seg6.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int udp, only6, connected, autobound, more_headers;
static const char *bind_to, *packet_source;

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

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

static socklen_t parse(const char *text, int port, union address *ret)
{
	*ret = (union address){ 0 };
	if (strchr(text, ':')) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) != 1)
			exit(2);
		return sizeof(ret->v6);
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, text, &ret->v4.sin_addr) != 1)
		exit(2);
	return sizeof(ret->v4);
}

static const char *text_of(const union address *a, char buf[INET6_ADDRSTRLEN])
{
	const void *bytes = a->any.sa_family == AF_INET6 ?
				    (const void *)&a->v6.sin6_addr :
				    (const void *)&a->v4.sin_addr;

	return inet_ntop(a->any.sa_family, bytes, buf, INET6_ADDRSTRLEN);
}

static int make(int family)
{
	int one = 1;
	int fd = socket(family, udp ? SOCK_DGRAM : SOCK_STREAM, 0);

	must(fd);
	must(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	if (family == AF_INET6)
		must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6,
				sizeof(only6)));
	return fd;
}

static void bind_it(int fd, const char *where, int port)
{
	union address a;
	socklen_t len = parse(where, port, &a);

	must(bind(fd, &a.any, len));
}

static void send_to(int fd, const char *where, int port)
{
	union address a;
	socklen_t len = parse(where, port, &a);

	must(sendto(fd, "x", 1, 0, &a.any, len));
}

static void name_of(int fd, int peer, union address *ret)
{
	socklen_t len = sizeof(*ret);

	must(peer ? getpeername(fd, &ret->any, &len) :
		    getsockname(fd, &ret->any, &len));
}

static int family_of(const char *where)
{
	return strchr(where, ':') ? AF_INET6 : AF_INET;
}

static void verb_bind(const char *where, int port)
{
	char text[INET6_ADDRSTRLEN];
	int fd = make(family_of(where));
	union address a;

	bind_it(fd, where, port);
	name_of(fd, 0, &a);
	end(text_of(&a, text));
}

__attribute__((noreturn)) static void verb_serve(const char *where, int port)
{
	int fd = make(family_of(where));
	union address a;

	if (!autobound)
		bind_it(fd, where, port);
	else if (udp)
		send_to(fd, where, port);
	if (!udp)
		must(listen(fd, 8));
	name_of(fd, 0, &a);
	printf("ready %d\n", ntohs(a.v4.sin_port));
	(void)fflush(stdout);
	for (;;) {
		char text[INET6_ADDRSTRLEN] = "?";
		socklen_t len = sizeof(a);
		char byte;
		int c = udp ? fd : accept(fd, &a.any, &len);

		if (udp)
			must(recvfrom(fd, &byte, 1, 0, &a.any, &len));
		else
			must(c);
		(void)text_of(&a, text);
		/* who asks may be gone */
		(void)sendto(c, text, strlen(text), MSG_NOSIGNAL,
			     udp ? &a.any : NULL, udp ? len : 0);
		if (!udp)
			(void)close(c);
	}
}

/* One byte, with a source of our choice. */
static void send_from(int fd, const char *source)
{
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct in_pktinfo info = { 0 };
	struct iovec iov = { .iov_base = (void *)"x", .iov_len = 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	if (inet_pton(AF_INET, source, &info.ipi_spec_dst) != 1)
		exit(2);
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	must(sendmsg(fd, &m, 0));
}

/* An answer takes no time on one machine; half a second without one is none. */
static void wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, 500) != 1)
		end("silence");
}

static void ask_udp(int fd, const union address *a, socklen_t len)
{
	char from_text[INET6_ADDRSTRLEN];
	char text[INET6_ADDRSTRLEN + 1] = "";
	union address from = { 0 };
	socklen_t from_len = sizeof(from);

	if (autobound) {
		must(sendto(fd, "x", 1, 0, &a->any, len));
		wait_for(fd, POLLIN);
		must(recv(fd, text, sizeof(text) - 1, 0));
	}
	if (connected)
		must(connect(fd, &a->any, len));
	if (packet_source)
		send_from(fd, packet_source);
	else
		must(sendto(fd, "x", 1, 0, connected ? NULL : &a->any,
			    connected ? 0 : len));
	wait_for(fd, POLLIN);
	must(recvfrom(fd, text, sizeof(text) - 1, 0, &from.any, &from_len));
	printf("%s %s\n", text, text_of(&from, from_text));
}

static void ask_tcp(int fd, const union address *a, socklen_t len)
{
	char peer_text[INET6_ADDRSTRLEN];
	char self_text[INET6_ADDRSTRLEN];
	char text[INET6_ADDRSTRLEN + 1] = "";
	struct timeval half = { .tv_usec = 500000 };
	union address peer;
	union address self;

	must(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &half, sizeof(half)));
	if (connect(fd, &a->any, len) < 0)
		end(errno == EINPROGRESS ? "silence" : NULL);
	name_of(fd, 1, &peer);
	name_of(fd, 0, &self);
	wait_for(fd, POLLIN);
	must(read(fd, text, sizeof(text) - 1));
	printf("%s %s %s\n", text, text_of(&peer, peer_text),
	       text_of(&self, self_text));
}

/* What leads a packet elsewhere than its header says: to do nothing, and to where it goes
 * anyway. Unlike other options of IPv6 these need no capability. */
static void add_headers(int fd, const union address *to)
{
	static const unsigned char nothing[4] = { 1, 1, 1, 0 };
	struct ipv6_sr_hdr route[3] = { { .hdrlen = 2, .type = 4 } };

	if (to->any.sa_family == AF_INET) {
		must(setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nothing,
				sizeof(nothing)));
		return;
	}
	/* one segment, as long as two headers */
	memcpy(&route[1], &to->v6.sin6_addr, sizeof(to->v6.sin6_addr));
	must(setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, route, sizeof(route)));
}

static void verb_ask(const char *where, int port)
{
	union address a;
	socklen_t len = parse(where, port, &a);
	int fd = make(a.any.sa_family);

	if (bind_to)
		bind_it(fd, bind_to, 0);
	if (more_headers)
		add_headers(fd, &a);
	if (udp)
		ask_udp(fd, &a, len);
	else
		ask_tcp(fd, &a, len);
}

static void verb_sockets(void)
{
	static const struct {
		const char *name;
		int family;
		int type;
		int protocol;
	} kinds[] = {
		{ "raw", AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ "raw6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
		{ "packet", AF_PACKET, SOCK_RAW, 0x0300 /* all */ },
		{ "packet-dgram", AF_PACKET, SOCK_DGRAM, 0x0300 },
		{ "ping", AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ "ping6", AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6 },
		{ "udplite", AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ "udplite6", AF_INET6, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ "sctp", AF_INET, SOCK_STREAM, IPPROTO_SCTP },
		{ "sctp6", AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP },
		{ "mptcp", AF_INET, SOCK_STREAM, IPPROTO_MPTCP },
		{ "mptcp6", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP },
		{ "dccp", AF_INET, SOCK_DCCP, IPPROTO_DCCP },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int fd = socket(kinds[i].family, kinds[i].type,
				kinds[i].protocol);
		const char *name = fd < 0 ? strerrorname_np(errno) : "done";

		printf("%s %s\n", kinds[i].name, name ? name : "?");
		if (fd >= 0)
			(void)close(fd);
	}
}

static int load(int type, int attach_type)
{
	struct bpf_insn allow[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = type,
				.expected_attach_type = attach_type,
				.insns = (uint64_t)(uintptr_t)allow,
				.insn_cnt = 2,
				.license = (uint64_t)(uintptr_t) "GPL" };
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	must(fd);
	return fd;
}

static void verb_bpf(void)
{
	(void)load(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND);
	end("done");
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	must(fd);
	return fd;
}

static void verb_hook(const char *path)
{
	union bpf_attr attr = { .attach_type = BPF_CGROUP_INET_EGRESS,
				.attach_flags = BPF_F_ALLOW_MULTI };

	attr.target_fd = open_directory(path);
	attr.attach_bpf_fd =
		load(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS);
	must(syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)));
	end("done");
}

static void verb_unhook(const char *path)
{
	uint32_t id = 0;
	int dir = open_directory(path);
	union bpf_attr query = { .query = { .target_fd = dir,
					    .attach_type = BPF_CGROUP_INET4_CONNECT,
					    .prog_ids = (uint64_t)(uintptr_t)&id,
					    .prog_cnt = 1 } };
	union bpf_attr by_id = { 0 };
	union bpf_attr attr = { .target_fd = dir,
				.attach_type = BPF_CGROUP_INET4_CONNECT };
	int fd;

	must(syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query)));
	by_id.prog_id = id;
	fd = syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &by_id, sizeof(by_id));
	must(fd);
	attr.attach_bpf_fd = fd;
	must(syscall(SYS_bpf, BPF_PROG_DETACH, &attr, sizeof(attr)));
	end("done");
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "uocaxb:p:")) >= 0) {
		udp |= c == 'u';
		only6 |= c == 'o';
		connected |= c == 'c';
		autobound |= c == 'a';
		more_headers |= c == 'x';
		if (c == 'b')
			bind_to = optarg;
		if (c == 'p')
			packet_source = optarg;
	}
	argv += optind;
	argc -= optind;
	if (argc == 1 && !strcmp(argv[0], "sockets"))
		verb_sockets();
	else if (argc == 1 && !strcmp(argv[0], "bpf"))
		verb_bpf();
	else if (argc == 2 && !strcmp(argv[0], "hook"))
		verb_hook(argv[1]);
	else if (argc == 2 && !strcmp(argv[0], "unhook"))
		verb_unhook(argv[1]);
	else if (argc != 3)
		return 2;
	else if (!strcmp(argv[0], "bind"))
		verb_bind(argv[1], (int)strtol(argv[2], NULL, 10));
	else if (!strcmp(argv[0], "serve"))
		verb_serve(argv[1], (int)strtol(argv[2], NULL, 10));
	else if (!strcmp(argv[0], "ask"))
		verb_ask(argv[1], (int)strtol(argv[2], NULL, 10));
	else
		return 2;
	return 0;
}
