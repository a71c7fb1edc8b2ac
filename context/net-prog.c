// SPDX-License-Identifier: GPL-2.0-only
#include "net-prog.h"

#include <errno.h>
#include <unistd.h>

#include "cleanup.h"
#include "net-gen.h"

#define CONFIG_MAP "cowlink_net"
#define COUNTERS_MAP "cowlink_count"

#define SOCK_ADDR BPF_PROG_TYPE_CGROUP_SOCK_ADDR

static const struct {
	struct bpf_kind kind;
	void (*generate)(struct gen *g);
} programs[] = {
	/* the walls first, so that nothing slips through meanwhile */
	{ { "egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS },
	  gen_egress },
	{ { "ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS },
	  gen_ingress },
	{ { "sock_create", BPF_PROG_TYPE_CGROUP_SOCK,
	    BPF_CGROUP_INET_SOCK_CREATE },
	  gen_sock_create },
	{ { "bind4", SOCK_ADDR, BPF_CGROUP_INET4_BIND }, gen_bind4 },
	{ { "bind6", SOCK_ADDR, BPF_CGROUP_INET6_BIND }, gen_bind6 },
	{ { "connect4", SOCK_ADDR, BPF_CGROUP_INET4_CONNECT }, gen_connect4 },
	{ { "connect6", SOCK_ADDR, BPF_CGROUP_INET6_CONNECT }, gen_connect6 },
	{ { "sendmsg4", SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG }, gen_sendmsg4 },
	{ { "sendmsg6", SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG }, gen_sendmsg6 },
	{ { "recvmsg4", SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG }, gen_show4 },
	{ { "recvmsg6", SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG }, gen_show6 },
	{ { "getsockname4", SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME },
	  gen_show4 },
	{ { "getsockname6", SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME },
	  gen_show6 },
	{ { "getpeername4", SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME },
	  gen_show4 },
	{ { "getpeername6", SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME },
	  gen_show6 },
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

/* --- putting them on ---------------------------------------------------------------- */

static int make_maps(const struct net_config *c, struct gen *g, struct err *err)
{
	int r = g->config_fd =
		bpf_map_one(CONFIG_MAP, sizeof(*c), BPF_F_RDONLY_PROG);

	if (r >= 0)
		r = bpf_map_write(g->config_fd, c);
	if (r >= 0)
		r = bpf_map_seal(g->config_fd);
	if (r >= 0)
		r = g->counters_fd = bpf_map_one(
			COUNTERS_MAP, sizeof(struct net_counters), 0);
	if (r == -ENOSYS || r == -EPERM)
		return err_set(err, -EOPNOTSUPP,
			       "cannot restrict the network: this kernel has no "
			       "bpf(2), or does not let us use it");
	return r < 0 ? err_errno(err, r, "cannot keep the guest's addresses") : 0;
}

static int load_one(struct gen *g, size_t i, struct err *err)
{
	g->a.count = 0;
	g->a.overflow = false;
	g->deny.count = 0;
	programs[i].generate(g);
	return bpf_load(&g->a, &programs[i].kind, err);
}

static int attach_one(struct gen *g, size_t i, int cgroup_fd, struct err *err)
{
	_cleanup_close_ int fd = -1;
	int r = fd = load_one(g, i, g->only6_mask ? NULL : err);

	/* a kernel that is locked down lets no program look into it */
	if (r < 0 && g->only6_mask) {
		g->only6_mask = 0;
		r = fd = load_one(g, i, err);
	}
	if (r < 0)
		return r;
	r = bpf_attach(cgroup_fd, fd, programs[i].kind.attach);
	return r < 0 ? err_errno(err, r, "cannot attach the network program '%s'",
				 programs[i].kind.name) :
		       0;
}

int net_prog_attach(int cgroup_fd, const struct net_config *c,
		    struct btf **kernel, struct err *err)
{
	_cleanup_free_ struct gen *g = calloc(1, sizeof(*g));
	int r;
	size_t i;

	if (!g)
		return err_errno(err, -ENOMEM, "cannot restrict the network");
	g->config = c;
	g->config_fd = g->counters_fd = -1;
	gen_look_up(g, kernel);
	r = make_maps(c, g, err);
	for (i = 0; !r && i < PROGRAMS; i++)
		r = attach_one(g, i, cgroup_fd, err);
	/* the programs hold them from now on */
	cleanup_close(&g->config_fd);
	cleanup_close(&g->counters_fd);
	return r;
}

/* --- and off ------------------------------------------------------------------------- */

static int detach_all(int cgroup_fd, enum bpf_attach_type type)
{
	uint32_t ids[BPF_QUERY_MAX] = { 0 };
	int n = bpf_query(cgroup_fd, type, ids);
	int r = n < 0 ? n : 0;
	int i;

	for (i = 0; r >= 0 && i < n; i++) {
		_cleanup_close_ int fd = bpf_prog_by_id(ids[i]);

		r = fd < 0 ? fd : bpf_detach(cgroup_fd, fd, type);
	}
	return r < 0 ? r : 0;
}

int net_prog_detach(int cgroup_fd, struct err *err)
{
	size_t i;
	int r = 0;

	/* the walls last */
	for (i = PROGRAMS; !r && i-- > 0;)
		r = detach_all(cgroup_fd, programs[i].kind.attach);
	/* no bpf(2): no programs */
	if (r == -ENOSYS || r == -EPERM || r == -EINVAL)
		r = 0;
	return r < 0 ? err_errno(err, r, "cannot take the network programs off") :
		       0;
}

/* --- reading them back ------------------------------------------------------------------ */

static int read_map(int prog_fd, const char *name, void *value, uint32_t size)
{
	_cleanup_close_ int fd = bpf_map_of(prog_fd, name, size);

	return fd < 0 ? fd : bpf_map_read(fd, value);
}

/* Of one program: 1, or 0 when it is of somebody else, who may have his on any cgroup. */
static int read_one(uint32_t id, struct net_config *ret,
		    struct net_counters *ret_counters)
{
	_cleanup_close_ int fd = bpf_prog_by_id(id);
	int r = fd < 0 ? fd : read_map(fd, CONFIG_MAP, ret, sizeof(*ret));

	if (r == -ENOENT)
		return 0;
	if (r >= 0 && ret_counters)
		r = read_map(fd, COUNTERS_MAP, ret_counters,
			     sizeof(*ret_counters));
	return r < 0 ? r : 1;
}

static int read_all(int cgroup_fd, struct net_config *ret,
		    struct net_counters *ret_counters)
{
	uint32_t ids[BPF_QUERY_MAX] = { 0 };
	int n = bpf_query(cgroup_fd, programs[0].kind.attach, ids);
	int r = n < 0 ? n : 0;

	/* the last one counts, should there be more of ours */
	while (!r && n-- > 0)
		r = read_one(ids[n], ret, ret_counters);
	return r;
}

/* How many of the hooks have a program. */
static size_t count_attached(int cgroup_fd)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < PROGRAMS; i++) {
		uint32_t ids[BPF_QUERY_MAX] = { 0 };

		count += bpf_query(cgroup_fd, programs[i].kind.attach, ids) > 0;
	}
	return count;
}

int net_prog_read(int cgroup_fd, struct net_config *ret,
		  struct net_counters *ret_counters, struct err *err)
{
	int r = read_all(cgroup_fd, ret, ret_counters);
	size_t n;

	if (r == -ENOSYS || r == -EPERM || r == -EINVAL)
		return 0;
	if (r < 0)
		return err_errno(err, r, "cannot read the network programs");
	n = r ? count_attached(cgroup_fd) : 0;
	if (r && n < PROGRAMS)
		return err_set(err, -EUCLEAN,
			       "only %zu of %zu network programs are attached", n,
			       PROGRAMS);
	return r;
}
