#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what is shared and what is left alone'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

test_expect_success 'a pool with a template and two guests' '
	make_source src &&
	test_pool --unprotected ext4 &&
	vtemplate import t src &&
	vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) && G1=$(root_of g1) && G2=$(root_of g2)
'

test_expect_success 'where all is shared there is nothing to do' '
	vhashify --json >out &&
	test_json out .shared_files 0 && test_json out .new_masters 0 &&
	test_json out .hashed_files 0 && test_json out .format 1 &&
	test_json out .engine unprotected && outcomes_add_up out &&
	test_second_run_idle "$POOL/guests" vhashify
'

test_expect_success 'a file written again as it was comes back to its master' '
	own "$G1/bin/tool" && test_different_inode "$T/bin/tool" "$G1/bin/tool" &&
	test_snapshot "$G1" && test_snapshot "$T" &&
	vhashify --json >out &&
	test_json out .shared_files 1 && test_json out .new_masters 0 &&
	test_json out .saved_bytes "$(stat -c %s "$T/bin/tool")" &&
	test_same_inode "$T/bin/tool" "$G1/bin/tool" &&
	test_unchanged "$G1" && test_unchanged "$T" && outcomes_add_up out
'

test_expect_success 'two guests with the same new file share that of one of them' '
	same_file news "$G1/etc/new" "$G2/etc/new" &&
	stat -c %i "$G1/etc/new" "$G2/etc/new" >before &&
	vhashify --json >out &&
	test_json out .shared_files 2 && test_json out .new_masters 1 &&
	test_json out .saved_bytes 5 &&
	test_same_inode "$G1/etc/new" "$G2/etc/new" &&
	test_contents "$G1/etc/new" news && test_nlink "$G1/etc/new" 3 &&
	grep -qx "$(stat -c %i "$G1/etc/new")" before && vtemplate check --scrub
'

test_expect_success 'one that is open for writing is left alone, the others share' '
	same_file writing "$G1/etc/writing" "$G2/etc/writing" "$T/etc/writing" &&
	stat -c %i "$G1/etc/writing" "$G2/etc/writing" "$T/etc/writing" >before &&
	{ vhashify --json >out && echo WRITING >&7; } 7<>"$G1/etc/writing" &&
	test_json out .shared_files 2 && reason_is out busy 1 && test_json out .new_masters 1 &&
	test_same_inode "$T/etc/writing" "$G2/etc/writing" &&
	test_nlink "$G2/etc/writing" 3 && grep -qx "$(stat -c %i "$G2/etc/writing")" before &&
	test_contents "$G1/etc/writing" WRITING && test_contents "$G2/etc/writing" writing
'

test_expect_success 'a fresh copy, where no lease tells' '
	same_file copied "$G1/etc/copied" "$G2/etc/copied" &&
	chown 7 "$G1/etc/copied" "$G2/etc/copied" &&
	stat -c %i "$G1/etc/copied" "$G2/etc/copied" >before &&
	without_leases vhashify --json >out && test_json out .shared_files 2 &&
	test_json out .new_masters 1 && test_same_inode "$G1/etc/copied" "$G2/etc/copied" &&
	test_nlink "$G1/etc/copied" 3 && ! grep -qx "$(stat -c %i "$G1/etc/copied")" before
'

test_expect_success 'at different paths of two guests as well' '
	same_file elsewhere "$G1/etc/here" "$G2/share/there" &&
	vhashify && test_same_inode "$G1/etc/here" "$G2/share/there"
'

test_expect_success 'equal files of one guest stay apart' '
	same_file alone "$G1/etc/p" "$G1/etc/q" &&
	vhashify --json >out && test_json out .shared_files 0 &&
	test_different_inode "$G1/etc/p" "$G1/etc/q" &&
	outcomes_add_up out
'

test_expect_success 'a third one elsewhere takes one of them' '
	same_file alone "$G2/etc/r" &&
	vhashify --json >out && test_json out .shared_files 2 &&
	reason_is out within-guest 1 &&
	test_same_inode "$G1/etc/p" "$G2/etc/r" &&
	test_different_inode "$G1/etc/p" "$G1/etc/q"
'

test_expect_success 'and the other one never, however often we run' '
	test_second_run_idle "$POOL/guests" vhashify --json >out &&
	reason_is out within-guest 1
'

test_expect_success '--within-guest links them' '
	vhashify --within-guest g1 && test_same_inode "$G1/etc/p" "$G1/etc/q" &&
	same_file two "$G1/etc/x" "$G1/etc/y" &&
	vhashify --json --within-guest g1 >out &&
	test_json out .new_masters 1 &&
	test_same_inode "$G1/etc/x" "$G1/etc/y"
