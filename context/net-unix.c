// SPDX-License-Identifier: GPL-2.0-only
#include "net-unix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "kernel-btf.h"
#include "net-gen.h"

#define MODULES "/sys/kernel/security/lsm"
#define NO_TRAMPOLINE (-524) /* ENOTSUPP, which only the kernel knows */

/* --- what the kernel is like --------------------------------------------------------- */

struct layout {
	uint32_t socket_sk;
	uint32_t sock_cgroup;
	uint32_t unix_address;
	uint32_t address_path;
	uint32_t cgroup_level;
	uint32_t cgroup_ancestors;
	uint32_t cgroup_node;
	uint32_t node_id;
};

static const struct {
	const char *type;
	const char *path;
	uint32_t size_bytes;
	size_t place;
} members[] = {
#define PLACE(field) offsetof(struct layout, field)
	{ "socket", "sk", 8, PLACE(socket_sk) },
	{ "sock", "sk_cgrp_data.cgroup", 8, PLACE(sock_cgroup) },
	{ "unix_sock", "addr", 8, PLACE(unix_address) },
	{ "unix_address", "name.sun_path", 1, PLACE(address_path) },
	{ "cgroup", "level", 4, PLACE(cgroup_level) },
	{ "cgroup", "ancestors", 8, PLACE(cgroup_ancestors) },
	{ "cgroup", "kn", 8, PLACE(cgroup_node) },
	{ "kernfs_node", "id", 8, PLACE(node_id) },
#undef PLACE
};

#define MEMBERS (sizeof(members) / sizeof(*members))

static const struct {
	const char *name;
	const char *hook;
	const char *argument; /* the type of the first two */
	bool is_socket;
} programs[] = {
	{ "unix_connect", "bpf_lsm_unix_stream_connect", "sock", false },
	{ "unix_send", "bpf_lsm_unix_may_send", "socket", true },
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

/* A program is loaded and attached all the same where nobody asks it. */
static int must_be_asked(struct err *err)
{
	_cleanup_close_ int fd = open(MODULES, O_RDONLY | O_CLOEXEC);
	char text[512];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *word = text;
	char *next;

	if (n < 0)
		return err_set(err, -EOPNOTSUPP, "cannot read '" MODULES "': %s",
			       strerror(errno));
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (; word; word = next) {
		next = strchr(word, ',');
		if (next)
			*next++ = '\0';
		if (!strcmp(word, "bpf"))
			return 0;
	}
	return err_set(err, -EOPNOTSUPP,
		       "the security module 'bpf' is not on, see '" MODULES "'");
}

static int look_up(struct btf **kernel, struct layout *l,
		   uint32_t hooks[PROGRAMS], struct err *err)
{
	int r = kernel_btf_need(kernel, err);
	const struct btf *btf = *kernel;
	size_t i;

	for (i = 0; !r && i < MEMBERS; i++) {
		uint32_t offset = 0;

		r = kernel_btf_offset(btf, members[i].type, members[i].path,
				      members[i].size_bytes, &offset, err);
		memcpy((char *)l + members[i].place, &offset, sizeof(offset));
	}
	for (i = 0; !r && i < PROGRAMS; i++) {
		const char *args[] = { programs[i].argument,
				       programs[i].argument };

		r = kernel_btf_function(btf, programs[i].hook, args, 2,
					&hooks[i], err);
	}
	return r;
}

/* --- the programs ----------------------------------------------------------------------- */

/* @dst = what the kernel has at @base + @offset, or 0 if nothing is there. Not by a load:
 * of that the kernel would want to know the type. Spoils R0 to R5. */
static void read_kernel(struct bpf_asm *a, int dst, int size, int base,
			uint32_t offset)
{
	static const int bytes[] = { [BPF_B] = 1, [BPF_W] = 4, [BPF_DW] = 8 };

	asm_mov(a, BPF_REG_3, base);
	asm_alu_imm(a, BPF_ADD, BPF_REG_3, (int32_t)offset);
	asm_mov(a, BPF_REG_1, BPF_REG_10);
	asm_alu_imm(a, BPF_ADD, BPF_REG_1, -8);
	asm_mov_imm(a, BPF_REG_2, bytes[size]);
	asm_call(a, BPF_FUNC_probe_read_kernel);
	asm_load(a, size, dst, BPF_REG_10, -8);
}

/* Go to @to if the socket R6 was made in the cgroup R8 or one below. Spoils all but
 * these two. */
static void if_made_in(struct bpf_asm *a, const struct layout *l,
		       struct bpf_label *to)
{
	struct bpf_label elsewhere = { 0 };
	int level;

	read_kernel(a, BPF_REG_7, BPF_DW, BPF_REG_6, l->sock_cgroup);
	read_kernel(a, BPF_REG_9, BPF_W, BPF_REG_7, l->cgroup_level);
	for (level = CGROUP_TOP; level <= CGROUP_BOTTOM; level++) {
		asm_jump_imm(a, BPF_JLT, BPF_REG_9, level, &elsewhere);
		read_kernel(a, BPF_REG_0, BPF_DW, BPF_REG_7,
			    l->cgroup_ancestors + 8 * (uint32_t)level);
		read_kernel(a, BPF_REG_0, BPF_DW, BPF_REG_0, l->cgroup_node);
		read_kernel(a, BPF_REG_0, BPF_DW, BPF_REG_0, l->node_id);
		asm_jump(a, BPF_JEQ, BPF_REG_0, BPF_REG_8, to);
	}
	asm_place(a, &elsewhere);
}

/* Of the hook's arguments the second is the peer. Nobody finds one that has no address: it
 * is the other end of a pair, and whoever made that gave this end away. */
static void generate(struct bpf_asm *a, const struct layout *l, bool is_socket,
		     uint64_t cgroup_id)
{
	struct bpf_label allow = { 0 };

	asm_load(a, BPF_DW, BPF_REG_6, BPF_REG_1, 8);
	if (is_socket)
		read_kernel(a, BPF_REG_6, BPF_DW, BPF_REG_6, l->socket_sk);
	read_kernel(a, BPF_REG_0, BPF_DW, BPF_REG_6, l->unix_address);
	asm_jump_imm(a, BPF_JEQ, BPF_REG_0, 0, &allow);
	read_kernel(a, BPF_REG_0, BPF_B, BPF_REG_0, l->address_path);
	asm_jump_imm(a, BPF_JNE, BPF_REG_0, 0, &allow);
	asm_mov_imm64(a, BPF_REG_8, cgroup_id);
	if_made_in(a, l, &allow);
	asm_exit(a, 0); /* EPERM */
	asm_place(a, &allow);
	asm_exit(a, 1);
}

/* --- on and off --------------------------------------------------------------------------- */

/* Is it this kernel, or only this moment? */
static int judge(int r, struct err *err)
{
	bool passes = r == -ENOMEM || r == -EMFILE || r == -ENFILE ||
		      r == -EINTR || r == -EIO;

	if (r >= 0 || passes)
		return r;
	if (err) {
		err->code = -EOPNOTSUPP;
		err->cls = ERR_UNSUPPORTED;
	}
	return -EOPNOTSUPP;
}

static int attach_one(size_t i, const struct layout *l, uint32_t hook,
		      int cgroup_fd, struct err *err)
{
	_cleanup_free_ struct bpf_asm *a = calloc(1, sizeof(*a));
	struct bpf_kind kind = { programs[i].name, BPF_PROG_TYPE_LSM,
				 BPF_LSM_CGROUP, hook };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!a || fstat(cgroup_fd, &st) < 0)
		return err_errno(err, a ? -errno : -ENOMEM,
				 "cannot close abstract Unix sockets");
	generate(a, l, programs[i].is_socket, st.st_ino);
	r = fd = bpf_load(a, &kind, err);
	if (r < 0)
		return r;
	r = bpf_attach(cgroup_fd, fd, BPF_LSM_CGROUP);
	if (r == NO_TRAMPOLINE)
		return err_set(err, -EOPNOTSUPP,
			       "this kernel cannot attach programs to its "
			       "functions on this processor");
	return r < 0 ? err_errno(err, r, "cannot attach the network program '%s'",
				 programs[i].name) :
		       0;
}

