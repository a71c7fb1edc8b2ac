// SPDX-License-Identifier: GPL-2.0-only
#include "net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "net-private.h"
#include "net-unix.h"

/* A network of our own in the range for private ones; the last two bytes are the
 * context. It never leaves the host. */
static const uint8_t lback6_base[16] = { 0xfd, 0x63, 0x6f, 0x77, 0x6c, 0x6b };

/* --- what is ours ---------------------------------------------------------------------- */

static bool lo_has_ipv6(void)
{
	char text[4] = "";
	_cleanup_close_ int fd = open("/proc/sys/net/ipv6/conf/lo/disable_ipv6",
				      O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, text, 1) == 1 && *text == '0';
}

static bool kernel_has_ipv6(void)
{
	_cleanup_close_ int fd = open("/proc/sys/net/ipv6",
				      O_PATH | O_CLOEXEC);

	return fd >= 0;
}

static int begin_config(const struct guest *g, int cgroup_fd,
			struct net_config *c)
{
	uint32_t context = g->row.context;
	struct stat ns;
	struct stat st;

	if (fstat(cgroup_fd, &st) < 0 || stat("/proc/self/ns/net", &ns) < 0)
		return -errno;
	*c = (struct net_config){ .lback4 = 127U << 24 | context << 8,
				  .first_id = CONTEXT_UID(context),
				  .has_lback6 = lo_has_ipv6(),
				  .has_ipv6 = kernel_has_ipv6(),
				  .cgroup_id = st.st_ino,
				  .netns = ns.st_ino };
	memcpy(c->lback6, lback6_base, sizeof(lback6_base));
	c->lback6[14] = (uint8_t)(context >> 8);
	c->lback6[15] = (uint8_t)context;
	return 0;
}

static bool config_has(const struct net_config *c, bool v6, const void *addr)
{
	uint32_t i;

	for (i = 0; i < (v6 ? c->count6 : c->count4); i++)
		if (v6 ? !memcmp(c->addr6[i], addr, 16) : !memcmp(c->addr4[i], addr, 4))
			return true;
	return false;
}

/* Call @fn with what each restricted guest has, until it is true: 1, or 0. */
static int find_config(const struct cgroup *cg,
		       bool (*fn)(const struct net_config *c, void *arg), void *arg)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(cg->slice_fd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		_cleanup_close_ int fd = -1;
		struct net_config c;

		if (e->d_type != DT_DIR)
			continue;
		fd = fdio_open_dir(cg->slice_fd, e->d_name);
		if (fd >= 0 && net_prog_read(fd, &c, NULL, NULL) > 0 && fn(&c, arg))
			return 1;
	}
	return 0;
}

/* Take from @arg what another guest has: it was free when that one got it. A vserver in
 * another network namespace has other interfaces, and perhaps the same addresses. */
static bool leave_to(const struct net_config *other, void *arg)
{
	struct net_config *c = arg;
	uint32_t i;

	if (other->cgroup_id == c->cgroup_id || other->netns != c->netns)
		return false;
	if (other->has_lback6 && !memcmp(other->lback6, c->lback6, 16))
		c->has_lback6 = false;
	for (i = c->count4; i-- > 0;)
		if (config_has(other, false, c->addr4[i])) {
			memcpy(c->addr4[i], c->addr4[--c->count4], 4);
			c->device4[i] = c->device4[c->count4];
		}
	for (i = c->count6; i-- > 0;)
		if (config_has(other, true, c->addr6[i])) {
			memcpy(c->addr6[i], c->addr6[--c->count6], 16);
			c->device6[i] = c->device6[c->count6];
		}
	return false;
}

static int detach(const struct cgroup *cg, struct err *err)
{
	int r = net_unix_detach(cg->fd, err);

	return r < 0 ? r : net_prog_detach(cg->fd, err);
}