'

test_expect_success 'twins of the template come back both, as two inodes' '
	test_different_inode "$T/etc/twin1" "$T/etc/twin2" &&
	own "$G1/etc/twin1" "$G1/etc/twin2" && test_nlink "$T/etc/twin1" 3 &&
	vhashify && test_different_inode "$G1/etc/twin1" "$G1/etc/twin2" &&
	test_nlink "$T/etc/twin1" 4 && test_nlink "$T/etc/twin2" 4
'

test_expect_success 'also when only that guest is looked at' '
	own "$G1/etc/twin1" "$G1/etc/twin2" && vhashify g1 &&
	test_different_inode "$G1/etc/twin1" "$G1/etc/twin2" &&
	test_nlink "$T/etc/twin1" 4 && test_nlink "$T/etc/twin2" 4
'

test_expect_success 'one of them alone finds the master its tree has no name of' '
	own "$G1/etc/twin2" && vhashify &&
	test_different_inode "$G1/etc/twin1" "$G1/etc/twin2" &&
	test_nlink "$T/etc/twin1" 4 && test_nlink "$T/etc/twin2" 4
'

test_expect_success 'twins that both guests have make two masters' '
	same_file pair "$G1/etc/m1" "$G1/etc/m2" "$G2/etc/m1" "$G2/etc/m2" &&
	vhashify --json >out && test_json out .new_masters 2 &&
	test_different_inode "$G1/etc/m1" "$G1/etc/m2" &&
	test_nlink "$G1/etc/m1" 3 && test_nlink "$G1/etc/m2" 3
'

test_expect_success 'any difference in metadata keeps files apart' '
	same_file meta "$G1/etc/mode" "$G2/etc/mode" "$G1/etc/owner" \
		"$G2/etc/owner" "$G1/etc/time" "$G2/etc/time" \
		"$G1/etc/xattr" "$G2/etc/xattr" "$G1/etc/acl" "$G2/etc/acl" &&
	chmod 600 "$G1/etc/mode" && chown 7 "$G1/etc/owner" &&
	touch -d "2003-03-03 03:03:03.000000001" "$G1/etc/time" &&
	setfattr -n user.x -v 1 "$G1/etc/xattr" &&
	setfacl -m u:7:r "$G1/etc/acl" &&
	test_snapshot "$G1" && test_snapshot "$G2" &&
	vhashify --json >out && test_unchanged "$G1" && test_unchanged "$G2" &&
	for f in mode owner time xattr acl
	do
		test_nlink "$G1/etc/$f" 1 || return 1
	done
'

test_expect_success 'equal xattrs, ACLs and capabilities are no obstacle' '
	same_file rich "$G1/etc/rich" "$G2/etc/rich" &&
	for f in "$G1/etc/rich" "$G2/etc/rich"
	do
		setfattr -n user.b -v 2 "$f" && setfattr -n user.a -v 1 "$f" &&
		setfacl -m u:7:r "$f" && setcap cap_net_raw+ep "$f" || return 1
	done &&
	test_snapshot "$G1" &&
	vhashify && test_same_inode "$G1/etc/rich" "$G2/etc/rich" &&
	test_unchanged "$G1"
'

test_expect_success 'hard links, empty and small files, file flags: skipped, counted' '
	same_file linked "$G1/etc/l1" "$G2/etc/l1" &&
	ln "$G1/etc/l1" "$G1/etc/l2" &&
	same_file flagged "$G1/etc/noatime" "$G2/etc/noatime" &&
	chattr +A "$G1/etc/noatime" &&
	same_file appended "$G1/etc/append" "$G2/etc/append" &&
	chattr +a "$G1/etc/append" &&
	same_file fixed "$G1/etc/fixed" "$G2/etc/fixed" &&
	chattr +i "$G1/etc/fixed" &&
	own "$G1/etc/empty" "$G2/etc/empty" &&
	vhashify --json >out && chattr -i -a "$G1/etc/fixed" "$G1/etc/append" &&
	outcomes_add_up out && reason_is out special-flags 3 &&
	test_nlink "$G1/etc/noatime" 1 && test_nlink "$G1/etc/append" 1 &&
	test_nlink "$G1/etc/fixed" 1 && test_nlink "$G1/etc/l1" 2 &&
	test_nlink "$G2/etc/l1" 1 && test_nlink "$G1/etc/empty" 1 &&
	reason_is out hard-linked 8 && reason_is out small 2
'

