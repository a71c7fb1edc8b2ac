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
	vhashify -q >/dev/null && test_nlink "$G1/bin/tool" 3 || return 1
	stopped_at "$1" "$2" vhashify --undo g1 || return
	intact && consistent && vhashify --undo g1 && intact &&
	test_nlink "$G1/bin/tool" 1 && test_nlink "$G1/bin/x" 1
}

# What a step costs is the checks after it, so only some are stopped unless asked
# for all; the kills and the errors are not the same ones.
test -n "${COWLINK_LONG_TESTS-}" || TEST_STRIDE=$((TEST_STRIDE * 4))

test_expect_success 'killed at each effect' '
	sweep_by try_undo 20 kill:%d kill 10
'

test_expect_success 'an I/O error at each effect' '
	sweep_by try_undo 20 error:%d:EIO error 8
'

test_done
