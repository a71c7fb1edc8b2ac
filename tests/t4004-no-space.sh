#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a full disk and a read-only pool: a clear error, nothing lost'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

test_expect_success ROOT 'make a small tree and a large one' '
	small_tree src && mkdir big && head -c 9000000 /dev/urandom >big/data &&
	mkdir many && (cd many && seq 6000 | xargs touch) && pax big.tar big
'

# refused STATUS PATTERN COMMAND...
refused()
{
	status=$1 pattern=$2
	shift 2
	test_expect_code $status "$@" >out 2>err &&
	grep -v "UNPROTECTED\|: engine " err >err.rest &&
	test_grep "$pattern" err.rest &&
	{ test "$(wc -l <err.rest)" = 1 || { cat err.rest; return 1; }; }
}

for options in "" --unprotected
do
	test_expect_success ROOT,EXT4 "full while importing ($options)" '
		test_pool $options ext4 16M &&
		vtemplate import base src && vtemplate clone base one &&
		test_snapshot "$POOL/guests" && test_snapshot "$POOL/templates" &&
		avail=$(df -B1 --output=avail "$POOL_MOUNT" | tail -n 1) &&
		head -c $((avail - 5000000)) /dev/zero >"$POOL_MOUNT/fill" &&
		refused 1 "No space left" vtemplate import new big &&
		refused 1 "No space left" vtemplate import new big.tar &&
		test_unchanged "$POOL/guests" && test_unchanged "$POOL/templates" &&
		consistent && nothing_in_staging
	'
	test_expect_success ROOT,EXT4 "out of inodes while importing ($options)" '
		refused 1 "No space left" vtemplate import new many &&
		consistent && nothing_in_staging
	'
	test_expect_success ROOT,EXT4 "full to the last block ($options)" '
		test_fill_pool && { vtemplate clone base two || test $? = 1; } &&
		test_unchanged "$POOL/templates" && vtemplate list >out &&
		# the catalog may need room to write down that it frees some
		{ vtemplate destroy one 2>err || test_grep "No space left" err; } &&
		test_unchanged "$POOL/templates"
	'
	test_expect_success ROOT,EXT4 "with room again all works ($options)" '
		rm "$POOL_MOUNT"/fill* &&
		mended && vtemplate gc &&
		{ test -d "$POOL/guests/two" || vtemplate clone base two; } && vtemplate import new big &&
		test_tree_equal src "$POOL/guests/two/rootfs" &&
		test_tree_equal big "$POOL/templates/new/rootfs" && consistent
	'
done

test_expect_success ROOT,EXT4 'a read-only pool can be looked at, not changed' '
	mount -o remount,ro "$POOL_MOUNT" &&
	vtemplate list >out && test_grep new out && vtemplate show base >out &&
	vtemplate check >out && test_grep "is consistent" out &&
	refused 3 "read-only" vtemplate clone base three &&
	refused 3 "read-only" vtemplate import three src &&
	refused 3 "read-only" vtemplate destroy two &&
	refused 3 "read-only" vtemplate gc &&
	refused 3 "read-only" vtemplate check --repair &&
	mount -o remount,rw "$POOL_MOUNT" && consistent &&
	vtemplate clone base three
'

test_done
