// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>

#include "vhashify.h"

void run_threads(const struct run *run, size_t most, void *(*work)(void *ctx),
		 void *ctx)
{
	pthread_t threads[JOBS_MAX];
	size_t started = 0;

	/* this thread is one of them; one that cannot be had is done without */
	while (started + 1 < run->jobs && started + 1 < most &&
	       !pthread_create(&threads[started], NULL, work, ctx))
		started++;
	(void)work(ctx);
	while (started)
		(void)pthread_join(threads[--started], NULL);
}
