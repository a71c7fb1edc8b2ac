// SPDX-License-Identifier: GPL-2.0-only
/* Which sockets there are, what they are bound to, and what a guest sees of that. */
#include <errno.h>
#include <sys/socket.h>

#include "net-gen.h"

#define CTX(field) ((int)offsetof(struct bpf_sock_addr, field))
#define SOCK(field) ((int)offsetof(struct bpf_sock, field))

/* Allowed, and of a port below 1024: to the guest's root, who has no capability over
 * the host's network that the kernel could look for. */
#define ALLOW 1
#define ALLOW_PORTS (ALLOW | 2)

/* --- socket(2) ------------------------------------------------------------------------ */

/* TCP and UDP, nothing else: our programs see what these send, and what they are bound
 * to. Raw sockets need a capability too; packet sockets only that. */
void gen_sock_create(struct gen *g)
{
	static const struct {
		int type;
		int protocol;
	} good[] = { { SOCK_STREAM, IPPROTO_TCP }, { SOCK_DGRAM, IPPROTO_UDP } };
	struct bpf_label ok = { 0 };
	int i;

	asm_load(&g->a, BPF_W, BPF_REG_2, BPF_REG_1, SOCK(type));
	asm_load(&g->a, BPF_W, BPF_REG_3, BPF_REG_1, SOCK(protocol));
	for (i = 0; i < 2; i++) {
		struct bpf_label next = { 0 };

		asm_jump_imm(&g->a, BPF_JNE, BPF_REG_2, good[i].type, &next);
		asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_3, good[i].protocol, &ok);
		asm_place(&g->a, &next);
	}
	asm_exit(&g->a, 0);
	asm_place(&g->a, &ok);
	asm_exit(&g->a, 1);
}

/* --- bind(2) --------------------------------------------------------------------------- */

/* The first of the guest's addresses, or its loopback, for "all of them". */
static void any4(struct gen *g)
{
	if (g->config->count4)
		asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_7, ADDR4(0));
	else
		gen_lback4(g, BPF_REG_8);
}

/* R8 becomes what is bound to, or we go to deny. */
static void narrow4(struct gen *g)
{
	struct bpf_label given = { 0 };
	struct bpf_label loopback = { 0 };
	struct bpf_label done = { 0 };

	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_8, 0, &given);
	any4(g);
	asm_goto(&g->a, &done);
	asm_place(&g->a, &given);
	gen_if_loopback4(g, BPF_REG_8, &loopback);
	gen_if_own4(g, &done);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &loopback);
	gen_to_lback4(g);
	asm_place(&g->a, &done);
}

static void end_bind(struct gen *g)
{
	struct bpf_label root = { 0 };

	asm_call(&g->a, BPF_FUNC_get_current_uid_gid);
	asm_load(&g->a, BPF_W, BPF_REG_1, BPF_REG_7, CONFIG(first_id));
	asm_jump32(&g->a, BPF_JEQ, BPF_REG_0, BPF_REG_1, &root);
	asm_exit(&g->a, ALLOW);
	asm_place(&g->a, &root);
	asm_exit(&g->a, ALLOW_PORTS);
	asm_place(&g->a, &g->deny);
	gen_refuse(g, EADDRNOTAVAIL);
}

void gen_bind4(struct gen *g)
{
	gen_begin(g);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_6, CTX(user_ip4));
	narrow4(g);
	asm_store(&g->a, BPF_W, BPF_REG_6, CTX(user_ip4), BPF_REG_8);
	end_bind(g);
}

/* A bit of the socket for which no program has another way to ask. */
void gen_look_up(struct gen *g, struct btf **kernel)
{
	g->only6_mask = 0;
	/* only then it makes a difference, and the start is to be short */
	if (g->config->count6 || !g->config->has_lback6 ||
	    kernel_btf_need(kernel, NULL) < 0)
		return;
	if (kernel_btf_bit(*kernel, "sock_common", "skc_ipv6only",
			   &g->only6_byte, &g->only6_mask, NULL) < 0 ||
	    g->only6_byte >= SOCK_COMMON_MAX)
		g->only6_mask = 0;
}

