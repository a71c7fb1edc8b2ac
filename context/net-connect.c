// SPDX-License-Identifier: GPL-2.0-only
/* Where a guest may send to, and from where: connect(2) and sendmsg(2). */
#include <errno.h>
#include <sys/socket.h>

#include "net-gen.h"

#define CTX(field) ((int)offsetof(struct bpf_sock_addr, field))
#define SOCK(field) ((int)offsetof(struct bpf_sock, field))
#define SOCKADDR (-112)		/* on the stack, for bpf_bind() */

static void load_port(struct gen *g)
{
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6, CTX(user_port));
	asm_store_imm(&g->a, BPF_W, BPF_REG_10, PORTS, 0);
	asm_store(&g->a, BPF_H, BPF_REG_10, PORTS + 2, BPF_REG_0);
}

/* Where @find finds a listener, or refused; UDP goes on without one. */
static void find_listener(struct gen *g,
			  void (*find)(struct gen *g, int protocol,
				       struct bpf_label *found))
{
	struct bpf_label udp = { 0 };
	struct bpf_label found = { 0 };

	load_port(g);
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6, CTX(protocol));
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, IPPROTO_UDP, &udp);
	find(g, IPPROTO_TCP, &found);
	gen_refuse(g, ECONNREFUSED);
	asm_place(&g->a, &udp);
	find(g, IPPROTO_UDP, &found);
	asm_place(&g->a, &found);
}

/* --- IPv4 ------------------------------------------------------------------------------- */

/*
 * R8 is in the guest's loopback. Who listens there is taken first; else who listens on
 * the guest's address, since that is what "all of them" was bound to; but nobody of the
 * host who listens everywhere: he might trust what comes from a loopback.
 */
static void find_loopback4(struct gen *g, int protocol, struct bpf_label *found)
{
	struct bpf_label nobody = { 0 };
	struct lookup l = { .protocol = protocol,
			    .found = found,
			    .nobody = &nobody };

	gen_if_bound4(g, &l);
	asm_place(&g->a, &nobody);
	if (!g->config->count4)
		return;
	asm_store(&g->a, BPF_W, BPF_REG_10, FIRST6, BPF_REG_8);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_7, ADDR4(0));
	gen_if_bound4(g, &l);
	asm_place(&g->a, &nobody);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, FIRST6);
}

static void loopback4(struct gen *g, struct bpf_label *done)
{
	struct bpf_label own = { 0 };

	find_listener(g, find_loopback4);
	gen_lback4(g, BPF_REG_9);
	gen_if_own4(g, &own);
	asm_goto(&g->a, done);
	asm_place(&g->a, &own);
	asm_mov(&g->a, BPF_REG_9, BPF_REG_8);
	asm_goto(&g->a, done);
}

/* R8 is where to; afterwards R8 is where really, and R9 from where. */
static void route4(struct gen *g)
{
	struct bpf_label any = { 0 };
	struct bpf_label local = { 0 };
	struct bpf_label done = { 0 };
	struct bpf_label mapped = { 0 };

	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_8, 0, &any);
	gen_if_loopback4(g, BPF_REG_8, &mapped);
	if (g->config->count4) {
		asm_load(&g->a, BPF_W, BPF_REG_9, BPF_REG_7, ADDR4(0));
		asm_goto(&g->a, &done);
	} else {
		gen_refuse(g, ENETUNREACH);
	}
	asm_place(&g->a, &any);
	gen_lback4(g, BPF_REG_8);
	asm_goto(&g->a, &local);
	asm_place(&g->a, &mapped);
	gen_to_lback4(g);
	asm_place(&g->a, &local);
	loopback4(g, &done);
	asm_place(&g->a, &done);
}

/* R1 = the socket; go to @to if it has an address already. A port without one it may
 * have too, of an earlier sendto(2); then nothing can be bound any more. */
