// SPDX-License-Identifier: GPL-2.0-only
#include "net-gen.h"

#include <errno.h>
#include <netinet/in.h>

/* For the lookup of sockets; a struct bpf_sock_tuple, and what was found. */
#define TUPLE (-80)
#define FOUND6 (-96)

void gen_begin(struct gen *g)
{
	asm_mov(&g->a, BPF_REG_6, BPF_REG_1);
	asm_map_value(&g->a, BPF_REG_7, g->config_fd);
}

/* --- IPv4 --------------------------------------------------------------------------- */

void gen_if_loopback4(struct gen *g, int reg, struct bpf_label *to)
{
	asm_mov(&g->a, BPF_REG_0, reg);
	asm_swap(&g->a, BPF_REG_0, 32);
	asm_alu_imm(&g->a, BPF_RSH, BPF_REG_0, 24);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 127, to);
}

void gen_if_own4(struct gen *g, struct bpf_label *to)
{
	uint32_t i;

	for (i = 0; i < g->config->count4; i++) {
		asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_7, ADDR4(i));
		asm_jump(&g->a, BPF_JEQ, BPF_REG_8, BPF_REG_0, to);
	}
}

void gen_if_lback4(struct gen *g, struct bpf_label *to)
{
	asm_mov(&g->a, BPF_REG_0, BPF_REG_8);
	asm_swap(&g->a, BPF_REG_0, 32);
	asm_alu_imm(&g->a, BPF_AND, BPF_REG_0, ~0xff);
	asm_load(&g->a, BPF_W, BPF_REG_1, BPF_REG_7, CONFIG(lback4));
	asm_jump(&g->a, BPF_JEQ, BPF_REG_0, BPF_REG_1, to);
}

void gen_to_lback4(struct gen *g)
{
	asm_swap(&g->a, BPF_REG_8, 32);
	asm_alu_imm(&g->a, BPF_AND, BPF_REG_8, 0xff);
	asm_load(&g->a, BPF_W, BPF_REG_1, BPF_REG_7, CONFIG(lback4));
	asm_alu(&g->a, BPF_OR, BPF_REG_8, BPF_REG_1);
	asm_swap(&g->a, BPF_REG_8, 32);
}

void gen_lback4(struct gen *g, int reg)
{
	asm_load(&g->a, BPF_W, reg, BPF_REG_7, CONFIG(lback4));
	asm_alu_imm(&g->a, BPF_OR, reg, 1);
	asm_swap(&g->a, reg, 32);
}

/* --- IPv6 --------------------------------------------------------------------------- */

void gen_if_equal6(struct gen *g, int stack, int config, struct bpf_label *to)
{
	struct bpf_label differs = { 0 };

	asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, stack);
	asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_7, config);
	asm_jump(&g->a, BPF_JNE, BPF_REG_0, BPF_REG_1, &differs);
	asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, stack + 8);
	asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_7, config + 8);
	asm_jump(&g->a, BPF_JEQ, BPF_REG_0, BPF_REG_1, to);
	asm_place(&g->a, &differs);
}

void gen_if_own6(struct gen *g, int stack, struct bpf_label *to)
{
	uint32_t i;

	for (i = 0; i < g->config->count6; i++)
		gen_if_equal6(g, stack, ADDR6(i), to);
}

void gen_sort6(struct gen *g, int stack, struct kinds6 *to)
{
	struct bpf_label other = { 0 };

	asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, stack);
	asm_jump_imm(&g->a, BPF_JNE, BPF_REG_0, 0, &other);
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_10, stack + 8);
	asm_swap(&g->a, BPF_REG_0, 32);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 0xffff, &to->mapped);
	asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, stack + 8);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 0, &to->any);
	asm_swap(&g->a, BPF_REG_0, 64);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 1, &to->loopback);
	asm_place(&g->a, &other);
}

void gen_copy16(struct gen *g, int to, int to_off, int from, int from_off)
{
	int i;

	for (i = 0; i < 16; i += 4) {
		asm_load(&g->a, BPF_W, BPF_REG_0, from, from_off + i);
		asm_store(&g->a, BPF_W, to, to_off + i, BPF_REG_0);
	}
}

void gen_mapped(struct gen *g, int to, int off, int reg)
{
	asm_mov_imm(&g->a, BPF_REG_0, 0);
	asm_store(&g->a, BPF_W, to, off, BPF_REG_0);
	asm_store(&g->a, BPF_W, to, off + 4, BPF_REG_0);
	asm_mov_imm(&g->a, BPF_REG_0, 0xffff);
	asm_swap(&g->a, BPF_REG_0, 32);
	asm_store(&g->a, BPF_W, to, off + 8, BPF_REG_0);
	asm_store(&g->a, BPF_W, to, off + 12, reg);
}

/* --- the rest -------------------------------------------------------------------------- */

void gen_refuse(struct gen *g, int error)
{
	asm_mov_imm(&g->a, BPF_REG_1, -error);
	asm_call(&g->a, BPF_FUNC_set_retval);
	asm_exit(&g->a, 0);
}

