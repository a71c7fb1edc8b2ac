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
	! grep . "$cgroup/supervisor/cgroup.procs" && vserver g stop && nothing_left g
'

# no_userns COMMAND: there is no room for one more
no_userns()
{
	! in_guest g "$1" 2>err && test_grep "No space left on device" err
}

test_expect_success 'userns.max: no user namespaces in the guest, or so many' '
	vserver g start && in_guest g "unshare -Ur unshare -Un true" &&
	vserver g set userns.max=0 2>err && test_grep "goes on as it was started" err &&
	vserver g restart && no_userns "unshare -U true" && in_guest g "unshare -m true" &&
	in_guest g "! echo 9 >/proc/sys/user/max_user_namespaces" 2>err &&
	test_grep "Permission denied" err && no_userns "unshare -U true" &&
	vserver g set userns.max=1 && vserver g restart && in_guest g "unshare -Urn true" &&
	no_userns "unshare -Ur unshare -U true" && test "$(cat /proc/sys/user/max_user_namespaces)" -gt 1 &&
	vserver g set userns.max=max && vserver g restart && in_guest g "unshare -Ur unshare -U true" &&
	vserver g stop && nothing_left g
'

# Each begins with all capabilities, over what is its own.
test_expect_success 'a namespace of its own owns nothing of the guest' '
	vserver g set userns.max= && vserver g start &&
	in_guest g "unshare -Urn sh -c \"ip link set lo up && ip addr add 10.1.2.3/8 dev lo\"" &&
	in_guest g "! unshare -Ur ip link set lo down" && vserver g stop && nothing_left g
'

kill_guests
test_done
