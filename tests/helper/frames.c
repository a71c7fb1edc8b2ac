// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames of many kinds, each with its name at the end.
 *
 *	frames list                       the names: "own NAME" for what a machine sends for
 *	                                  itself, "foreign NAME"
 *	frames send INTERFACE OWN4 OWN6 OTHER4 OTHER6
 *	                                  one of each to everybody, then one called "end"
 *	frames watch INTERFACE            "ready", then the names of those that come, up to
 *	                                  the end
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netpacket/packet.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_ether.h>

#define NAME_SIZE 24
static const char mark[8] = "cowlink:";

static uint8_t own_mac[6], own4[4], own6[16], other4[4], other6[16], local6[16];
static const uint8_t other_mac[6] = { 2, 0, 0, 0, 0, 0x77 };
static const uint8_t zero[40], loopback6[16] = { [15] = 1 };
static const uint8_t mapped6[16] = { [10] = 0xff, 0xff, 10, 9, 0, 5 };

/* What is made, and where in it an IP header and an ICMP message begin. */
static uint8_t frame[512];
static size_t len, ip_at, icmp_at;

static void add(const void *bytes, size_t size)
{
	memcpy(frame + len, bytes, size);
	len += size;
}

static void add8(int n)
{
	frame[len++] = (uint8_t)n;
}

static void add16(int n)
{
	add8(n >> 8);
	add8(n);
}

static void ethernet(const uint8_t *source, int type)
{
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };

	len = ip_at = icmp_at = 0;
	add(everybody, 6);
	add(source, 6);
	add16(type);
}

static void arp(int op, const uint8_t *mac, const uint8_t *sender)
{
	ethernet(own_mac, ETH_P_ARP);
	add16(1);
	add16(ETH_P_IP);
	add16(6 << 8 | 4);
	add16(op);
	add(mac, 6);
	add(sender, 4);
	add(zero, 6);
	add(other4, 4);
}

static void ipv4(const uint8_t *source)
{
	ip_at = len;
	add16(0x4500);
	add16(0);
	add(zero, 4);
	add16(1 << 8 | 253); /* for experiments */
	add16(0);
	add(source, 4);
	add(other4, 4);
}

static void ip4(const uint8_t *source)
{
	ethernet(own_mac, ETH_P_IP);
	ipv4(source);
}

/* Hop limit 1: no neighbour heeds what it is told here. */
static void ip6(const uint8_t *source, int next)
{
	static const uint8_t all[16] = { 0xff, 2, [15] = 1 };

	ethernet(own_mac, ETH_P_IPV6);
	ip_at = len;
	add16(0x6000);
	add(zero, 4);
	add8(next);
	add8(1);
	add(source, 16);
	add(all, 16);
}

/* A header of 8 bytes before another one. */
static void before(int next)
{
	add16(next << 8);
	add(zero, 6);
}

static void fragment(int next, int offset)
{
	add16(next << 8);
	add16(offset << 3 | 1);
	add(zero, 4);
}

static void icmp(int type, const uint8_t *target)
{
	icmp_at = len;
	add16(type << 8);
	add(zero, 6);
	add(target, 16);
}

static void many(const uint8_t *source, int n)
{
	ip6(source, IPPROTO_DSTOPTS);
	while (--n > 0)
		before(IPPROTO_DSTOPTS);
	before(IPPROTO_UDP);
}

