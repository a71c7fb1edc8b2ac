/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the generators of the programs share. In every program R6 is the context that
 * the kernel gave, R7 the struct net_config, R8 the IPv4 address in hand, R9 scratch
 * that outlives a call. Addresses are in network order.
 */
#ifndef COWLINK_NET_GEN_H
#define COWLINK_NET_GEN_H

#include "net-bpf.h"
#include "net-prog.h"

struct gen {
	struct bpf_asm a;
	const struct net_config *config;
	int config_fd;
	int counters_fd;
	/* whether a socket takes IPv6 alone: in its struct sock_common; 0: nobody knows */
	uint32_t only6_byte;
	uint8_t only6_mask;
	struct bpf_label deny;
};

#define CONFIG(field) ((int)offsetof(struct net_config, field))
#define ADDR4(i) (CONFIG(addr4) + 4 * (int)(i))
#define ADDR6(i) (CONFIG(addr6) + 16 * (int)(i))

/* vserver.slice/CONTEXT is the second level of the hierarchy, or deeper. */
#define CGROUP_TOP 2
#define CGROUP_BOTTOM 10

/* An IPv6 address on the stack of a program, and a second one. */
#define FIRST6 (-16)
#define SECOND6 (-32)
/* The beginning of a socket. */
#define SOCK_COMMON (-128)
#define SOCK_COMMON_MAX 64

/* R6 and R7. */
void gen_begin(struct gen *g);

/* Go to @to if the address in @reg is in 127/8. Spoils R0. */
void gen_if_loopback4(struct gen *g, int reg, struct bpf_label *to);
/* Go to @to if R8 is one of the guest's; of its loopback. Spoil R0, R1. */
void gen_if_own4(struct gen *g, struct bpf_label *to);
void gen_if_lback4(struct gen *g, struct bpf_label *to);
/* R8, in 127/8, becomes the guest's. Spoils R0, R1. */
void gen_to_lback4(struct gen *g);
/* @reg = the guest's 127.0.0.1. */
void gen_lback4(struct gen *g, int reg);

/* Go to @to if the 16 bytes at @stack are those at @config; are one of the guest's
 * addresses. Spoil R0, R1. */
void gen_if_equal6(struct gen *g, int stack, int config, struct bpf_label *to);
void gen_if_own6(struct gen *g, int stack, struct bpf_label *to);

/* Sort the address at @stack: ::, ::1, ::ffff:0:0/96, or go on. Spoils R0. */
struct kinds6 {
	struct bpf_label any;
	struct bpf_label loopback;
	struct bpf_label mapped;
};

void gen_sort6(struct gen *g, int stack, struct kinds6 *to);

/* Copy 16 bytes, by words. Spoils R0. */
void gen_copy16(struct gen *g, int to, int to_off, int from, int from_off);
/* ::ffff:R8 at @to + @off. Spoils R0. */
void gen_mapped(struct gen *g, int to, int off, int reg);

/* End with this errno, where the kernel lets programs say so. */
void gen_refuse(struct gen *g, int error);

/*
 * Which socket would get what is sent to the address R8, or @target on the stack, and
 * the port at PORTS + 2? Go to @found if one that is bound to this very address, to
 * @nobody if there is none. @source on the stack, with the port at PORTS: one of the
 * guest, also a connected one, or one bound to nothing. Kernels let only programs that
 * see packets ask whose a socket is. Spoil R0 to R5, R9.
 */
#define PORTS (-44)
struct lookup {
	int protocol;		/* IPPROTO_TCP or IPPROTO_UDP */
	int source;		/* or 0 */
	struct bpf_label *found;
	struct bpf_label *nobody;
};

void gen_if_bound4(struct gen *g, const struct lookup *l);
void gen_if_bound6(struct gen *g, const struct lookup *l, int target);

/* What the kernel tells of itself that the programs have to know. *@kernel is read if it
 * is NULL and needed. */
void gen_look_up(struct gen *g, struct btf **kernel);

/* The programs. */
void gen_sock_create(struct gen *g);
void gen_bind4(struct gen *g);
void gen_bind6(struct gen *g);
void gen_connect4(struct gen *g);
void gen_connect6(struct gen *g);
void gen_sendmsg4(struct gen *g);
void gen_sendmsg6(struct gen *g);
void gen_show4(struct gen *g);
void gen_show6(struct gen *g);
void gen_egress(struct gen *g);
void gen_ingress(struct gen *g);

#endif
