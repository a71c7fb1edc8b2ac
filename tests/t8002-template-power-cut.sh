#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='what a command reported as done is there after a power cut'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

# power_cut: the filesystem of the pool stops at this instant, with what was not
# yet written lost, and comes back by its journal.
power_cut()
{
	device=$(findmnt -no SOURCE "$POOL_MOUNT") &&
	image=$(losetup -nO BACK-FILE "$device") &&
	xfs_io -x -c shutdown "$POOL_MOUNT" && umount "$POOL_MOUNT" &&
	# a new device: the old one may have blocks in memory that are on no disk
	mount -o loop "$image" "$POOL_MOUNT"
}

test_expect_success ROOT 'make a tree' '
	small_tree src && head -c 300000 /dev/urandom >src/data &&
	ln src/data src/data2 && pax src.tar src
'

# all_commands TITLE PREREQUISITE TEST_POOL-ARGUMENT...
all_commands()
{
	title=$1
	prereq=ROOT,$2
	shift 2
	pool_arguments=$*
	test_expect_success "$prereq" "$title: a pool" '
		test_pool $pool_arguments && power_cut && vtemplate list &&
		consistent
	'
	test_expect_success "$prereq" "$title: import" '
		vtemplate import base src && power_cut &&
		test_tree_equal src "$POOL/templates/base/rootfs" &&
		vtemplate import base2 src.tar && power_cut &&
		test_tree_equal src "$POOL/templates/base2/rootfs" && mended
	'
	test_expect_success "$prereq" "$title: clone" '
		vtemplate clone base guest && power_cut &&
		test_tree_equal src "$POOL/guests/guest/rootfs" &&
		vtemplate show guest && consistent
	'
	test_expect_success "$prereq" "$title: destroy" '
		vtemplate destroy guest && power_cut &&
		test_must_fail vtemplate show guest &&
		test_path_missing "$POOL/guests/guest" && mended &&
		vtemplate clone base guest &&
		test_tree_equal src "$POOL/guests/guest/rootfs"
	'
	# in the middle, at each effect, and no recovery before the next command
	test_expect_success "$prereq" "$title: cut while cloning" '
		n=1 && count_effects &&
		while test $n -le "$total"
		do
			cut_while_cloning $n || return 1
			n=$((n + TEST_STRIDE))
		done && test_note "$total steps"
	'
}

count_effects()
{
	COWLINK_FAULT=count COWLINK_FAULT_COUNT=$TRASH/count \
		vtemplate clone base count && vtemplate destroy count &&
	total=$(cat "$TRASH/count") && test "$total" -gt 20
}

cut_while_cloning()
{
	(COWLINK_FAULT=kill:$1 && export COWLINK_FAULT &&
		exec vtemplate clone base half) >/dev/null 2>&1
	power_cut && mended && state=$(tree_state guest half) &&
	test_tree_equal src "$POOL/guests/guest/rootfs" || return 1
	if test "$state" = ready
	then
		test_tree_equal src "$POOL/guests/half/rootfs" &&
		vtemplate destroy half >/dev/null 2>&1
	fi
}

all_commands 'links on ext4' EXT4 --unprotected ext4 64M
all_commands 'copies on ext4' EXT4 ext4 64M
all_commands 'reflink on XFS' XFS xfs

# A guest gets a replica where the template's file has as many links as allowed.
small_limit()
{
	test_pool --unprotected --link-limit=3 ext4 64M && rm -rf many && mkdir many &&
	head -c 200000 /dev/urandom >many/large && echo x >many/small &&
	vtemplate import base many && vtemplate clone base first &&
	vtemplate clone --json base second >out && test_json out .stats.new_masters 2
}

test_expect_success ROOT,EXT4 'replicas: of a clone that made them' '
	small_limit && power_cut &&
	test_tree_equal many "$POOL/guests/first/rootfs" &&
	test_tree_equal many "$POOL/guests/second/rootfs" && consistent
'

# cut_beside: the power goes when a second clone, which found the replicas of the first one,
# is done, and the first is not.
cut_beside()
{
	(
		COWLINK_FAULT_EXEC="syncfs:1:$TRASH/beside"
		export COWLINK_FAULT_EXEC
		vtemplate clone base second
	) >out 2>&1
	cat out
	umount "$POOL_MOUNT" && mount -o loop "$image" "$POOL_MOUNT"
}

test_expect_success ROOT,EXT4 'replicas: of one that found them a moment after' '
	small_limit && vtemplate destroy second && vtemplate gc && sync &&
	device=$(findmnt -no SOURCE "$POOL_MOUNT") &&
	image=$(losetup -nO BACK-FILE "$device") &&
	cat >beside <<-EOF && chmod +x beside &&
	#!/bin/sh
	unset COWLINK_FAULT_EXEC
	vtemplate clone --json base third >"$TRASH/third.json" &&
	xfs_io -x -c shutdown "$POOL_MOUNT"
	EOF
	cut_beside && test_json third.json .stats.new_masters 0 &&
	test_tree_equal many "$POOL/guests/first/rootfs" &&
	test_tree_equal many "$POOL/guests/third/rootfs" && mended &&
	test_tree_equal many "$POOL/guests/third/rootfs"
'

test_done
