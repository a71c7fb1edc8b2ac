#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify under the engine kernel: eight writers lose nothing

They write, rename, truncate, map and remove while passes run in a loop, and know what
each of their files must hold. Nor does the guest or template change that has equal
files.'
TEST_UML_OPTIONS="--timeout=${COWLINK_LONG_TESTS:+1}700 ${TEST_UML_OPTIONS-}"
. "$(dirname "$0")/lib-test.sh"
# Outside only; COWLINK_LONG_TESTS goes the same way.
test_have_prereq UML || { COWLINK_PROBE='two words' && export COWLINK_PROBE; }
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-vhashify.sh"

OPERATIONS=300
test_lazy_prereq LONG_TESTS 'test -n "${COWLINK_LONG_TESTS-}"'

race_on()
{
	test_expect_success "$1: guests with equal files" "
		race_begin $1 && vhashify --json >out && test_json out .engine kernel
	"

	test_expect_success "$1: passes in a loop" "
		race_writers $OPERATIONS 1 live && test \$race_shared -gt 0
	"

	test_expect_success "$1: passes that are killed" "
		race_writers $OPERATIONS 2 kill && test \$race_killed -gt 0
	"
}

test_expect_success 'variables COWLINK_* arrive in here' '
	test "${COWLINK_PROBE-}" = "two words"
'

race_on xfs
race_on ext4

test_expect_success LONG_TESTS 'ten minutes' '
	race_long 600 5000 live
'

test_expect_success LONG_TESTS 'ten minutes of passes that are killed' '
	race_long 600 5000 kill
'

test_done
