/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two programs on the cgroup of a restricted guest, which the kernel asks as a security
 * module when a process there connects a Unix socket, or sends a datagram. Refused with
 * EPERM is a peer that was made elsewhere and has an abstract address: these belong to the
 * network namespace, which is the host's. Who has a file as its name is reached by who
 * reaches the file.
 *
 * For some kernels what counts is not where the process is, but where its socket was made:
 * for what is made in the guest, the same.
 *
 * The kernel has to have the security module "bpf" on, and to describe itself: there is
 * no other interface for this, so the places of what the programs read are looked up at
 * each start. Like the other programs they need no process, and go with the cgroup.
 */
#ifndef COWLINK_NET_UNIX_H
#define COWLINK_NET_UNIX_H

#include <stdbool.h>

#include "err.h"
#include "kernel-btf.h"

/* Attach both, or leave none: -EOPNOTSUPP and the reason where this kernel cannot. *@kernel
 * is its description, which is read if it is NULL. */
int net_unix_attach(int cgroup_fd, struct btf **kernel, struct err *err);

/* Take them off. Nothing to do is no failure. */
int net_unix_detach(int cgroup_fd, struct err *err);

/* Are both attached? */
bool net_unix_closed(int cgroup_fd);

#endif
