// SPDX-License-Identifier: GPL-2.0-only
/* The header of one package in rpm's database. */
#include "conffiles.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *header = fuzz_copy(data, size);
	unsigned long sum = 0;

	(void)conffiles_rpm_header(header, size, fuzz_path, &sum);
	free(header);
	return 0;
}
