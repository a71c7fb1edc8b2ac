// SPDX-License-Identifier: GPL-2.0-only
/* dpkg's status file. */
#include "conffiles.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_copy(data, size);
	unsigned long sum = 0;

	(void)conffiles_parse(text, size, fuzz_path, &sum);
	free(text);
	return 0;
}
