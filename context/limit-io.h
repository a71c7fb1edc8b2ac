/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io.max of a guest: the kernel wants to know for which disk, and all it takes is one
 * disk per line. It is the whole disk that the pool's filesystem is on.
 */
#ifndef COWLINK_LIMIT_IO_H
#define COWLINK_LIMIT_IO_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/* "rbps=10M wbps=max riops=100 wiops=100", each at most once. 0 or -EINVAL; the text
 * for the kernel, with what is not there as "max", goes to @buf of @size bytes. "" is
 * no limit at all. */
int limit_io_text(const char *value, char *buf, size_t size);

/* The disk of the filesystem of @fd: -EOPNOTSUPP with the reason for one that is on
 * none, or on several. */
int limit_io_device(int fd, dev_t *ret, struct err *err);

#endif
