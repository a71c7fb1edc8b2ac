#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a disk that fails to write: what is in memory only is trusted by nobody'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-bad-disk.sh"

test_require ROOT

# Where no lease tells that nobody writes to a file it is copied, which the disk has no room
# for; on those of others that needs a capability.
BAD_OWNER=7
bad_vhashify()
{
	test_expect_code 1 setpriv --bounding-set=-lease --inh-caps=-lease \
		vhashify >out 2>err
}

bad_disk_tests ext4 --unprotected
bad_disk_tests xfs --unprotected

test_done
