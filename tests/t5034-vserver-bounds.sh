#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: how much of the kernel a guest can have'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

test_expect_success 'a guest' '
	guest_pool ext4 && a_guest g && vserver g start
'

cgroup=$(cgroup_of g)

# Two of them are ours.
test_expect_success CGROUP2 'a guest makes cgroups up to a bound, and cannot raise that' '
	test_contents "$cgroup/cgroup.max.descendants" 1000 &&
	! in_guest g "cd /sys/fs/cgroup && mkdir \$(seq 500) && cd 500 && mkdir \$(seq 600)" 2>err &&
	test_grep "Resource temporarily unavailable" err &&
	test "$(find "$cgroup" -mindepth 1 -type d | wc -l)" = 1000 &&
	in_guest g "for f in depth descendants
		do ! echo max >/sys/fs/cgroup/cgroup.max.\$f || exit; done" &&
	vserver g exec true && vserver g stop && nothing_left g
'

kill_guests
test_done
