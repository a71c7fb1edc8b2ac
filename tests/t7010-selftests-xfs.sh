#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: every rule of the contract, on XFS'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
run_selftests --fs=xfs flags names open openers uring setattr xattr deny \
	reading permission preserve quota limits switches observe tracepoints audit \
	unify dpkg crash race held stall
