#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: XFS: shared files behave as private ones'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
test -z "${COWLINK_LONG_TESTS-}" || run_selftests --fs=xfs oracle
run_selftests --fs=xfs 'oracle:seed 2' 'oracle:seed 5' 'oracle:seed 8'
