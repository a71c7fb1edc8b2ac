/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operator's terminal, connected with one of a guest: what is typed goes there as
 * it is, and what comes is shown as it is. The size follows.
 */
#ifndef COWLINK_TERMINAL_H
#define COWLINK_TERMINAL_H

#include <stdbool.h>

#include "err.h"

struct terminal {
	int keyboard;		/* ours, what is typed comes from there; -1: nothing is */
	int screen;		/* ours, what is shown goes there */
	int input;		/* master: what is typed goes here, and the size */
	int output;		/* what is shown comes from here; may be the same */
	int end;		/* readable when it is over; -1: at the end of output */
	bool detach;		/* Ctrl-] ends it, too */
};

/* 0 when standard input and output are terminals, else an error that says so. */
int terminal_check(const char *instead, struct err *err);

/* Which of standard input, output and error are one: sets @t->keyboard and @t->screen.
 * False when none is. */
bool terminal_find(struct terminal *t);

/* Connect until it is over; 1 when the operator detached. The terminal is left as it
 * was found, also on failure. Nonblocking descriptors are welcome. */
int terminal_connect(const struct terminal *t, struct err *err);

#endif
