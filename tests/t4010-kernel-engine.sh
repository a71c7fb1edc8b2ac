#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='import, clone and destroy under the engine kernel'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-trees.sh"

test_expect_success 'make a tree with everything in it' '
	test_mount ext4 128M fs && nasty_tree fs/src && test_snapshot fs/src
'

shared()
{
	lsattr "$1" | cut -d" " -f1 | grep -q i ||
		complain_ "'$1' is not immutable"
}

test_expect_success 'a directory comes out equal, twice' '
	test_pool ext4 &&
	vtemplate import --json one fs/src >out.json &&
	test_json out.json .tree.engine kernel &&
	test_tree_equal fs/src "$POOL/templates/one/rootfs" &&
	vtemplate clone one g1 && vtemplate clone one g2 &&
	test_tree_equal fs/src "$POOL/guests/g1/rootfs" &&
	test_tree_equal fs/src "$POOL/guests/g2/rootfs" &&
	vtemplate check
'

test_expect_success 'names are shared between trees, hard links are not' '
	for f in f/plain f/suid f/mode0 x/acl x/capowned f/sparse f/empty
	do
		test_same_inode "$POOL/guests/g1/rootfs/$f" \
			"$POOL/guests/g2/rootfs/$f" &&
		shared "$POOL/guests/g1/rootfs/$f" || return 1
	done &&
	test_same_inode "$POOL/guests/g1/rootfs/l/one" \
		"$POOL/guests/g1/rootfs/l/sub/three" &&
	test_nlink "$POOL/guests/g1/rootfs/l/one" 3
'

test_expect_success 'equal files of one tree stay two, and are shared' '
	test_different_inode "$POOL/guests/g1/rootfs/f/twin" \
		"$POOL/guests/g1/rootfs/f/sub/twin" &&
	test_same_inode "$POOL/guests/g1/rootfs/f/twin" \
		"$POOL/guests/g2/rootfs/f/twin" &&
	test_same_inode "$POOL/guests/g1/rootfs/f/sub/twin" \
		"$POOL/guests/g2/rootfs/f/sub/twin"
'

test_expect_success 'an archive shares with the directory' '
	as_tar_can fs/src && pax fs/src.tar fs/src &&
	vtemplate import --json tar fs/src.tar >out.json &&
	# only what is found to be hard links when it is there already
	test_json out.json .stats.new_masters 2 &&
	test_tree_equal fs/src "$POOL/templates/tar/rootfs" &&
	vtemplate clone tar g3 &&
	test_tree_equal fs/src "$POOL/guests/g3/rootfs" &&
	test_same_inode "$POOL/guests/g3/rootfs/f/plain" \
		"$POOL/guests/g1/rootfs/f/plain"
'

test_expect_success 'a write in one guest is seen in no other tree' '
	test_snapshot "$POOL/templates/one" &&
	test_snapshot "$POOL/guests/g2" &&
	echo more >>"$POOL/guests/g1/rootfs/f/plain" &&
	chmod 700 "$POOL/guests/g1/rootfs/f/suid" &&
	echo more >>"$POOL/guests/g1/rootfs/l/two" &&
	test_same_inode "$POOL/guests/g1/rootfs/l/one" \
		"$POOL/guests/g1/rootfs/l/two" &&
	test_unchanged "$POOL/templates/one" &&
	test_unchanged "$POOL/guests/g2" &&
	vtemplate check
'

test_expect_success 'a clone with another engine shares nothing' '
	vtemplate clone --engine=copy one private &&
	test_tree_equal "$POOL/templates/one/rootfs" \
		"$POOL/guests/private/rootfs" &&
	test_nlink "$POOL/guests/private/rootfs/f/suid" 1 &&
	test_nlink "$POOL/guests/private/rootfs/l/one" 3 &&
	test_expect_code 3 vtemplate clone --engine=reflink one no 2>err &&
	test_grep "reflink" err &&
	test_path_missing "$POOL/guests/no"
'

test_expect_success 'guests are destroyed, and gc takes what is left' '
	chattr +i "$POOL/guests/private/rootfs/f/owned" &&
	chattr +a "$POOL/guests/private/rootfs/f" &&
	for g in g1 g2 g3 private
	do
		vtemplate destroy $g || return 1
	done &&
	vtemplate destroy --template one &&
	vtemplate destroy --template tar &&
	vtemplate list >out && test $(wc -l <out) = 1 &&
	vtemplate gc --json >out.json &&
	test_json out.json .kept 0 &&
	test -z "$(find "$POOL/store" -type f)" &&
	test -z "$(ls -A "$POOL/staging")" &&
	vtemplate check
'

test_expect_success 'a limit of links makes replicas' '
	test_pool --link-limit=3 ext4 &&
	vtemplate import one fs/src &&
	vtemplate clone --json one first >out.json &&
	test_json out.json .stats.new_masters 0 &&
	vtemplate clone --json one second >out.json &&
	test_json out.json .stats.new_masters 26 &&
	for g in 1 2 3 4 5
	do
		vtemplate clone one g$g &&
		test_tree_equal fs/src "$POOL/guests/g$g/rootfs" || return 1
	done &&
	test -z "$(find "$POOL/store" -type f -links +3)" &&
	vtemplate check
'

test_expect_success 'unprotected masters are protected again' '
	master=$(find "$POOL/store" -name "*.0" -size +0 | head -n 1) &&
	ixunlink clear "$master" &&
	test_expect_code 4 vtemplate check >out &&
	test_grep "lacks the flags" out &&
	vtemplate check --repair >out && test_grep "repaired" out &&
	shared "$master" && vtemplate check
'

test_expect_success 'a changed master is reported and never protected' '
	ixunlink clear "$master" && echo evil >>"$master" &&
	test_expect_code 4 vtemplate check --repair >out &&
	test_grep "no longer what its name says" out &&
	test_expect_code 4 vtemplate check >out
'

test_done
