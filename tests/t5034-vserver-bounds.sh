#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: how much of the kernel a guest can have, and what a start finds'
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

# half_started: g is started and killed when it has a cgroup, and no process yet.
half_started()
{
	test_step=1
	until test -e "$cgroup/cgroup.procs" &&
		test "$(cat "$cgroup/cgroup.max.descendants")" != max
	do
		test_expect_code 137 env COWLINK_FAULT=kill:$test_step vserver g start ||
			return 1
		test_step=$((test_step + 1))
	done
}

test_expect_success CGROUP2 'a start takes nothing over from one that was killed' '
	half_started && echo 3 >"$cgroup/cgroup.max.depth" &&
	echo 7 >"$cgroup/guest/cgroup.max.descendants" && mkdir "$cgroup/guest/left" &&
	{ sleep 1000 & } && pid=$! && test_when_finished "kill -9 $pid; :" &&
	echo $pid >"$cgroup/supervisor/cgroup.procs" &&
	vserver g start && process_ended $pid && vserver g exec true &&
	test_path_missing "$cgroup/guest/left" && test_contents "$cgroup/cgroup.max.depth" 32 &&
	test_contents "$cgroup/guest/cgroup.max.descendants" max &&
	test_contents "$cgroup/guest/cgroup.procs" "$(pid_of g)" &&
	test ! -s "$cgroup/supervisor/cgroup.procs" && vserver g stop && nothing_left g
'

kill_guests
test_done
