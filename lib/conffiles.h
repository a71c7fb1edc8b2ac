/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration files that dpkg knows of in a tree, read from its database
 * (/var/lib/dpkg/status) without running anything that belongs to the tree. The
 * database may be hostile: it is text of limited length, and nothing in it is
 * followed or believed beyond "this path is a conffile".
 */
#ifndef COWLINK_CONFFILES_H
#define COWLINK_CONFFILES_H

#include <stddef.h>

/* A database that is longer is refused: Debian's with every package is shorter. */
#define CONFFILES_MAX_BYTES (64u << 20)

/* @path is not NUL-terminated and has no slash in front. A nonzero result ends the
 * reading and is its result. */
typedef int conffiles_fn(const char *path, size_t len, void *ctx);

/* The paths in the "Conffiles" fields of a status file; also those marked obsolete,
 * not those to be removed on upgrade. */
int conffiles_parse(const char *text, size_t len, conffiles_fn *fn, void *ctx);

/* 0 also where dpkg has no database. -EFBIG when it is too long, -EINVAL when it is
 * no regular file, else the error met. */
int conffiles_read(int rootfs_fd, conffiles_fn *fn, void *ctx);

#endif
