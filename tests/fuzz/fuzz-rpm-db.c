// SPDX-License-Identifier: GPL-2.0-only
/* rpm's database file, and behind it its write-ahead log, whose length in kilobytes (and
 * the log's header of 32 bytes) the last byte is. */
#include "conffiles.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t wal_len = size && data[size - 1] ? data[size - 1] * 1024u + 32 : 0;
	size_t len = size ? size - 1 : 0;
	unsigned long sum = 0;
	void *image, *wal;

	if (wal_len > len)
		wal_len = len;
	len -= wal_len;
	image = fuzz_copy(data, len);
	wal = fuzz_copy(data + len, wal_len);
	(void)conffiles_rpm_parse(image, len, wal, wal_len, fuzz_path, &sum);
	free(wal);
	free(image);
	return 0;
}
