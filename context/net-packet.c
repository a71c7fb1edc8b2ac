// SPDX-License-Identifier: GPL-2.0-only
/* What leaves and what arrives: the last wall, and the counters. */
#include <linux/if_ether.h>

#include "net-gen.h"

#define SKB(field) ((int)offsetof(struct __sk_buff, field))

/* The IP header on the stack, and where its addresses are then. */
#define HEADER4 (-32)
#define SOURCE4 (HEADER4 + 12)
#define TARGET4 (HEADER4 + 16)
#define HEADER6 (-40)
#define SOURCE6 (HEADER6 + 8)
#define TARGET6 (HEADER6 + 24)

#define LOOPBACK_INDEX 1	/* of "lo" in every namespace */

static void load_bytes(struct gen *g, int from, int to, int size)
{
	asm_mov(&g->a, BPF_REG_1, BPF_REG_6);
	asm_mov_imm(&g->a, BPF_REG_2, from);
	asm_mov(&g->a, BPF_REG_3, BPF_REG_10);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_3, to);
	asm_mov_imm(&g->a, BPF_REG_4, size);
	asm_call(&g->a, BPF_FUNC_skb_load_bytes);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &g->deny);
}

static void add(struct gen *g, int bytes, int packets)
{
	asm_map_value(&g->a, BPF_REG_1, g->counters_fd);
	asm_mov_imm(&g->a, BPF_REG_2, 1);
	asm_add_atomic(&g->a, BPF_REG_1, packets, BPF_REG_2);
	if (bytes < 0)
		return;
	asm_load(&g->a, BPF_W, BPF_REG_2, BPF_REG_6, SKB(len));
	asm_add_atomic(&g->a, BPF_REG_1, bytes, BPF_REG_2);
}

#define COUNT(field) ((int)offsetof(struct net_counters, field))

/* How both directions end: counted and let through, let through, or refused. */
static void end_packet(struct gen *g, struct bpf_label *count,
		       struct bpf_label *pass, int bytes, int packets,
		       int refused)
{
	if (g->config->count4 || g->config->count6) {
		asm_place(&g->a, count);
		add(g, bytes, packets);
	}
	asm_place(&g->a, pass);
	asm_exit(&g->a, 1);
	asm_place(&g->a, &g->deny);
	add(g, -1, refused);
	asm_exit(&g->a, 0);
}

/* Go to @v6, or on with a header in HEADER4, or to deny. */
static void which(struct gen *g, struct bpf_label *v6)
{
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6, SKB(protocol));
	asm_swap(&g->a, BPF_REG_0, 16);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, ETH_P_IPV6, v6);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, ETH_P_IP, &g->deny);
	load_bytes(g, 0, HEADER4, 20);
}

/* --- egress ------------------------------------------------------------------------- */

/* R0 is a protocol: TCP or UDP, or deny. */
static void only_known(struct gen *g)
{
	struct bpf_label ok = { 0 };

	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, IPPROTO_TCP, &ok);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, IPPROTO_UDP, &g->deny);
	asm_place(&g->a, &ok);
}

/* The packet goes to the guest's loopback: to a socket of the guest or to nobody. It
 * ends here. */
static void only_own(struct gen *g, bool v6, struct bpf_label *pass)
{
	struct bpf_label udp = { 0 };
	int i;

	load_bytes(g, v6 ? 40 : 20, PORTS, 4);
	asm_load(&g->a, BPF_B, BPF_REG_0, BPF_REG_10,
		 v6 ? HEADER6 + 6 : HEADER4 + 9);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, IPPROTO_UDP, &udp);
	for (i = 0; i < 2; i++) {
		struct lookup l = { .protocol = i ? IPPROTO_UDP : IPPROTO_TCP,
				    .source = v6 ? SOURCE6 : SOURCE4,
				    .found = pass,
				    .nobody = pass };

		if (v6)
			gen_if_bound6(g, &l, TARGET6);
		else
			gen_if_bound4(g, &l);
		if (!i)
			asm_place(&g->a, &udp);
	}
}

static void egress4(struct gen *g, struct bpf_label *count,
		    struct bpf_label *pass)
{
	struct bpf_label out = { 0 };
	struct bpf_label own = { 0 };
	struct bpf_label local = { 0 };

