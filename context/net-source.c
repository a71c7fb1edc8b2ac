// SPDX-License-Identifier: GPL-2.0-only
/*
 * What may leave a private guest: a classifier at the host's end of its pair, which goes
 * with the interface. The guest's eth0 is another interface, so it cannot be taken off.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fx.h"
#include "net-gen.h"
#include "net-private.h"

#define PROGRAM "cowlink_source"
#define CONFIG_MAP "cowlink_source"
#define COUNTERS_MAP "cowlink_count"

/* The value of the map, also read by the program. */
struct source_config {
	struct net_config own;	/* addr4, addr6 and their numbers */
	uint8_t link_local[16];
	uint8_t mac[8];		/* 6 of them */
};

#define OWN_LINK_LOCAL ((int)offsetof(struct source_config, link_local))
#define OWN_MAC ((int)offsetof(struct source_config, mac))

/* --- the program --------------------------------------------------------------------- */

/*
 * R9 is where in the frame we are, R8 the header that comes next. The stack: the header
 * of the frame, that of the packet, and what a further one begins with. The second address
 * of the former, and those of the latter, are where they can be loaded as a whole.
 */
#define FRAME (-62)
#define FRAME_SOURCE (FRAME + 6)
#define FRAME_TYPE (FRAME + 12)
#define PACKET (-48)
#define SOURCE6 (PACKET + 8)
#define SENDER4 (-32)
#define TARGET6 (-80)
#define NEXT (-88)

/* More headers before the last one than anybody uses. */
#define HEADERS_MAX 6

static void load(struct gen *g, int from, int to, int size)
{
	asm_mov(&g->a, BPF_REG_1, BPF_REG_6);
	asm_mov(&g->a, BPF_REG_2, BPF_REG_9);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_2, from);
	asm_mov(&g->a, BPF_REG_3, BPF_REG_10);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_3, to);
	asm_mov_imm(&g->a, BPF_REG_4, size);
	asm_call(&g->a, BPF_FUNC_skb_load_bytes);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &g->deny);
}

/* R0 is a number on the stack; @size as BPF_H, or BPF_B. */
static void number(struct gen *g, int size, int stack)
{
	asm_load(&g->a, size, BPF_REG_0, BPF_REG_10, stack);
	if (size != BPF_B)
		asm_swap(&g->a, BPF_REG_0, size == BPF_H ? 16 : 32);
}

/* Six bytes on the stack have to be the guest's hardware address. */
static void own_mac(struct gen *g, int stack)
{
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_10, stack);
	asm_load(&g->a, BPF_W, BPF_REG_1, BPF_REG_7, OWN_MAC);
	asm_jump(&g->a, BPF_JNE, BPF_REG_0, BPF_REG_1, &g->deny);
	asm_load(&g->a, BPF_H, BPF_REG_0, BPF_REG_10, stack + 4);
	asm_load(&g->a, BPF_H, BPF_REG_1, BPF_REG_7, OWN_MAC + 4);
	asm_jump(&g->a, BPF_JNE, BPF_REG_0, BPF_REG_1, &g->deny);
}

/* Ethernet and IPv4, a question or an answer; from nobody, which looks whether an address
 * is free, a question only. */
static void arp(struct gen *g, struct bpf_label *pass)
{
	struct bpf_label answer = { 0 };

	load(g, 0, PACKET, 14);
	number(g, BPF_W, PACKET);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 1 << 16 | ETH_P_IP, &g->deny);
	number(g, BPF_H, PACKET + 4);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, ETH_ALEN << 8 | 4, &g->deny);
	own_mac(g, PACKET + 8);
	load(g, 14, SENDER4, 4);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, SENDER4);
	number(g, BPF_H, PACKET + 6);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 2, &answer);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 1, &g->deny);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8, 0, pass);
	asm_place(&g->a, &answer);
	gen_if_own4(g, pass);
	asm_goto(&g->a, &g->deny);
}

static void ipv4(struct gen *g, struct bpf_label *pass)
{
	load(g, 12, SENDER4, 4);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, SENDER4);
	gen_if_own4(g, pass);
	asm_goto(&g->a, &g->deny);
}

static void if_own6(struct gen *g, int stack, struct bpf_label *to)
{
	gen_if_own6(g, stack, to);
	gen_if_equal6(g, stack, OWN_LINK_LOCAL, to);
}

/* It looks whether its address is free, or joins groups, the latter behind a header of
 * options. */
