#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: races, freezing and unmounting, on two processors with KASAN'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

seconds=${COWLINK_QEMU_SECONDS:-60}
# For each of three filesystems, and for what was begun before the time was over.
TEST_QEMU_OPTIONS=--timeout=$((seconds * 3 + 9000))
build_selftests
test_in_patched_qemu "$@"
run_selftests --fs=ext4 --fs=xfs --fs=tmpfs --seconds="$seconds" race held stall
