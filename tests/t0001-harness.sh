#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='harness: what the test library promises'
. "$(dirname "$0")/lib-test.sh"

# inner NAME BODY-OF-SCRIPT: run a test script of its own; its TAP is in NAME.tap.
inner()
{
	mkdir -p "$TRASH/$1-dir" &&
	cat >"$1.sh" <<EOF
#!/bin/sh
. "\$(dirname "\$0")/lib-test.sh"
$2
EOF
	COWLINK_TESTS=$TEST_DIRECTORY TEST_TRASH_BASE=$TRASH/$1-dir \
		INSTRUMENT='' sh -c '
		cp "$COWLINK_TESTS"/lib-test*.sh . && exec sh "./$1"' sh "$1.sh" \
		>"$1.tap" 2>"$1.err"
}

test_expect_success 'a true claim passes, a false one fails the script' '
	inner good "
		test_expect_success true true
		test_done" &&
	test_grep "^ok 1 - true$" good.tap &&
	test_grep "^1\.\.1$" good.tap &&
	test_must_fail inner bad "
		test_expect_success false false
		test_expect_success true true
		test_done" &&
	test_grep "^not ok 1 - false$" bad.tap &&
	test_grep "^ok 2 - true$" bad.tap
'

test_expect_success 'what a failing body printed is in the log, as comments' '
	test_must_fail inner noise "
		test_expect_success quiet \"echo unseen\"
		test_expect_success loud \"echo seen && echo 1>&2 also && false\"
		test_done" &&
	test_grep "^# seen$" noise.tap &&
	test_grep "^# also$" noise.tap &&
	test_must_fail grep unseen noise.tap
'

test_expect_success 'a script that ends early fails and has no plan' '
	test_must_fail inner early "
		test_expect_success leaves \"exit 0\"
		test_done" &&
	test_must_fail grep "^1\.\." early.tap &&
	test_must_fail inner lost "test_expect_success fine true" &&
	test_must_fail grep "^1\.\." lost.tap
'

test_expect_success 'a broken && chain fails although every command succeeds' '
	test_must_fail inner chain "
		test_expect_success broken \"
			true
			true
		\"
		test_done" &&
	test_grep "not one && chain" chain.tap
'

test_expect_success 'a signal, a missing program and a report are no refusals' '
	test_must_fail false &&
	! test_must_fail true &&
	! test_must_fail sh -c "kill -9 \$\$" &&
	! test_must_fail sh -c "kill -ABRT \$\$" &&
	! test_must_fail no-such-program &&
	! test_must_fail sh -c "exit 99" &&
	! test_must_fail sh -c "exit 98" &&
	test_expect_code 3 sh -c "exit 3" &&
	! test_expect_code 3 sh -c "exit 4" &&
	! test_expect_code 98 sh -c "exit 98" &&
	test_expect_code 137 sh -c "kill -9 \$\$"
'

test_expect_success 'a skip says why, and REQUIRE_PREREQ forbids it' '
	inner skip "
		test_lazy_prereq NEVER false
		test_expect_success NEVER,ROOT never false
		test_expect_success !NEVER always true
		test_done" &&
	test_grep "^ok 1 - never # SKIP needs NEVER" skip.tap &&
	test_grep "^ok 2 - always$" skip.tap &&
	inner skipall "test_require NEVER" &&
	test_grep "^1\.\.0 # SKIP needs NEVER" skipall.tap &&
	test_when_finished "unset REQUIRE_PREREQ" &&
	REQUIRE_PREREQ=OTHER,NEVER && export REQUIRE_PREREQ &&
	test_must_fail inner required "test_require NEVER" &&
	test_grep "^not ok 1" required.tap
'

test_expect_success 'a prerequisite may ask for another in its scratch directory' '
	inner nested "
		test_lazy_prereq OTHER \"mkdir m\"
		test_lazy_prereq ONE \"test_have_prereq OTHER && mkdir m && >m/f\"
		test_expect_success ONE one true
		test_done" &&
	test_grep "^ok 1 - one$" nested.tap
'

test_expect_success 'clean-up runs after a failure, and its own failure counts' '
	test_must_fail inner cleanup "
		test_expect_success one \"
			test_when_finished \\\"echo was here >ran\\\" && false\"
		test_expect_success two \"test_contents ran \\\"was here\\\"\"
		test_expect_success three \"test_when_finished false && true\"
		test_done" &&
	test_grep "^not ok 1" cleanup.tap &&
	test_grep "^ok 2" cleanup.tap &&
	test_grep "^not ok 3" cleanup.tap
'

