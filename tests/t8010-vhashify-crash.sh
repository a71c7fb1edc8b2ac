#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: killed or failing at any step, nothing is lost

Effects (changes to the pool) are counted, and the run is stopped at the first, the
second, and so on until one goes through. After each: every tree is what it was,
check --repair leaves nothing to complain about, and the next run completes.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

test_expect_success 'a pool with a template and two guests' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	make_work && vhashify && shared_again && intact
'

test_expect_success 'killed at each effect' '
	sweep kill:%d kill
'

test_expect_success 'an I/O error at each effect' '
	sweep error:%d:EIO error
'

test_expect_success 'no space at each effect' '
	sweep error:%d:ENOSPC error
'

test_done
