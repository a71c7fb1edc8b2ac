#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: XFS without shared blocks, old, with small blocks'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
run_selftests --fs=xfs-plain --fs=xfs-old --fs=xfs-1k open preserve limits crash
