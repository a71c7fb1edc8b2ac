/* SPDX-License-Identifier: GPL-2.0-only */
/* User namespaces: a guest's ids 0 to 65535 are CONTEXT_UID(context) and following. */
#ifndef COWLINK_USERNS_H
#define COWLINK_USERNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* clone3(2) as a fork, with these CLONE_* flags: 0 in the child. The parent gets the
 * process id, and a handle of it in *@ret_pidfd. */
pid_t userns_clone(uint64_t flags, int *ret_pidfd);

/* Say @what, and why a namespace could not be made; returns @r. */
int userns_failed(int r, const char *what, struct err *err);

/*
 * The kernel counts what a namespace has, inotify instances and namespaces for example,
 * for the user who made it, too, and holds that user to his limits. So a guest's is made
 * by the host's user who is the guest's root, and not by root, whose own daemons would
 * find his limits used up.
 *
 * Be that user, with all capabilities kept, until userns_be_root(). 0 or -errno.
 */
int userns_be_owner(uint32_t context);
int userns_be_root(void);

/* prlimit(2) as that user: he may, also where the host's root lacks CAP_SYS_RESOURCE.
 * @new and @old may be NULL. 0 or -errno. */
struct rlimit;
int userns_prlimit(uint32_t context, pid_t pid, int resource,
		   const struct rlimit *new, struct rlimit *old);

/*
 * A process by its directory in /proc, which is empty, and stays so, from the moment on
 * when its number can be another's. The one of @pid that @pidfd is of, as a descriptor;
 * -ESRCH: it is gone. That of a thread is such a one, too.
 */
int userns_open_process(pid_t pid, int pidfd);
bool userns_process_is_there(int dir);

/* Set a limit of the process @pid that has the directory @dir. The call takes a number: if
 * it was another's already, that one gets back what it had, and this is -ESRCH. */
int userns_set_limit(uint32_t context, pid_t pid, int dir, int resource,
		     const struct rlimit *limit);

/* Give the namespace of this process, which is new, its ids. */
int userns_map(pid_t pid, uint32_t context, struct err *err);

/* A user namespace with this map and no process in it; for an idmapped mount. */
int userns_open(uint32_t context, struct err *err);

#endif