static void k_arp_ask(void) { arp(1, own_mac, own4); }
static void k_arp_answer(void) { arp(2, own_mac, own4); }
static void k_arp_probe(void) { arp(1, own_mac, zero); }
static void k_ip4(void) { ip4(own4); }
static void k_ip6(void) { ip6(own6, IPPROTO_UDP); }
static void k_ip6_local(void) { ip6(local6, IPPROTO_UDP); }
static void k_echo(void) { ip6(own6, IPPROTO_ICMPV6); icmp(129, zero); }
static void k_ns(void) { ip6(own6, IPPROTO_ICMPV6); icmp(135, other6); }
static void k_ns_nobody(void) { ip6(zero, IPPROTO_ICMPV6); icmp(135, own6); }
static void k_na(void) { ip6(own6, IPPROTO_ICMPV6); icmp(136, own6); }
static void k_na_local(void) { ip6(local6, IPPROTO_ICMPV6); icmp(136, local6); }
static void k_na_behind(void)
{
	ip6(own6, IPPROTO_HOPOPTS);
	before(IPPROTO_ICMPV6);
	icmp(136, own6);
}
/* With the option "router alert", as it has to be. */
static void hop_nobody(int type)
{
	ip6(zero, IPPROTO_HOPOPTS);
	add16(IPPROTO_ICMPV6 << 8);
	add16(0x0502);
	add16(0);
	add16(0x0100);
	icmp(type, zero);
}
static void k_mld(void) { hop_nobody(143); }
static void k_mld1(void) { hop_nobody(131); }
static void k_mld_leave(void) { hop_nobody(132); }
static void k_fragment(void)
{
	ip6(own6, IPPROTO_FRAGMENT);
	fragment(IPPROTO_UDP, 0);
}
/* Data, though it looks like something else. */
static void k_later_fragment(void)
{
	ip6(own6, IPPROTO_FRAGMENT);
	fragment(IPPROTO_ICMPV6, 8);
	icmp(134, zero);
}
static void k_five_headers(void) { many(own6, 5); }

static void k_mac_other(void) { ethernet(other_mac, ETH_P_IP); ipv4(own4); }
static void k_mac_end(void)
{
	uint8_t mac[6];

	memcpy(mac, own_mac, 6);
	mac[5] ^= 1;
	ethernet(mac, ETH_P_IP);
	ipv4(own4);
}
static void k_arp_other(void) { arp(2, own_mac, other4); }
static void k_arp_ask_other(void) { arp(1, own_mac, other4); }
static void k_arp_mac(void) { arp(2, other_mac, own4); }
static void k_arp_answer_nobody(void) { arp(2, own_mac, zero); }
static void k_arp_op(void) { arp(9, own_mac, own4); }
static void k_arp_kind(void) { arp(1, own_mac, own4); frame[15] = 6; }
static void k_arp_size(void) { arp(1, own_mac, own4); frame[19] = 8; }
static void k_rarp(void) { arp(3, own_mac, own4); frame[13] = 0x35; frame[12] = 0x80; }
static void k_ip4_other(void) { ip4(other4); }
static void k_ip4_nobody(void) { ip4(zero); }
static void k_ip6_other(void) { ip6(other6, IPPROTO_UDP); }
static void k_ip6_loopback(void) { ip6(loopback6, IPPROTO_UDP); }
static void k_ip6_mapped(void) { ip6(mapped6, IPPROTO_UDP); }
static void k_nobody_udp(void) { ip6(zero, IPPROTO_UDP); }
static void k_nobody_echo(void) { ip6(zero, IPPROTO_ICMPV6); icmp(129, zero); }
static void k_nobody_na(void) { ip6(zero, IPPROTO_ICMPV6); icmp(136, own6); }
static void k_nobody_hop_udp(void) { ip6(zero, IPPROTO_HOPOPTS); before(IPPROTO_UDP); }
static void k_nobody_hop_na(void) { hop_nobody(136); }
static void k_na_other(void) { ip6(own6, IPPROTO_ICMPV6); icmp(136, other6); }
static void k_ra(void) { ip6(local6, IPPROTO_ICMPV6); icmp(134, zero); }
static void k_redirect(void) { ip6(local6, IPPROTO_ICMPV6); icmp(137, other6); }
static void ra_behind(int what)
{
	ip6(local6, what);
	before(IPPROTO_ICMPV6);
	icmp(134, zero);
}
static void k_ra_hop(void) { ra_behind(IPPROTO_HOPOPTS); }
static void k_ra_options(void) { ra_behind(IPPROTO_DSTOPTS); }
static void k_ra_routing(void) { ra_behind(IPPROTO_ROUTING); }
static void k_ra_long(void)
{
	ip6(local6, IPPROTO_DSTOPTS);
	add16(IPPROTO_ICMPV6 << 8 | 2);
	add(zero, 14);
	add(zero, 8);
	icmp(134, zero);
}
static void k_ra_fragment(void)
{
	ip6(local6, IPPROTO_FRAGMENT);
	fragment(IPPROTO_ICMPV6, 0);
	icmp(134, zero);
}
static void k_ra_deep(void)
{
	ip6(local6, IPPROTO_HOPOPTS);
	before(IPPROTO_DSTOPTS);
	before(IPPROTO_FRAGMENT);
	fragment(IPPROTO_DSTOPTS, 0);
	before(IPPROTO_ICMPV6);
	icmp(134, zero);
}
static void k_six_headers(void) { many(own6, 6); }
static void k_vlan(void) { ethernet(own_mac, ETH_P_8021Q); add16(5); add16(ETH_P_IP); ipv4(own4); }
static void k_vlan_vlan(void)
{
	ethernet(own_mac, ETH_P_8021AD);
	add16(5);
	add16(ETH_P_8021Q);
	add16(5);
	add16(ETH_P_IP);
	ipv4(own4);
}
static void k_other_type(void) { ethernet(own_mac, 0x88b5); add(zero, 16); }
static void k_llc(void) { ethernet(own_mac, 38); add16(0x4242); add8(3); add(zero, 35); }

