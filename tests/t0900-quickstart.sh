#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# runs-uml: boots the patched kernel, though not for the script itself.

test_description='quickstart: the whole path on a real tree, loud when it fails'
. "$(dirname "$0")/lib-test.sh"
test_require ROOT

quickstart()
{
	QUICKSTART_DIR=$TRASH/work "$COWLINK_SRC/tools/quickstart" >out 2>err
}

quickstart_works()
{
	quickstart || {
		cat out err
		return 1
	}
}

# lines PATTERN...: lines of "out" in this order, among others.
lines()
{
	from=1
	for pattern
	do
		at=$(tail -n +$from out | grep -n -m 1 -e "$pattern" | cut -d: -f1)
		test -n "$at" || {
			echo "no line '$pattern' where it should be, in:"
			cat out err
			return 1
		}
		from=$((from + at))
	done
}

test_expect_success 'a Debian tree, two guests, dpkg, vhashify, backup' '
	quickstart_works &&
	lines "^Debian 12 tree .* done$" "^Patched kernel .* done$" \
		"engine kernel" "^Import of the tree" "^Clone to guest7" \
		"^Clone to guest8" "^dpkg -i .* in guest7: done" \
		"^guest7 edited in place" "^guest8 is unchanged" \
		"^template is unchanged" "^vhashify: done" \
		"^guest7 is unchanged" "^guest8 is unchanged" \
		"before vhashify" "pool consistent" "^tar and rsync" \
		"^Try it yourself: " &&
	tail -n 1 out | grep "^Try it yourself"
'

test_expect_success 'the pool is left on a clean disk, and vhashify saved space' '
	e2fsck -fn work/pool.img &&
	before=$(sed -n "s/.*took \([0-9]*\) MB before.*/\1/p" out) &&
	after=$(sed -n "s/.* \([0-9]*\) MB after it/\1/p" out) &&
	test "$after" -lt "$before"
'

test_expect_success 'a tree of your own' '
	mkdir -p mine/etc && echo me >mine/etc/issue && echo h >mine/etc/hosts &&
	echo 1 >mine/etc/debian_version &&
	TREE=$TRASH/mine && export TREE && test_when_finished "unset TREE" &&
	quickstart_works &&
	lines "^Tree: $TRASH/mine" "dpkg -i in guest7: left out" "^Try it"
'

test_expect_success 'what is missing is named' '
	TREE=$TRASH/no-such && export TREE && test_when_finished "unset TREE" &&
	test_must_fail quickstart && test_grep "no-such. does not exist" err &&
	unset TREE && test_must_fail env COWLINK_BUILD="$TRASH" \
		"$COWLINK_SRC/tools/quickstart" 2>err &&
	test_grep "is not built" err
'

test_expect_success 'a failure inside the kernel stops it, with the reason' '
	echo "this is no archive" >broken.tar &&
	TREE=$TRASH/broken.tar && export TREE && test_when_finished "unset TREE" &&
	test_must_fail quickstart &&
	test_grep "FAILED: Import of the tree" out &&
	test_grep "| vtemplate: .*broken.tar" out &&
	test_grep "stopped in the patched kernel" err
'

test_done
