#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: as t5040, by the cgroup programs of our kernels'
TEST_UML_OPTIONS=--timeout=1500
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
mount -t cgroup2 none /sys/fs/cgroup || exit 1
exec "$TEST_DIRECTORY/t5040-vserver-network.sh"
