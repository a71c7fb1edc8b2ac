// SPDX-License-Identifier: GPL-2.0-only
#include "net-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* --- what is wanted ---------------------------------------------------------------------- */

static int full(const struct net_addr *a)
{
	return a->v6 ? 128 : 32;
}

static bool alone(const struct net_addr *a)
{
	return a->prefix < 0 || a->prefix == full(a);
}

/* All are at one bridge, or all are routed. */
static int check_devices(const struct private_plan *p, struct err *err)
{
	const char *first = p->ip.list[0].device;
	char text[INET6_ADDRSTRLEN];
	size_t i;

	for (i = 0; i < p->ip.count; i++) {
		const struct net_addr *a = &p->ip.list[i];

		if (strcmp(a->device, first))
			return err_set(err, -EINVAL,
				       "ip: with net=private all addresses are "
				       "at one bridge, or at none");
		if (!p->bridge && !alone(a))
			return err_set(err, -EINVAL,
				       "ip: %s/%d is a network: name its bridge, "
				       "as %s/%d@BRIDGE, or leave /%d away",
				       net_addr_text(a, text), a->prefix, text,
				       a->prefix, a->prefix);
		if (p->bridge && a->prefix < 0)
			return err_set(err, -EINVAL,
				       "ip: how large is the network of %s? "
				       "Write it as %s/%d@%s",
				       net_addr_text(a, text), text,
				       a->v6 ? 64 : 24, p->bridge);
	}
	return 0;
}

/* Is it in reach of an address of the guest? One that stands for itself alone has no
 * network, and so takes any. */
static bool in_reach(const struct private_plan *p, const struct net_addr *gateway)
{
	size_t i;

	if (net_link_local(gateway))
		return true;
	for (i = 0; i < p->ip.count; i++) {
		const struct net_addr *a = &p->ip.list[i];

		if (a->v6 == gateway->v6 &&
		    (alone(a) || net_same_prefix(a->addr, gateway->addr, a->prefix)))
			return true;
	}
	return false;
}

static int check_gateway(const struct private_plan *p,
			 const struct net_addr *gateway, struct err *err)
{
	char text[INET6_ADDRSTRLEN];

	if (!p->bridge)
		return err_set(err, -EINVAL,
			       "gateway is set, but ip names no bridge: then the "
			       "gateway is the host");
	if (net_list_has(&p->ip, gateway))
		return err_set(err, -EINVAL, "gateway: %s is the guest itself",
			       net_addr_text(gateway, text));
	return in_reach(p, gateway) ?
		       0 :
		       err_set(err, -EINVAL,
			       "gateway: %s is in the network of none of the "
			       "guest's addresses",
			       net_addr_text(gateway, text));
}

int private_plan(const struct settings *s, struct private_plan *ret,
		 struct err *err)
{
	const char *ip = settings_get(s, "ip");
	const char *gateway = settings_get(s, "gateway");
	int r;
	int i;

	*ret = (struct private_plan){ 0 };
	if (!ip)
		return err_set(err, -EINVAL,
			       "net=private needs an address: set ip");
	r = net_list_parse(ip, &ret->ip, err);
	if (!r && gateway)
		r = net_gateways_parse(gateway, &ret->gateways, err);
	if (r < 0)
		return r;
	ret->any_source = net_any_source(s);
	if (*ret->ip.list[0].device)
		ret->bridge = ret->ip.list[0].device;
	r = check_devices(ret, err);
	for (i = 0; !r && i < 2; i++)
		if (ret->gateways.given[i])
			r = check_gateway(ret, &ret->gateways.list[i], err);
	return r;
}

/* --- putting it together ------------------------------------------------------------------ */

struct join {
	const struct guest *guest;
	struct private_plan plan;
	int ns_fd;		/* the guest's */
	struct nl_sock *host;
	struct nl_sock *inside;
	link_t bridge;
};

static void join_release(struct join *j)
{
	cleanup_close(&j->ns_fd);
	net_close(&j->host);
	net_close(&j->inside);
	veth_link_release(&j->bridge);
}

