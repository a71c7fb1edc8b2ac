#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a disk that fails to write under the engine kernel, which compares in memory'
TEST_UML_OPTIONS=--timeout=900
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-bad-disk.sh"

test_require COWLINK

bad_vhashify()
{
	test_expect_code 1 vhashify >err 2>&1
}

bad_disk_tests xfs

# ext4 writes the data when the file is marked as shared: it has no name yet. What the disk
# says then is for Linux 6.12 that it is full.
BAD_SAYS="cannot write to the store: \\(No space\\|Input/output\\)"
BAD_SAYS="$BAD_SAYS\\|no room for a shared copy"
told_tests ext4

test_done
