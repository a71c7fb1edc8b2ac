/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Know that nobody has written to a file meanwhile, without reading it again.
 *
 *	leased = lease_take(fd);		nobody has it open for writing
 *	...					look at its bytes, act on them
 *	if (leased && lease_is_held(fd))	nor had since
 *
 * It is a read lease (fcntl(2), F_SETLEASE). Who opens the file for writing, or truncates
 * it by its name, waits until it is given up; a signal tells us, and its handler gives it
 * up. So nobody waits longer than a system call of ours takes that signals do not
 * interrupt (syncfs(2)), and all we learn is that somebody came. A writable mapping keeps
 * the file open for writing. Pages that are pinned (a registered buffer of io_uring,
 * vmsplice) do not, and are not seen.
 *
 * A lease ends with the last descriptor of its open file, and is given up by the number
 * that took it: no duplicate may outlive that. Uses SIGRTMIN and SIGIO.
 */
#ifndef COWLINK_LEASE_H
#define COWLINK_LEASE_H

#include <stdbool.h>

/* Of a regular file, opened for reading only, that is ours unless we have CAP_LEASE. False
 * when somebody has it open for writing, or a lease cannot be had. Any thread may. */
bool lease_take(int fd);
/* The same for who must tell the two apart: 0; -EAGAIN when somebody has it open for writing,
 * or is about to; another -errno where a lease cannot be had (EINVAL: this filesystem has
 * none; EACCES: not ours). */
int lease_try(int fd);
bool lease_is_held(int fd);

#endif
