// SPDX-License-Identifier: GPL-2.0-only
#include "net-bpf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"

#define LOG_SIZE 65536
#define PROG_MAPS 8

/* --- the assembler ---------------------------------------------------------------- */

static void emit(struct bpf_asm *a, int code, int dst, int src, int off,
		 int32_t imm)
{
	if (a->count == BPF_ASM_MAX) {
		a->overflow = true;
		return;
	}
	a->insn[a->count++] = (struct bpf_insn){ .code = (uint8_t)code,
						 .dst_reg = dst & 15,
						 .src_reg = src & 15,
						 .off = (int16_t)off,
						 .imm = imm };
}

void asm_mov(struct bpf_asm *a, int dst, int src)
{
	asm_alu(a, BPF_MOV, dst, src);
}

void asm_mov_imm(struct bpf_asm *a, int dst, int32_t imm)
{
	asm_alu_imm(a, BPF_MOV, dst, imm);
}

void asm_mov_imm64(struct bpf_asm *a, int dst, uint64_t imm)
{
	emit(a, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)imm);
	emit(a, 0, 0, 0, 0, (int32_t)(imm >> 32));
}

void asm_alu(struct bpf_asm *a, int op, int dst, int src)
{
	emit(a, BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
}

void asm_alu_imm(struct bpf_asm *a, int op, int dst, int32_t imm)
{
	emit(a, BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
}

void asm_swap(struct bpf_asm *a, int dst, int bits)
{
	emit(a, BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits);
}

void asm_load(struct bpf_asm *a, int size, int dst, int src, int off)
{
	emit(a, BPF_LDX | BPF_MEM | size, dst, src, off, 0);
}

void asm_store(struct bpf_asm *a, int size, int dst, int off, int src)
{
	emit(a, BPF_STX | BPF_MEM | size, dst, src, off, 0);
}

void asm_store_imm(struct bpf_asm *a, int size, int dst, int off, int32_t imm)
{
	emit(a, BPF_ST | BPF_MEM | size, dst, 0, off, imm);
}

void asm_add_atomic(struct bpf_asm *a, int dst, int off, int src)
{
	emit(a, BPF_STX | BPF_ATOMIC | BPF_DW, dst, src, off, BPF_ADD);
}

void asm_map_value(struct bpf_asm *a, int dst, int map_fd)
{
	emit(a, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, map_fd);
	emit(a, 0, 0, 0, 0, 0);
}

void asm_call(struct bpf_asm *a, int helper)
{
	emit(a, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void asm_exit(struct bpf_asm *a, int status)
{
	asm_mov_imm(a, BPF_REG_0, status);
	emit(a, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void jump(struct bpf_asm *a, int code, int dst, int src, int32_t imm,
		 struct bpf_label *to)
{
	if (to->count == BPF_LABEL_MAX)
		a->overflow = true;
	else
		to->from[to->count++] = a->count;
	emit(a, code, dst, src, -1, imm); /* -1, a loop, if never placed */
}

void asm_goto(struct bpf_asm *a, struct bpf_label *to)
{
	jump(a, BPF_JMP | BPF_JA, 0, 0, 0, to);
}

void asm_jump(struct bpf_asm *a, int op, int dst, int src, struct bpf_label *to)
{
	jump(a, BPF_JMP | op | BPF_X, dst, src, 0, to);
}

void asm_jump_imm(struct bpf_asm *a, int op, int dst, int32_t imm,
		  struct bpf_label *to)
{
	jump(a, BPF_JMP | op | BPF_K, dst, 0, imm, to);
}

void asm_jump32(struct bpf_asm *a, int op, int dst, int src,
		struct bpf_label *to)
{
	jump(a, BPF_JMP32 | op | BPF_X, dst, src, 0, to);
}

void asm_place(struct bpf_asm *a, struct bpf_label *label)
{
	int i;

	for (i = 0; i < label->count; i++)
		if (label->from[i] < a->count)
			a->insn[label->from[i]].off =
				(int16_t)(a->count - label->from[i] - 1);
	label->count = 0;
}

/* --- bpf(2) -------------------------------------------------------------------------- */

static int bpf(int command, union bpf_attr *attr)
{
	long r;

	do
		r = syscall(SYS_bpf, command, attr, sizeof(*attr));
	while (r < 0 && errno == EAGAIN);
	return r < 0 ? -errno : (int)r;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int bpf_map_one(const char *name, uint32_t size_bytes, uint32_t flags)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY,
				.key_size = sizeof(uint32_t),
				.value_size = size_bytes,
				.max_entries = 1,
				.map_flags = flags };

	(void)snprintf(attr.map_name, sizeof(attr.map_name), "%s", name);
	return bpf(BPF_MAP_CREATE, &attr);
}

static int map_element(int command, int map_fd, const void *value)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = (uint32_t)map_fd,
				.key = pointer(&key),
				.value = pointer(value) };

	return bpf(command, &attr);
}

int bpf_map_write(int map_fd, const void *value)
{
	return map_element(BPF_MAP_UPDATE_ELEM, map_fd, value);
}

int bpf_map_read(int map_fd, void *value)
{
	return map_element(BPF_MAP_LOOKUP_ELEM, map_fd, value);
}

int bpf_map_seal(int map_fd)
{
	union bpf_attr attr = { .map_fd = (uint32_t)map_fd };

	return bpf(BPF_MAP_FREEZE, &attr);
}

static int load(const struct bpf_asm *a, const struct bpf_kind *kind, char *log)
{
	union bpf_attr attr = { .prog_type = kind->type,
				.expected_attach_type = kind->attach,
				.attach_btf_id = kind->function,
				.insns = pointer(a->insn),
				.insn_cnt = (uint32_t)a->count,
				.license = pointer("GPL") };

	(void)snprintf(attr.prog_name, sizeof(attr.prog_name), "%s", kind->name);
	if (log) {
		attr.log_level = 1;
		attr.log_buf = pointer(log);
		attr.log_size = LOG_SIZE;
	}
	return bpf(BPF_PROG_LOAD, &attr);
}

/* The last lines are the ones that say why. */
static const char *tail_of(const char *log)
{
	size_t len = strlen(log);

	return log + (len > 500 ? len - 500 : 0);
}

int bpf_load(const struct bpf_asm *a, const struct bpf_kind *kind,
	     struct err *err)
{
	_cleanup_free_ char *log = NULL;
	int r = a->overflow ? -E2BIG : load(a, kind, NULL);

	if (r >= 0)
		return r;
	log = calloc(1, LOG_SIZE);
	if (log && r != -E2BIG)
		(void)load(a, kind, log); /* for the log alone */
	if (r == -EPERM || r == -ENOSYS || !log || !*log)
		return err_set(err, -EOPNOTSUPP,
			       "cannot load the network program '%s': %s",
			       kind->name, strerror(-r));
	return err_errno(err, r, "cannot load the network program '%s': %s",
			 kind->name, tail_of(log));
}

int bpf_attach(int cgroup_fd, int prog_fd, enum bpf_attach_type type)
{
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup_fd,
				.attach_bpf_fd = (uint32_t)prog_fd,
				.attach_type = type,
				.attach_flags = BPF_F_ALLOW_MULTI };
	int r = fx_step("bpf_attach");

	return r ? r : bpf(BPF_PROG_ATTACH, &attr);
}

int bpf_detach(int cgroup_fd, int prog_fd, enum bpf_attach_type type)
{
	union bpf_attr attr = { .target_fd = (uint32_t)cgroup_fd,
				.attach_bpf_fd = (uint32_t)prog_fd,
				.attach_type = type };
	int r = fx_step("bpf_detach");

	return r ? r : bpf(BPF_PROG_DETACH, &attr);
}

int bpf_query(int cgroup_fd, enum bpf_attach_type type,
	      uint32_t ids[BPF_QUERY_MAX])
{
	union bpf_attr attr = { .query.target_fd = (uint32_t)cgroup_fd,
				.query.attach_type = type,
				.query.prog_ids = pointer(ids),
				.query.prog_cnt = BPF_QUERY_MAX };
	uint32_t flags[BPF_QUERY_MAX];
	int r;

	/* here it is obligatory, and older kernels do not know the field */
	if (type == BPF_LSM_CGROUP)
		attr.query.prog_attach_flags = pointer(flags);
	r = bpf(BPF_PROG_QUERY, &attr);
	return r < 0 ? r : (int)attr.query.prog_cnt;
}

int bpf_prog_by_id(uint32_t id)
{
	union bpf_attr attr = { .prog_id = id };

	return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int info_of(int fd, void *info, uint32_t size)
{
	union bpf_attr attr = { .info.bpf_fd = (uint32_t)fd,
				.info.info_len = size,
				.info.info = pointer(info) };

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

bool bpf_prog_is(int prog_fd, const char *name)
{
	struct bpf_prog_info prog = { 0 };

	return info_of(prog_fd, &prog, sizeof(prog)) >= 0 &&
	       !strcmp(prog.name, name);
}

int bpf_map_of(int prog_fd, const char *name, uint32_t size_bytes)
{
	uint32_t ids[PROG_MAPS];
	struct bpf_prog_info prog = { .map_ids = pointer(ids),
				      .nr_map_ids = PROG_MAPS };
	int r = info_of(prog_fd, &prog, sizeof(prog));
	uint32_t i;

	for (i = 0; r >= 0 && i < prog.nr_map_ids && i < PROG_MAPS; i++) {
		struct bpf_map_info map = { 0 };
		union bpf_attr attr = { .map_id = ids[i] };
		int fd = bpf(BPF_MAP_GET_FD_BY_ID, &attr);

		if (fd < 0)
			return fd;
		r = info_of(fd, &map, sizeof(map));
		if (r >= 0 && map.value_size == size_bytes &&
		    !strcmp(map.name, name))
			return fd;
		(void)close(fd); /* only looked at */
	}
	return r < 0 ? r : -ENOENT;
}
