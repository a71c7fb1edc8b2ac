#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify under the engine kernel: damage costs itself, and not the run'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-vhashify.sh"
. "$TEST_DIRECTORY/lib-scrub.sh"
. "$TEST_DIRECTORY/lib-damage.sh"

damage_tests

test_done