/* One that was killed while it started or stopped this guest has left these. */
static int clear(struct nl_sock *s, const struct cgroup *cg, struct err *err)
{
	struct net_config c;
	int r = net_prog_read(cg->fd, &c, NULL, err);

	/* a part of the programs is enough to know the addresses */
	if (r == -EUCLEAN)
		err_clear(err);
	if (r < 0 && r != -EUCLEAN)
		return r;
	if (r) {
		(void)find_config(cg, leave_to, &c);
		r = net_take_off(s, &c, err);
	}
	return r < 0 ? r : detach(cg, err);
}

/* Where the kernel cannot, the guest runs all the same, and who starts it is told. */
static int close_unix(struct guest *g, const struct cgroup *cg,
		      struct btf **kernel, struct err *err)
{
	int r;

	err_clear(&g->unix_open);
	r = net_unix_attach(cg->fd, kernel, &g->unix_open);
	if (r < 0 && r != -EOPNOTSUPP)
		return err_set(err, r, "%s", g->unix_open.msg);
	return 0;
}

static int restrict_to(struct guest *g, const struct cgroup *cg,
		       const struct net_list *l, struct err *err)
{
	_cleanup_netlink_ struct nl_sock *s = net_open(err);
	_cleanup_btf_ struct btf *kernel = NULL;
	_cleanup_close_ int lock = -1;
	struct net_config c;
	int r;

	if (!s)
		return -EIO;
	/* what is free stays free until it is on */
	lock = running_lock(RUNNING_NETWORK, err);
	if (lock < 0)
		return lock;
	r = begin_config(g, cg->fd, &c);
	if (r < 0)
		return err_errno(err, r, "cannot look at the guest's cgroup");
	r = clear(s, cg, err);
	if (!r)
		r = net_resolve(s, l, cg, &c, err);
	if (!r)
		r = net_prog_attach(cg->fd, &c, &kernel, err);
	if (!r)
		r = close_unix(g, cg, &kernel, err);
	if (r)
		return r;
	r = net_put_on(s, &c, err);
	/* nothing is on that they say */
	if (r)
		(void)detach(cg, NULL);
	return r;
}

static int fail_mode(const char *why, struct err *err)
{
	return err_set(err, -EINVAL, "%s", why);
}

/* Settings that belong to another mode. */
static int check_words(enum net_mode mode, const struct settings *s,
		       struct err *err)
{
	struct private_plan plan;

	if (mode == NET_NONE && settings_has(s, "ip"))
		return fail_mode("ip is set, but net=none has no interface for it",
				 err);
	if (mode != NET_PRIVATE && settings_has(s, "gateway"))
		return fail_mode("gateway is set, but only with net=private the "
				 "guest has routes of its own", err);
	if (mode != NET_PRIVATE && settings_has(s, "net.source"))
		return fail_mode("net.source is set, but only with net=private "
				 "a guest has an interface of its own", err);
	return mode == NET_PRIVATE ? private_plan(s, &plan, err) : 0;
}

int net_up(struct guest *g, const struct cgroup *cg, struct err *err)
{
	enum net_mode mode = net_mode_of(&g->settings);
	const char *ip = settings_get(&g->settings, "ip");
	struct net_list list = { 0 };
	int r = check_words(mode, &g->settings, err);

	if (!r)
		r = mode == NET_RESTRICTED ? private_down(&g->row, err) :
					     net_down(&g->row, cg, err);
	if (r || mode != NET_RESTRICTED)
		return r;
	if (ip && net_list_parse(ip, &list, err) < 0)
		return -EINVAL;
	if (cg->fd < 0)
		return err_set(err, -EOPNOTSUPP,
			       "cannot restrict the network: cgroup v2 is not "
			       "mounted");
	return restrict_to(g, cg, &list, err);
}

int net_down(const struct tree_row *row, const struct cgroup *cg,
	     struct err *err)
{
	_cleanup_netlink_ struct nl_sock *s = NULL;
	struct net_config c;
	int r = private_down(row, err);

