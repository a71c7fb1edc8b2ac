#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a full pool: what needs space says so, what gives it back works'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require EXT4

for fs in ext4 xfs
do
	test_have_prereq "$(echo $fs | tr a-z A-Z)" || continue
	size=32M options="-m 0"
	test $fs = ext4 || size=320M options=

	test_expect_success "$fs: a pool with a template and two guests, then full" '
		TEST_MKFS_OPTIONS=$options test_pool $fs $size && rm -rf src && make_tree src &&
		head -c 300000 /dev/zero >src/zeros &&
		head -c 300000 /dev/urandom >src/random &&
		vtemplate import t src && vtemplate clone t g1 &&
		vtemplate clone t g2 && pool_state >before && test_fill_pool
	'

	test_expect_success "$fs: reading works" '
		vtemplate list >out && test_grep "^guest *g1 " out &&
		vtemplate check
	'

	test_expect_success "$fs: what needs space is status 1, and changes nothing" '
		test_expect_code 1 vtemplate import x src >out 2>err &&
		test_grep "No space left" err && test "$(wc -l <err)" = 1 &&
		pool_state >after && test_cmp before after &&
		pool_is_tidy
	'

	test_expect_success "$fs: destroying gives space back" '
		vtemplate destroy g1 && test_path_missing "$POOL/guests/g1" &&
		vtemplate gc && pool_is_tidy && vtemplate check &&
		rm -f "$POOL_MOUNT"/fill* && vtemplate clone t g1
	'
done

test_done
