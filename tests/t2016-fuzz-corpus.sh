#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='parsers of what others wrote: each input that is kept, once'
. "$(dirname "$0")/lib-test.sh"

CORPUS=$TEST_DIRECTORY/fuzz/corpus

for driver in "$TEST_DIRECTORY"/fuzz/fuzz-*.c
do
	driver=${driver##*/fuzz-}
	driver=${driver%.c}
	test_expect_success "$driver" '
		"$COWLINK_BUILD/tests/fuzz/replay-$driver" "$CORPUS/$driver"/* >out &&
		test_contents out "$(ls "$CORPUS/$driver" | wc -l) inputs"
	'
done

test_expect_success 'no other inputs' '
	ls "$CORPUS" >have &&
	for driver in "$TEST_DIRECTORY"/fuzz/fuzz-*.c
	do
		basename "$driver" .c | sed s/^fuzz-//
	done | sort >want && sort have >have.sorted && test_cmp want have.sorted
'

test_done
