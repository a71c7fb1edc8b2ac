/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of the settings "net", "net.source", "ip" and "gateway".
 *
 *	ip=10.0.0.5/24@eth0,2001:db8::5/64@eth0
 *	gateway=10.0.0.1,fe80::1
 *
 * An address, the length of its network's prefix, its interface. Without a prefix it
 * stands for itself alone; without an interface it is the one that has its network.
 */
#ifndef COWLINK_NET_LIST_H
#define COWLINK_NET_LIST_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

enum net_mode {
	NET_NONE,		/* a network namespace with nothing but a loopback */
	NET_HOST,		/* the host's, as if there were no guest */
	NET_RESTRICTED,		/* the host's, but only the guest's addresses */
	NET_PRIVATE,		/* its own, joined to the host's by net-private.h */
};

#define NET_ADDR_MAX 16

struct net_addr {
	bool v6;
	uint8_t addr[16];	/* network order; 4 bytes of it for IPv4 */
	int prefix;		/* -1: not given */
	char device[IF_NAMESIZE]; /* "" not given */
};

struct net_list {
	struct net_addr list[NET_ADDR_MAX];
	size_t count;
};

/* 0, or err_usage() that says what is wrong with which word. */
int net_list_parse(const char *value, struct net_list *ret, struct err *err);

/* Is the address one of these, whatever its prefix and interface? */
bool net_list_has(const struct net_list *l, const struct net_addr *a);

/* At most one of each family, whose place in the list is @v6. */
struct net_gateways {
	bool given[2];
	struct net_addr list[2];
};

int net_gateways_parse(const char *value, struct net_gateways *ret,
		       struct err *err);

/* "10.0.0.5", into @buf of INET6_ADDRSTRLEN bytes. */
const char *net_addr_text(const struct net_addr *a, char *buf);

/* Are the first @bits of the two the same? */
bool net_same_prefix(const uint8_t *a, const uint8_t *b, int bits);

/* fe80::/10 */
bool net_link_local(const struct net_addr *a);

/* What holds for these settings. */
enum net_mode net_mode_of(const struct settings *s);

/* Is what a private guest sends left unchecked? */
bool net_any_source(const struct settings *s);

/* For the table of settings. */
int net_check_mode(const struct setting_key *key, const char *value,
		   struct err *err);
int net_check_list(const struct setting_key *key, const char *value,
		   struct err *err);
int net_check_gateways(const struct setting_key *key, const char *value,
		       struct err *err);
int net_check_source(const struct setting_key *key, const char *value,
		     struct err *err);

#endif