/* R0 is the socket, or we go to nobody. */
static void find(struct gen *g, const struct lookup *l, int size)
{
	asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_10, PORTS);
	asm_store(&g->a, BPF_W, BPF_REG_10, TUPLE + size - 4, BPF_REG_0);
	asm_mov(&g->a, BPF_REG_1, BPF_REG_6);
	asm_mov(&g->a, BPF_REG_2, BPF_REG_10);
	asm_alu_imm(&g->a, BPF_ADD, BPF_REG_2, TUPLE);
	asm_mov_imm(&g->a, BPF_REG_3, size);
	asm_mov_imm(&g->a, BPF_REG_4, -1); /* this network namespace */
	asm_mov_imm(&g->a, BPF_REG_5, 0);
	asm_call(&g->a, l->protocol == IPPROTO_TCP ? BPF_FUNC_sk_lookup_tcp :
						     BPF_FUNC_sk_lookup_udp);
	asm_jump_imm(&g->a, BPF_JEQ, BPF_REG_0, 0, l->nobody);
}

/* R0 is a socket. Go to found if it is one of the guest, and give it back. How deep
 * the cgroup is nobody tells who runs in a cgroup namespace. */
static void if_of_guest(struct gen *g, struct bpf_label *found)
{
	struct bpf_label ours = { 0 };
	int level;

	asm_mov(&g->a, BPF_REG_9, BPF_REG_0);
	for (level = CGROUP_TOP; level <= CGROUP_BOTTOM; level++) {
		asm_mov(&g->a, BPF_REG_1, BPF_REG_9);
		asm_mov_imm(&g->a, BPF_REG_2, level);
		asm_call(&g->a, BPF_FUNC_sk_ancestor_cgroup_id);
		asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_7,
			 CONFIG(cgroup_id));
		asm_jump(&g->a, BPF_JEQ, BPF_REG_0, BPF_REG_1, &ours);
	}
	asm_mov(&g->a, BPF_REG_1, BPF_REG_9);
	asm_call(&g->a, BPF_FUNC_sk_release);
	asm_goto(&g->a, &g->deny);
	asm_place(&g->a, &ours);
	asm_mov(&g->a, BPF_REG_1, BPF_REG_9);
	asm_call(&g->a, BPF_FUNC_sk_release);
	asm_goto(&g->a, found);
}

void gen_if_bound4(struct gen *g, const struct lookup *l)
{
	asm_mov_imm(&g->a, BPF_REG_0, 0);
	if (l->source)
		asm_load(&g->a, BPF_W, BPF_REG_0, BPF_REG_10, l->source);
	asm_store(&g->a, BPF_W, BPF_REG_10, TUPLE, BPF_REG_0);
	asm_store(&g->a, BPF_W, BPF_REG_10, TUPLE + 4, BPF_REG_8);
	find(g, l, 12);
	if (l->source) {
		if_of_guest(g, l->found);
		return;
	}
	asm_load(&g->a, BPF_W, BPF_REG_9, BPF_REG_0,
		 offsetof(struct bpf_sock, src_ip4));
	asm_mov(&g->a, BPF_REG_1, BPF_REG_0);
	asm_call(&g->a, BPF_FUNC_sk_release);
	asm_jump(&g->a, BPF_JEQ, BPF_REG_9, BPF_REG_8, l->found);
}

/* R0 is a socket. */
static void if_bound6(struct gen *g, int target, struct bpf_label *found)
{
	struct bpf_label other = { 0 };
	int i;

	asm_mov(&g->a, BPF_REG_9, BPF_REG_0);
	gen_copy16(g, BPF_REG_10, FOUND6, BPF_REG_9,
		   offsetof(struct bpf_sock, src_ip6));
	asm_mov(&g->a, BPF_REG_1, BPF_REG_9);
	asm_call(&g->a, BPF_FUNC_sk_release);
	for (i = 0; i < 16; i += 8) {
		asm_load(&g->a, BPF_DW, BPF_REG_0, BPF_REG_10, FOUND6 + i);
		asm_load(&g->a, BPF_DW, BPF_REG_1, BPF_REG_10, target + i);
		asm_jump(&g->a, BPF_JNE, BPF_REG_0, BPF_REG_1, &other);
	}
	asm_goto(&g->a, found);
	asm_place(&g->a, &other);
}

void gen_if_bound6(struct gen *g, const struct lookup *l, int target)
{
	int i;

	for (i = 0; !l->source && i < 16; i += 4)
		asm_store_imm(&g->a, BPF_W, BPF_REG_10, TUPLE + i, 0);
	if (l->source)
		gen_copy16(g, BPF_REG_10, TUPLE, BPF_REG_10, l->source);
	gen_copy16(g, BPF_REG_10, TUPLE + 16, BPF_REG_10, target);
	find(g, l, 36);
	if (l->source)
		if_of_guest(g, l->found);
	else
		if_bound6(g, target, l->found);
}
