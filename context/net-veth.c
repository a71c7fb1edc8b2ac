// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <netlink/cache.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "cleanup.h"
#include "fx.h"
#include "net-private.h"

#define NAME "vs"
#define MARK "vserver "
#define ALIAS_SIZE 256		/* what the kernel takes, with a zero */

typedef struct nl_addr *nl_addr_t;
typedef struct nl_cache *cache_t;

void veth_link_release(link_t *l)
{
	rtnl_link_put(*l);
}

static void nl_addr_release(nl_addr_t *a)
{
	nl_addr_put(*a);
}

void veth_name(uint32_t context, char ret[IF_NAMESIZE])
{
	(void)snprintf(ret, IF_NAMESIZE, NAME "%u", context);
}

/*
 * Locally administered, then five random bytes of the uuid. A bridge without an address
 * of its own takes the lowest one of its ports: it never shall be that of a guest.
 */
static int fill_mac(const struct tree_row *row, bool host, uint8_t ret[ETH_ALEN])
{
	const char *tail = row->uuid + strlen(row->uuid) - 2 * (ETH_ALEN - 1);
	unsigned int byte;
	int i;

	ret[0] = host ? 0xfe : 0x02;
	for (i = 1; i < ETH_ALEN; i++) {
		if (sscanf(tail + 2 * (i - 1), "%2x", &byte) != 1)
			return -EUCLEAN;
		ret[i] = (uint8_t)byte;
	}
	return 0;
}

int veth_mac(const struct tree_row *row, uint8_t ret[ETH_ALEN])
{
	return fill_mac(row, false, ret);
}

static nl_addr_t hardware_address(const struct tree_row *row, bool host)
{
	uint8_t mac[ETH_ALEN];

	return fill_mac(row, host, mac) < 0 ?
		       NULL :
		       nl_addr_build(AF_LLC, mac, sizeof(mac));
}

/* --- finding --------------------------------------------------------------------------- */

int veth_link(struct nl_sock *s, const char *name, link_t *ret, struct err *err)
{
	int r = rtnl_link_get_kernel(s, 0, name, ret);

	if (r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND)
		return 0;
	return r < 0 ? err_set(err, -EIO, "cannot look at the interface '%s': %s",
			       name, nl_geterror(r)) :
		       1;
}

static bool is_veth(struct rtnl_link *l)
{
	const char *type = rtnl_link_get_type(l);

	return type && !strcmp(type, "veth");
}

int veth_find(struct nl_sock *s, const struct tree_row *row, link_t *ret,
	      struct err *err)
{
	_cleanup_(nl_addr_release) nl_addr_t mac = hardware_address(row, true);
	_cleanup_link_ link_t found = NULL;
	struct nl_addr *its;
	char name[IF_NAMESIZE];
	int r;

	veth_name(row->context, name);
	r = veth_link(s, name, &found, err);
	if (r <= 0)
		return r;
	its = rtnl_link_get_addr(found);
	if (!is_veth(found) || !mac || !its || nl_addr_cmp(its, mac))
		return 0; /* somebody else's */
	*ret = found;
	found = NULL;
	return 1;
}

/* --- the mark -------------------------------------------------------------------------- */

/* How long an address may be for all to fit in, with a comma or the zero. */
#define WORD_SIZE 15
_Static_assert(sizeof(MARK) - 1 + NET_ADDR_MAX * WORD_SIZE <= ALIAS_SIZE, "alias");

/* What stands for one that is longer: enough to tell any two apart. */
static const char *short_text(const struct net_addr *a, char ret[WORD_SIZE])
{
	uint64_t digest = XXH3_64bits(a->addr, a->v6 ? 16 : 4);

	(void)snprintf(ret, WORD_SIZE, "~%013" PRIx64, digest >> 12);
	return ret;
}

static bool put_words(const struct net_list *l, bool shorten, char buf[ALIAS_SIZE])
{
	size_t len = strlen(MARK);
	size_t i;

	memcpy(buf, MARK, len);
	for (i = 0; i < l->count && len < ALIAS_SIZE; i++) {
		char digest[WORD_SIZE];
		char text[INET6_ADDRSTRLEN];
		const char *word = net_addr_text(&l->list[i], text);

		if (shorten && strlen(word) >= WORD_SIZE)
			word = short_text(&l->list[i], digest);
		len += snprintf(buf + len, ALIAS_SIZE - len, "%s%s",
				i ? "," : "", word);
	}
	return len < ALIAS_SIZE;
}

/* "vserver 10.0.0.5,fd00::5"; only where that is too long "vserver 10.0.0.5,~DIGEST". */
static void mark_text(const struct net_list *l, char buf[ALIAS_SIZE])
{
	if (!put_words(l, false, buf))
		(void)put_words(l, true, buf); /* it fits, see above */
}

/* Is @word one of those with commas between them? */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && !memcmp(list, word, n))
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

