#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: races that must not lose a write'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
run_selftests --fs=ext4 --fs=tmpfs race held