static void nobody(struct gen *g, struct bpf_label *pass)
{
	struct bpf_label options = { 0 };

	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8, IPPROTO_HOPOPTS, &options);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_8, IPPROTO_ICMPV6, &g->deny);
	load(g, 0, NEXT, 1);
	number(g, BPF_B, NEXT);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ND_NEIGHBOR_SOLICIT, pass);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &options);
	load(g, 0, NEXT, 2);
	number(g, BPF_H, NEXT);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, IPPROTO_ICMPV6 << 8, &g->deny);
	load(g, 8, NEXT, 1);
	number(g, BPF_B, NEXT);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, MLD_LISTENER_REPORT, pass);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, MLD_LISTENER_REDUCTION, pass);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 143 /* version 2 */, pass);
	asm_goto(&g->a, &g->deny);
}

/* What of the neighbour discovery speaks for others. */
static void icmp6(struct gen *g, struct bpf_label *pass)
{
	struct bpf_label advertisement = { 0 };

	load(g, 0, NEXT, 1);
	number(g, BPF_B, NEXT);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ND_NEIGHBOR_ADVERT,
		     &advertisement);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ND_ROUTER_ADVERT, &g->deny);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ND_REDIRECT, &g->deny);
	asm_goto(&g->a, pass);
	asm_place(&g->a, &advertisement);
	load(g, 8, TARGET6, 16);
	if_own6(g, TARGET6, pass);
	asm_goto(&g->a, &g->deny);
}

/* R8 is a header at R9 that comes before others: step over it. A fragment but the first
 * has none; the first one has all, or is thrown away by who puts them together. */
static void step(struct gen *g, struct bpf_label *pass)
{
	struct bpf_label fragment = { 0 };
	struct bpf_label done = { 0 };

	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8, IPPROTO_FRAGMENT, &fragment);
	load(g, 0, NEXT, 2);
	number(g, BPF_B, NEXT + 1);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_0, 1);
	asm_alu_imm(&g->a, BPF_LSH, BPF_REG_0, 3);
	asm_alu(&g->a, BPF_ADD, BPF_REG_9, BPF_REG_0);
	asm_goto(&g->a, &done);
	asm_place(&g->a, &fragment);
	load(g, 0, NEXT, 4);
	number(g, BPF_H, NEXT + 2);
	asm_alu_imm(&g->a, BPF_AND, BPF_REG_0, ~7);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, pass);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_9, sizeof(struct ip6_frag));
	asm_place(&g->a, &done);
	asm_load(&g->a, BPF_B, BPF_REG_8, BPF_REG_10, NEXT);
}

static void ipv6(struct gen *g, struct bpf_label *pass)
{
	static const int before_others[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING,
					     IPPROTO_DSTOPTS, IPPROTO_FRAGMENT };
	struct bpf_label own = { 0 };
	struct bpf_label last = { 0 };
	struct kinds6 kinds = { 0 };
	size_t i;
	int n;

	load(g, 0, PACKET, 40);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_9, 40);
	asm_load(&g->a, BPF_B, BPF_REG_8, BPF_REG_10, PACKET + 6);
	if_own6(g, SOURCE6, &own);
	gen_sort6(g, SOURCE6, &kinds);
	asm_place(&g->a, &kinds.loopback);
	asm_place(&g->a, &kinds.mapped);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &kinds.any);
	nobody(g, pass);
	asm_place(&g->a, &own);
	for (n = 0; n < HEADERS_MAX; n++) {
		struct bpf_label more = { 0 };

		asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8, IPPROTO_ICMPV6, &last);
		for (i = 0; i < 4; i++)
			asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8,
				     before_others[i], &more);
		asm_goto(&g->a, pass);
		asm_place(&g->a, &more);
		step(g, pass);
	}
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &last);
	icmp6(g, pass);
}

#define COUNT(field) ((int)offsetof(struct net_counters, field))

static void end_frame(struct gen *g, struct bpf_label *pass)
{
	asm_place(&g->a, pass);
	asm_map_value(&g->a, BPF_REG_1, g->counters_fd);
	asm_mov_imm(&g->a, BPF_REG_2, 1);
	asm_add_atomic(&g->a, BPF_REG_1, COUNT(sent_packets), BPF_REG_2);
	asm_load(&g->a, BPF_W, BPF_REG_2, BPF_REG_6,
		 offsetof(struct __sk_buff, len));
	asm_add_atomic(&g->a, BPF_REG_1, COUNT(sent_bytes), BPF_REG_2);
	asm_exit(&g->a, TC_ACT_UNSPEC); /* the operator may have others */
	asm_place(&g->a, &g->deny);
	asm_map_value(&g->a, BPF_REG_1, g->counters_fd);
	asm_mov_imm(&g->a, BPF_REG_2, 1);
	asm_add_atomic(&g->a, BPF_REG_1, COUNT(sent_refused), BPF_REG_2);
	asm_exit(&g->a, TC_ACT_SHOT);
}