static bool mark_has(const char *alias, const struct net_addr *a)
{
	char digest[WORD_SIZE];
	char text[INET6_ADDRSTRLEN];

	return alias && !strncmp(alias, MARK, strlen(MARK)) &&
	       (has_word(alias + strlen(MARK), net_addr_text(a, text)) ||
		has_word(alias + strlen(MARK), short_text(a, digest)));
}

int veth_mark(struct nl_sock *s, const struct tree_row *row,
	      const struct net_list *l, struct err *err)
{
	_cleanup_link_ link_t old = NULL;
	_cleanup_link_ link_t new = rtnl_link_alloc();
	char alias[ALIAS_SIZE];
	int r = fx_step("veth_mark");

	if (!r)
		r = veth_find(s, row, &old, err);
	if (r < 0)
		return r;
	if (!r || !new)
		return err_set(err, -ENODEV, "the guest's interface is gone");
	mark_text(l, alias);
	/* without its flags, or it would be told those */
	rtnl_link_set_ifindex(new, rtnl_link_get_ifindex(old));
	rtnl_link_set_ifalias(new, alias);
	r = rtnl_link_change(s, new, new, 0);
	return r < 0 ? err_set(err, -EIO, "cannot name the guest's interface: %s",
			       nl_geterror(r)) :
		       0;
}

uint32_t veth_owner(struct nl_cache *all, const struct net_addr *a)
{
	struct nl_object *o;

	for (o = nl_cache_get_first(all); o; o = nl_cache_get_next(o)) {
		struct rtnl_link *l = (struct rtnl_link *)o;
		const char *name = rtnl_link_get_name(l);
		unsigned int context;

		if (mark_has(rtnl_link_get_ifalias(l), a) && is_veth(l) && name &&
		    sscanf(name, NAME "%u", &context) == 1)
			return context;
	}
	return 0;
}

/* --- making and removing ---------------------------------------------------------------- */

static int fill_end(struct rtnl_link *l, const struct tree_row *row, bool host,
		    struct rtnl_link *bridge)
{
	_cleanup_(nl_addr_release) nl_addr_t mac = hardware_address(row, host);

	if (!mac)
		return -ENOMEM;
	rtnl_link_set_addr(l, mac);
	/* or the bridge would take ours */
	if (bridge && rtnl_link_get_mtu(bridge))
		rtnl_link_set_mtu(l, rtnl_link_get_mtu(bridge));
	return 0;
}

static int fill_pair(struct rtnl_link *l, const struct tree_row *row, int ns_fd,
		     struct rtnl_link *bridge)
{
	struct rtnl_link *inside = rtnl_link_veth_get_peer(l);
	char name[IF_NAMESIZE];
	int r = fill_end(l, row, true, bridge);

	if (!r)
		r = inside ? fill_end(inside, row, false, bridge) : -ENOMEM;
	if (!r) {
		veth_name(row->context, name);
		rtnl_link_set_name(l, name);
		/* the other one cannot be, before it has this one */
		rtnl_link_set_flags(l, IFF_UP);
		if (bridge)
			rtnl_link_set_master(l, rtnl_link_get_ifindex(bridge));
		rtnl_link_set_name(inside, VETH_INSIDE);
		rtnl_link_set_ns_fd(inside, ns_fd);
	}
	rtnl_link_put(inside);
	return r;
}

static int cannot_make(const struct tree_row *row, int r, struct err *err)
{
	char name[IF_NAMESIZE];

	veth_name(row->context, name);
	if (r == -NLE_EXIST)
		return err_set(err, -EEXIST,
			       "there is an interface '%s' already, which is not "
			       "of this guest: rename it, or remove it", name);
	if (r == -NLE_OPNOTSUPP)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel has no pairs of interfaces (veth), "
			       "which net=private needs");
	return err_set(err, -EIO, "cannot make the interface '%s': %s", name,
		       nl_geterror(r));
}

int veth_make(struct nl_sock *s, const struct tree_row *row, int ns_fd,
	      struct rtnl_link *bridge, struct err *err)
{
	_cleanup_link_ link_t l = rtnl_link_veth_alloc();
	int r = l ? fill_pair(l, row, ns_fd, bridge) : -ENOMEM;

	if (!r)
		r = fx_step("veth_make");
	if (r < 0)
		return err_errno(err, r, "cannot make the guest's interface");
	r = rtnl_link_add(s, l, NLM_F_CREATE | NLM_F_EXCL);
	return r < 0 ? cannot_make(row, r, err) : 0;
}

int veth_remove(struct nl_sock *s, const struct tree_row *row, struct err *err)
{
	_cleanup_link_ link_t l = NULL;
	int r = veth_find(s, row, &l, err);

	if (r <= 0)
		return r;
	r = fx_step("veth_remove");
	if (r < 0)
		return err_errno(err, r, "cannot remove the guest's interface");
	r = rtnl_link_delete(s, l);
	/* the kernel does it too, when the guest's last process has gone */
	return r >= 0 || r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND ?
		       0 :
		       err_set(err, -EIO, "cannot remove the interface '%s': %s",
			       rtnl_link_get_name(l), nl_geterror(r));
}
