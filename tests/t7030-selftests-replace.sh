#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: ext4 replaces a name in one step'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

TEST_UML_OPTIONS=--timeout=1500
build_selftests
test_in_uml "$@"
# Not every series has it; that for 6.1 must.
test_lazy_prereq REPLACE_LINK '
	case $(uname -r) in
	6.1.*) ;;
	*) grep -qw vfs_replace_link /proc/kallsyms ;;
	esac
'
test_require REPLACE_LINK
run_selftests --fs=ext4 replace
