// SPDX-License-Identifier: GPL-2.0-only
/*
 * watchers N [hold]: make up to N inotify instances, and print how many there could be;
 * with "hold" keep them until killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int wanted = argc > 1 ? atoi(argv[1]) : 0;
	int n = 0;

	if (wanted <= 0 || (argc > 2 && strcmp(argv[2], "hold") != 0)) {
		fprintf(stderr, "usage: watchers N [hold]\n");
		return 2;
	}
	while (n < wanted && inotify_init1(IN_CLOEXEC) >= 0)
		n++;
	if (printf("%d\n", n) < 0 || fflush(stdout))
		return 1;
	while (argc > 2)
		(void)pause();
	return 0;
}