static int find_bridge(struct join *j, struct err *err)
{
	const char *name = j->plan.bridge;
	const char *type;
	int r = veth_link(j->host, name, &j->bridge, err);

	if (!r)
		return err_set(err, -ENODEV, "ip: there is no bridge '%s' here",
			       name);
	if (r < 0)
		return r;
	type = rtnl_link_get_type(j->bridge);
	if (!type || strcmp(type, "bridge"))
		return err_set(err, -ENODEV, "ip: '%s' is not a bridge", name);
	return 0;
}

static int index_of(struct nl_sock *s, const char *name, struct err *err)
{
	_cleanup_link_ link_t l = NULL;
	int r = veth_link(s, name, &l, err);

	if (!r)
		return err_set(err, -ENODEV, "the interface '%s' is gone", name);
	return r < 0 ? r : rtnl_link_get_ifindex(l);
}

static int host_index(struct join *j, struct err *err)
{
	char name[IF_NAMESIZE];

	veth_name(j->guest->row.context, name);
	return index_of(j->host, name, err);
}

/* Before eth0 is up, so that no packet is missed. */
static int check_source(struct join *j, struct err *err)
{
	int index = j->plan.any_source ? 0 : host_index(j, err);

	return index <= 0 ? index :
			    source_check(j->host, &j->guest->row, index,
					 &j->plan.ip, err);
}

static const struct net_addr host_address[2] = {
	{ .prefix = 32, .addr = PRIVATE_HOST4 },
	{ .v6 = true, .prefix = 64, .addr = PRIVATE_HOST6 },
};

static bool has_family(const struct net_list *l, bool v6)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (l->list[i].v6 == v6)
			return true;
	return false;
}

static int fill_inside(struct join *j, struct err *err)
{
	const struct private_plan *p = &j->plan;
	int index = index_of(j->inside, VETH_INSIDE, err);
	int r = index < 0 ? index : iface_up(j->inside, index, err);
	size_t i;
	int v6;

	for (i = 0; !r && i < p->ip.count; i++)
		r = iface_address(j->inside, index, &p->ip.list[i],
				  RT_SCOPE_UNIVERSE, err);
	for (v6 = 0; !r && v6 < 2; v6++) {
		const struct net_addr *by =
			p->gateways.given[v6] ? &p->gateways.list[v6] :
			!p->bridge && has_family(&p->ip, v6) ?
						&host_address[v6] :
						NULL;

		if (by)
			r = iface_route(j->inside, index, NULL, by, err);
	}
	return r;
}

/* The host is the guest's router. */
static int fill_outside(struct join *j, struct err *err)
{
	const struct net_list *l = &j->plan.ip;
	int index = host_index(j, err);
	int r = index;
	size_t i;
	int v6;

	for (v6 = 0; r >= 0 && v6 < 2; v6++)
		if (has_family(l, v6))
			r = iface_address(j->host, index, &host_address[v6],
					  RT_SCOPE_LINK, err);
	for (i = 0; r >= 0 && i < l->count; i++)
		r = iface_route(j->host, index, &l->list[i], NULL, err);
	return r < 0 ? r : 0;
}

static int join(struct join *j, const struct cgroup *cg, struct err *err)
{
	const struct tree_row *row = &j->guest->row;
	int r;

	j->host = net_open(err);
	if (!j->host)
		return -EIO;
	r = j->plan.bridge ? find_bridge(j, err) : 0;
	if (!r)
		r = net_check_free(j->host, &j->plan.ip, cg, err);
	if (!r)
		r = veth_make(j->host, row, j->ns_fd, j->bridge, err);
	if (!r)
		r = veth_mark(j->host, row, &j->plan.ip, err);
	if (!r)
		r = check_source(j, err);
	if (r < 0)
		return r;
	j->inside = iface_open(j->ns_fd, err);
	r = j->inside ? fill_inside(j, err) : -EIO;
	return r || j->plan.bridge ? r : fill_outside(j, err);
}

int net_join(const struct guest *g, const struct cgroup *cg, pid_t pid,
	     struct err *err)
{
	_cleanup_(join_release) struct join j = { .guest = g, .ns_fd = -1 };
	_cleanup_close_ int lock = -1;
	char path[40];
	int r;

