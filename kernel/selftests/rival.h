/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What another thread does again and again, as
 *
 *	while (!rival_stopped())
 *		...
 *
 * while the test does its part. One at a time.
 */
#ifndef COWLINK_SELFTESTS_RIVAL_H
#define COWLINK_SELFTESTS_RIVAL_H

#include <pthread.h>
#include <stdbool.h>

pthread_t rival_start(void *(*fn)(void *), void *arg);
bool rival_stopped(void);
/* Tells it, and waits. */
void rival_stop(pthread_t rival);

#endif
