/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs between the guest's namespaces and the guest's first program, and
 * between `vserver exec` and the program it was given. It is our memory, so nothing
 * of the guest may look at it, and it must not look at names that a guest chose with
 * rights that the guest has not.
 */
#ifndef COWLINK_INSIDE_H
#define COWLINK_INSIDE_H

#include <stdbool.h>

struct inside {
	const char *hostname;
	char *const *argv;	/* the program, its path in the guest; for
				 * inside_exec() NULL: a shell */
	const char *const *envp;
	int wait_fd;		/* one byte: the host has done its part */
	int status_fd;		/* what went wrong, as text; closed by the exec */
	int init_fd;		/* run this program, with argv; -1: none */
	const char *userns_max;	/* confine_userns() */
	bool own_net;		/* the network namespace is new */
	bool rule_net;		/* and the guest's root may do with it what he likes */
	bool search;		/* argv[0] is looked up in PATH */
	int gate_fd;		/* inside_exec(): before the program begins send a byte,
				 * and wait for one; -1: do not */
	int tty_fd;		/* send the master of a terminal for it through this
				 * socket; -1, inside_exec() only: it has none.
				 * A program that is no shell keeps of standard
				 * input, output and error what is no terminal */
};

/* The first process of a guest, cloned with namespaces of its own. Its terminal is
 * /dev/console, too. */
void inside_first(const struct inside *in) __attribute__((noreturn));

/* A process in the namespaces of a guest that runs. Keeps standard input, output and
 * error. Status 127 when there is no such program, 126 when it cannot be run. */
void inside_exec(const struct inside *in, int procs_fd)
	__attribute__((noreturn));

#endif
