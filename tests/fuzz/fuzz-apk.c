// SPDX-License-Identifier: GPL-2.0-only
/* apk's lists of protected paths and, after a line "%%", its database. */
#include "conffiles.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *mark = memmem(data, size, "%%\n", 3);
	size_t lists_len = mark ? (size_t)(mark - data) : 0;
	size_t at = mark ? lists_len + 3 : 0;
	char *lists = fuzz_copy(data, lists_len);
	char *text = fuzz_copy(data + at, size - at);
	unsigned long sum = 0;

	(void)conffiles_apk_parse(text, size - at, lists, lists_len, fuzz_path,
				  &sum);
	free(text);
	free(lists);
	return 0;
}
