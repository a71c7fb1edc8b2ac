// SPDX-License-Identifier: GPL-2.0-only
#include "harness.h"
#include "rival.h"

static bool stop;

pthread_t rival_start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	__atomic_store_n(&stop, false, __ATOMIC_RELEASE);
	CHECK(!pthread_create(&t, NULL, fn, arg), "cannot start a thread");
	return t;
}

bool rival_stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
}

void rival_stop(pthread_t rival)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(rival, NULL);
}
