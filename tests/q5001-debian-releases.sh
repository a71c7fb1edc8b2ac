#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: Debian 11, 12 and 13 boot by their init, on the kernel of Debian'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"
. "$TEST_DIRECTORY/lib-releases.sh"

TEST_QEMU_OPTIONS=--timeout=7200
test_require ROOT
system_trees DEBIAN11=boot-debian11 DEBIAN12=boot-debian12 DEBIAN13=boot-debian13 \
	SYSVINIT=boot-sysvinit
test_in_qemu "$@"

# As systemd of the host would have done.
mount -t cgroup2 none /sys/fs/cgroup || exit 1

test_pool ext4 1G >&2 || exit 1
release_boots debian11 systemd "$DEBIAN11"
release_boots debian12 systemd "$DEBIAN12"
release_boots debian13 systemd "$DEBIAN13"
release_boots sysvinit sysvinit "$SYSVINIT"

test_done
