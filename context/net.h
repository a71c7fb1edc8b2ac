/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The network of a guest, see net-list.h for its settings.
 *
 * Everything about a restricted guest is in the kernel: its addresses stand in the
 * programs on its cgroup, which are there before an address is put on an interface and
 * until after it was taken off. Whoever is killed in between leaves nothing that the
 * next start or stop would not find.
 */
#ifndef COWLINK_NET_H
#define COWLINK_NET_H

#include "cgroup.h"
#include "guest.h"
#include "net-prog.h"

/* Before the first process: check the addresses, restrict the cgroup, put them on. In
 * @g->unix_open stands why abstract Unix sockets stay open to it, if they do. After a
 * failure net_down() is still to be called. */
int net_up(struct guest *g, const struct cgroup *cg, struct err *err);

/* With the first process, @pid, which waits: what a private guest has is put together. A
 * failure as above. */
int net_join(const struct guest *g, const struct cgroup *cg, pid_t pid,
	     struct err *err);

/* After the last process. Nothing to do is no failure. */
int net_down(const struct tree_row *row, const struct cgroup *cg,
	     struct err *err);

/* CLONE_NEWNET, if the guest has a network namespace. */
uint64_t net_namespace(const struct settings *s);

/* What of the host's network no program closes to the guest that was just started, as
 * text, or false. */
bool net_exposure(const struct guest *g, char *buf, size_t size);

/* Has a guest that runs abstract Unix sockets of the host in its reach, though it is
 * restricted? */
bool net_unix_open(const struct cgroup *cg);

/* Does it run with net=private, whatever its settings say by now? Its root then is root
 * of its network. */
bool net_is_private(const struct tree_row *row);

/* The counters: into a document as "network", and for people. Nothing for a guest
 * that is neither restricted nor private; of a private one what it receives is not
 * refused. */
struct json_object;
int net_count_json(const struct tree_row *row, const struct cgroup *cg,
		   struct json_object *doc, struct err *err);
int net_count_print(const struct tree_row *row, const struct cgroup *cg,
		    struct err *err);

/* In the first process, in its own namespace: its loopback goes up. -errno. */
int net_loopback_up(void);

/* What the kernel has: the text of "net", "net.source" and "ip" of a guest that runs. */
int net_effective(const struct guest *g, const struct cgroup *cg,
		  const char *key, char *buf, size_t size);

/* --- addresses on interfaces (net-addr.c) ------------------------------------------- */

struct nl_sock;

/* A connection to the kernel; NULL and a message. */
struct nl_sock *net_open(struct err *err);
void net_close(struct nl_sock **s);
#define _cleanup_netlink_ __attribute__((cleanup(net_close)))

/* Find the interface of each address, and fill the lists of @c. Refused: what is on
 * an interface already, and a network that the interface is not in. */
int net_resolve(struct nl_sock *s, const struct net_list *l,
		const struct cgroup *cg, struct net_config *c,
		struct err *err);

/* Refused: what is on an interface of the host, or was given to a private guest. */
int net_check_free(struct nl_sock *s, const struct net_list *l,
		   const struct cgroup *cg, struct err *err);

/* All or none. */
int net_put_on(struct nl_sock *s, const struct net_config *c, struct err *err);
int net_take_off(struct nl_sock *s, const struct net_config *c,
		 struct err *err);

/* The context of the restricted guest that has this address, or 0. */
uint32_t net_owner(const struct cgroup *cg, const struct net_addr *a);

/* --- private guests (net-private.c) --------------------------------------------------- */

int private_down(const struct tree_row *row, struct err *err);

/* 1, or 0 when it is not private. */
int private_count(const struct tree_row *row, struct net_counters *ret);
/* The text of "net.source": 1, or 0 when it is not private. */
int private_source(const struct tree_row *row, char *buf, size_t size);
/* The text of "ip": 1, or 0 when there is none. */
int private_effective(const struct guest *g, char *buf, size_t size);

#endif
