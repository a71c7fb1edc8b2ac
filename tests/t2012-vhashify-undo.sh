#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify --undo: private copies again, whatever happens meanwhile'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

test_expect_success 'a pool with two guests and a file with all metadata' '
	make_source src && setfattr -n user.a -v 1 src/etc/conf &&
	setfacl -m u:7:r src/etc/conf && setcap cap_net_raw+ep src/bin/other &&
	test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	test_snapshot "$T" && test_snapshot "$G1" && test_snapshot "$G2"
'

unchanged()
{
	test_unchanged "$T" && test_unchanged "$G1" && test_unchanged "$G2" &&
	test -z "$(ls "$POOL/staging")"
}

test_expect_success 'one file' '
	vhashify --undo --json g1/etc/conf >out &&
	test_json out .private_files 1 && test_json out .private_bytes 12 &&
	test_nlink "$G1/etc/conf" 1 && test_nlink "$T/etc/conf" 3 && unchanged
'

test_expect_success '--dry-run changes nothing' '
	vhashify --undo --dry-run --json g1 >out && test_json out .private_files 6 &&
	test_nlink "$G1/bin/other" 4 && unchanged
'

test_expect_success 'a directory, by its absolute path; others stay' '
	vhashify --undo "$G1/bin" && test_nlink "$G1/bin/tool" 1 &&
	test_nlink "$G1/bin/other" 1 && test_nlink "$G1/etc/twin1" 4 && unchanged
'

test_expect_success 'a whole guest; hard links of its own stay what they are' '
	vhashify --undo g1 && unchanged && test_nlink "$T/etc/twin1" 3 &&
	find "$G1" -type f -links +1 -printf "%f\n" | sort >linked &&
	printf "%s\n" hard1 hard2 >want && test_cmp want linked &&
	vtemplate check
'

test_expect_success 'again: nothing left to do, and the next run shares all' '
	vhashify --undo --json g1 >out && test_json out .private_files 0 &&
	test_json out .files 9 && vhashify && test_nlink "$T/etc/twin1" 4 &&
	unchanged
'

test_expect_success 'what is wrong is said in one line' '
	test_expect_code 2 vhashify --undo 2>err &&
	test_expect_code 2 vhashify --undo "$T/bin" 2>err &&
	test_expect_code 2 vhashify --undo /etc 2>err &&
	test_expect_code 1 vhashify --undo g9 2>err && test_grep "no such guest" err &&
	test_expect_code 1 vhashify --undo g1/etc/no 2>err &&
	test_expect_code 1 vhashify --undo g1/etc/con 2>err && unchanged
'

# during COMMAND [EFFECT]: undo of g1/etc/conf, with COMMAND before the first exchange.
during()
{
	F=$G1/etc/conf
	cat >hook <<-EOF
	ls "$POOL/staging" | grep -q '^[0-9a-f]\\{16\\}\$' || exit 0
	test ! -e ran || exit 0
	: >ran
	F=$F
	$1
	EOF
	rm -f ran
	COWLINK_FAULT_EXEC="${2-rename}:0:sh ./hook" \
		vhashify --undo --json g1/etc/conf >out && test -e ran
}

left_alone()
{
	test_json out .private_files 0 && reason_is out changed 1 &&
	test_unchanged "$T" && test -z "$(ls "$POOL/staging")" && vtemplate check
}

test_expect_success 'replaced in that moment: the new file wins' '
	during "echo new >\$F.x; mv \$F.x \$F" && left_alone &&
	test_contents "$F" new
'

test_expect_success 'removed in that moment: it stays so' '
	own "$F" && cp -a "$T/etc/conf" "$F" && vhashify && test_nlink "$F" 4 &&
	during "rm \$F" && left_alone && test_path_missing "$F"
'

test_expect_success 'written in place, times as before: the copy is not used' '
	cp -a "$T/etc/conf" "$F" && vhashify && test_nlink "$F" 4 &&
	during "touch -r \$F stamp; printf SETTING 1<>\$F; touch -r stamp \$F" &&
	test_json out .private_files 0 && reason_is out changed 1 &&
	test_nlink "$F" 4 && test_grep SETTING "$F"
'

# While the copies are flushed; syncfs comes after them.
for what in "chmod 600" "chown 7" "setfattr -n user.a -v 2"
do
	test_expect_success "$what after the copy was made: it is not used" '
		same_file "before $what" "$T/etc/conf" "$F" && vhashify &&
		during "$what \$F" syncfs && test_json out .private_files 0 &&
		reason_is out changed 1 && test_same_inode "$F" "$T/etc/conf"
	'
done

test_expect_success 'open for writing: left to the next time' '
	{ vhashify --undo --json g1/etc/conf >out && echo later >&7; } 7>>"$F" &&
	test_json out .private_files 0 && reason_is out busy 1 && test_grep later "$F" &&
	vhashify --undo --json g1/etc/conf >out && test_json out .private_files 1
'

test_done
