#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: Debian 11 and 13 boot by their init, under the patched kernel

q5051-real-guests.sh does more with those of Debian 12.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"
. "$TEST_DIRECTORY/lib-releases.sh"

TEST_QEMU_KERNEL=x86-guests TEST_QEMU_OPTIONS=--timeout=7200
test_require ROOT
system_trees DEBIAN11=boot-debian11 DEBIAN13=boot-debian13
test_in_patched_qemu "$@"

# As systemd of the host would have done.
mount -t cgroup2 none /sys/fs/cgroup || exit 1

test_expect_success 'the pool shares inodes, by the kernel' '
	test_pool ext4 1G 2>err && cat err && test_grep "engine kernel" err
'
release_boots debian11 systemd "$DEBIAN11"
release_boots debian13 systemd "$DEBIAN13"

test_done
