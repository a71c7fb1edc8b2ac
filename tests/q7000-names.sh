#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: the attribute and its names under KASAN'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

TEST_QEMU_OPTIONS=--timeout=7200
build_selftests
test_in_patched_qemu "$@"
run_selftests --fs=ext4 --fs=xfs flags names open setattr xattr permission unify