test_expect_success 'a success leaves nothing, a failure its trash' '
	inner tidy "
		test_expect_success files \"mkdir -p a/b && >a/b/c\"
		test_done" &&
	test -z "$(ls tidy-dir)" &&
	test_must_fail inner untidy "
		test_expect_success files \">kept && false\"
		test_done" &&
	ls untidy-dir/*/trash/kept
'

test_expect_success 'a report of the instrumentation fails a passing test' '
	test_must_fail inner report "
		test_expect_success reported \"
			echo heap-use-after-free >\\\"\\\$TRASH-report.17\\\"\"
		test_expect_success unaffected true
		test_done" &&
	test_grep "^not ok 1" report.tap &&
	test_grep "heap-use-after-free" report.tap &&
	test_grep "^ok 2" report.tap
'

test_expect_success EXT4 'mounts end with the script, even when it is killed' '
	test_expect_code 137 inner killed "
		test_expect_success mounts \"
			test_mount ext4 16M m &&
			losetup --list --noheadings --output BACK-FILE |
				grep -F \\\"\\\$TRASH\\\" &&
			kill -9 \\\$\\\$\"
		test_done" &&
	if losetup --list --noheadings --output BACK-FILE |
		grep -F "$TRASH/killed-dir"
	then
		false
	fi
'

test_expect_success EXT4 'a failure keeps its disk images, with what is on them' '
	test_must_fail inner disks "
		test_expect_success one \"
			test_mount ext4 16M m && echo on disk >m/f && false\"
		test_done" &&
	image=$(ls disks-dir/*/trash-kept/m-*.img) &&
	debugfs -R "cat f" "$image" >found && test_contents found "on disk"
'

test_expect_success 'inode and content claims tell right from wrong' '
	echo same >a && ln a b && cp -p a c &&
	test_same_inode a b && ! test_same_inode a c && ! test_same_inode a no &&
	test_different_inode a c && ! test_different_inode a b &&
	! test_different_inode a no &&
	test_nlink a 2 && ! test_nlink a 3 && ! test_nlink no 1 &&
	test_contents a same && ! test_contents a sam && ! test_contents a same2 &&
	echo "{\"n\": 3, \"s\": \"x\"}" >j &&
	test_json j .n 3 && ! test_json j .n 4 && ! test_json j .missing 3 &&
	echo nonsense >k && ! test_json k .n 3
'

# Each line makes one difference; test_tree_equal must see every one of them.
tree_differences='
chmod 640 b/f
touch -d @1000000000.000000001 b/f
touch -d @1000000000.5 b/d
echo x >>b/f
printf y | dd of=b/f conv=notrunc bs=1 status=none && touch -d @1000000000 b/f
ln -sf elsewhere b/l && touch -h -d @1000000000 b/l b
rm b/h1 && cp -p b/h0 b/h1 && touch -d @1000000000 b
mkdir b/new && touch -d @1000000000 b
rm b/p && touch b/p && touch -d @1000000000 b/p b
'
root_differences='
chown 1:0 b/f
chgrp 1 b/d
setfattr -n user.one -v 2 b/f
setfattr -x user.one b/f
setfattr -n trusted.two -v 1 b/d
setfacl -m u:17:r b/f
setcap cap_net_raw+ep b/f && touch -d @1000000000 b/f
rm b/n && mknod b/n c 1 5 && touch -d @1000000000 b/n b
'

make_trees()
{
	rm -rf a b && mkdir -p a/d && echo text >a/f && ln -s target a/l &&
	echo linked >a/h0 && ln a/h0 a/h1 && mkfifo a/p &&
	{ test "$(id -u)" != 0 || {
		mknod a/n c 1 3 && setfattr -n user.one -v 1 a/f; }; } &&
	touch -h -d @1000000000 a/* a && cp -a a b
}

all_are_seen()
{
	echo "$1" | while read -r difference
	do
		test -n "$difference" || continue
		make_trees && test_tree_equal a b || return 1
		(eval "$difference") || return 1
		if test_tree_equal a b
		then
			echo "not seen: $difference"
			return 1
		fi
	done
}

test_expect_success 'test_tree_equal sees every difference an owner can make' '
	all_are_seen "$tree_differences"
'

test_expect_success EXT4 'test_tree_equal sees owners, attributes and ACLs' '
	test_mount ext4 16M trees && cd trees &&
	all_are_seen "$root_differences"
'

test_expect_success 'test_unchanged_elsewhere spares only what is named' '
	make_trees && test_snapshot b &&
	test_unchanged b &&
	echo more >>b/f &&
	! test_unchanged b &&
	test_unchanged_elsewhere b ./f &&
	chmod 600 b/h0 &&
	! test_unchanged_elsewhere b ./f
'

test_expect_success 'test_second_run_idle sees a touched inode' '
	make_trees &&
	test_second_run_idle b true &&
	! test_second_run_idle b chmod 600 b/f &&
	! test_second_run_idle b touch -d @1000000000 b/h0
'

test_done
