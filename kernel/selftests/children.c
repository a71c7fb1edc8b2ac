// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that a test has started, and where they are.
 */
#include "harness.h"

void wait_until_blocked(pid_t pid)
{
	char path[40], stat[200] = "", *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	do {
		usleep(10000);
		fd = EXPECT_OK(open(path, O_RDONLY));
		EXPECT_OK(read(fd, stat, sizeof(stat) - 1));
		close(fd);
		state = strrchr(stat, ')');
		CHECK(state && state[2] != 'Z', "it did not wait");
	} while (state[2] != 'D');
}