static const struct kind {
	const char *name;
	void (*make)(void);
	int foreign;
} kinds[] = {
	{ "arp-ask", k_arp_ask, 0 },
	{ "arp-answer", k_arp_answer, 0 },
	{ "arp-probe", k_arp_probe, 0 },
	{ "ip4", k_ip4, 0 },
	{ "ip6", k_ip6, 0 },
	{ "ip6-local", k_ip6_local, 0 },
	{ "echo", k_echo, 0 },
	{ "ns", k_ns, 0 },
	{ "ns-nobody", k_ns_nobody, 0 },
	{ "na", k_na, 0 },
	{ "na-local", k_na_local, 0 },
	{ "na-behind", k_na_behind, 0 },
	{ "mld", k_mld, 0 },
	{ "mld1", k_mld1, 0 },
	{ "mld-leave", k_mld_leave, 0 },
	{ "fragment", k_fragment, 0 },
	{ "later-fragment", k_later_fragment, 0 },
	{ "five-headers", k_five_headers, 0 },
	{ "mac-other", k_mac_other, 1 },
	{ "mac-end", k_mac_end, 1 },
	{ "arp-other", k_arp_other, 1 },
	{ "arp-ask-other", k_arp_ask_other, 1 },
	{ "arp-mac", k_arp_mac, 1 },
	{ "arp-answer-no", k_arp_answer_nobody, 1 },
	{ "arp-op", k_arp_op, 1 },
	{ "arp-kind", k_arp_kind, 1 },
	{ "arp-size", k_arp_size, 1 },
	{ "rarp", k_rarp, 1 },
	{ "ip4-other", k_ip4_other, 1 },
	{ "ip4-nobody", k_ip4_nobody, 1 },
	{ "ip6-other", k_ip6_other, 1 },
	{ "ip6-loopback", k_ip6_loopback, 1 },
	{ "ip6-mapped", k_ip6_mapped, 1 },
	{ "nobody-udp", k_nobody_udp, 1 },
	{ "nobody-echo", k_nobody_echo, 1 },
	{ "nobody-na", k_nobody_na, 1 },
	{ "nobody-hop-udp", k_nobody_hop_udp, 1 },
	{ "nobody-hop-na", k_nobody_hop_na, 1 },
	{ "na-other", k_na_other, 1 },
	{ "ra", k_ra, 1 },
	{ "redirect", k_redirect, 1 },
	{ "ra-hop", k_ra_hop, 1 },
	{ "ra-options", k_ra_options, 1 },
	{ "ra-routing", k_ra_routing, 1 },
	{ "ra-long", k_ra_long, 1 },
	{ "ra-fragment", k_ra_fragment, 1 },
	{ "ra-deep", k_ra_deep, 1 },
	{ "six-headers", k_six_headers, 1 },
	{ "vlan", k_vlan, 1 },
	{ "vlan-vlan", k_vlan_vlan, 1 },
	{ "other-type", k_other_type, 1 },
	{ "llc", k_llc, 1 },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

static int die(const char *what)
{
	perror(what);
	return 1;
}

static uint32_t sum(uint32_t begin, size_t from, size_t to)
{
	for (; from < to; from += 2)
		begin += frame[from] << 8 | (from + 1 < to ? frame[from + 1] : 0);
	return begin;
}

static void put16(size_t at, size_t n)
{
	frame[at] = (uint8_t)(n >> 8);
	frame[at + 1] = (uint8_t)n;
}

static void put_sum(size_t at, uint32_t n)
{
	while (n >> 16)
		n = (n & 0xffff) + (n >> 16);
	put16(at, ~n & 0xffff);
}

/* Lengths and checksums: a bridge throws away what is no IP. */
static void finish(void)
{
	if (ip_at && frame[ip_at] == 0x45) {
		put16(ip_at + 2, len - ip_at);
		put_sum(ip_at + 10, sum(0, ip_at, ip_at + 20));
	} else if (ip_at) {
		put16(ip_at + 4, len - ip_at - 40);
	}
	if (icmp_at)
		put_sum(icmp_at + 2, sum(len - icmp_at + IPPROTO_ICMPV6, ip_at + 8,
					 ip_at + 40) + sum(0, icmp_at, len));
}

static int send_one(int fd, const struct sockaddr_ll *to, const char *name)
{
	char tail[NAME_SIZE] = "";

	memcpy(tail, mark, sizeof(mark));
	(void)snprintf(tail + sizeof(mark), sizeof(tail) - sizeof(mark), "%s", name);
	add(tail, sizeof(tail));
	finish();
	return sendto(fd, frame, len, 0, (const struct sockaddr *)to,
		      sizeof(*to)) == (ssize_t)len ?
		       0 :
		       die(name);
}

/* From one processor, or one frame could overtake another. */
static int send_all(int fd, const struct sockaddr_ll *to, char **address)
{
	cpu_set_t one;
	size_t i;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		return die("affinity");
	if (inet_pton(AF_INET, address[0], own4) != 1 ||
	    inet_pton(AF_INET6, address[1], own6) != 1 ||
	    inet_pton(AF_INET, address[2], other4) != 1 ||
	    inet_pton(AF_INET6, address[3], other6) != 1)
		return 2;
	memcpy(local6, (uint8_t[16]){ 0xfe, 0x80, [8] = own_mac[0] ^ 2, own_mac[1],
				      own_mac[2], 0xff, 0xfe, own_mac[3],
				      own_mac[4], own_mac[5] }, 16);
	for (i = 0; i < KINDS; i++) {
		kinds[i].make();
		if (send_one(fd, to, kinds[i].name))
			return 1;
	}
	k_arp_probe(); /* which all may send */
	return send_one(fd, to, "end");
}

static int watch(int fd)
{
	(void)alarm(60); /* none takes so long */
	if (puts("ready") < 0 || fflush(stdout))
		return 1;
	for (;;) {
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, frame, sizeof(frame), 0,
				     (struct sockaddr *)&from, &size);
		const char *tail = (const char *)frame + n - NAME_SIZE;

		if (n < 0)
			return die("recvfrom");
		if (from.sll_pkttype == PACKET_OUTGOING || n < NAME_SIZE ||
		    memcmp(tail, mark, sizeof(mark)) != 0)
			continue;
		tail += sizeof(mark);
		if (!strncmp(tail, "end", 4))
			return 0;
		if (printf("%.16s\n", tail) < 0 || fflush(stdout))
			return 1;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_halen = 6 };
	struct ifreq request = { 0 };
	size_t i;
	int fd;

	if (argc == 2 && !strcmp(argv[1], "list")) {
		for (i = 0; i < KINDS; i++)
			printf("%s %s\n", kinds[i].foreign ? "foreign" : "own",
			       kinds[i].name);
		return 0;
	}
	if (argc != 3 && argc != 7)
		return 2;
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[2]);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return die(argv[2]);
	memcpy(own_mac, request.ifr_hwaddr.sa_data, 6);
	at.sll_ifindex = (int)if_nametoindex(argv[2]);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return die("bind");
	return argc == 7 ? send_all(fd, &at, argv + 3) : watch(fd);
}
