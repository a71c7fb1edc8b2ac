// SPDX-License-Identifier: GPL-2.0-only
#include "limit-io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cmd.h"

static const char *const words[] = { "rbps", "wbps", "riops", "wiops" };

#define WORDS 4

static int parse_word(const char *word, uint64_t limits[WORDS],
		      unsigned int *seen)
{
	size_t name = strcspn(word, "=");
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		if (strlen(words[i]) == name && !memcmp(words[i], word, name))
			break;
	if (i == WORDS || !word[name] || *seen & 1U << i)
		return -EINVAL;
	*seen |= 1U << i;
	if (!strcmp(word + name + 1, "max"))
		return 0;
	/* 0 is for nobody: it would never end */
	return parse_number(word + name + 1, &limits[i]) < 0 || !limits[i] ||
			       limits[i] > INT64_MAX ?
		       -EINVAL :
		       0;
}

int limit_io_text(const char *value, char *buf, size_t size)
{
	uint64_t limits[WORDS] = { 0 };
	unsigned int seen = 0;
	char copy[256];
	char *save;
	char *w;
	size_t len = 0;
	size_t i;

	if (snprintf(copy, sizeof(copy), "%s", value) >= (int)sizeof(copy))
		return -EINVAL;
	for (w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (parse_word(w, limits, &seen) < 0)
			return -EINVAL;
	for (i = 0; i < WORDS && len < size; i++)
		len += limits[i] ?
			       snprintf(buf + len, size - len, " %s=%" PRIu64,
					words[i], limits[i]) :
			       snprintf(buf + len, size - len, " %s=max",
					words[i]);
	return len < size ? 0 : -EINVAL;
}

/* It has no queue of its own: the directory above is its disk. */
static bool is_partition(dev_t dev)
{
	char path[80];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition",
		       major(dev), minor(dev));
	f = fopen(path, "re");
	if (f)
		(void)fclose(f); /* read only */
	return f;
}

int limit_io_device(int fd, dev_t *ret, struct err *err)
{
	unsigned int major;
	unsigned int minor;
	char path[80];
	struct stat st;
	FILE *f;
	int n;

	if (fstat(fd, &st) < 0)
		return err_errno(err, -errno, "cannot look at the pool");
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%sdev",
		       major(st.st_dev), minor(st.st_dev),
		       is_partition(st.st_dev) ? "../" : "");
	f = fopen(path, "re");
	if (!f)
		return err_set(err, -EOPNOTSUPP,
			       "the pool's filesystem is on no disk of its own");
	n = fscanf(f, "%u:%u", &major, &minor);
	(void)fclose(f); /* read only */
	if (n != 2)
		return err_set(err, -EOPNOTSUPP, "'%s' makes no sense", path);
	*ret = makedev(major, minor);
	return 0;
}
