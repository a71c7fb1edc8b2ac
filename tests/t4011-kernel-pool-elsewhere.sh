#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a pool with shared files, on a kernel that does not know them'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

# in_uml: run standard input under the patched kernel with the image mounted.
in_uml()
{
	{
		echo "set -ex; mount /dev/ubda /mnt; COWLINK_POOL=/mnt/pool"
		echo "export COWLINK_POOL; PATH=$PATH"
		cat &&
		echo "umount /mnt"
	} >uml-script &&
	"$TEST_DIRECTORY/run-uml" --disk="$TRASH/image" /bin/sh \
		"$TRASH/uml-script"
}

test_expect_success ROOT,EXT4 'make a pool under the patched kernel' '
	# an archive, since hostfs has no nanoseconds and no attributes
	truncate -s 64M image && mkfs.ext4 -qF image && small_tree src &&
	pax src.tar src &&
	in_uml <<-EOF &&
	vtemplate init
	vtemplate import base $TRASH/src.tar
	vtemplate clone base guest
	EOF
	mkdir mnt && mount -o loop image mnt &&
	echo "$TRASH/mnt" >>"$TRASH-mounts" &&
	COWLINK_POOL=$TRASH/mnt/pool && POOL=$COWLINK_POOL &&
	test_snapshot "$POOL/guests" && test_snapshot "$POOL/templates"
'

test_expect_success ROOT,EXT4 'it can be read and checked' '
	test_tree_equal src "$POOL/guests/guest/rootfs" && consistent
'

test_expect_success ROOT,EXT4 'what cannot be removed is refused, and stays' '
	test_expect_code 3 vtemplate destroy guest 2>err &&
	test_grep "boot the patched kernel" err && test "$(wc -l <err)" = 1 &&
	test_expect_code 3 vtemplate destroy --template base 2>err &&
	test_grep "boot the patched kernel" err &&
	test_expect_code 3 vtemplate gc 2>err &&
	test_grep "boot the patched kernel" err &&
	test_unchanged "$POOL/guests" && test_unchanged "$POOL/templates" &&
	nothing_in_staging && consistent
'

test_expect_success ROOT,EXT4 'shared files cannot be written' '
	test_must_fail sh -c "echo evil >>$POOL/guests/guest/rootfs/file" &&
	test_unchanged "$POOL/guests" && test_unchanged "$POOL/templates"
'

test_expect_success ROOT,EXT4 'a clone is a copy that shares nothing' '
	test_expect_code 3 vtemplate clone --engine=kernel base copy 2>err &&
	vtemplate clone base copy 2>err && test_grep "engine copy" err &&
	test_tree_equal src "$POOL/guests/copy/rootfs" &&
	echo mine >>"$POOL/guests/copy/rootfs/file" &&
	test_unchanged "$POOL/templates" && consistent &&
	vtemplate import other src && vtemplate destroy copy
'

test_expect_success ROOT,EXT4 'back under the patched kernel all can be removed' '
	test_unmount mnt && in_uml <<-EOF
	vtemplate check
	vtemplate clone base again
	vtemplate destroy guest
	vtemplate destroy again
	vtemplate destroy --template base
	vtemplate destroy --template other
	vtemplate gc
	test -z "\$(find /mnt/pool/store -type f)"
	EOF
'

test_done
