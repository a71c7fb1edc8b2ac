#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='kernel: tools that do not know the attribute keep it or leave less freedom

On the patched kernel. What unpatched e2fsprogs, xfsprogs, tar and rsync make of a
shared file is a shared one or an immutable one, never one that can be written in
place.'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
test_require EXT4,XFS,COWLINK

# shared_on FSTYPE SIZE: a fresh filesystem at m with a shared file of two names.
shared_on()
{
	test_mount "$1" "$2" m && IMAGE=$test_image &&
	seq 1 5000 >m/f && ln m/f m/g && cksum <m/f >sum && ixunlink set m/f
}

# offline COMMAND...: run on the image while it is not mounted.
offline()
{
	test_unmount m && "$@" &&
	mount -o loop "$IMAGE" "$PWD/m" && echo "$PWD/m" >>"$TRASH-mounts"
}

# Its content is the same, and it is shared or immutable as said.
is_state()
{
	test "$(ixunlink get m/f)" = "$1" ||
		complain_ "m/f is $(ixunlink get m/f), expected $1" || return 1
	cksum <m/f >sum.now && test_cmp sum sum.now && test_same_inode m/f m/g
}

# Nobody can write to what has two names.
is_guarded()
{
	if test "$1" = shared
	then
		echo more >>m/g && test_different_inode m/f m/g &&
		cksum <m/f >sum.now && test_cmp sum sum.now &&
		rm m/g && ln m/f m/g
	else
		! echo more >>m/g && ! rm -f m/g && ! ln m/f m/h
	fi
}

on_disk()
{
	debugfs -R 'stat f' "$IMAGE" 2>/dev/null | grep -q "Flags: $1"
}

test_expect_success 'ext4: e2fsck -f keeps it and finds nothing' '
	shared_on ext4 64M && offline e2fsck -f -y "$IMAGE" >fsck &&
	is_state shared && is_guarded shared && offline on_disk 0x8080010
'

resize()
{
	e2fsck -f -y "$IMAGE" >fsck && resize2fs "$IMAGE" "$1"
}

test_expect_success 'ext4: resize2fs keeps it' '
	offline resize 40M && is_state shared &&
	offline resize 60M && is_state shared && is_guarded shared
'

test_expect_success 'lsattr shows what it knows' '
	lsattr m/f >out && test_grep "^....i" out
'

test_expect_success 'a chattr of something else keeps it' '
	chattr +d m/f && is_state shared && chattr -d m/f && is_state shared
'

test_expect_success 'chattr +i keeps it, -i clears both' '
	chattr +i m/f && is_state shared &&
	chattr -i m/f && is_state plain && chattr +i m/f && is_state immutable &&
	is_guarded immutable && chattr -i m/f
'

test_expect_success 'chattr = sets exactly what is said' '
	ixunlink set m/f && chattr =ie m/f && is_state immutable &&
	is_guarded immutable && chattr -i m/f
'

test_expect_success 'what tar, rsync and cp write is plain' '
	ixunlink set m/f && mkdir m/tar m/rsync m/cp &&
	tar -C m -cf - f g | tar -C m/tar -xpf - && rsync -aHAX m/f m/g m/rsync &&
	cp -a m/f m/g m/cp &&
	for copy in tar rsync cp
	do
		test "$(ixunlink get m/$copy/f)" = plain &&
		cmp m/f m/$copy/f && test_same_inode m/$copy/f m/$copy/g || return 1
	done && is_state shared && test_unmount m
'

test_expect_success 'XFS: xfs_repair -n complains and changes nothing' '
	shared_on xfs 320M && offline test_must_fail xfs_repair -n "$IMAGE" >out 2>&1 &&
	test_grep "Bad flags2" out && is_state shared && is_guarded shared
'

test_expect_success 'XFS: after xfs_repair the file is immutable' '
	offline xfs_repair "$IMAGE" >out 2>&1 && is_state immutable &&
	is_guarded immutable && offline xfs_repair -n "$IMAGE" &&
	ixunlink set m/f && is_state shared && is_guarded shared
'

test_expect_success 'XFS: lsattr and chattr of xfs_io' '
	xfs_io -r -c lsattr m/f >out && test_grep "^..i" out &&
	xfs_io -r -c "chattr +d" m/f && is_state shared &&
	xfs_io -r -c "chattr -d" m/f && is_state shared &&
	xfs_io -r -c "chattr -i" m/f && is_state plain &&
	xfs_io -r -c "chattr +i" m/f && is_state immutable && is_guarded immutable &&
	xfs_io -r -c "chattr -i" m/f && ixunlink set m/f && is_state shared
'

test_expect_success 'XFS: an old xfs_db that writes another field keeps it' '
	offline xfs_db -x -c "path /f" -c "write core.gen 4711" "$IMAGE" &&
	is_state shared && is_guarded shared
'

# flags2 VALUE IMMUTABLE: both fields of f.
flags2()
{
	xfs_db -x -c "path /f" -c "write v3.flags2 $1" -c "write core.immutable $2" \
		"$IMAGE"
}

# The word that online scrub has for f: nothing where it is in order.
scrub()
{
	xfs_io -r -x -c "scrub inode" m/f
}

test_expect_success 'XFS: online scrub knows where it belongs' '
	test_unmount m &&
	TEST_MKFS_OPTIONS="-m bigtime=0,reflink=0" && shared_on xfs 320M &&
	TEST_MKFS_OPTIONS= && scrub >out 2>&1 && test ! -s out &&
	offline flags2 0x4000000000000000 0 && test "$(ixunlink get m/f)" = plain &&
	{ scrub >out 2>&1 || :; } && test_grep "Corruption detected" out
'

test_done
