#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vtemplate init: where a pool can be, and that a failure leaves nothing'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require ROOT,EXT4

test_expect_success 'in a directory that is missing' '
	test_mount ext4 64M "$TRASH/m" && POOL=$TRASH/m/pool &&
	vtemplate --pool="$POOL" init >out 2>err &&
	test_grep "made the pool" out && test_grep "^vtemplate: engine " err &&
	pool_is_tidy
'

test_expect_success 'only root can look into it' '
	for part in . guests staging store templates
	do
		test "$(stat -c %a:%u "$POOL/$part")" = 700:0 || return 1
	done &&
	for part in catalog.db lock
	do
		test "$(stat -c %a:%u "$POOL/$part")" = 600:0 || return 1
	done
'

test_expect_success 'it is described in the catalog, and again on the directory' '
	pool_sql "SELECT 1, uuid, unprotected, link_limit, created_ns FROM pool" |
		tr "|" " " >in-catalog &&
	getfattr --only-values -n trusted.cowlink.pool "$POOL" >on-directory &&
	echo >>on-directory && test_cmp in-catalog on-directory &&
	test_grep "^1 [-0-9a-f]\{36\} 0 32000 [0-9]\{19\}$" in-catalog
'

test_expect_success 'a second init is refused' '
	pool_state >before &&
	refused 1 "is a pool already" vtemplate --pool="$POOL" init &&
	pool_state >after && test_cmp before after
'

test_expect_success 'in an empty directory, which becomes private' '
	mkdir -m 755 m/empty && POOL=$TRASH/m/empty &&
	vtemplate --pool="$POOL" init --link-limit=5 &&
	pool_is_tidy && test "$(stat -c %a "$POOL")" = 700 &&
	pool_sql "SELECT link_limit FROM pool" >out && test_contents out 5
'

test_expect_success 'in the root of a fresh file system' '
	test_mount ext4 32M "$TRASH/root" && test -d root/lost+found &&
	vtemplate --pool="$TRASH/root" init && test_path_exists root/catalog.db
'

test_expect_success 'not in one that holds something' '
	mkdir -m 750 m/full && echo data >m/full/file &&
	refused 1 "is not empty: it holds '\''file'\''" \
		vtemplate --pool="$TRASH/m/full" init &&
	test "$(ls -A m/full)" = file && test_contents m/full/file data &&
	test "$(stat -c %a m/full)" = 750 &&
	mkdir -p m/part/store/x &&
	refused 1 "is not empty: it holds '\''store'\''" \
		vtemplate --pool="$TRASH/m/part" init &&
	test "$(cd m/part && find . | sort | tr "\n" " ")" = ". ./store ./store/x "
'

test_expect_success 'nor in a file, below nothing, or in somebody else'\''s directory' '
	: >m/file && refused 1 "Not a directory" vtemplate --pool="$TRASH/m/file" init &&
	refused 1 "No such file" vtemplate --pool="$TRASH/m/no/pool" init &&
	mkdir m/theirs && chown 1000 m/theirs &&
	refused 1 "belongs to user 1000" vtemplate --pool="$TRASH/m/theirs" init &&
	test -z "$(ls -A m/theirs)"
'

test_expect_success 'link limits that cannot be' '
	for n in 1 64001 4294967298
	do
		refused 2 "" vtemplate --pool="$TRASH/m/new" init --link-limit=$n &&
		test_path_missing m/new || return 1
	done
'

# not_on DIR REASON
not_on()
{
	refused 3 "$2" vtemplate --pool="$1/pool" init &&
	test_path_missing "$1/pool" &&
	mkdir -m 751 "$1/there" &&
	refused 3 "$2" vtemplate --pool="$1/there" init &&
	test -z "$(ls -A "$1/there")" && test "$(stat -c %a "$1/there")" = 751
}

test_lazy_prereq VFAT 'command -v mkfs.vfat && kernel_has_ vfat'

test_expect_success OVERLAY 'not on overlayfs' '
	mkdir l m/u m/w o && mount -t overlay -o \
		"lowerdir=$TRASH/l,upperdir=$TRASH/m/u,workdir=$TRASH/m/w" none o &&
	test_when_finished "umount \"$TRASH/o\"" &&
	not_on "$TRASH/o" "it is on overlayfs, and it gives a file another inode"
