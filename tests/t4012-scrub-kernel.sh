#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='scrub and quarantine under the patched kernel'
. "$(dirname "$0")/lib-test.sh"
test_lazy_prereq LONG_TESTS 'test -n "${COWLINK_LONG_TESTS-}"'
test_have_prereq UML || test_require LONG_TESTS
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-vhashify.sh"
. "$TEST_DIRECTORY/lib-scrub.sh"

scrub_tests
killed_tests 3 6

test_done