	if (r < 0 || cg->fd < 0)
		return r;
	r = net_prog_read(cg->fd, &c, NULL, NULL);
	if (!r)
		return 0;
	s = net_open(err);
	return s ? clear(s, cg, err) : -EIO;
}

uint64_t net_namespace(const struct settings *s)
{
	enum net_mode mode = net_mode_of(s);

	return mode == NET_NONE || mode == NET_PRIVATE ? CLONE_NEWNET : 0;
}

bool net_exposure(const struct guest *g, char *buf, size_t size)
{
	enum net_mode mode = net_mode_of(&g->settings);

	if (mode == NET_HOST)
		(void)snprintf(buf, size, "the whole network of the host");
	else if (mode == NET_RESTRICTED && g->unix_open.code)
		(void)snprintf(buf, size,
			       "abstract Unix sockets of the host and of other "
			       "guests: %s", g->unix_open.msg);
	else
		return false;
	return true;
}

bool net_unix_open(const struct cgroup *cg)
{
	struct net_config c;

	return cg->fd >= 0 && net_prog_read(cg->fd, &c, NULL, NULL) > 0 &&
	       !net_unix_closed(cg->fd);
}

int net_loopback_up(void)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : -errno;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* --- who has it ------------------------------------------------------------------------- */

struct search {
	const struct net_addr *addr;
	uint32_t context;
};

static bool is_owner(const struct net_config *c, void *arg)
{
	struct search *s = arg;

	s->context = c->first_id / 65536;
	return config_has(c, s->addr->v6, s->addr->addr);
}

uint32_t net_owner(const struct cgroup *cg, const struct net_addr *a)
{
	struct search s = { .addr = a };

	return find_config(cg, is_owner, &s) ? s.context : 0;
}

/* --- what is in force ------------------------------------------------------------------- */

static void add_text(char *buf, size_t size, const struct net_addr *a,
		     uint32_t device)
{
	char text[INET6_ADDRSTRLEN];
	char name[IF_NAMESIZE] = "?";
	size_t len = strlen(buf);

	(void)if_indextoname(device, name); /* it may be gone */
	(void)snprintf(buf + len, size - len, "%s%s@%s", len ? "," : "",
		       net_addr_text(a, text), name);
}

static void config_text(const struct net_config *c, char *buf, size_t size)
{
	struct net_addr a = { 0 };
	uint32_t i;

	*buf = '\0';
	for (i = 0; i < c->count4; i++) {
		memcpy(a.addr, c->addr4[i], 4);
		add_text(buf, size, &a, c->device4[i]);
	}
	a.v6 = true;
	for (i = 0; i < c->count6; i++) {
		memcpy(a.addr, c->addr6[i], 16);
		add_text(buf, size, &a, c->device6[i]);
	}
}

/* Is the guest's network namespace ours? */
static bool same_namespace(pid_t pid)
{
	struct stat ours;
	struct stat its;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return !stat("/proc/self/ns/net", &ours) && !stat(path, &its) &&
	       ours.st_ino == its.st_ino;
}

int net_effective(const struct guest *g, const struct cgroup *cg,
		  const char *key, char *buf, size_t size)
{
	struct net_config c;
	int r = cg->fd < 0 ? 0 : net_prog_read(cg->fd, &c, NULL, NULL);
	const char *word = r > 0 ? "restricted" :
			   r < 0 ? "broken" :
			   same_namespace(g->run.pid) ? "host" :
			   net_is_private(&g->row) ? "private" :
						     "none";

	if (!strcmp(key, "gateway"))
		return 0;
	if (!strcmp(key, "net.source"))
		return !strcmp(word, "private") &&
		       private_source(&g->row, buf, size);
	if (!strcmp(key, "ip")) {
		if (!strcmp(word, "private"))
			return private_effective(g, buf, size);
		if (r > 0)
			config_text(&c, buf, size);
		return r > 0 && *buf;
	}
	(void)snprintf(buf, size, "%s", word);
	return 1;
}
