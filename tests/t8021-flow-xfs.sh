#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='the whole path on XFS: import, clone, write, share again, power cut

The engine is the kernel: inodes are shared as on ext4, and the private copy that a
write makes shares its blocks with the original.'
TEST_UML_OPTIONS="--timeout=600 ${TEST_UML_OPTIONS-}"
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-crash.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"

test_expect_success 'a pool on XFS has the engine kernel' '
	test_pool xfs 2>err && IMAGE=$test_image &&
	test_grep "engine kernel: this kernel gives a private copy on write (XFS)" err
'

test_expect_success 'a tree comes out equal, twice' '
	make_source src && vtemplate import --json one src >out.json &&
	test_json out.json .tree.engine kernel &&
	vtemplate clone one g1 && vtemplate clone one g2 &&
	for tree in templates/one guests/g1 guests/g2
	do
		test_tree_equal src "$POOL/$tree/rootfs" || return 1
	done && vtemplate check &&
	G1=$(root_of g1) G2=$(root_of g2) T=$POOL/templates/one/rootfs &&
	test_same_inode "$G1/etc/conf" "$G2/etc/conf"
'

test_expect_success 'a write in one guest is seen in no other tree' '
	test_snapshot "$T" && test_snapshot "$G2" &&
	echo more >>"$G1/etc/conf" && chmod 700 "$G1/bin/tool" &&
	test_different_inode "$G1/etc/conf" "$T/etc/conf" &&
	test_unchanged "$T" && test_unchanged "$G2" && vtemplate check
'

test_expect_success 'the copy of a large file takes no space until it is written' '
	mkdir big && head -c 4000000 /dev/urandom >big/file &&
	vtemplate import big big && vtemplate clone big b1 && sync &&
	before=$(df --output=used -k "$POOL" | tail -n 1) &&
	: >>"$POOL/guests/b1/rootfs/file" && sync &&
	after=$(df --output=used -k "$POOL" | tail -n 1) &&
	test_different_inode "$POOL/guests/b1/rootfs/file" \
		"$POOL/templates/big/rootfs/file" &&
	cmp big/file "$POOL/guests/b1/rootfs/file" &&
	test_note "$((after - before)) KiB" && test $((after - before)) -lt 1000
'

test_expect_success 'what is equal again is shared again' '
	cp -p "$T/etc/conf" conf && cat conf >"$G1/etc/conf" &&
	touch -r "$T/etc/conf" "$G1/etc/conf" && test_snapshot "$G2" &&
	vhashify --json >out && test_json out .engine kernel &&
	test_same_inode "$G1/etc/conf" "$T/etc/conf" && test_unchanged "$G2" &&
	test "$(ixunlink get "$G1/etc/conf")" = shared && vtemplate check
'

power_cut()
{
	device=$(findmnt -no SOURCE "$POOL_MOUNT") &&
	xfs_io -x -c shutdown "$POOL_MOUNT" &&
	# held open, or the loop device would go with the mount
	{ umount "$POOL_MOUNT" && mount "$device" "$POOL_MOUNT"; } 7<"$device"
}

# A clone is names only, which the catalog's own fsync puts on disk with the rest of the
# log; the contents of an import have to be written out by themselves.
test_expect_success 'an import that was reported is there after a power cut' '
	mkdir fresh && head -c 300000 /dev/urandom >fresh/a && echo x >fresh/b &&
	vtemplate import fresh fresh && power_cut &&
	test_tree_equal fresh "$POOL/templates/fresh/rootfs" && consistent &&
	vtemplate destroy --template fresh
'

test_expect_success 'what was reported as done is there after a power cut' '
	vtemplate clone one g3 && power_cut &&
	test_tree_equal src "$POOL/guests/g3/rootfs" &&
	test_tree_equal src "$POOL/guests/g2/rootfs" && consistent &&
	vtemplate destroy g3 && power_cut && test_must_fail vtemplate show g3 &&
	mended
'

# The copy that a write makes is on disk before its name is.
test_expect_success 'a broken link is the old file or a whole copy after it' '
	test_snapshot "$T" && cp -p "$T/bin/other" old &&
	: >>"$G1/bin/other" && power_cut && cmp old "$G1/bin/other" &&
	test_unchanged "$T" &&
	: >>"$G1/bin/other" && sync && power_cut && cmp old "$G1/bin/other" &&
	test_different_inode "$G1/bin/other" "$T/bin/other" && test_unchanged "$T" &&
	vtemplate check
'

# Killed between two steps and cut off at once, half way and at the end.
cut_while_cloning()
{
	(COWLINK_FAULT=kill:$1 && export COWLINK_FAULT &&
		exec vtemplate clone big half) >/dev/null 2>&1
	power_cut && mended && state=$(tree_state guest half) || return 1
	if test "$state" = ready
	then
		cmp big/file "$POOL/guests/half/rootfs/file" &&
		vtemplate destroy half >/dev/null 2>&1
	fi
}

test_expect_success 'cut while cloning' '
	COWLINK_FAULT=count COWLINK_FAULT_COUNT=$TRASH/count \
		vtemplate clone big count && vtemplate destroy count &&
	total=$(cat "$TRASH/count") && n=0 &&
	while test $n -lt "$total"
	do
		n=$((n + total / 2)) && cut_while_cloning $n || return 1
	done && test_note "$total steps" &&
	cmp big/file "$POOL/templates/big/rootfs/file"
'

test_expect_success 'guests are destroyed, and gc takes what is left' '
	for g in g1 g2 b1
	do
		vtemplate destroy $g || return 1
	done &&
	vtemplate destroy --template one && vtemplate destroy --template big &&
	vtemplate gc --json >out.json && test_json out.json .kept 0 &&
	test -z "$(find "$POOL/store" -type f)" && vtemplate check &&
	test_unmount "$POOL_MOUNT" && xfs_repair -n -P "$IMAGE" >repair 2>&1
'

test_done