static void gen_source(struct gen *g)
{
	struct bpf_label pass = { 0 };
	struct bpf_label v4 = { 0 };
	struct bpf_label v6 = { 0 };

	gen_begin(g);
	/* who takes the tag off would see another frame */
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6,
		 offsetof(struct __sk_buff, vlan_present));
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &g->deny);
	asm_mov_imm(&g->a, BPF_REG_9, 0);
	load(g, 0, FRAME, ETH_HLEN);
	own_mac(g, FRAME_SOURCE);
	asm_mov_imm(&g->a, BPF_REG_9, ETH_HLEN);
	number(g, BPF_H, FRAME_TYPE);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ETH_P_IP, &v4);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ETH_P_IPV6, &v6);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, ETH_P_ARP, &g->deny);
	arp(g, &pass);
	asm_place(&g->a, &v4);
	ipv4(g, &pass);
	asm_place(&g->a, &v6);
	ipv6(g, &pass);
	end_frame(g, &pass);
}

/* --- putting it on --------------------------------------------------------------------- */

static int fill_config(const struct tree_row *row, const struct net_list *l,
		       struct source_config *ret)
{
	struct net_config *own = &ret->own;
	const uint8_t *mac = ret->mac;
	size_t i;
	int r;

	*ret = (struct source_config){ 0 };
	r = veth_mac(row, ret->mac);
	if (r < 0)
		return r;
	memcpy(ret->link_local,
	       (uint8_t[16]){ 0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2],
			      0xff, 0xfe, mac[3], mac[4], mac[5] }, 16);
	for (i = 0; i < l->count; i++) {
		const struct net_addr *a = &l->list[i];

		if (a->v6)
			memcpy(own->addr6[own->count6++], a->addr, 16);
		else
			memcpy(own->addr4[own->count4++], a->addr, 4);
	}
	return 0;
}

static int make_map(const char *name, const void *value, uint32_t size,
		    uint32_t flags)
{
	int fd = bpf_map_one(name, size, flags);
	int r = fd < 0 || !value ? fd : bpf_map_write(fd, value);

	if (r >= 0 && value)
		r = bpf_map_seal(fd);
	if (r < 0)
		cleanup_close(&fd);
	return r < 0 ? r : fd;
}

#define CANNOT "cannot check what the guest sends (net.source=any does without)"

/* The program, a descriptor. It keeps its maps. */
static int load_program(const struct source_config *c, struct err *err)
{
	static const struct bpf_kind kind = { PROGRAM, BPF_PROG_TYPE_SCHED_CLS,
					      0 };
	_cleanup_free_ struct gen *g = calloc(1, sizeof(*g));
	int r = g ? 0 : -ENOMEM;

	if (r < 0)
		return err_errno(err, r, "no memory");
	g->config = &c->own;
	g->counters_fd = -1;
	r = g->config_fd = make_map(CONFIG_MAP, c, sizeof(*c), BPF_F_RDONLY_PROG);
	if (r >= 0)
		r = g->counters_fd = make_map(COUNTERS_MAP, NULL,
					      sizeof(struct net_counters), 0);
	if (r == -ENOSYS || r == -EPERM) {
		r = err_set(err, -EOPNOTSUPP,
			    "this kernel has no bpf(2), or does not let us use it");
	} else if (r < 0) {
		err_errno(err, r, "cannot keep the guest's addresses");
	} else {
		gen_source(g);
		r = bpf_load(&g->a, &kind, err);
	}
	cleanup_close(&g->config_fd);
	cleanup_close(&g->counters_fd);
	return r;
}

/* Of traffic control, for what comes in at @index; the caller adds to it and frees it. */
static struct nl_msg *message(int type, int flags, int index, uint32_t parent,
			      const char *kind)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, flags);
	struct tcmsg t = { .tcm_ifindex = index, .tcm_parent = parent };

	if (type == RTM_NEWQDISC)
		t.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
	else if (type == RTM_NEWTFILTER)
		t.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL));
	if (m && (nlmsg_append(m, &t, sizeof(t), NLMSG_ALIGNTO) < 0 ||
		  (kind && nla_put_string(m, TCA_KIND, kind) < 0))) {
		nlmsg_free(m);
		return NULL;
	}
	return m;
}

