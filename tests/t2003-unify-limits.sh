#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: where the pool has no links, no room, or may not be written'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

test_expect_success 'engine copy: status 3 and the reason' '
	make_source src && test_pool ext4 &&
	vtemplate import t src && vtemplate clone t g1 &&
	test_snapshot "$POOL/guests" && test_snapshot "$POOL/templates" &&
	test_expect_code 3 vhashify 2>err && test_grep "nothing can be shared" err &&
	test_expect_code 3 vhashify --dry-run 2>err &&
	test_unchanged "$POOL/guests" && test_unchanged "$POOL/templates"
'

test_expect_success 'a link limit of 3: replicas, and no master beyond it' '
	test_pool --unprotected --link-limit=3 ext4 &&
	vtemplate import t src &&
	for g in g1 g2 g3 g4 g5
	do
		vtemplate clone t $g || return 1
	done &&
	for g in g1 g2 g3 g4 g5
	do
		same_file many "$(root_of $g)/etc/many" || return 1
	done &&
	vhashify --dry-run --json >dry && vhashify --json >out &&
	test_json out .shared_files 5 && test_json out .new_masters 3 &&
	test_json dry .new_masters 3 &&
	for g in g1 g2 g3 g4 g5
	do
		test_contents "$(root_of $g)/etc/many" many || return 1
	done &&
	find "$POOL/store" -type f -links +3 >over && test_cmp /dev/null over &&
	find "$POOL"/guests/*/rootfs/etc/many -printf "%i\n" | sort -u >inodes &&
	test "$(wc -l <inodes)" = 3
'

test_expect_success 'and again when one of them has room' '
	own "$(root_of g3)/etc/many" &&
	vhashify --json --dry-run >dry && vhashify --json >out &&
	test_json out .shared_files 1 && test_json out .new_masters 0 &&
	test_json dry .new_masters 0 &&
	find "$POOL/store" -type f -links +3 >over && test_cmp /dev/null over &&
	test_second_run_idle "$POOL/guests" vhashify && vtemplate check
'

# Where no lease can be had, a master is a copy.
test_expect_success 'no room for a master: skipped with the reason, status 1' '
	test_pool --unprotected ext4 40M &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	G1=$(root_of g1) G2=$(root_of g2) &&
	head -c 15000000 /dev/urandom >"$G1/big" && cp -a "$G1/big" "$G2/big" &&
	chown 7 "$G1/big" "$G2/big" && touch -r src/bin/tool "$G1/big" "$G2/big" &&
	own "$G1/bin/tool" && same_file tiny "$G1/etc/tiny" "$G2/etc/tiny" &&
	sync -f "$G1" && test_snapshot "$G1" && test_snapshot "$G2" &&
	test_expect_code 1 without_leases vhashify --json >out 2>err &&
	reason_is out no-space 2 && outcomes_add_up out &&
	test_json out .failed_files 2 &&
	test_json out ".failures[0].path" big &&
	test_unchanged "$G1" && test_unchanged "$G2" &&
	test_different_inode "$G1/big" "$G2/big"
'

test_expect_success 'what needs none is shared all the same' '
	test_same_inode "$G1/bin/tool" "$(root_of t)/bin/tool" &&
	vtemplate check
'

test_expect_success 'with room again the next run does it' '
	rm "$G2/big" && cp -a "$G1/big" . && rm "$G1/big" &&
	head -c 9000000 big >"$G1/big" && cp "$G1/big" "$G2/big" && chown 7 "$G1/big" "$G2/big" &&
	touch -r src/bin/tool "$G1/big" "$G2/big" &&
	without_leases vhashify && test_same_inode "$G1/big" "$G2/big"
'

test_expect_success 'what nobody can write to needs no room' '
	rm "$G1/big" "$G2/big" && vtemplate gc && head -c 13000000 big >"$G1/big" &&
	cp "$G1/big" "$G2/big" && touch -r src/bin/tool "$G1/big" "$G2/big" &&
	ino=$(stat -c %i "$G1/big" "$G2/big") && vhashify &&
	test_same_inode "$G1/big" "$G2/big" &&
	echo "$ino" | grep -x "$(stat -c %i "$G1/big")"
'

test_expect_success 'a read-only pool: status 3, nothing changed' '
	own "$G1/bin/tool" && mount -o remount,ro "$POOL_MOUNT" &&
	test_expect_code 3 vhashify 2>err && cat err &&
	test_expect_code 3 vhashify --dry-run 2>err &&
	test_different_inode "$G1/bin/tool" "$(root_of t)/bin/tool" &&
	mount -o remount,rw "$POOL_MOUNT" && vhashify &&
	test_same_inode "$G1/bin/tool" "$(root_of t)/bin/tool"
'

test_expect_success 'no pool at all' '
	test_must_fail vhashify --pool=nowhere 2>err && test_grep nowhere err
'

test_done
