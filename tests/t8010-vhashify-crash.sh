#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: killed or failing at any step, nothing is lost

Effects (changes to the pool) are counted, and the run is stopped at the first, the
second, and so on until one goes through. After each: every tree is what it was,
check --repair leaves nothing to complain about, and the next run completes.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# Trees as guests see them. Directory times are left out: an exchange may be cut
# short before it has set them back.
trees()
{
	for trees_root in "$POOL"/guests/*/rootfs "$POOL"/templates/*/rootfs
	do
		echo "$trees_root" && treesum "$trees_root" || return 1
	done | sed 's/^\([^ ]* dir .*\) mtime=[0-9.]*/\1/'
}

# Work for one run: three names with a master, two groups that need one each, two
# replicas among them, and a leftover of a crash.
make_work()
{
	vtemplate gc >gc && own "$G1/bin/tool" "$G2/bin/tool" "$G2/etc/conf" &&
	make_work_n=$((${make_work_n-0} + 1)) &&
	same_file "work $make_work_n" "$G1/etc/w1" "$G1/etc/w2" \
		"$G2/etc/w1" "$G2/etc/w2" &&
	trees >want
}

shared_again()
{
	test_nlink "$G1/bin/tool" 4 && test_nlink "$G2/etc/conf" 4 &&
	test_nlink "$G1/etc/w1" 3 && test_nlink "$G1/etc/w2" 3 &&
	test_different_inode "$G1/etc/w1" "$G1/etc/w2"
}

intact()
{
	trees >have && test_cmp want have
}

consistent()
{
	vtemplate check --repair && vtemplate check --json >check &&
	test_json check "[.problems[] | select(.severity != \"info\")] | length" \
		0 &&
	test -z "$(ls "$POOL/staging")"
}

# One run that is stopped at effect $sweep_n, and all that must hold after it. Status
# 2 when it went through because there are not so many effects.
try_once()
{
	make_work && rm -f count || return 1
	COWLINK_FAULT=$(printf "$1" "$sweep_n") COWLINK_FAULT_COUNT=count vhashify
	try_status=$?
	if test $try_status = 0 && test "$(cat count)" -lt "$sweep_n"
	then
		return 2
	fi
	case $2,$try_status in
	kill,137|error,[013]) ;;
	*) echo "status $try_status"; return 1 ;;
	esac
	intact && consistent && vhashify && intact && shared_again
}

# sweep FAULT KIND: stop at each effect in turn.
sweep()
{
	sweep_n=1
	while :
	do
		try_once "$@" >try.log 2>&1
		try_result=$?
		test $try_result != 2 || break
		if test $try_result != 0
		then
			echo "at effect $sweep_n:"
			grep -v UNPROTECTED try.log
			return 1
		fi
		sweep_n=$((sweep_n + 1))
	done
	test_note "$((sweep_n - 1)) effects swept"
	test $sweep_n -gt 30
}

test_expect_success 'a pool with a template and two guests' '
	make_source src && test_pool ${CRASH_INIT---unprotected} ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	make_work && vhashify && shared_again && intact
'

test_expect_success 'killed at each effect' '
	sweep kill:%d kill
'

test_expect_success 'an I/O error at each effect' '
	sweep error:%d:EIO error
'

test_expect_success 'no space at each effect' '
	sweep error:%d:ENOSPC error
'

test_done
