/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Terminals of a guest: pairs out of its own devpts. The slave stays inside, the
 * master goes to the host through a socket. So the host's terminal is never in the
 * guest, and what is inside has a name there (tty(1)).
 */
#ifndef COWLINK_GUESTPTY_H
#define COWLINK_GUESTPTY_H

#include "err.h"

/* Inside: open a pair of the devpts whose ptmx is at @ptmx, send its master through
 * @socket and keep the slave, which it returns; or -errno. */
int guestpty_offer(const char *ptmx, int socket);

/* On the host: take the master that comes through @socket, and believe nothing: it
 * is one, or this fails with -ECANCELED. What was sent instead is in the message. */
int guestpty_take(int socket, struct err *err);

/* Send @fd through @socket, with one byte. */
int guestpty_send(int socket, int fd);

#endif
