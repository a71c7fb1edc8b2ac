#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: every rule of the contract, on tmpfs'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

build_selftests
test_in_uml "$@"
run_selftests --fs=tmpfs flags names open openers uring setattr xattr deny \
	reading permission preserve limits unify dpkg
