/* SPDX-License-Identifier: GPL-2.0-only */
/* How a tool ends early; see cmd_main() in cmd.h. */
#ifndef COWLINK_CMD_SIGNAL_H
#define COWLINK_CMD_SIGNAL_H

#include <stdbool.h>

/* From the start of main() on. Signals that the caller ignores stay ignored. */
void cmd_signals_init(void);

/* For a process that runs programs of others: no handlers, nothing blocked or ignored. */
void cmd_signals_reset(void);

/* Has a write to a pipe without a reader failed? */
bool cmd_saw_sigpipe(void);

/* Die of @signal, so that whoever waits for us sees 128+N. */
void cmd_die(int signal) __attribute__((noreturn));

#endif
