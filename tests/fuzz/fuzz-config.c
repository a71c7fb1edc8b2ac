// SPDX-License-Identifier: GPL-2.0-only
/* A configuration file. */
#include <stdio.h>

#include "conffiles.h"
#include "config-file.h"
#include "fuzz.h"

static int take_line(const struct config_line *line, void *ctx, struct err *err)
{
	bool yes;

	/* both are strings, trimmed */
	*(size_t *)ctx += strlen(line->key) + strlen(line->value);
	if (!line->number || !line->file || *line->key == ' ' ||
	    *line->value == ' ')
		abort();
	if (*line->key == 'b')
		return config_bool(line, &yes, err);
	return *line->key == 'u' ? config_unknown(line, err) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = fuzz_file(data, size);
	struct err err = { 0 };
	char name[32];
	size_t sum = 0;
	int r;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	r = config_file_each(name, take_line, &sum, &err);
	if (!r != !err.code)
		abort();
	(void)close(fd);
	return 0;
}
