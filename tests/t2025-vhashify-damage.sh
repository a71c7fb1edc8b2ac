#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what the disk has damaged costs itself, and not the run'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
. "$TEST_DIRECTORY/lib-scrub.sh"
. "$TEST_DIRECTORY/lib-damage.sh"
test_require EXT4

damage_tests --unprotected

test_done