	asm_load(&g->a, BPF_B, BPF_REG_0, BPF_REG_10, HEADER4);
	/* options may lead elsewhere */
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0x45, &g->deny);
	asm_load(&g->a, BPF_B, BPF_REG_0, BPF_REG_10, HEADER4 + 9);
	only_known(g);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, SOURCE4);
	gen_if_own4(g, &own);
	gen_if_lback4(g, &local);
	asm_goto(&g->a, &g->deny);
	if (g->config->count4) {
		asm_place(&g->a, &own);
		asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, TARGET4);
		gen_if_loopback4(g, BPF_REG_8, &local);
		asm_jump_imm(&g->a, BPF_JNE, BPF_REG_8, 0, count);
		asm_goto(&g->a, &g->deny);
	}
	asm_place(&g->a, &local);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, TARGET4);
	gen_if_lback4(g, &out);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &out);
	only_own(g, false, pass);
}

static void egress6(struct gen *g, struct bpf_label *count,
		    struct bpf_label *pass)
{
	struct bpf_label own = { 0 };
	struct bpf_label local = { 0 };
	struct bpf_label there = { 0 };
	struct kinds6 kinds = { 0 };

	load_bytes(g, 0, HEADER6, 40);
	asm_load(&g->a, BPF_B, BPF_REG_0, BPF_REG_10, HEADER6 + 6);
	only_known(g);
	gen_if_own6(g, SOURCE6, &own);
	if (g->config->has_lback6)
		gen_if_equal6(g, SOURCE6, CONFIG(lback6), &local);
	asm_goto(&g->a, &g->deny);
	if (g->config->count6) {
		asm_place(&g->a, &own);
		gen_sort6(g, TARGET6, &kinds);
		/* of the loopbacks only the guest's own */
		asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, TARGET6);
		asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_7, CONFIG(lback6));
		if (g->config->has_lback6)
			asm_jump(&g->a, BPF_JEQ, BPF_REG_0, BPF_REG_1, &local);
		asm_goto(&g->a, count);
		asm_place(&g->a, &kinds.any);
		asm_place(&g->a, &kinds.loopback);
		asm_place(&g->a, &kinds.mapped);
		asm_goto(&g->a, &g->deny);
	}
	if (!g->config->has_lback6)
		return;
	asm_place(&g->a, &local);
	gen_if_equal6(g, TARGET6, CONFIG(lback6), &there);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &there);
	only_own(g, true, pass);
}

void gen_egress(struct gen *g)
{
	struct bpf_label v6 = { 0 };
	struct bpf_label count = { 0 };
	struct bpf_label pass = { 0 };

	gen_begin(g);
	which(g, &v6);
	egress4(g, &count, &pass);
	asm_place(&g->a, &v6);
	egress6(g, &count, &pass);
	end_packet(g, &count, &pass, COUNT(sent_bytes), COUNT(sent_packets),
		   COUNT(sent_refused));
}

/* --- ingress ------------------------------------------------------------------------- */

static void ingress4(struct gen *g, struct bpf_label *count,
		     struct bpf_label *pass)
{
	struct bpf_label local = { 0 };

	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, TARGET4);
	gen_if_own4(g, count);
	gen_if_lback4(g, &local);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &local);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, SOURCE4);
	gen_if_own4(g, pass);
	gen_if_lback4(g, pass);
	asm_goto(&g->a, &g->deny);
}

static void ingress6(struct gen *g, struct bpf_label *count,
		     struct bpf_label *pass)
{
	struct bpf_label local = { 0 };

	load_bytes(g, 0, HEADER6, 40);
	gen_if_own6(g, TARGET6, count);
	if (g->config->has_lback6)
		gen_if_equal6(g, TARGET6, CONFIG(lback6), &local);
	asm_goto(&g->a, &g->deny);
	if (!g->config->has_lback6)
		return;
	asm_place(&g->a, &local);
	/* nothing keeps such a packet from coming by wire */
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6, SKB(ifindex));
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, LOOPBACK_INDEX, &g->deny);
	gen_if_own6(g, SOURCE6, pass);
	gen_if_equal6(g, SOURCE6, CONFIG(lback6), pass);
	asm_goto(&g->a, &g->deny);
}

void gen_ingress(struct gen *g)
{
	struct bpf_label v6 = { 0 };
	struct bpf_label count = { 0 };
	struct bpf_label pass = { 0 };

	gen_begin(g);
	which(g, &v6);
	ingress4(g, &count, &pass);
	asm_place(&g->a, &v6);
	ingress6(g, &count, &pass);
	end_packet(g, &count, &pass, COUNT(received_bytes), COUNT(received_packets),
		   COUNT(received_refused));
}
