/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guests of the power-cut test do, one step after the other, and what
 * may be found of it when the power went. All in the current directory.
 */
#ifndef COWLINK_SELFTESTS_POWERCUT_H
#define COWLINK_SELFTESTS_POWERCUT_H

#include <stddef.h>

enum step_state { STEP_NOT_BEGUN, STEP_BEGUN, STEP_SYNCED };

extern const size_t power_steps;

/* C, G1 and G2, and in each the file of every step, shared; synced. */
void power_make_files(void);

void power_do(const char *guest, size_t step);
const char *power_path(const char *guest, size_t step);

/* The disk is at a point in time at which this had happened. */
void power_reached(const char *guest, size_t step, enum step_state state);

/* Where we are, for messages; NULL asks. */
const char *power_where(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* Fails the test when a name leads to anything that it must not lead to. */
void power_check(void);

/* A note of what was found in all checks. */
void power_summary(void);

#endif
