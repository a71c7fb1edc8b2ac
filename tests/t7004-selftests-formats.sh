#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: ext4 with small blocks and with inline data'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
# No oracle on inline data: Linux 6.1 itself shows stray bytes in files there.
run_selftests --fs=ext4-1k --fs=ext4-inline open setattr xattr reading preserve \
	limits
