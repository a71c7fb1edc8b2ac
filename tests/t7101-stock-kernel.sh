#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='kernel: a shared file under a kernel without the series is immutable

On this machine, whose kernel does not know the attribute: what a patched kernel
left on disk can be read, and neither written nor removed, until chattr -i.'
. "$(dirname "$0")/lib-test.sh"
test_require ROOT,!COWLINK

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

# e2fsck writes the inode again, for a link count of 7.
repaired_ext4()
{
	debugfs -w -R "sif f links_count 7" "$IMAGE" &&
	test_expect_code 1 e2fsck -f -y "$IMAGE" >fsck &&
	test_grep "ref count is 7, should be 2" fsck && e2fsck -f -n "$IMAGE" >fsck
}

# resized_ext4 SIZE: as the tool wants it, after a check.
resized_ext4()
{
	e2fsck -f -y "$IMAGE" >fsck && resize2fs "$IMAGE" "$1" &&
	e2fsck -f -n "$IMAGE" >fsck
}

# A shared file that far away from the beginning moves when there is less room.
fill_far()
{
	for i in $(seq 20)
	do
		mkdir "m/dir$i" && seq "$i" 5000 >"m/dir$i/far" || return 1
	done &&
	FAR=$(cd m && stat -c "%i %n" dir*/far | sort -n | tail -n 1 | cut -d " " -f 2) &&
	FAR_INODE=$(stat -c %i "m/$FAR") && ln "m/$FAR" m/far && cksum <m/far >sum.far
}

set_far()
{
	debugfs -w -R "sif $FAR flags 0x8080010" "$IMAGE"
}

far_has_moved()
{
	test "$(stat -c %i "m/$FAR")" != "$FAR_INODE" &&
	test_same_inode "m/$FAR" m/far && cksum <m/far >sum.now &&
	test_cmp sum.far sum.now && ! rm -f m/far && ! true >"m/$FAR" &&
	debugfs -R "stat $FAR" "$IMAGE" 2>/dev/null | grep "Flags: 0x8080010"
}

# xfs_repair finds fault with a bit it does not know, and may take it away.
repaired_xfs()
{
	xfs_repair "$IMAGE" && { has_xfs 0x4000000000000000 || has_xfs 0; } &&
	xfs_repair -n "$IMAGE"
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
	test_unmounted set_ext4 && is_immutable
'

test_expect_success EXT4 'ext4: the bit stays, and nothing is wrong with it' '
	test_unmounted has_ext4 0x8080010 && test_unmounted e2fsck -f -n "$IMAGE" >fsck
'

test_expect_success EXT4 'ext4: e2fsck -f -y writes the inode, and the bit stays' '
	test_unmounted repaired_ext4 && test_unmounted has_ext4 0x8080010 && is_immutable
'

test_expect_success EXT4 'ext4: chattr -i makes a plain file; the bit that stays says nothing' '
	chattr -i m/f && echo more >>m/f && test_unmounted has_ext4 0x8080000 &&
	echo more >>m/f && test_unmount m
'

test_expect_success EXT4 'ext4: resize2fs keeps it, also where it moves the inode' '
	TEST_MKFS_OPTIONS="-O ^flex_bg" && test_mount ext4 64M m &&
	test_when_finished test_unmount m && IMAGE=$test_image && fill && fill_far &&
	test_unmounted set_ext4 && test_unmounted set_far && truncate -s 96M "$IMAGE" &&
	test_unmounted resized_ext4 96M && test_unmounted has_ext4 0x8080010 && is_immutable &&
	test_unmounted resized_ext4 20M && test_unmounted has_ext4 0x8080010 && is_immutable &&
	far_has_moved
'

# With checksums it finds fault with any filesystem (1.47.0).
test_expect_success EXT4 'ext4: tune2fs -I keeps it' '
	TEST_MKFS_OPTIONS="-O ^flex_bg,^metadata_csum -I 128" && test_mount ext4 64M m &&
	test_when_finished test_unmount m && IMAGE=$test_image && fill &&
	test_unmounted set_ext4 &&
	test_unmounted tune2fs -I 256 "$IMAGE" && test_unmounted e2fsck -f -n "$IMAGE" >fsck &&
	test_unmounted has_ext4 0x8080010 && is_immutable
'

test_expect_success XFS 'XFS: a shared file is an immutable one' '
	TEST_MKFS_OPTIONS="-m bigtime=0,reflink=0" &&
	test_mount xfs 320M m && IMAGE=$test_image && TEST_MKFS_OPTIONS= && fill &&
	test_unmounted set_xfs && is_immutable
'

test_expect_success XFS 'XFS: the bit stays' '
	test_unmounted has_xfs 0x4000000000000000
'

test_expect_success XFS 'XFS: xfs_growfs keeps it' '
	truncate -s 400M "$IMAGE" && test_unmounted true && xfs_growfs m &&
	test_unmounted has_xfs 0x4000000000000000 && is_immutable
'

test_expect_success XFS 'XFS: xfs_repair keeps it or leaves plain immutable' '
	test_unmounted repaired_xfs && is_immutable && test_unmounted set_xfs
'

test_expect_success XFS 'XFS: chattr drops it' '
	chattr +d m/f && test_unmounted has_xfs 0 && is_immutable &&
	chattr -i m/f && echo more >>m/f
'

test_done
