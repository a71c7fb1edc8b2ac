/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network of a guest with net=private: a namespace of its own, joined to the host's
 * by a pair of interfaces. The guest's is "eth0"; the host's has the context in its name,
 * and is a port of the bridge that the addresses name, or is routed:
 *
 *	ip=10.0.0.5/24@br0	eth0 has 10.0.0.5/24 and is at the bridge br0
 *	ip=10.0.0.5		eth0 has 10.0.0.5/32, the host a route there; for the
 *				guest the host is 169.254.0.1 and fe80::1
 *
 * The pair is made by one request, with eth0 in the guest's namespace already. So no half
 * of one is ever to be found, and with the guest both go. The hardware addresses are made
 * of the guest's uuid: the same at each start, and by them the host's end is known as
 * ours. Its alias has the addresses, which the guest cannot change: long ones by a part of
 * their digest where it has no place for all.
 */
#ifndef COWLINK_NET_PRIVATE_H
#define COWLINK_NET_PRIVATE_H

#include <net/ethernet.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include "net.h"

/* "Private" lists of addresses: a bridge or none, but the same for all. */
struct private_plan {
	struct net_list ip;
	struct net_gateways gateways;
	bool any_source;	/* what it sends is not checked */
	const char *bridge;	/* in @ip; NULL: routed */
};

/* What the settings say, or what is wrong with them. */
int private_plan(const struct settings *s, struct private_plan *ret,
		 struct err *err);

#define PRIVATE_HOST4 { 169, 254, 0, 1 }
#define PRIVATE_HOST6 { 0xfe, 0x80, [15] = 1 }

/* --- the pair (net-veth.c) ----------------------------------------------------------- */

#define VETH_INSIDE "eth0"

typedef struct rtnl_link *link_t;
void veth_link_release(link_t *l);
#define _cleanup_link_ __attribute__((cleanup(veth_link_release)))

/* The name of the host's end. */
void veth_name(uint32_t context, char ret[IF_NAMESIZE]);

/* The hardware address inside. */
int veth_mac(const struct tree_row *row, uint8_t ret[ETH_ALEN]);

/* The interface @name: 1, 0 when there is none, or -errno. */
int veth_link(struct nl_sock *s, const char *name, link_t *ret, struct err *err);

/* The host's end: 1, 0 when there is none of this guest, or -errno. */
int veth_find(struct nl_sock *s, const struct tree_row *row, link_t *ret,
	      struct err *err);

/* Make the pair, the host's end up, with eth0 in the namespace @ns_fd; @bridge may be NULL. */
int veth_make(struct nl_sock *s, const struct tree_row *row, int ns_fd,
	      struct rtnl_link *bridge, struct err *err);

/* Let the host's end say who it is for. */
int veth_mark(struct nl_sock *s, const struct tree_row *row,
	      const struct net_list *l, struct err *err);

/* The context of the private guest to whom the host gave @a, or 0; @all from
 * rtnl_link_alloc_cache(). */
uint32_t veth_owner(struct nl_cache *all, const struct net_addr *a);

/* Remove what veth_find() finds; nothing is no failure. */
int veth_remove(struct nl_sock *s, const struct tree_row *row, struct err *err);

/* --- what may leave it (net-source.c) ------------------------------------------------- */

/* From now on what comes in at the host's end, whose number is @index, is from the guest's
 * hardware address and one of @l, or gone. Once for each pair, while the guest's end is
 * down. */
int source_check(struct nl_sock *s, const struct tree_row *row, int index,
		 const struct net_list *l, struct err *err);

/* Is it checked? 1 and what was sent and refused, 0, or -errno. */
int source_read(struct nl_sock *s, int index, struct net_counters *ret);

/* --- what is on it (net-iface.c) ---------------------------------------------------- */

/* A connection to the kernel for the namespace @ns_fd; NULL and a message. */
struct nl_sock *iface_open(int ns_fd, struct err *err);

/* @index goes up. */
int iface_up(struct nl_sock *s, int index, struct err *err);

/* @scope as RT_SCOPE_LINK. */
int iface_address(struct nl_sock *s, int index, const struct net_addr *a,
		  int scope, struct err *err);

/* A route to @to, NULL: to everywhere; by @gateway, NULL: by none. */
int iface_route(struct nl_sock *s, int index, const struct net_addr *to,
		const struct net_addr *gateway, struct err *err);

/* What addresses there are on the interface, but for the link-local ones; those that
 * @ret has no place for are left out. */
int iface_list(struct nl_sock *s, int index, struct net_list *ret,
	       struct err *err);

#endif
