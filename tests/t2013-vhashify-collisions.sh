#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: files whose keys collide are never merged

The programs here have keys of one byte, so that among 300 different files of one size
most have the key of another.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

PATH=$COWLINK_BUILD/tests/colliding:$PATH

# different DIR FIRST STEP: 300 files of six bytes, with ascending or descending numbers.
different()
{
	mkdir -p "$1" &&
	awk -v dir="$1" -v first="$2" -v step="$3" 'BEGIN {
		for (i = 0; i < 300; i++) {
			file = dir "/f" i
			print first + i * step >file
			close(file)
		} }' && same_times "$1"
}

all_unchanged()
{
	test_unchanged "$T" && test_unchanged "$G1" && test_unchanged "$G2"
}

test_expect_success 'a template is imported and cloned whole' '
	different src 10000 1 && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	test_tree_equal src "$T" && test_tree_equal src "$G1" &&
	ls "$POOL"/store/*/ | grep -c "[.][1-9]" >replicas &&
	test "$(cat replicas)" -gt 20
'

test_expect_success 'equal files are shared, different ones under one key are not' '
	different "$G1/new" 20000 1 && different "$G2/new" 20299 -1 &&
	different "$G2/other" 10299 -1 && test_snapshot "$T" &&
	test_snapshot "$G1" && test_snapshot "$G2" &&
	vhashify --json >out && all_unchanged && outcomes_add_up out &&
	test "$(jq .shared_files out)" -gt 500 &&
	test_same_inode "$G1/new/f0" "$G2/new/f299"
'

test_expect_success 'nor by the next runs, nor by undoing and sharing again' '
	vhashify && all_unchanged && vhashify --undo g1 && all_unchanged &&
	vhashify && all_unchanged && vtemplate check
'

test_done