	if (net_mode_of(&g->settings) != NET_PRIVATE)
		return 0;
	r = private_plan(&g->settings, &j.plan, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	j.ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (j.ns_fd < 0)
		return err_errno(err, -errno, "cannot reach the guest's network");
	/* what is free stays free until it is given */
	lock = running_lock(RUNNING_NETWORK, err);
	return lock < 0 ? lock : join(&j, cg, err);
}

/* --- and to pieces -------------------------------------------------------------------------- */

/* The most frequent answer, at the price of one system call. */
static bool no_such_interface(const struct tree_row *row)
{
	char name[IF_NAMESIZE];

	veth_name(row->context, name);
	return !if_nametoindex(name);
}

int private_down(const struct tree_row *row, struct err *err)
{
	_cleanup_netlink_ struct nl_sock *s = NULL;

	if (no_such_interface(row))
		return 0;
	s = net_open(err);
	return s ? veth_remove(s, row, err) : -EIO;
}

/* --- what is in force ------------------------------------------------------------------------ */

/* The host's end of the guest's network: 1 or 0. */
static int host_end(const struct tree_row *row, link_t *ret)
{
	_cleanup_netlink_ struct nl_sock *s = NULL;

	if (no_such_interface(row))
		return 0;
	s = net_open(NULL);
	return s && veth_find(s, row, ret, NULL) > 0;
}

bool net_is_private(const struct tree_row *row)
{
	_cleanup_link_ link_t l = NULL;

	return host_end(row, &l);
}

/* What is checked there: 1 and what passed and did not, or 0. */
static int read_source(struct rtnl_link *l, struct net_counters *ret)
{
	_cleanup_netlink_ struct nl_sock *s = net_open(NULL);

	return s && source_read(s, rtnl_link_get_ifindex(l), ret) > 0;
}

int private_source(const struct tree_row *row, char *buf, size_t size)
{
	_cleanup_link_ link_t l = NULL;
	struct net_counters n;

	if (!host_end(row, &l))
		return 0;
	(void)snprintf(buf, size, "%s", read_source(l, &n) ? "own" : "any");
	return 1;
}

int private_count(const struct tree_row *row, struct net_counters *ret)
{
	_cleanup_link_ link_t l = NULL;
	struct net_counters checked;

	if (!host_end(row, &l))
		return 0;
	/* what it sends comes in at our end */
	*ret = (struct net_counters){
		.sent_bytes = rtnl_link_get_stat(l, RTNL_LINK_RX_BYTES),
		.sent_packets = rtnl_link_get_stat(l, RTNL_LINK_RX_PACKETS),
		.received_bytes = rtnl_link_get_stat(l, RTNL_LINK_TX_BYTES),
		.received_packets = rtnl_link_get_stat(l, RTNL_LINK_TX_PACKETS),
	};
	if (read_source(l, &checked)) {
		ret->sent_bytes = checked.sent_bytes;
		ret->sent_packets = checked.sent_packets;
		ret->sent_refused = checked.sent_refused;
	}
	return 1;
}

static void list_text(const struct net_list *l, const char *bridge, char *buf,
		      size_t size)
{
	char text[INET6_ADDRSTRLEN];
	size_t len = 0;
	size_t i;

	*buf = '\0';
	for (i = 0; i < l->count && len < size; i++) {
		const struct net_addr *a = &l->list[i];

		len += snprintf(buf + len, size - len, "%s%s", i ? "," : "",
				net_addr_text(a, text));
		if (len < size && (*bridge || !alone(a)))
			len += snprintf(buf + len, size - len, "/%d%s%s",
					a->prefix, *bridge ? "@" : "", bridge);
	}
}

int private_effective(const struct guest *g, char *buf, size_t size)
{
	_cleanup_netlink_ struct nl_sock *s = NULL;
	_cleanup_close_ int ns_fd = -1;
	_cleanup_link_ link_t l = NULL;
	char bridge[IF_NAMESIZE] = "";
	char path[40];
	struct net_list list;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", g->run.pid);
	ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0 || !host_end(&g->row, &l))
		return 0;
	s = iface_open(ns_fd, NULL);
	/* the host's end knows the number that the other one has in there */
	if (!s || iface_list(s, rtnl_link_get_link(l), &list, NULL) < 0)
		return 0;
	if (rtnl_link_get_master(l))
		(void)if_indextoname(rtnl_link_get_master(l), bridge);
	list_text(&list, bridge, buf, size);
	return *buf != '\0';
}