static void if_bound(struct gen *g, bool port_too, struct bpf_label *to)
{
	int i;

	asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_6, CTX(sk));
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_1, SOCK(src_ip4));
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, to);
	/* a kernel without IPv6 refuses a program that looks */
	for (i = 0; g->config->has_ipv6 && i < 4; i++) {
		asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_1,
			 SOCK(src_ip6) + 4 * i);
		asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, to);
	}
	if (!port_too)
		return;
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_1, SOCK(src_port));
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, to);
}

/* A socket that is bound to the loopback reaches nothing else: the host would take
 * it for one of its own. R8 is where to. */
static void only_local(struct gen *g)
{
	struct bpf_label ok = { 0 };
	struct bpf_label bad = { 0 };

	gen_if_loopback4(g, BPF_REG_8, &ok);
	asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_6, CTX(sk));
	asm_load(&g->a, BPF_W, BPF_REG_1, BPF_REG_1, SOCK(src_ip4));
	gen_if_loopback4(g, BPF_REG_1, &bad);
	asm_goto(&g->a, &ok);
	asm_place(&g->a, &bad);
	gen_refuse(g, EINVAL);
	asm_place(&g->a, &ok);
}

static void call_bind(struct gen *g, int size)
{
	struct bpf_label ok = { 0 };

	asm_mov(&g->a, BPF_REG_1, BPF_REG_6);
	asm_mov(&g->a, BPF_REG_2, BPF_REG_10);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_2, SOCKADDR);
	asm_mov_imm(&g->a, BPF_REG_3, size);
	asm_call(&g->a, BPF_FUNC_bind);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 0, &ok);
	gen_refuse(g, EADDRNOTAVAIL);
	asm_place(&g->a, &ok);
}

void gen_connect4(struct gen *g)
{
	struct bpf_label bound = { 0 };

	gen_begin(g);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_6, CTX(user_ip4));
	route4(g);
	only_local(g);
	asm_store(&g->a, BPF_W, BPF_REG_6, CTX(user_ip4), BPF_REG_8);
	if_bound(g, true, &bound);
	asm_store_imm(&g->a, BPF_W, BPF_REG_10, SOCKADDR, 0);
	asm_store_imm(&g->a, BPF_H, BPF_REG_10, SOCKADDR, AF_INET);
	asm_store(&g->a, BPF_W, BPF_REG_10, SOCKADDR + 4, BPF_REG_9);
	asm_store_imm(&g->a, BPF_DW, BPF_REG_10, SOCKADDR + 8, 0);
	call_bind(g, sizeof(struct sockaddr_in));
	asm_place(&g->a, &bound);
	asm_exit(&g->a, 1);
}

void gen_sendmsg4(struct gen *g)
{
	struct bpf_label bound = { 0 };

	gen_begin(g);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_6, CTX(user_ip4));
	route4(g);
	only_local(g);
	asm_store(&g->a, BPF_W, BPF_REG_6, CTX(user_ip4), BPF_REG_8);
	/* chosen by a control message; what leaves is looked at once more */
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6, CTX(msg_src_ip4));
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &bound);
	if_bound(g, false, &bound);
	asm_store(&g->a, BPF_W, BPF_REG_6, CTX(msg_src_ip4), BPF_REG_9);
	asm_place(&g->a, &bound);
	asm_exit(&g->a, 1);
}

/* --- IPv6 ------------------------------------------------------------------------------ */

static void find_loopback6(struct gen *g, int protocol, struct bpf_label *found)
{
	struct bpf_label nobody = { 0 };
	struct lookup l = { .protocol = protocol,
			    .found = found,
			    .nobody = &nobody };

	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_7, CONFIG(lback6));
	gen_if_bound6(g, &l, FIRST6);
	asm_place(&g->a, &nobody);
	if (!g->config->count6)
		return;
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_7, ADDR6(0));
	gen_if_bound6(g, &l, FIRST6);
	asm_place(&g->a, &nobody);
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_7, CONFIG(lback6));
}

/* FIRST6 becomes where to, SECOND6 from where. */
static void loopback6(struct gen *g, struct bpf_label *done)
{
	find_listener(g, find_loopback6);
	/* both are addresses of this guest, so each is good for itself */
	gen_copy16(g, BPF_REG_10, SECOND6, BPF_REG_10, FIRST6);
	asm_goto(&g->a, done);
}

