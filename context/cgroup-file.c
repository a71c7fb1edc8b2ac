// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fx.h"

int cgroup_file_write(int dirfd, const char *file, const char *value)
{
	_cleanup_close_ int fd =
		openat(dirfd, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	/* an empty write would not reach the kernel */
	if (fd < 0)
		return -errno;
	return *value ? fx_write(fd, value, strlen(value)) :
			fx_write(fd, "\n", 1);
}

int cgroup_file_read_lines(int dirfd, const char *file, char *buf, size_t size)
{
	_cleanup_close_ int fd =
		openat(dirfd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	/* the kernel writes such a file in one piece: what fits comes at once */
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

int cgroup_file_read(int dirfd, const char *file, char *buf, size_t size)
{
	int r = cgroup_file_read_lines(dirfd, file, buf, size);

	if (!r)
		buf[strcspn(buf, "\n")] = '\0';
	return r;
}

bool cgroup_file_has(int dirfd, const char *file, const char *word)
{
	char text[512];
	char *save;
	char *w;

	if (cgroup_file_read(dirfd, file, text, sizeof(text)) < 0)
		return false;
	for (w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcmp(w, word))
			return true;
	return false;
}
