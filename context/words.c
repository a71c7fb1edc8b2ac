// SPDX-License-Identifier: GPL-2.0-only
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define INIT_NAME "vserver-init"

int words_split(const char *text, bool init, struct words_list *ret)
{
	size_t n = 0;
	char *save;
	char *w;

	ret->text = strdup(text);
	/* a word needs a blank, or is the last one */
	ret->argv = calloc(strlen(text) / 2 + 3, sizeof(*ret->argv));
	if (!ret->text || !ret->argv)
		return -ENOMEM;
	if (init)
		ret->argv[n++] = (char *)INIT_NAME;
	for (w = strtok_r(ret->text, " \t", &save); w;
	     w = strtok_r(NULL, " \t", &save))
		ret->argv[n++] = w;
	return 0;
}

void words_release(struct words_list *w)
{
	free(w->text);
	free(w->argv);
	*w = (struct words_list){ 0 };
}

/* Beside us, where the build puts it. */
static int open_beside(const char *name)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	if (n <= 0)
		return -1;
	path[n] = '\0';
	slash = strrchr(path, '/');
	(void)snprintf(slash + 1, 63, "%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int words_open_helper(const char *name, struct err *err)
{
	char path[PATH_MAX];
	int fd = open_beside(name);

	(void)snprintf(path, sizeof(path), COWLINK_LIBEXECDIR "/%s", name);
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, -errno, "cannot open '%s'", path) : fd;
}
