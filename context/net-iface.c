// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <netlink/socket.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"
#include "net-private.h"

typedef struct rtnl_addr *addr_t;
typedef struct rtnl_route *route_t;
typedef struct nl_addr *nl_addr_t;

static void addr_release(addr_t *a)
{
	rtnl_addr_put(*a);
}

static void route_release(route_t *r)
{
	rtnl_route_put(*r);
}

static void nl_addr_release(nl_addr_t *a)
{
	nl_addr_put(*a);
}

/* A socket stays in the namespace that it was made in; we do not. */
struct nl_sock *iface_open(int ns_fd, struct err *err)
{
	_cleanup_close_ int home = open("/proc/self/ns/net",
					O_RDONLY | O_CLOEXEC);
	struct nl_sock *s;

	if (home < 0 || setns(ns_fd, CLONE_NEWNET) < 0) {
		err_errno(err, -errno, "cannot reach the guest's network");
		return NULL;
	}
	s = net_open(err);
	if (!setns(home, CLONE_NEWNET))
		return s;
	err_errno(err, -errno, "cannot go back to the host's network");
	net_close(&s);
	return NULL;
}

static int family_of(const struct net_addr *a)
{
	return a->v6 ? AF_INET6 : AF_INET;
}

static nl_addr_t nl_addr_of(const struct net_addr *a)
{
	return nl_addr_build(family_of(a), a->addr, a->v6 ? 16 : 4);
}

int iface_up(struct nl_sock *s, int index, struct err *err)
{
	_cleanup_link_ link_t up = rtnl_link_alloc();
	int r = up ? fx_step("iface_up") : -ENOMEM;

	if (r < 0)
		return err_errno(err, r, "cannot start the guest's interface");
	rtnl_link_set_ifindex(up, index);
	rtnl_link_set_flags(up, IFF_UP);
	r = rtnl_link_change(s, up, up, 0);
	return r < 0 ? err_set(err, -EIO, "cannot start the guest's interface: %s",
			       nl_geterror(r)) :
		       0;
}

/* --- addresses ------------------------------------------------------------------------- */

static int fill_address(struct rtnl_addr *ret, int index,
			const struct net_addr *a, int scope)
{
	_cleanup_(nl_addr_release) nl_addr_t local = nl_addr_of(a);
	int r = ret && local ? rtnl_addr_set_local(ret, local) : -NLE_NOMEM;

	if (r < 0)
		return r;
	rtnl_addr_set_ifindex(ret, index);
	rtnl_addr_set_prefixlen(ret, a->prefix < 0 ? (a->v6 ? 128 : 32) :
						     a->prefix);
	rtnl_addr_set_scope(ret, scope);
	/* it is there when the first program wants to bind to it */
	if (a->v6)
		rtnl_addr_set_flags(ret, IFA_F_NODAD);
	return 0;
}

int iface_address(struct nl_sock *s, int index, const struct net_addr *a,
		  int scope, struct err *err)
{
	_cleanup_(addr_release) addr_t new = rtnl_addr_alloc();
	char text[INET6_ADDRSTRLEN];
	int r = fx_step("iface_address");

	if (r < 0)
		return err_errno(err, r, "cannot put on %s",
				 net_addr_text(a, text));
	r = fill_address(new, index, a, scope);
	if (r >= 0)
		r = rtnl_addr_add(s, new, NLM_F_CREATE | NLM_F_EXCL);
	return r < 0 ? err_set(err, -EIO, "cannot put on %s: %s",
			       net_addr_text(a, text), nl_geterror(r)) :
		       0;
}

/* --- routes ------------------------------------------------------------------------------ */

static const struct net_addr everywhere[2] = {
	{ .prefix = 0 },
	{ .prefix = 0, .v6 = true },
};

