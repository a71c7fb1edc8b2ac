/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of a cgroup, by the descriptor of its directory and its name. */
#ifndef COWLINK_CGROUP_FILE_H
#define COWLINK_CGROUP_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* "" is written as an empty line, or the kernel would not hear of it. */
int cgroup_file_write(int dirfd, const char *file, const char *value);

/* The first line, or as much of all as fits. */
int cgroup_file_read(int dirfd, const char *file, char *buf, size_t size);
int cgroup_file_read_lines(int dirfd, const char *file, char *buf, size_t size);

/* Is @word one of the words of the first line? */
bool cgroup_file_has(int dirfd, const char *file, const char *word);

#endif
