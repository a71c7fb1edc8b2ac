// SPDX-License-Identifier: GPL-2.0-only
#include "lease.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/*
 * Should the descriptor be another file's by now, that one loses its lease, which is
 * as if somebody had come.
 */
static void give_up(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	(void)signal;
	(void)context;
	(void)fcntl(info->si_fd, F_SETLEASE, F_UNLCK); /* or it has ended */
	errno = saved_errno;
}

/* Comes in place of the other one when too many signals wait (RLIMIT_SIGPENDING), and would
 * end us. Whom it tells of waits until the descriptor is closed. */
static void pass_over(int signal)
{
	(void)signal;
}

static bool handled;

static void handle_signals(void)
{
	const struct sigaction action = { .sa_sigaction = give_up,
					  .sa_flags = SA_SIGINFO | SA_RESTART };
	const struct sigaction overflow = { .sa_handler = pass_over,
					    .sa_flags = SA_RESTART };

	handled = sigaction(SIGRTMIN, &action, NULL) == 0 &&
		  sigaction(SIGIO, &overflow, NULL) == 0;
}

int lease_try(int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, handle_signals); /* fails for bad arguments only */
	if (!handled)
		return -EOPNOTSUPP;
	/* the signal first: SIGIO, which is sent else, would end us */
	return fcntl(fd, F_SETSIG, SIGRTMIN) == 0 &&
			       fcntl(fd, F_SETLEASE, F_RDLCK) == 0 ?
		       0 :
		       -errno;
}

bool lease_take(int fd)
{
	return !lease_try(fd);
}

bool lease_is_held(int fd)
{
	return fcntl(fd, F_GETLEASE) == F_RDLCK;
}