test_expect_success '--min-size' '
	same_file "0123456789" "$G1/etc/ten" "$G2/etc/ten" &&
	vhashify --min-size=12 && test_nlink "$G1/etc/ten" 1 &&
	vhashify --min-size=11 && test_nlink "$G1/etc/ten" 3
'

test_expect_success '--dry-run changes nothing and foretells what is done' '
	vhashify && same_file planned "$G1/etc/plan" "$G2/etc/plan" &&
	own "$G1/bin/tool" "$G1/bin/other" "$G2/etc/conf" "$G1/etc/twin2" &&
	same_file twice "$G1/etc/tw1" "$G1/etc/tw2" "$G2/etc/tw1" "$G2/etc/tw2" &&
	test_snapshot "$POOL/store" &&
	test_second_run_idle "$POOL/guests" vhashify --dry-run --json >dry &&
	test_unchanged "$POOL/store" &&
	vhashify --dry-run >dry.txt && test_grep "guest g1/etc/plan" dry.txt &&
	vhashify --json >run &&
	test_json dry .dry_run true && test_json run .dry_run false &&
	test_json dry ".plan | length" 10 &&
	test_json dry .shared_files 10 && test_json dry .new_masters 3 &&
	jq "del(.dry_run, .plan)" dry >dry.rest &&
	jq "del(.dry_run, .plan)" run >run.rest && test_cmp dry.rest run.rest
'

test_expect_success 'templates are shared too' '
	own "$T/bin/other" && vhashify --json >out &&
	test_json out .shared_files 1 && test_same_inode "$T/bin/other" "$G1/bin/other"
'

test_expect_success 'the summary names reasons and numbers' '
	own "$G1/bin/tool" && vhashify >out &&
	test_grep "1  shared now, 8.9 kB" out && test_grep "shared before" out &&
	test_grep "has several names" out && test_grep "saved: 8.9 kB" out
'

test_expect_success 'an unknown guest or a bad name: one line, nothing changed' '
	own "$G1/bin/tool" &&
	test_expect_code 1 vhashify nobody 2>err && test_grep "no such guest" err &&
	test_expect_code 1 vhashify g1 nobody 2>err &&
	test_expect_code 2 vhashify ../g1 2>err &&
	test_expect_code 2 vhashify --min-size=x 2>err &&
	test_different_inode "$T/bin/tool" "$G1/bin/tool"
'

test_expect_success 'only the guests that are named are changed' '
	own "$G2/bin/tool" && vhashify g2 g2 &&
	test_same_inode "$T/bin/tool" "$G2/bin/tool" &&
	test_different_inode "$T/bin/tool" "$G1/bin/tool"
'

test_expect_success 'a guest that is being destroyed is left out, with a notice' '
	vtemplate clone t g3 && own "$G1/etc/conf" &&
	COWLINK_FAULT_EXEC="rename:1:vhashify --json >out 2>err" \
		vtemplate destroy g3 &&
	test_grep "g3.*skipping" err && test_json out .shared_files 2 &&
	test_json out ".trees[] | select(.name == \"g3\") | .status" locked
'

test_expect_success 'a guest in which dpkg is at work is left out' '
	mkdir -p "$G1/var/lib/dpkg" && : >"$G1/var/lib/dpkg/lock-frontend" &&
	own "$G1/bin/tool" &&
	lockfile "$G1/var/lib/dpkg/lock-frontend" vhashify --json >out 2>err &&
	test_grep "dpkg is at work in guest .g1." err &&
	test_json out ".trees[] | select(.name == \"g1\") | .status" \
		package-manager &&
	test_different_inode "$T/bin/tool" "$G1/bin/tool" &&
	vhashify && test_same_inode "$T/bin/tool" "$G1/bin/tool"
'

test_expect_success 'a master that another command makes meanwhile is the one' '
	mkdir again && echo contested >again/contested && chown 7 again/contested &&
	cp -p again/contested "$G1" && cp -p again/contested "$G2" &&
	export COWLINK_FAULT_EXEC="tmpfile:3:unset COWLINK_FAULT_EXEC
		vtemplate import template2 again >/dev/null" &&
	without_leases vhashify --json >out && unset COWLINK_FAULT_EXEC &&
	test_json out .shared_files 2 &&
	test_json out .scanned_trees 3 && test_json out .new_masters 0 &&
	test_same_inode "$G1/contested" "$(root_of template2)/contested" &&
	test_same_inode "$G2/contested" "$(root_of template2)/contested" &&
	vtemplate destroy --template template2
'

test_expect_success 'all that is consistent' '
	vtemplate check
'

test_done
