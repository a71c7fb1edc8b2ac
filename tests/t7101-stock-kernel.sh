#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='kernel: a shared file under a kernel without the series is immutable

On this machine, whose kernel does not know the attribute: what a patched kernel
left on disk can be read, and neither written nor removed, until chattr -i.'
. "$(dirname "$0")/lib-test.sh"
test_require ROOT,!COWLINK

# unmounted COMMAND...: run on the image while it is not mounted.
unmounted()
{
	test_unmount m && "$@" &&
	mount -o loop "$IMAGE" "$PWD/m" && echo "$PWD/m" >>"$TRASH-mounts"
}

set_ext4()
{
	debugfs -w -R "sif f flags 0x8080010" "$IMAGE"
}

has_ext4()
{
	debugfs -R "stat f" "$IMAGE" 2>/dev/null | grep -q "Flags: $1"
}

set_xfs()
{
	xfs_db -x -c "path /f" -c "write v3.flags2 0x4000000000000000" \
		-c "write core.immutable 1" "$IMAGE"
}

has_xfs()
{
	xfs_db -c "path /f" -c "print v3.flags2" "$IMAGE" | grep -qx "v3.flags2 = $1"
}

is_immutable()
{
	cksum <m/f >sum.now && test_cmp sum sum.now &&
	lsattr m/f >out && test_grep "^....i" out &&
	! echo more >>m/g && ! true >m/g && ! chmod 600 m/g && ! rm -f m/g &&
	! ln m/f m/h && ! mv m/g m/h && ! mv -f m/other m/g &&
	cksum <m/f >sum.now && test_cmp sum sum.now && test_same_inode m/f m/g
}

fill()
{
	seq 1 5000 >m/f && ln m/f m/g && cksum <m/f >sum && echo other >m/other
}

test_expect_success EXT4 'ext4: a shared file is an immutable one' '
	test_mount ext4 64M m && IMAGE=$test_image && fill &&
	unmounted set_ext4 && is_immutable
'

test_expect_success EXT4 'ext4: the bit stays, and nothing is wrong with it' '
	unmounted has_ext4 0x8080010 && unmounted e2fsck -f -n "$IMAGE" >fsck
'

# grown, and shrunk so that blocks move
resized()
{
	truncate -s 96M "$IMAGE" && e2fsck -f -p "$IMAGE" && resize2fs "$IMAGE" &&
	has_ext4 0x8080010 && e2fsck -f -p "$IMAGE" && resize2fs -M "$IMAGE" &&
	has_ext4 0x8080010 && e2fsck -f -n "$IMAGE"
}

test_expect_success EXT4 'ext4: resize2fs keeps it' '
	unmounted resized && is_immutable && unmounted e2fsck -f -p "$IMAGE" &&
	unmounted resize2fs "$IMAGE"
'

test_expect_success EXT4 'ext4: chattr -i makes a plain file; the bit that stays says nothing' '
	chattr -i m/f && echo more >>m/f && unmounted has_ext4 0x8080000 &&
	echo more >>m/f && test_unmount m
'

test_expect_success XFS 'XFS: a shared file is an immutable one' '
	TEST_MKFS_OPTIONS="-m bigtime=0,reflink=0" &&
	test_mount xfs 320M m && IMAGE=$test_image && TEST_MKFS_OPTIONS= && fill &&
	unmounted set_xfs && is_immutable
'

test_expect_success XFS 'XFS: the bit stays' '
	unmounted has_xfs 0x4000000000000000
'

test_expect_success XFS 'XFS: chattr drops it' '
	chattr +d m/f && unmounted has_xfs 0 && is_immutable &&
	chattr -i m/f && echo more >>m/f
'

looked_at()
{
	! xfs_repair -n "$IMAGE" >repair 2>&1 && cat repair && has_xfs 0x4000000000000000
}

repaired()
{
	xfs_repair "$IMAGE" >repair 2>&1 && cat repair && has_xfs 0
}

test_expect_success XFS 'XFS: xfs_repair leaves a plain immutable file' '
	rm m/f m/g && fill && unmounted set_xfs && is_immutable &&
	unmounted looked_at && unmounted repaired && is_immutable
'

test_done
