#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify --undo: killed or failing at any step, nothing is lost

As t8010: stopped at each effect in turn; every tree stays what it was, check --repair
leaves nothing to complain about, and the next one completes. The effects of opening
the pool are stopped by other tests.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

test_expect_success 'a pool with a template and a guest' '
	mkdir -p src/bin && seq 1 2000 >src/bin/tool && echo x >src/bin/x &&
	setfattr -n user.a -v 1 src/bin/x && same_times src &&
	test_pool --unprotected ext4 && vtemplate import t src &&
	vtemplate clone t g1 && G1=$(root_of g1) && trees >want
'

try_undo()
{
	vhashify -q >/dev/null && test_nlink "$G1/bin/tool" 3 &&
	rm -f count || return 1
	# shellcheck disable=SC2059 # the format is the argument
	COWLINK_FAULT=$(printf "$1" "$undo_n") COWLINK_FAULT_COUNT=count \
		vhashify --undo g1
	undo_status=$?
	if test $undo_status = 0 && test "$(cat count)" -lt "$undo_n"
	then
		return 2
	fi
	case $2,$undo_status in
	kill,137|error,[013]) ;;
	*) echo "status $undo_status"; return 1 ;;
	esac
	intact && consistent && vhashify --undo g1 && intact &&
	test_nlink "$G1/bin/tool" 1 && test_nlink "$G1/bin/x" 1
}

# What a step costs is the checks after it, so only some are stopped unless asked
# for all; the kills and the errors are not the same ones.
undo_step=$((TEST_STRIDE * 4))
test -z "${COWLINK_LONG_TESTS-}" || undo_step=$TEST_STRIDE

sweep_undo()
{
	undo_n=$3
	while :
	do
		try_undo "$@" >try.log 2>&1
		undo_result=$?
		test $undo_result != 2 || break
		if test $undo_result != 0
		then
			echo "at effect $undo_n:"
			grep -v UNPROTECTED try.log
			return 1
		fi
		undo_n=$((undo_n + undo_step))
	done
	test_note "each ${undo_step}th effect below $undo_n swept"
	test "$undo_n" -gt 20
}

test_expect_success 'killed at each effect' '
	sweep_undo kill:%d kill 10
'

test_expect_success 'an I/O error at each effect' '
	sweep_undo error:%d:EIO error 8
'

test_done
