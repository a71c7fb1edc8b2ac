/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Project quota: the space and inodes of all that is charged to one number. A guest's
 * is its context id; its tree is made in a directory that hands the number on
 * (PROJINHERIT), so that what is the guest's own is charged to it, and shared files,
 * which belong to project 0, are not. @fd is anything open on the filesystem.
 */
#ifndef COWLINK_PROJECT_H
#define COWLINK_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

/* Are limits of projects kept here? */
bool project_enforced(int fd);

/* An empty directory hands @project on from now on, without limits of before. */
int project_begin(int dirfd, uint32_t project);

/* The project that this directory hands on, 0 if none. */
int project_of(int dirfd, uint32_t *ret);

/* 0 is no limit. Of a byte limit the kernel keeps whole KiB: it is rounded up, so that
 * one of less than that does not become none. */
int project_limit_bytes(int fd, uint32_t project, uint64_t limit);
int project_limit_inodes(int fd, uint32_t project, uint64_t limit);

struct project_limits {
	uint64_t bytes;
	uint64_t inodes;
};

int project_limits(int fd, uint32_t project, struct project_limits *ret);

/* The number is free again: no limit may wait for who gets it next. */
int project_end(int fd, uint32_t project);

#endif
