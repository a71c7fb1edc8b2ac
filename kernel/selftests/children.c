// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes that a test has started, and where they are.
 */
#include "harness.h"

char wait_until_blocked_or_ended(pid_t pid)
{
	char path[40], stat[200], *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		memset(stat, 0, sizeof(stat));
		fd = EXPECT_OK(open(path, O_RDONLY));
		EXPECT_OK(read(fd, stat, sizeof(stat) - 1));
		close(fd);
		state = strrchr(stat, ')');
		CHECK(state, "%s: '%s'", path, stat);
		if (state[2] == 'D' || state[2] == 'Z')
			return state[2];
		usleep(1000);
	}
}

void wait_until_blocked(pid_t pid)
{
	CHECK(wait_until_blocked_or_ended(pid) == 'D', "it did not wait");
}