'

test_expect_success 'not on proc' '
	refused 1 "cannot make" vtemplate --pool=/proc/pool init
'

test_expect_success VFAT 'not on vfat' '
	truncate -s 8M v.img && mkfs.vfat v.img >/dev/null && mkdir v &&
	mount -o loop v.img v && test_when_finished "umount \"$TRASH/v\"" &&
	refused 3 "it has no hard links" vtemplate --pool="$TRASH/v/pool" init &&
	test_path_missing v/pool
'

test_expect_success 'not where trusted attributes are missing' '
	mkdir r && mount -t ramfs none r &&
	test_when_finished "umount \"$TRASH/r\"" &&
	not_on "$TRASH/r" "does not give us"
'

test_expect_success 'on XFS, btrfs and tmpfs' '
	for fs in xfs btrfs tmpfs
	do
		test_have_prereq "$(echo $fs | tr a-z A-Z)" || continue
		test_mount $fs 320M "$TRASH/on-$fs" &&
		POOL=$TRASH/on-$fs/pool &&
		vtemplate --pool="$POOL" init && pool_is_tidy || return 1
	done
'

test_expect_success 'not on a read-only file system' '
	test_mount ext4 16M "$TRASH/ro" && mount -o remount,ro ro &&
	refused 3 "Read-only file system" vtemplate --pool="$TRASH/ro/pool" init
'

test_expect_success 'on a full one: status 1, nothing left' '
	TEST_MKFS_OPTIONS="-m 0" test_mount ext4 4M "$TRASH/fullfs" &&
	{ dd if=/dev/zero of=fullfs/zero bs=1k 2>/dev/null || :; } &&
	refused 1 "No space left" vtemplate --pool="$TRASH/fullfs/pool" init &&
	test_path_missing fullfs/pool &&
	rm fullfs/zero && mkdir fullfs/pool &&
	{ dd if=/dev/zero of=fullfs/zero bs=1k 2>/dev/null || :; } &&
	truncate -s -16384 fullfs/zero &&
	refused 1 "No space left" vtemplate --pool="$TRASH/fullfs/pool" init &&
	test -z "$(ls -A fullfs/pool)"
'

test_expect_success 'each effect of an init fails: nothing is left, or a whole pool' '
	n=$((1 - TEST_STRIDE)) && fired=1 &&
	while test $fired = 1
	do
		n=$((n + TEST_STRIDE)) && POOL=$TRASH/m/sweep && rm -rf "$POOL" &&
		COWLINK_FAULT=error:$n:EIO COWLINK_FAULT_COUNT=$TRASH/count \
			vtemplate --pool="$POOL" init >out 2>err
		status=$?
		test "$(cat count)" -ge $n || fired=0
		if test -e "$POOL/catalog.db"
		then
			pool_is_tidy && vtemplate --pool="$POOL" list >/dev/null
		else
			test $status = 1 && test_path_missing "$POOL" &&
			test "$(wc -l <err)" = 1
		fi || { echo "effect $n, status $status" >&2; cat err >&2; return 1; }
		test $n -lt 200 || return 1
	done &&
	test_note "$n effects" && test $n -gt 15 && test $status = 0
'

test_expect_success 'an init is killed at each effect: the next one completes it' '
	n=$((1 - TEST_STRIDE)) && killed=1 &&
	while test $killed = 1
	do
		n=$((n + TEST_STRIDE)) && POOL=$TRASH/m/sweep && rm -rf "$POOL" &&
		COWLINK_FAULT=kill:$n vtemplate --pool="$POOL" init >out 2>err
		status=$?
		test $status = 137 || killed=0
		if test $killed = 1 && ! test -e "$POOL/catalog.db"
		then
			vtemplate --pool="$POOL" init >out 2>err
		else
			vtemplate --pool="$POOL" check --repair >out 2>err
		fi && pool_is_tidy && vtemplate --pool="$POOL" list >/dev/null ||
			{ echo "effect $n, status $status" >&2; cat err >&2; return 1; }
		test $n -lt 200 || return 1
	done &&
	test $n -gt 15 && test $status = 0
'

test_done
