// SPDX-License-Identifier: GPL-2.0-only
/* A file of rules, and what they say of some paths. */
#include <stdio.h>

#include "conffiles.h"
#include "fuzz.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* short: some patterns take exponential time, but they are not a guest's */
	static const char *const paths[] = { "/", "/etc", "/etc/x", "/a b\n" };
	int fd = fuzz_file(data, size);
	struct rules rules = { 0 };
	struct err err = { 0 };
	char name[32];
	size_t i;
	int r;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	r = rules_add_file(&rules, name, &err);
	if (!r != !err.code)
		abort();
	for (i = 0; size < 256 && i < sizeof(paths) / sizeof(*paths); i++)
		(void)rules_match(&rules, paths[i]);
	rules_release(&rules);
	(void)close(fd);
	return 0;
}
