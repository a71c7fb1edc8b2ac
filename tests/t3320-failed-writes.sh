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

# loses GUEST OTHER: what the first has is in memory only
loses()
{
	bad_disk_again && give_big "$2" && disk-fails && cp -p src/big "$1/big" &&
	{ ! sync "$1/big"; } && { sync -f "$POOL" || :; } && disk-works && cmp src/big "$1/big"
}

# Whose extents others get, the kernel tells by what is in memory.
test_expect_success XFS 'reflink: who lost a file does not make others lose it' '
	BAD_REFLINK=1 && bad_disk xfs && loses "$G1" "$G2" && vhashify --json >out &&
	test_json out .engine reflink && bad_disk_remount && cmp src/big "$G2/big" &&
	loses "$G2" "$G1" && vhashify && bad_disk_remount && cmp src/big "$G1/big"
'

test_expect_success XFS 'reflink: where all have lost it, nobody shares' '
	bad_disk_again && disk-fails && cp -p src/big "$G1/big" && cp -p src/big "$G2/big" &&
	{ ! sync "$G1/big"; } && { ! sync "$G2/big"; } && { sync -f "$POOL" || :; } &&
	disk-works && test_expect_code 1 vhashify --json >out 2>err &&
	test_json out .shared_files 0 && cat err &&
	test_grep "the disk does not hold what is in memory of .big. in guest .g1." err &&
	test_json out "[.failures[].name] | join(\" \")" "g1 g2"
'

test_done
