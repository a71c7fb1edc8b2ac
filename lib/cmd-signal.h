/* SPDX-License-Identifier: GPL-2.0-only */
/* How a tool ends early; see cmd_main() in cmd.h. */
#ifndef COWLINK_CMD_SIGNAL_H
#define COWLINK_CMD_SIGNAL_H

#include <stdbool.h>

/* From the start of main() on. Signals that the caller ignores stay ignored. */
void cmd_signals_init(void);

/* For a process that runs programs of others: no handlers, nothing blocked or ignored. */
void cmd_signals_reset(void);

/* Between these a signal asks for an end in order (fx_interrupt()), as it does while there is a
 * staging directory, and does not end the process at once: for work that leaves marks of its
 * own. May be nested. */
void cmd_work_begin(void);
void cmd_work_end(void);

/* Has a write to a pipe without a reader failed? */
bool cmd_saw_sigpipe(void);

/* Die of @signal, so that whoever waits for us sees 128+N. */
void cmd_die(int signal) __attribute__((noreturn));

#endif