/* ::1 without an address for it. */
static void no_loopback6(struct gen *g, bool sends, struct bpf_label *mapped)
{
	if (sends) {
		asm_exit(&g->a, 0);
		return;
	}
	gen_lback4(g, BPF_REG_8);
	gen_mapped(g, BPF_REG_10, FIRST6, BPF_REG_8);
	asm_goto(&g->a, mapped);
}

static void route6(struct gen *g, bool sends, struct kinds6 *kinds,
		   struct bpf_label *done)
{
	gen_sort6(g, FIRST6, kinds);
	if (g->config->has_lback6)
		gen_if_equal6(g, FIRST6, CONFIG(lback6), &kinds->loopback);
	if (g->config->count6) {
		gen_copy16(g, BPF_REG_10, SECOND6, BPF_REG_7, ADDR6(0));
		asm_goto(&g->a, done);
	} else {
		gen_refuse(g, ENETUNREACH);
	}
	asm_place(&g->a, &kinds->any);
	asm_place(&g->a, &kinds->loopback);
	if (g->config->has_lback6)
		loopback6(g, done);
	else
		no_loopback6(g, sends, &kinds->mapped);
}

static void bind6(struct gen *g)
{
	asm_store_imm(&g->a, BPF_DW, BPF_REG_10, SOCKADDR, 0);
	asm_store_imm(&g->a, BPF_H, BPF_REG_10, SOCKADDR, AF_INET6);
	gen_copy16(g, BPF_REG_10, SOCKADDR + 8, BPF_REG_10, SECOND6);
	asm_store_imm(&g->a, BPF_W, BPF_REG_10, SOCKADDR + 24, 0);
	call_bind(g, sizeof(struct sockaddr_in6));
}

void gen_connect6(struct gen *g)
{
	struct bpf_label bound = { 0 };
	struct bpf_label done = { 0 };
	struct kinds6 kinds = { 0 };

	gen_begin(g);
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_6, CTX(user_ip6));
	route6(g, false, &kinds, &done);
	asm_place(&g->a, &kinds.mapped);
	asm_load(&g->a, BPF_W, BPF_REG_8, BPF_REG_10, FIRST6 + 12);
	route4(g);
	only_local(g);
	gen_mapped(g, BPF_REG_10, FIRST6, BPF_REG_8);
	gen_mapped(g, BPF_REG_10, SECOND6, BPF_REG_9);
	asm_place(&g->a, &done);
	gen_copy16(g, BPF_REG_6, CTX(user_ip6), BPF_REG_10, FIRST6);
	if_bound(g, true, &bound);
	bind6(g);
	asm_place(&g->a, &bound);
	asm_exit(&g->a, 1);
}

/* Mapped addresses went to sendmsg4; one that comes here is none the kernel sends. */
void gen_sendmsg6(struct gen *g)
{
	struct bpf_label bound = { 0 };
	struct bpf_label done = { 0 };
	struct kinds6 kinds = { 0 };
	int i;

	gen_begin(g);
	gen_copy16(g, BPF_REG_10, FIRST6, BPF_REG_6, CTX(user_ip6));
	route6(g, true, &kinds, &done);
	asm_place(&g->a, &kinds.mapped);
	asm_exit(&g->a, 0);
	/* without an address of IPv6 nobody comes this far */
	if (!done.count)
		return;
	asm_place(&g->a, &done);
	gen_copy16(g, BPF_REG_6, CTX(user_ip6), BPF_REG_10, FIRST6);
	for (i = 0; i < 4; i++) {
		asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_6,
			 CTX(msg_src_ip6) + 4 * i);
		asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &bound);
	}
	if_bound(g, false, &bound);
	gen_copy16(g, BPF_REG_6, CTX(msg_src_ip6), BPF_REG_10, SECOND6);
	asm_place(&g->a, &bound);
	asm_exit(&g->a, 1);
}