static int fill_route(struct rtnl_route *ret, int index,
		      const struct net_addr *to, const struct net_addr *gateway)
{
	_cleanup_(nl_addr_release) nl_addr_t target =
		nl_addr_of(to ? to : &everywhere[gateway->v6]);
	_cleanup_(nl_addr_release) nl_addr_t by =
		gateway ? nl_addr_of(gateway) : NULL;
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

	if (!ret || !target || !hop || (gateway && !by)) {
		if (hop)
			rtnl_route_nh_free(hop);
		return -NLE_NOMEM;
	}
	if (!to)
		nl_addr_set_prefixlen(target, 0);
	rtnl_route_nh_set_ifindex(hop, index);
	if (by) {
		rtnl_route_nh_set_gateway(hop, by);
		/* it may be in no network of ours */
		rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
	}
	rtnl_route_add_nexthop(ret, hop); /* which is the route's now */
	rtnl_route_set_family(ret, (uint8_t)nl_addr_get_family(target));
	rtnl_route_set_table(ret, RT_TABLE_MAIN);
	rtnl_route_set_protocol(ret, RTPROT_STATIC);
	rtnl_route_set_scope(ret, by ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
	return rtnl_route_set_dst(ret, target);
}

int iface_route(struct nl_sock *s, int index, const struct net_addr *to,
		const struct net_addr *gateway, struct err *err)
{
	_cleanup_(route_release) route_t new = rtnl_route_alloc();
	char text[INET6_ADDRSTRLEN];
	int r = fx_step("iface_route");

	(void)net_addr_text(to ? to : gateway, text);
	if (r < 0)
		return err_errno(err, r, "cannot make a route");
	r = fill_route(new, index, to, gateway);
	if (r >= 0)
		r = rtnl_route_add(s, new, NLM_F_CREATE | NLM_F_EXCL);
	if (r == -NLE_EXIST && to)
		return err_set(err, -EADDRINUSE,
			       "the host has a route to %s already: remove it, or "
			       "give this guest another address", text);
	return r < 0 ? err_set(err, -EIO, "cannot make the route %s %s: %s",
			       to ? "to" : "by", text, nl_geterror(r)) :
		       0;
}

/* --- reading them back ------------------------------------------------------------------ */

struct listing {
	int index;
	struct net_list *list;
};

/* One message of a dump. The guest may have put on very many. */
static int take_address(struct nl_msg *m, void *arg)
{
	const struct listing *l = arg;
	struct nlmsghdr *h = nlmsg_hdr(m);
	const struct ifaddrmsg *i = nlmsg_data(h);
	struct net_addr a = { .prefix = -1 };
	struct nlattr *bytes;
	int size;

	if (h->nlmsg_type != RTM_NEWADDR || !nlmsg_valid_hdr(h, sizeof(*i)) ||
	    (int)i->ifa_index != l->index || i->ifa_scope == RT_SCOPE_LINK ||
	    l->list->count == NET_ADDR_MAX)
		return NL_OK;
	a.v6 = i->ifa_family == AF_INET6;
	a.prefix = i->ifa_prefixlen;
	size = a.v6 ? 16 : 4;
	bytes = nlmsg_find_attr(h, sizeof(*i), IFA_LOCAL);
	if (!bytes)
		bytes = nlmsg_find_attr(h, sizeof(*i), IFA_ADDRESS);
	if (!bytes || nla_len(bytes) != size)
		return NL_OK;
	memcpy(a.addr, nla_data(bytes), size);
	l->list->list[l->list->count++] = a;
	return NL_OK;
}

int iface_list(struct nl_sock *s, int index, struct net_list *ret,
	       struct err *err)
{
	struct listing l = { .index = index, .list = ret };
	struct ifaddrmsg all = { 0 };
	int r;

	ret->count = 0;
	r = nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM, take_address, &l);
	if (r >= 0)
		r = nl_send_simple(s, RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all));
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	return r < 0 ? err_set(err, -EIO, "cannot list the guest's addresses: %s",
			       nl_geterror(r)) :
		       0;
}
