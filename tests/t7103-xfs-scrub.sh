#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='kernel: online scrub of XFS knows the attribute

A shared file is in order. The bit without IMMUTABLE, or on what is no regular file, is
corruption; where Linux can repair an inode online, that takes away the bit alone.'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
test_require XFS

set_stray_bits()
{
	for name in plain dir
	do
		xfs_db -x -c "path /$name" -c "write v3.flags2 0x4000000000000000" \
			"$IMAGE" || return 1
	done &&
	xfs_db -x -c "path /dir" -c "write core.immutable 1" "$IMAGE"
}

# has_bits NAME FLAGS2 IMMUTABLE
has_bits()
{
	xfs_db -c "path /$1" -c "print v3.flags2 core.immutable" "$IMAGE" >bits &&
	printf "v3.flags2 = %s\ncore.immutable = %s\n" "$2" "$3" | test_cmp - bits
}

# on_inode scrub|repair NAME WHAT-IT-SAYS; xfs_io succeeds whatever it finds.
on_inode()
{
	xfs_io -r -x -c "$1 inode" "m/$2" >said 2>&1 &&
	printf "%s" "${3:+$3
}" | test_cmp - said
}

# Linux 6.1 cannot, and complains in the kernel log if it is to.
test_lazy_prereq REPAIR 'case $(uname -r) in 6.1.*) false ;; esac'

test_expect_success 'a shared file is in order, and needs no repair' '
	TEST_MKFS_OPTIONS="-m bigtime=0,reflink=0" && test_mount xfs 320M m &&
	IMAGE=$test_image && TEST_MKFS_OPTIONS= &&
	seq 1 5000 >m/shared && ln m/shared m/again && echo plain >m/plain &&
	echo other >m/other && mkdir m/dir && ixunlink set m/shared &&
	test_snapshot m && on_inode scrub shared && on_inode scrub plain &&
	on_inode scrub dir && test_unmounted has_bits shared 0x4000000000000000 1
'

test_expect_success 'the bit alone and on a directory is reported' '
	test_unmounted set_stray_bits && on_inode scrub plain "Corruption detected." &&
	on_inode scrub dir "Corruption detected." && on_inode scrub shared &&
	on_inode scrub other
'

test_expect_success REPAIR 'a repair takes it away and nothing else' '
	on_inode repair plain && on_inode repair dir &&
	on_inode scrub plain && on_inode scrub dir &&
	test_unmounted has_bits plain 0 0 && test_unmounted has_bits dir 0 1
'

test_expect_success !REPAIR 'where there is none it stays' '
	test_unmounted has_bits plain 0x4000000000000000 0 &&
	test_unmounted has_bits dir 0x4000000000000000 1
'

test_expect_success 'of a shared file there is nothing to repair' '
	on_inode repair shared "Metadata did not need repair or optimization." &&
	test_unmounted has_bits shared 0x4000000000000000 1 && chattr -i m/dir &&
	test_unchanged m && echo more >>m/again && test_different_inode m/again m/shared
'

test_done