/* Go to @to if the socket takes IPv6 alone. Spoils R0 to R5. */
static void if_only6(struct gen *g, struct bpf_label *to)
{
	if (!g->only6_mask)
		return;
	/* not by a load: the verifier has no part of a socket for us, but all of it */
	asm_mov(&g->a, BPF_REG_1, BPF_REG_10);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_1, SOCK_COMMON);
	asm_mov_imm(&g->a, BPF_REG_2, (int32_t)g->only6_byte + 1);
	asm_load(&g->a, BPF_DW, BPF_REG_3, BPF_REG_6, CTX(sk));
	asm_call(&g->a, BPF_FUNC_probe_read_kernel);
	asm_load(&g->a, BPF_B, BPF_REG_0, BPF_REG_10,
		 SOCK_COMMON + (int)g->only6_byte);
	asm_alu_imm(&g->a, BPF_AND, BPF_REG_0, g->only6_mask);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, to);
}

/* Of all its addresses a guest without any of IPv6 has its loopback, like a host. But what
 * takes IPv4 too is most wanted there. */
void gen_bind6(struct gen *g)
{
	struct bpf_label allow = { 0 };
	struct kinds6 kinds = { 0 };

	gen_begin(g);
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_6, CTX(user_ip6));
	gen_sort6(g, FIRST6, &kinds);
	gen_if_own6(g, FIRST6, &allow);
	if (g->config->has_lback6)
		gen_if_equal6(g, FIRST6, CONFIG(lback6), &allow);
	asm_goto(&g->a, &g->deny);

	asm_place(&g->a, &kinds.any);
	if (g->config->count6) {
		gen_copy16(g, BPF_REG_6, CTX(user_ip6), BPF_REG_7, ADDR6(0));
	} else {
		if_only6(g, &kinds.loopback);
		any4(g);
		gen_mapped(g, BPF_REG_6, CTX(user_ip6), BPF_REG_8);
	}
	asm_goto(&g->a, &allow);

	asm_place(&g->a, &kinds.loopback);
	if (g->config->has_lback6) {
		gen_copy16(g, BPF_REG_6, CTX(user_ip6), BPF_REG_7,
			   CONFIG(lback6));
	} else {
		gen_lback4(g, BPF_REG_8);
		gen_mapped(g, BPF_REG_6, CTX(user_ip6), BPF_REG_8);
	}
	asm_goto(&g->a, &allow);

	asm_place(&g->a, &kinds.mapped);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, FIRST6 + 12);
	narrow4(g);
	asm_store(&g->a, BPF_W, BPF_REG_6, CTX(user_ip6[3]), BPF_REG_8);
	asm_place(&g->a, &allow);
	end_bind(g);
}

/* --- what is told: getsockname(2), getpeername(2), recvmsg(2) ------------------------ */

static void show_lback4(struct gen *g, int field)
{
	asm_swap(&g->a, BPF_REG_8, 32);
	asm_alu_imm(&g->a, BPF_AND, BPF_REG_8, 0xff);
	asm_alu_imm(&g->a, BPF_OR, BPF_REG_8, 0x7f000000);
	asm_swap(&g->a, BPF_REG_8, 32);
	asm_store(&g->a, BPF_W, BPF_REG_6, field, BPF_REG_8);
}

void gen_show4(struct gen *g)
{
	struct bpf_label lback = { 0 };

	gen_begin(g);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_6, CTX(user_ip4));
	gen_if_lback4(g, &lback);
	asm_exit(&g->a, 1);
	asm_place(&g->a, &lback);
	show_lback4(g, CTX(user_ip4));
	asm_exit(&g->a, 1);
}

void gen_show6(struct gen *g)
{
	struct bpf_label lback6 = { 0 };
	struct bpf_label lback4 = { 0 };
	struct kinds6 kinds = { 0 };
	int i;

	gen_begin(g);
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_6, CTX(user_ip6));
	gen_sort6(g, FIRST6, &kinds);
	gen_if_equal6(g, FIRST6, CONFIG(lback6), &lback6);
	asm_place(&g->a, &kinds.any);
	asm_place(&g->a, &kinds.loopback);
	asm_exit(&g->a, 1);

	asm_place(&g->a, &lback6);
	for (i = 0; i < 4; i++) {
		asm_mov_imm(&g->a, BPF_REG_0, i == 3);
		asm_swap(&g->a, BPF_REG_0, 32);
		asm_store(&g->a, BPF_W, BPF_REG_6, CTX(user_ip6) + 4 * i,
			  BPF_REG_0);
	}
	asm_exit(&g->a, 1);

	asm_place(&g->a, &kinds.mapped);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, FIRST6 + 12);
	gen_if_lback4(g, &lback4);
	asm_exit(&g->a, 1);
	asm_place(&g->a, &lback4);
	show_lback4(g, CTX(user_ip6[3]));
	asm_exit(&g->a, 1);
}
