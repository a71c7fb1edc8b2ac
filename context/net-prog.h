/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs that hold a guest on the host's network stack to its addresses. They
 * sit on its cgroup, need no process, and go with it. What they know stands in a map
 * that nobody can write, so that it can be read back from the kernel.
 *
 * Loopback: 127.0.0.N of the guest is 127.HI.LO.N, with the two bytes of its context,
 * and ::1 is an address of ours on the interface "lo". Inside they look as ever.
 *
 * The last wall are the two that see packets: whatever a socket was bound or connected
 * to, nothing leaves it from, and nothing reaches it at, an address that is not the
 * guest's; and what a guest sends from its loopback comes to its own sockets only, never
 * to those of the host that listen everywhere.
 */
#ifndef COWLINK_NET_PROG_H
#define COWLINK_NET_PROG_H

#include "err.h"
#include "kernel-btf.h"
#include "net-list.h"

/* The value of the map "cowlink_net", also read by the programs. */
struct net_config {
	uint32_t lback4;	/* 127.HI.LO.0, host order */
	uint32_t first_id;	/* the guest's root */
	uint32_t count4;
	uint32_t count6;
	uint8_t lback6[16];
	uint8_t addr4[NET_ADDR_MAX][4];
	uint8_t addr6[NET_ADDR_MAX][16];
	uint32_t device4[NET_ADDR_MAX]; /* index of the interface */
	uint32_t device6[NET_ADDR_MAX];
	uint32_t has_lback6;	/* lback6 is on "lo"; else ::1 is 127.HI.LO.1 */
	uint32_t has_ipv6;	/* the kernel knows AF_INET6 */
	uint64_t cgroup_id;	/* of the cgroup that holds all of the guest */
	uint64_t netns;		/* inode of the network namespace that it is in */
};

/* The value of the map "cowlink_count". Loopback does not count. */
struct net_counters {
	uint64_t sent_bytes;
	uint64_t sent_packets;
	uint64_t received_bytes;
	uint64_t received_packets;
	uint64_t sent_refused;	/* packets from or to a wrong address */
	uint64_t received_refused;
};

/* Attach all of them to the cgroup. What was attached before stays. *@kernel is what the
 * kernel tells of itself; if that is NULL it is read when it is needed. */
int net_prog_attach(int cgroup_fd, const struct net_config *c,
		    struct btf **kernel, struct err *err);

/* Take all programs of this kind off. */
int net_prog_detach(int cgroup_fd, struct err *err);

/* What is in force, from the kernel: 1, 0 when nothing is, -errno. @ret_counters may
 * be NULL. Fewer programs than there have to be are -EUCLEAN. */
int net_prog_read(int cgroup_fd, struct net_config *ret,
		  struct net_counters *ret_counters, struct err *err);

#endif
