#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='the kernel engine: found by trying, and what a crash left of shared files'
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"

scratch=0123456789abcdef

test_expect_success 'it is probed on ext4 and tmpfs' '
	make_tree src && mkdir t && mount -t tmpfs none t &&
	vtemplate --pool="$PWD/t/pool" init 2>err &&
	test_grep "engine kernel: this kernel gives a private copy on write (tmpfs)" err &&
	umount t && test_pool ext4 32M 2>err &&
	test_grep "engine kernel: this kernel gives a private copy on write (ext4)" err &&
	pool_is_tidy
'

test_expect_success 'not where breaking is switched off' '
	test_when_finished "echo 1 >/proc/sys/fs/cowlink/enabled" &&
	echo 0 >/proc/sys/fs/cowlink/enabled &&
	vtemplate gc 2>err &&
	test_grep "engine copy: kernel has the attribute but no copy on write here" err &&
	pool_is_tidy
'

test_expect_success 'and on XFS' '
	test_mount xfs 320M "$TRASH/x" &&
	vtemplate --pool="$TRASH/x/pool" init 2>err &&
	test_grep "engine kernel: this kernel gives a private copy on write (XFS)" err
'

test_expect_success 'a probe costs no flush and copies nothing' '
	before=$(cat /proc/sys/fs/cowlink/bytes_copied) &&
	vtemplate gc && test "$(cat /proc/sys/fs/cowlink/bytes_copied)" = "$before"
'

test_expect_success 'the probe is killed at each effect: the next command cleans up' '
	n=0 && status=137 &&
	while test $status = 137
	do
		n=$((n + 1))
		COWLINK_FAULT=kill:$n vtemplate gc >out 2>err
		status=$?
		vtemplate gc 2>err && pool_is_tidy &&
		test_grep "engine kernel" err || { echo "effect $n"; return 1; }
		test $n -lt 100 || return 1
	done &&
	test $n -gt 6 && test $status = 0
'

test_expect_success 'a displaced file that is marked shared goes, another is kept' '
	vtemplate import t src && vtemplate clone t g &&
	mkdir "$POOL/staging/$scratch" &&
	ln "$POOL/guests/g/rootfs/two" "$POOL/staging/$scratch/1-4.00000000000000aa" &&
	echo victim >"$POOL/staging/$scratch/2-4.00000000000000bb" &&
	ixunlink set "$POOL/staging/$scratch/2-4.00000000000000bb" &&
	echo precious >"$POOL/staging/$scratch/3-4.00000000000000cc" &&
	vtemplate gc 2>err &&
	ls "$POOL/staging" >left && test "$(wc -l <left)" = 1 &&
	grep -x "kept-[0-9a-f]\{16\}" left &&
	test_contents "$POOL/staging/$(cat left)" precious &&
	test_contents "$POOL/guests/g/rootfs/two" two &&
	test_same_inode "$POOL/guests/g/rootfs/two" "$POOL/templates/t/rootfs/two" &&
	rm "$POOL"/staging/kept-*
'

test_expect_success 'half-made trees of shared files go, masters stay' '
	cp -al "$POOL/guests/g/rootfs" "$POOL/staging/half" &&
	mv "$POOL/staging/half" "$POOL/staging/$scratch" &&
	vtemplate gc && pool_is_tidy && vtemplate check &&
	test_nlink "$POOL/guests/g/rootfs/two" 3
'

test_done
