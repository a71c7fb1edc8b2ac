#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a disk that fails to write: what is in memory only is trusted by nobody'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-bad-disk.sh"

test_require ROOT

# What somebody has open for writing is copied, which the disk has no room for.
bad_vhashify()
{
	test_expect_code 1 vhashify >out 2>err 7>>"$G1/big" 8>>"$G2/big"
}

bad_disk_tests ext4 --unprotected
bad_disk_tests xfs --unprotected

test_done