#define AT_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define CREATE (NLM_F_CREATE | NLM_F_EXCL)

static int add_hook(struct nl_sock *s, int index)
{
	struct nl_msg *m = message(RTM_NEWQDISC, CREATE, index, TC_H_CLSACT,
				   "clsact");
	int r = fx_step("source_hook");

	if (r < 0 || !m) {
		nlmsg_free(m);
		return r < 0 ? -nl_syserr2nlerr(r) : -NLE_NOMEM;
	}
	return nl_send_sync(s, m); /* which frees it */
}

static int add_program(struct nl_sock *s, int index, int prog_fd)
{
	struct nl_msg *m = message(RTM_NEWTFILTER, CREATE, index, AT_INGRESS,
				   "bpf");
	struct nlattr *options = m ? nla_nest_start(m, TCA_OPTIONS) : NULL;
	int r = fx_step("source_program");

	if (r < 0 || !options || nla_put_u32(m, TCA_BPF_FD, prog_fd) < 0 ||
	    nla_put_string(m, TCA_BPF_NAME, PROGRAM) < 0 ||
	    nla_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT) < 0) {
		nlmsg_free(m);
		return r < 0 ? -nl_syserr2nlerr(r) : -NLE_NOMEM;
	}
	nla_nest_end(m, options);
	return nl_send_sync(s, m); /* which frees it */
}

int source_check(struct nl_sock *s, const struct tree_row *row, int index,
		 const struct net_list *l, struct err *err)
{
	_cleanup_close_ int prog = -1;
	struct source_config c;
	int r = fill_config(row, l, &c);

	if (r < 0)
		return err_errno(err, r, CANNOT);
	r = prog = load_program(&c, err);
	if (r < 0)
		return err_prefix(err, r, CANNOT);
	r = add_hook(s, index);
	if (r >= 0)
		r = add_program(s, index, prog);
	if (r == -NLE_OBJ_NOTFOUND || r == -NLE_OPNOTSUPP)
		return err_set(err, -EOPNOTSUPP,
			       CANNOT ": this kernel has no clsact, or no bpf "
			       "classifiers");
	return r < 0 ? err_set(err, -EIO, CANNOT ": %s", nl_geterror(r)) : 0;
}

/* --- reading it back ------------------------------------------------------------------- */

/* One message of a dump: the number of our program, if it is that. */
static int take_program(struct nl_msg *m, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(m);
	struct nlattr *kind;
	struct nlattr *options;
	struct nlattr *name;
	struct nlattr *id;
	uint32_t *ret = arg;

	if (h->nlmsg_type != RTM_NEWTFILTER ||
	    !nlmsg_valid_hdr(h, sizeof(struct tcmsg)))
		return NL_OK;
	kind = nlmsg_find_attr(h, sizeof(struct tcmsg), TCA_KIND);
	options = nlmsg_find_attr(h, sizeof(struct tcmsg), TCA_OPTIONS);
	if (!kind || nla_strcmp(kind, "bpf") || !options)
		return NL_OK;
	name = nla_find(nla_data(options), nla_len(options), TCA_BPF_NAME);
	id = nla_find(nla_data(options), nla_len(options), TCA_BPF_ID);
	if (name && !nla_strcmp(name, PROGRAM) && id)
		*ret = nla_get_u32(id);
	return NL_OK;
}

int source_read(struct nl_sock *s, int index, struct net_counters *ret)
{
	struct nl_msg *m = message(RTM_GETTFILTER, NLM_F_DUMP, index, AT_INGRESS,
				   NULL);
	_cleanup_close_ int prog = -1;
	_cleanup_close_ int map = -1;
	uint32_t id = 0;
	int r = m ? nl_socket_modify_cb(s, NL_CB_VALID, NL_CB_CUSTOM,
					take_program, &id) :
		    -NLE_NOMEM;

	if (r >= 0)
		r = nl_send_auto(s, m);
	nlmsg_free(m);
	if (r >= 0)
		r = nl_recvmsgs_default(s);
	if (r < 0)
		return -EIO;
	if (!id)
		return 0;
	prog = bpf_prog_by_id(id);
	map = prog < 0 ? prog : bpf_map_of(prog, COUNTERS_MAP, sizeof(*ret));
	r = map < 0 ? map : bpf_map_read(map, ret);
	return r < 0 ? r : 1;
}
