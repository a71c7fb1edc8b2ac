// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses are put on for themselves alone, as /32 or /128: the routes of the network
 * are the host's business, and none may go when a guest's address goes. Those of IPv6
 * are deprecated from the start: then the host never takes one for its own packets.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <netlink/cache.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "fx.h"
#include "net-private.h"

#define LOOPBACK_INDEX 1

typedef struct rtnl_addr *addr_t;
typedef struct nl_cache *cache_t;

static void addr_release(addr_t *a)
{
	rtnl_addr_put(*a);
}

static void cache_release(cache_t *c)
{
	nl_cache_free(*c);
}

struct nl_sock *net_open(struct err *err)
{
	struct nl_sock *s = nl_socket_alloc();
	int r = s ? nl_connect(s, NETLINK_ROUTE) : -NLE_NOMEM;

	if (r >= 0)
		return s;
	nl_socket_free(s);
	err_set(err, -EIO, "cannot ask for the network's interfaces: %s",
		nl_geterror(r));
	return NULL;
}

void net_close(struct nl_sock **s)
{
	nl_socket_free(*s);
}

/* --- finding ------------------------------------------------------------------------ */

/* What an object of the cache says, if it is an address of this family. */
static bool get_local(struct nl_object *o, const struct net_addr *a,
		      const uint8_t **ret, int *ret_prefix)
{
	struct rtnl_addr *there = (struct rtnl_addr *)o;
	struct nl_addr *local = rtnl_addr_get_local(there);

	if (!local || rtnl_addr_get_family(there) != (a->v6 ? AF_INET6 : AF_INET))
		return false;
	*ret = nl_addr_get_binary_addr(local);
	*ret_prefix = rtnl_addr_get_prefixlen(there);
	return true;
}

/* On which interface the address is already, or 0. */
static int find_same(struct nl_cache *all, const struct net_addr *a)
{
	struct nl_object *o;

	for (o = nl_cache_get_first(all); o; o = nl_cache_get_next(o)) {
		const uint8_t *local;
		int prefix;

		if (get_local(o, a, &local, &prefix) &&
		    !memcmp(local, a->addr, a->v6 ? 16 : 4))
			return rtnl_addr_get_ifindex((struct rtnl_addr *)o);
	}
	return 0;
}

/* The interface with the narrowest network that holds the address; with @device that
 * one only, with a prefix only a network of this size. Or 0. */
static int find_network(struct nl_cache *all, const struct net_addr *a,
			int device)
{
	int best = 0;
	int ret = 0;
	struct nl_object *o;

	for (o = nl_cache_get_first(all); o; o = nl_cache_get_next(o)) {
		int index = rtnl_addr_get_ifindex((struct rtnl_addr *)o);
		const uint8_t *local;
		int prefix;

		if (!get_local(o, a, &local, &prefix) ||
		    prefix == (a->v6 ? 128 : 32) ||
		    (a->prefix >= 0 && a->prefix != prefix) ||
		    (device && device != index) || prefix <= best ||
		    !net_same_prefix(local, a->addr, prefix))
			continue;
		best = prefix;
		ret = index;
	}
	return ret;
}

static int guest_has(const struct net_addr *a, uint32_t context, struct err *err)
{
	char text[INET6_ADDRSTRLEN];

	return err_set(err, -EADDRINUSE,
		       "ip: %s is in use by the guest with context %u: give this "
		       "one another",
		       net_addr_text(a, text), context);
}

static int in_use(const struct net_addr *a, int index, const struct cgroup *cg,
		  struct err *err)
{
	uint32_t context = net_owner(cg, a);
	char text[INET6_ADDRSTRLEN];
	char name[IF_NAMESIZE] = "?";

	(void)if_indextoname(index, name); /* it may be gone */
	if (context)
		return guest_has(a, context, err);
	return err_set(err, -EADDRINUSE,
		       "ip: %s is in use by the host, on '%s': take it off "
		       "there, or give this guest another",
		       net_addr_text(a, text), name);
}

static int no_network(const struct net_addr *a, struct err *err)
{
	char text[INET6_ADDRSTRLEN];
	int full = a->v6 ? 128 : 32;

	if (*a->device)
		return err_set(err, -EADDRNOTAVAIL,
			       "ip: '%s' has no address in the network of %s/%d: "
			       "give it one, or write %s/%d@%s",
			       a->device, net_addr_text(a, text), a->prefix,
			       net_addr_text(a, text), full, a->device);
	return err_set(err, -EADDRNOTAVAIL,
		       "ip: no interface is in the network of %s: name one, as "
		       "%s/%d@INTERFACE",
		       net_addr_text(a, text), net_addr_text(a, text), full);
}

/* Where it goes: the index of an interface. */
static int resolve_one(struct nl_cache *all, const struct net_addr *a,
		       const struct cgroup *cg, struct err *err)
{
	char text[INET6_ADDRSTRLEN];
	int there = find_same(all, a);
	int device = 0;

	if (there)
		return in_use(a, there, cg, err);
	if (*a->device) {
		device = (int)if_nametoindex(a->device);
		if (!device)
			return err_set(err, -ENODEV,
				       "ip: %s: there is no interface '%s' here",
				       net_addr_text(a, text), a->device);
		if (a->prefix < 0 || a->prefix == (a->v6 ? 128 : 32))
			return device;
	}
	device = find_network(all, a, device);
	return device ? device : no_network(a, err);
}

static void fill(struct net_config *c, const struct net_addr *a, int device)
{
	if (a->v6) {
		memcpy(c->addr6[c->count6], a->addr, 16);
		c->device6[c->count6++] = (uint32_t)device;
	} else {
		memcpy(c->addr4[c->count4], a->addr, 4);
		c->device4[c->count4++] = (uint32_t)device;
	}
}

