// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "vhashify.h"

void run_threads(size_t count, void *(*work)(void *ctx), void *ctx)
{
	pthread_t threads[JOBS_MAX];
	size_t started = 0;

	/* this thread is one of them; one that cannot be had is done without */
	while (started + 1 < count && started < JOBS_MAX &&
	       !pthread_create(&threads[started], NULL, work, ctx))
		started++;
	(void)work(ctx);
	while (started)
		(void)pthread_join(threads[--started], NULL);
}
