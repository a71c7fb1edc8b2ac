/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The system calls that guests are denied, as seccomp(2) takes them. The build makes it:
 * context/filter/make-filter.c has the list.
 */
#ifndef COWLINK_CONFINE_FILTER_H
#define COWLINK_CONFINE_FILTER_H

#include <linux/filter.h>

extern const struct sock_filter confine_filter[];
extern const unsigned short confine_filter_len;

#endif
