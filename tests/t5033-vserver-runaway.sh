#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: rt.prio and rt.time of a guest, and one that never gives up'
TEST_UML_OPTIONS=--timeout=900
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require COWLINK,EXT4,BUSYBOX

# policy_is POLICY PRIORITY PID
policy_is()
{
	chrt -p "$3" >policy && test_grep "policy: $1$" policy &&
	test_grep "priority: $2$" policy
}

test_expect_success 'priorities up to rt.prio, and none above' '
	mount -t cgroup2 none /sys/fs/cgroup && echo /sys/fs/cgroup >>"$TRASH-mounts" &&
	test_pool ext4 && guest_tree tree && guest_system_program tree chrt &&
	vtemplate import t tree && a_guest g rt.prio=10 rt.time=unlimited && vserver g start &&
	vserver g show --json >shown && test_json shown ".effective[\"rt.prio\"]" 10:10 &&
	test_json shown ".effective[\"rt.time\"]" unlimited:unlimited &&
	in_guest g "chrt -f 10 true && chrt -r 1 true && ! chrt -f 11 true && ! ulimit -r 11 &&
		ulimit -r && ulimit -Hr" >out && printf "10\n10\n" >expected && test_cmp expected out
'

test_expect_success 'a change reaches all of the guest at once' '
	in_guest g "chrt -f 9 sleep 2001 & chrt -r 3 sleep 2002 &
		unshare -Urpf sleep 2003 & sleep 2004 &" &&
	until pgrep -fx "sleep 2004" && pgrep -fx "sleep 2003" &&
		fifo=$(pgrep -fx "sleep 2001") && rr=$(pgrep -fx "sleep 2002"); do sleep 0.1; done >/dev/null &&
	policy_is SCHED_FIFO 9 "$fifo" && policy_is SCHED_RR 3 "$rr" &&
	vserver g set rt.prio=5 rt.time=30ms && policy_is SCHED_FIFO 5 "$fifo" &&
	policy_is SCHED_RR 3 "$rr" &&
	for pid in $fifo $rr $(pgrep -fx "sleep 200[34]") $(pid_of g)
	do
		prlimit --rtprio --rttime --noheadings --raw -o SOFT,HARD -p $pid >out &&
		printf "5 5\n30000 60000\n" >expected && test_cmp expected out || return 1
	done &&
	vserver g set rt.prio= && policy_is SCHED_OTHER 0 "$fifo" && policy_is SCHED_OTHER 0 "$rr" &&
	in_guest g "! chrt -f 1 true" &&
	prlimit --rtprio --noheadings --raw -o HARD -p $$ >out && ! grep -x 5 out
'

test_expect_success 'a runaway gets SIGXCPU, and SIGKILL when it does not listen' '
	vserver g set rt.prio=5 rt.time=200ms &&
	{ in_guest g "exec chrt -f 5 sh -c \"while :; do :; done\""; test $? = $((128 + 24)); } &&
	{ in_guest g "exec sh -c \"trap : XCPU; chrt -f -p 5 \\\$\\\$; while :; do :; done\""
		test $? = 137; } && vserver g exec true
'

test_expect_success 'without rt.time not even a tick' '
	vserver g set rt.time= &&
	{ in_guest g "exec chrt -f 5 sh -c \"while :; do :; done\""; test $? = 137; }
'

# With the kernel's own 95 percent this would take a while.
test_expect_success 'one that may run for ever leaves the host its share' '
	echo 500000 >/proc/sys/kernel/sched_rt_runtime_us && vserver g set rt.time=unlimited &&
	{ in_guest g "exec chrt -f 5 sh -c \"echo >/tmp/on; while :; do :; done\"" & } &&
	until test -e "$POOL/guests/g/rootfs/tmp/on"; do sleep 0.1; done &&
	vserver g stop && { wait $!; test $? = 137; } && nothing_left g &&
	echo 950000 >/proc/sys/kernel/sched_rt_runtime_us
'

test_expect_success 'SCHED_DEADLINE under this kernel, and no more of it than there is' '
	vserver g set rt.prio= rt.time= && vserver g start &&
	vserver g rt --runtime=20ms --period=100ms -- sh -c "chrt -p \$\$" >out &&
	test_grep "policy: SCHED_DEADLINE|SCHED_RESET_ON_FORK" out &&
	refused 1 "others have been promised the processor time already" \
		vserver g rt --runtime=99ms --period=100ms -- true
'

test_expect_success 'a partition needs the controller' '
	refused 3 "cannot set cpuset.cpus.partition: cgroup v2 has no controller" \
		vserver g set cpuset.cpus.partition=root && vserver g show --json >shown &&
	test_json shown ".settings[\"cpuset.cpus.partition\"]" null && vserver g stop && nothing_left g
'

test_done
