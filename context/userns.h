/* SPDX-License-Identifier: GPL-2.0-only */
/* User namespaces: a guest's ids 0 to 65535 are CONTEXT_UID(context) and following. */
#ifndef COWLINK_USERNS_H
#define COWLINK_USERNS_H

#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* clone3(2) as a fork, with these CLONE_* flags: 0 in the child. The parent gets the
 * process id, and a handle of it in *@ret_pidfd. */
pid_t userns_clone(uint64_t flags, int *ret_pidfd);

/* Give the namespace of this process, which is new, its ids. */
int userns_map(pid_t pid, uint32_t context, struct err *err);

/* A user namespace with this map and no process in it; for an idmapped mount. */
int userns_open(uint32_t context, struct err *err);

#endif
