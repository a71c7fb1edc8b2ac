/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf(2), and an assembler for small programs that only jump forward.
 *
 *	struct bpf_asm a = { 0 };
 *	struct bpf_label deny = { 0 };
 *
 *	asm_jump_imm(&a, BPF_JNE, BPF_REG_0, 0, &deny);
 *	...
 *	asm_place(&a, &deny);
 *
 * Nothing here fails before the program is loaded: what did not fit, or was not
 * placed, makes the load fail.
 */
#ifndef COWLINK_NET_BPF_H
#define COWLINK_NET_BPF_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define BPF_ASM_MAX 1024
#define BPF_LABEL_MAX 64

struct bpf_asm {
	struct bpf_insn insn[BPF_ASM_MAX];
	int count;
	bool overflow;
};

struct bpf_label {
	int from[BPF_LABEL_MAX];
	int count;
};

/* dst = src, dst = imm, dst OP= src, dst OP= imm; 64 bits. @op as BPF_ADD. */
void asm_mov(struct bpf_asm *a, int dst, int src);
void asm_mov_imm(struct bpf_asm *a, int dst, int32_t imm);
void asm_alu(struct bpf_asm *a, int op, int dst, int src);
void asm_alu_imm(struct bpf_asm *a, int op, int dst, int32_t imm);
void asm_mov_imm64(struct bpf_asm *a, int dst, uint64_t imm);
/* Between network and host order, of the low @bits. */
void asm_swap(struct bpf_asm *a, int dst, int bits);

/* @size as BPF_W. Store: *(dst + off) = src. */
void asm_load(struct bpf_asm *a, int size, int dst, int src, int off);
void asm_store(struct bpf_asm *a, int size, int dst, int off, int src);
void asm_store_imm(struct bpf_asm *a, int size, int dst, int off, int32_t imm);
/* *(uint64_t *)(dst + off) += src, atomically */
void asm_add_atomic(struct bpf_asm *a, int dst, int off, int src);
/* dst = address of the value of this array of one */
void asm_map_value(struct bpf_asm *a, int dst, int map_fd);

void asm_call(struct bpf_asm *a, int helper);
void asm_exit(struct bpf_asm *a, int status);
void asm_goto(struct bpf_asm *a, struct bpf_label *to);
/* @op as BPF_JEQ */
void asm_jump(struct bpf_asm *a, int op, int dst, int src, struct bpf_label *to);
void asm_jump_imm(struct bpf_asm *a, int op, int dst, int32_t imm,
		  struct bpf_label *to);
/* The same, of 32 bits. */
void asm_jump32(struct bpf_asm *a, int op, int dst, int src,
		struct bpf_label *to);
void asm_place(struct bpf_asm *a, struct bpf_label *label);

/* An array of one value; a descriptor. @flags as BPF_F_RDONLY_PROG. */
int bpf_map_one(const char *name, uint32_t size_bytes, uint32_t flags);
int bpf_map_write(int map_fd, const void *value);
int bpf_map_read(int map_fd, void *value);
/* Nobody writes it any more through bpf(2). */
int bpf_map_seal(int map_fd);

struct bpf_kind {
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	uint32_t function;	/* of the kernel, for BPF_LSM_CGROUP; see kernel-btf.h */
};

/* Load: a descriptor. On failure @err has the end of what the verifier said. */
int bpf_load(const struct bpf_asm *a, const struct bpf_kind *kind,
	     struct err *err);

/* Add to, or take from the cgroup. */
int bpf_attach(int cgroup_fd, int prog_fd, enum bpf_attach_type type);
int bpf_detach(int cgroup_fd, int prog_fd, enum bpf_attach_type type);

#define BPF_QUERY_MAX 16
/* The ids of what is attached to this very cgroup; how many. */
int bpf_query(int cgroup_fd, enum bpf_attach_type type,
	      uint32_t ids[BPF_QUERY_MAX]);
int bpf_prog_by_id(uint32_t id);
bool bpf_prog_is(int prog_fd, const char *name);
/* The map called @name of this program; -ENOENT. */
int bpf_map_of(int prog_fd, const char *name, uint32_t size_bytes);

#endif
