#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: killed at any step under the engine kernel'
timeout=900
test -z "${COWLINK_LONG_TESTS-}" || timeout=1700
TEST_UML_OPTIONS="--timeout=$timeout ${TEST_UML_OPTIONS-}"
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-vhashify.sh"

test_expect_success 'a pool with a template and two guests' '
	make_source src && test_pool ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	make_work && vhashify --json >out && test_json out .engine kernel &&
	shared_again && intact
'

# What opening the pool does is swept by t8010. A step takes seconds in here, and the
# same steps are taken one by one outside.
test -n "${COWLINK_LONG_TESTS-}" || TEST_STRIDE=5

test_expect_success 'killed at each effect of sharing' '
	COWLINK_FAULT=count COWLINK_FAULT_COUNT=idle vhashify &&
	sweep kill:%d kill "$(cat idle)"
'

test_expect_success 'no mark is left on a private file' '
	vhashify && find "$POOL/guests" "$POOL/templates" -type f -links 1 \
		-exec ixunlink get {} + >states && ! grep -v plain states
'

test_done
