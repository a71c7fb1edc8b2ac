#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='import and clone give trees that are equal to their source'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"

test_expect_success ROOT 'make a tree with everything in it' '
	nasty_tree src &&
	test_snapshot src
'

# both_equal TEMPLATE GUEST
both_equal()
{
	test_tree_equal src "$POOL/templates/$1/rootfs" &&
	vtemplate clone "$1" "$2" &&
	test_tree_equal src "$POOL/guests/$2/rootfs" &&
	test_tree_equal src "$POOL/templates/$1/rootfs"
}

consistent()
{
	vtemplate check >check.out || {
		cat check.out
		return 1
	}
}

# all_ways TITLE PREREQUISITE TEST_POOL-ARGUMENT...
all_ways()
{
	title=$1
	prereq=ROOT,$2
	shift 2
	pool_arguments=$*
	test_expect_success "$prereq" "$title: a directory comes out equal" '
		test_pool $pool_arguments &&
		vtemplate import one src &&
		both_equal one guest1 &&
		consistent
	'
	test_expect_success "$prereq" "$title: importing again is equal too" '
		vtemplate import again src && both_equal again guest2 &&
		consistent
	'
	test_expect_success "$prereq" "$title: the source was not touched" '
		test_unchanged src
	'
}

all_ways 'copy on ext4' EXT4 ext4
all_ways 'unprotected links on ext4' EXT4 --unprotected ext4
all_ways 'unprotected links, a limit of 3' EXT4 --unprotected --link-limit=3 ext4
all_ways 'reflink on XFS' XFS xfs
all_ways 'reflink on btrfs' BTRFS btrfs

test_expect_success ROOT,EXT4 'a PAX archive comes out equal: copy' '
	as_tar_can src &&
	pax src.tar src &&
	test_pool ext4 &&
	vtemplate import tar src.tar &&
	both_equal tar guest1 &&
	consistent
'

test_expect_success ROOT,EXT4 'a PAX archive comes out equal: unprotected' '
	test_pool --unprotected ext4 &&
	vtemplate import tar src.tar &&
	both_equal tar guest1 &&
	consistent
'

test_expect_success ROOT,EXT4 'archive and directory share their files' '
	vtemplate import --json dir src >out.json &&
	test_json out.json .stats.new_masters 0 &&
	test_same_inode "$POOL/templates/tar/rootfs/f/plain" \
		"$POOL/templates/dir/rootfs/f/plain"
'

test_expect_success ROOT,XFS 'a PAX archive comes out equal: reflink' '
	test_pool xfs &&
	xz -1 -k src.tar && vtemplate import tar - <src.tar.xz &&
	both_equal tar guest1 &&
	consistent
'

test_done
