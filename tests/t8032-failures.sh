#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='kernel: what can fail in a break does; freezing and unmounting'
. "$(dirname "$0")/lib-test.sh"
. "$(dirname "$0")/lib-selftests.sh"

# With a security module that keeps something for each inode, as Landlock does, XFS makes an
# inode in the tree of inodes before that has its memory, and gives itself up where there is
# none: of every file that is created, a copy's too.
TEST_UML_OPTIONS="$TEST_UML_OPTIONS \
	--allow=Caller.xfs_create_tmpfile|Corruption.*detected.at.xfs_trans_cancel"
build_selftests
test_in_uml "$@"
run_selftests --fs=ext4 --fs=tmpfs --fs=xfs --fs=xfs-plain inject stall
