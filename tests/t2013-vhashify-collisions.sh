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

# alike DIR: 300 files of one size and content that differ in mode, owner, time or an
# attribute, each in another.
alike()
{
	mkdir -p "$1" && (
		cd "$1" && for i in $(seq 300)
		do
			echo alike >a$i || exit 1
		done && touch -d '2004-04-04 04:04:04' a* &&
		for i in $(seq 75)
		do
			chown $i a$i && chgrp $i a$((75 + i)) &&
			touch -d "@$((1000000000 + i))" a$((150 + i)) &&
			setfattr -n user.n -v $i a$((225 + i)) || exit 1
		done && chmod 4711 a9 && chmod 600 a99
	)
}

test_expect_success 'what differs in its metadata only is not merged, nor undone wrongly' '
	rm -r "$G2/other" && alike "$G1/alike" && alike "$G2/alike" && test_snapshot "$T" &&
	test_snapshot "$G1" && test_snapshot "$G2" && vhashify --json >out &&
	test "$(jq .shared_files out)" -ge 600 && all_unchanged &&
	test_same_inode "$G1/alike/a1" "$G2/alike/a1" &&
	test_different_inode "$G1/alike/a1" "$G2/alike/a2" &&
	vhashify --undo g2 && all_unchanged && vhashify && all_unchanged
'

test_expect_success 'gc and scrub tell them apart' '
	rm "$G1/alike/a5" "$G2/alike/a5" "$G1/alike/a200" "$G2/alike/a200" &&
	test_snapshot "$G1" && test_snapshot "$G2" && vtemplate gc && vtemplate gc --json >out &&
	test_json out .removed 0 && all_unchanged &&
	vtemplate check --scrub --json >out && test_json out .scrub.damaged 0 &&
	find "$POOL/store" -type f >masters && test_json out .scrub.files "$(wc -l <masters)" &&
	vhashify && all_unchanged && vtemplate clone t g3 &&
	test_tree_equal "$T" "$(root_of g3)"
'

# A damaged one leaves a gap in the replicas of its key; the others do not move.
test_expect_success 'a damaged one of many under one key' '
	echo 1xxxx >"$G1/f7" && touch -d @1100000000 "$G1/f7" &&
	test_expect_code 4 vtemplate check --scrub --json >out &&
	test_json out .scrub.damaged 1 && test_snapshot "$T" && test_snapshot "$G1" &&
	test_snapshot "$G2" && vhashify && all_unchanged &&
	test_expect_code 4 vtemplate clone t g4 &&
	for root in "$T" "$G1" "$G2" "$(root_of g3)"
	do
		cp -a src/f7 "$root/f7.new" && mv "$root/f7.new" "$root/f7" || return 1
	done &&
	vtemplate gc && vhashify && vtemplate check --scrub &&
	test_same_inode "$T/f7" "$G1/f7" && vtemplate clone t g4 &&
	diff -r src "$(root_of g4)"
'

test_done
