/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console of a guest: a terminal of the guest's own devpts, which its first
 * process has as standard input, output and error and as /dev/console. The other side
 * is held by a keeper (keeper.h), a process outside, which writes what comes to a log,
 * shows it to whoever asks, and knows how the guest ended. A guest lives on without
 * its keeper; then there is no console, and nobody starts it again when it reboots.
 *
 * The keeper listens at CONTEXT.console in the directory of the records, for root only.
 * It sends each visitor one byte with the master of the terminal, then what comes. A
 * visitor that sends 's' is stopping the guest: while that connection lives, the keeper
 * only ends when the guest does.
 */
#ifndef COWLINK_CONSOLE_H
#define COWLINK_CONSOLE_H

#include "catalog.h"
#include "err.h"

#define CONSOLE_LOG_NAME_SIZE (TREE_NAME_MAX + 16)

/* Listen for visitors; a descriptor. What an earlier one left is replaced. */
int console_listen(int run_fd, uint32_t context, struct err *err);
int console_remove(int run_fd, uint32_t context, struct err *err);

/* Visit; -ENOENT without a message when there is no keeper. */
int console_visit(uint32_t context, struct err *err);

/* Tell the keeper that we are stopping the guest: a descriptor to close afterwards, or
 * -1 without one. Then wait until it has ended, but not for ever. */
int console_stopping(uint32_t context);
void console_wait(int fd);

/* The directory of logs: /var/log/vserver, COWLINK_LOG names another one. */
int console_log_dir(struct err *err);

/* NAME-UUID8.log; what is older has ".old" after it. */
void console_log_name(const struct tree_row *row,
		      char buf[CONSOLE_LOG_NAME_SIZE]);

#endif