int net_unix_attach(int cgroup_fd, struct btf **kernel, struct err *err)
{
	uint32_t hooks[PROGRAMS];
	struct layout l;
	size_t i;
	int r = must_be_asked(err);

	if (!r)
		r = look_up(kernel, &l, hooks, err);
	for (i = 0; !r && i < PROGRAMS; i++)
		r = judge(attach_one(i, &l, hooks[i], cgroup_fd, err), err);
	if (r)
		(void)net_unix_detach(cgroup_fd, NULL); /* told already */
	return r;
}

/* Go through those that are attached, as bits; with @off take them off. */
static int each_attached(int cgroup_fd, bool off)
{
	uint32_t ids[BPF_QUERY_MAX] = { 0 };
	int n = bpf_query(cgroup_fd, BPF_LSM_CGROUP, ids);
	int found = 0;
	int i;

	for (i = 0; i < n && i < BPF_QUERY_MAX; i++) {
		_cleanup_close_ int fd = bpf_prog_by_id(ids[i]);
		size_t p;
		int r = fd < 0 ? fd : 0;

		for (p = 0; !r && p < PROGRAMS; p++) {
			if (!bpf_prog_is(fd, programs[p].name))
				continue;
			found |= 1 << p;
			r = off ? bpf_detach(cgroup_fd, fd, BPF_LSM_CGROUP) : 0;
		}
		if (r < 0)
			return r;
	}
	return n < 0 ? n : found;
}

int net_unix_detach(int cgroup_fd, struct err *err)
{
	int r = each_attached(cgroup_fd, true);

	/* no such programs in this kernel */
	if (r == -ENOSYS || r == -EPERM || r == -EINVAL)
		r = 0;
	return r < 0 ? err_errno(err, r, "cannot take the network programs off") :
		       0;
}

bool net_unix_closed(int cgroup_fd)
{
	return each_attached(cgroup_fd, false) == (1 << PROGRAMS) - 1;
}
