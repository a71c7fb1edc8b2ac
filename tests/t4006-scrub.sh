#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='scrub finds what a disk lost, and quarantine keeps it from spreading'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
. "$TEST_DIRECTORY/lib-scrub.sh"

test_require ROOT

test_expect_success 'a rate needs a scrub, and is a number' '
	test_expect_code 2 vtemplate check --rate=5 &&
	test_expect_code 2 vtemplate check --scrub --rate=fast &&
	test_expect_code 2 vtemplate check --scrub --rate=18446744073709551615
'

scrub_tests --unprotected
killed_tests 1 1
full_disk_test
resumed_test

test_done
