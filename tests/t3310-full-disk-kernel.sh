#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a full pool under the engine kernel: that it protects is known all the same'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require COWLINK

# What the probe says.
tried="this kernel gives a private copy on write"
full="the pool is full, but this kernel knows its shared files"

# a_pool FSTYPE SIZE: with a template and two guests, of which one has a copy of its own of
# what they share; and both have a file that is in no store yet
a_pool()
{
	test_pool "$1" "$2" && rm -rf src && make_tree src && vtemplate import t src &&
	vtemplate clone t g1 && vtemplate clone t g2 && test_snapshot "$POOL/templates/t/rootfs" &&
	cp -p "$POOL/guests/g2/rootfs/two" two && cat two >"$POOL/guests/g2/rootfs/two" &&
	touch -r two "$POOL/guests/g2/rootfs/two" &&
	test_different_inode "$POOL/guests/g1/rootfs/two" "$POOL/guests/g2/rootfs/two" &&
	echo new >"$POOL/guests/g1/rootfs/new" &&
	cp -p "$POOL/guests/g1/rootfs/new" "$POOL/guests/g2/rootfs/"
}

# No inode is left; that this ends with an error is the purpose.
take_inodes()
{
	fill=0
	while true >"$POOL_MOUNT/fill$fill"
	do
		fill=$((fill + 1))
	done 2>/dev/null
	test $fill -gt 2
}

# shares WHY: what has a master in the store, and not what needs a new one
shares()
{
	test_expect_code 1 vhashify >out 2>err && cat out err && test_grep "engine kernel: $1" err &&
	test_grep " 1  shared now" out && test_grep " 2  no room for a shared copy" out
}

# gives_back WHY: the commands that do, under the engine that it is
gives_back()
{
	test_same_inode "$POOL/guests/g1/rootfs/two" "$POOL/guests/g2/rootfs/two" &&
	vtemplate destroy g1 2>err && cat err && test_grep "engine kernel: $1" err &&
	test_path_missing "$POOL/guests/g1" && vtemplate gc && vtemplate check &&
	test_unchanged "$POOL/templates/t/rootfs" && pool_is_tidy && rm "$POOL_MOUNT"/fill* &&
	vtemplate clone t g1 2>err && test_grep "engine kernel: $tried" err && vhashify &&
	test_same_inode "$POOL/guests/g1/rootfs/two" "$POOL/guests/g2/rootfs/two"
}

test_expect_success EXT4 'ext4: no inode for a private copy, which is an answer too' '
	TEST_MKFS_OPTIONS="-m 0 -N 256" && a_pool ext4 32M && take_inodes &&
	rm "$POOL_MOUNT/fill0" &&
	shares "$tried" && gives_back "$tried"
'

test_expect_success EXT4 'ext4: no inode at all' '
	TEST_MKFS_OPTIONS="-m 0 -N 256" && a_pool ext4 32M && take_inodes &&
	shares "$full" && gives_back "$tried"
'

test_expect_success XFS 'XFS: no block' '
	TEST_MKFS_OPTIONS= && a_pool xfs 320M && test_fill_pool &&
	shares "$full" && gives_back "$full"
'

test_done
