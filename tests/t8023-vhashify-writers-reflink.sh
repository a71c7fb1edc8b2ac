#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify with reflinks: eight writers lose nothing

As t8022, on this kernel: what is exchanged here are extents, also of files that somebody
holds open.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require XFS

OPERATIONS=400
test -z "${COWLINK_LONG_TESTS-}" || OPERATIONS=5000

test_expect_success 'guests with equal files' '
	race_begin xfs && vhashify --json >out && test_json out .engine reflink
'

test_expect_success 'passes in a loop' '
	race_writers $OPERATIONS 1 live && test $race_shared -gt 0
'

test_expect_success 'passes that are killed' '
	race_writers $OPERATIONS 2 kill && test $race_killed -gt 0
'

test_done