static int list_addresses(struct nl_sock *s, cache_t *ret, struct err *err)
{
	int r = rtnl_addr_alloc_cache(s, ret);

	return r < 0 ? err_set(err, -EIO, "cannot list the host's addresses: %s",
			       nl_geterror(r)) :
		       0;
}

/* Those of private guests are on no interface of the host. */
static int check_private(struct nl_sock *s, const struct net_list *l,
			 struct err *err)
{
	_cleanup_(cache_release) cache_t links = NULL;
	int r = rtnl_link_alloc_cache(s, AF_UNSPEC, &links);
	size_t i;

	if (r < 0)
		return err_set(err, -EIO, "cannot list the host's interfaces: %s",
			       nl_geterror(r));
	for (i = 0; i < l->count; i++) {
		uint32_t context = veth_owner(links, &l->list[i]);

		if (context)
			return guest_has(&l->list[i], context, err);
	}
	return 0;
}

int net_check_free(struct nl_sock *s, const struct net_list *l,
		   const struct cgroup *cg, struct err *err)
{
	_cleanup_(cache_release) cache_t all = NULL;
	int r = list_addresses(s, &all, err);
	size_t i;

	if (r < 0)
		return r;
	for (i = 0; i < l->count; i++) {
		int there = find_same(all, &l->list[i]);

		if (there)
			return in_use(&l->list[i], there, cg, err);
	}
	return check_private(s, l, err);
}

int net_resolve(struct nl_sock *s, const struct net_list *l,
		const struct cgroup *cg, struct net_config *c,
		struct err *err)
{
	_cleanup_(cache_release) cache_t all = NULL;
	int r = list_addresses(s, &all, err);
	size_t i;

	if (r < 0)
		return r;
	for (i = 0; i < l->count; i++) {
		r = resolve_one(all, &l->list[i], cg, err);
		if (r < 0)
			return r;
		fill(c, &l->list[i], r);
	}
	return check_private(s, l, err);
}

/* --- on and off ---------------------------------------------------------------------- */

static struct rtnl_addr *make_address(int family, const uint8_t *bytes,
				      int device)
{
	struct rtnl_addr *ret = rtnl_addr_alloc();
	size_t size = family == AF_INET6 ? 16 : 4;
	struct nl_addr *local = nl_addr_build(family, bytes, size);
	int r = ret && local ? rtnl_addr_set_local(ret, local) : -NLE_NOMEM;

	nl_addr_put(local);
	if (r < 0) {
		rtnl_addr_put(ret);
		return NULL;
	}
	rtnl_addr_set_ifindex(ret, device);
	rtnl_addr_set_prefixlen(ret, (int)size * 8);
	if (family == AF_INET6) {
		rtnl_addr_set_flags(ret, IFA_F_NODAD);
		rtnl_addr_set_preferred_lifetime(ret, 0);
		rtnl_addr_set_valid_lifetime(ret, 0xffffffff);
	}
	return ret;
}

static int change(struct nl_sock *s, bool on, int family, const uint8_t *bytes,
		  uint32_t device, struct err *err)
{
	_cleanup_(addr_release) addr_t a =
		make_address(family, bytes, (int)device);
	char text[INET6_ADDRSTRLEN];
	struct net_addr what = { .v6 = family == AF_INET6 };
	int r = fx_step(on ? "address_add" : "address_delete");

	if (r < 0)
		return err_errno(err, r, "cannot change the host's addresses");
	if (!a)
		return err_errno(err, -ENOMEM, "cannot change the host's addresses");
	r = on ? rtnl_addr_add(s, a, NLM_F_CREATE | NLM_F_EXCL) :
		 rtnl_addr_delete(s, a, 0);
	/* gone with its interface, or by somebody's hand */
	if (r >= 0 || (!on && (r == -NLE_NOADDR || r == -NLE_OBJ_NOTFOUND ||
			       r == -NLE_NODEV)))
		return 0;
	memcpy(what.addr, bytes, what.v6 ? 16 : 4);
	return err_set(err, r == -NLE_EXIST ? -EADDRINUSE : -EIO,
		       "cannot %s %s: %s", on ? "put on" : "take off",
		       net_addr_text(&what, text), nl_geterror(r));
}

static uint32_t count(const struct net_config *c)
{
	return c->has_lback6 + c->count4 + c->count6;
}

/* The @i-th of count(). */
static int change_one(struct nl_sock *s, bool on, const struct net_config *c,
		      uint32_t i, struct err *err)
{
	if (c->has_lback6 && !i--)
		return change(s, on, AF_INET6, c->lback6, LOOPBACK_INDEX, err);
	if (i < c->count4)
		return change(s, on, AF_INET, c->addr4[i], c->device4[i], err);
	i -= c->count4;
	return change(s, on, AF_INET6, c->addr6[i], c->device6[i], err);
}

int net_put_on(struct nl_sock *s, const struct net_config *c, struct err *err)
{
	uint32_t i;
	int r = 0;

	for (i = 0; !r && i < count(c); i++)
		r = change_one(s, true, c, i, err);
	/* the one that failed is somebody else's */
	for (i = r ? i - 1 : 0; i-- > 0;)
		(void)change_one(s, false, c, i, NULL);
	return r;
}

int net_take_off(struct nl_sock *s, const struct net_config *c,
		 struct err *err)
{
	uint32_t i;
	int r = 0;

	for (i = 0; !r && i < count(c); i++)
		r = change_one(s, false, c, i, err);
	return r;
}
