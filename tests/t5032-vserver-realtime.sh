#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: no real time for a guest, and SCHED_DEADLINE from the host'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

test_lazy_prereq DEADLINE 'chrt -d --sched-runtime 1000000 --sched-period 100000000 0 true'

test_expect_success 'a guest has no real time unless it is given some' '
	test_pool ext4 && guest_tree tree && guest_system_program tree chrt &&
	vtemplate import t tree && a_guest g && vserver g show --json >out &&
	test_json out ".settings[\"rt.prio\"]" 0 && test_json out ".settings[\"rt.time\"]" 0 &&
	vserver g start && vserver g show --json >out &&
	test_json out ".effective[\"rt.prio\"]" 0:0 &&
	test_json out ".effective[\"rt.time\"]" 0:0 &&
	in_guest g "! chrt -f 1 true && ! chrt -r 1 true" 2>err &&
	test_grep "Operation not permitted" err &&
	in_guest g "! chrt -d --sched-runtime 1000000 --sched-period 100000000 0 true" &&
	in_guest g "grep realtime /proc/self/limits" >out &&
	test_grep "^Max realtime priority  *0  *0  *$" out &&
	test_grep "^Max realtime timeout  *0  *0  *us" out
'

test_expect_success 'times and commands that make no sense' '
	for bad in "--period=10ms" "--runtime=1ms" "--runtime=0 --period=1ms" \
		"--runtime=1m --period=1s" "--runtime=-1 --period=1s" \
		"--runtime=1.5ms --period=1s" "--runtime=1K --period=1s" \
		"--runtime=2ms --period=1ms" "--runtime=2000 --period=1ms" \
		"--runtime=2ms --period=9ms --deadline=1ms" \
		"--runtime=1ms --period=9ms --deadline=10ms" \
		"--runtime=1ms --period=99999999999999999999s"
	do
		refused 2 "--" vserver g rt $bad -- true || return 1
	done &&
	refused 2 "operands are missing" vserver g rt --runtime=1ms --period=1s &&
	refused 2 "operands are missing" vserver g rt --runtime=1ms --period=1s -- &&
	refused 2 "unknown option" vserver g rt --runtime=1ms --perriod=1s -- true &&
	refused 1 "no such guest" vserver x rt --runtime=1ms --period=1s -- true
'

# Downwards: upwards this needs a capability that not every root has.
test_expect_success 'rt.time in all units, at once' '
	vserver g stop && vserver g set rt.time=unlimited && vserver g start &&
	for pair in unlimited:unlimited:unlimited 3s:3000000:6000000 20ms:20000:40000 \
		1500:1500:3000 2us:2:4 0:0:0
	do
		vserver g set rt.time="${pair%%:*}" && vserver g show --json >out &&
		test_json out ".effective[\"rt.time\"]" "${pair#*:}" || return 1
	done
'

# the lines of chrt -p, without the process
policy_of()
{
	sed -n "s/^pid [0-9]*'s //p"
}

test_expect_success DEADLINE 'rt runs a program in the guest, and only that, by its deadline' '
	vserver g rt --runtime=2ms --period=100ms -- sh -c "chrt -p \$\$" | policy_of >out &&
	cat >expected <<-\EOF &&
	current scheduling policy: SCHED_DEADLINE|SCHED_RESET_ON_FORK
	current scheduling priority: 0
	current runtime/deadline/period parameters: 2000000/100000000/100000000
	EOF
	test_cmp expected out &&
	vserver g rt --runtime=2000 --period=1s --deadline=50000us \
		sh -c "chrt -p \$\$" | policy_of >out &&
	test_grep "parameters: 2000000/50000000/1000000000" out &&
	vserver g rt --runtime=2ms --period=100ms -- sh -c "sh -c \"chrt -p \\\$\\\$; :\"; :" |
		policy_of >out && test_grep "policy: SCHED_OTHER" out
'

test_expect_success DEADLINE 'it is in the guest, as its root, held by what holds exec' '
	vserver g rt --runtime=2ms --period=100ms -- sh -c "id -u; hostname;
		grep -E \"^(Seccomp|CapBnd):\" /proc/self/status; tr -d \"\\0\" </proc/1/cmdline" >out &&
	vserver g exec sh -c "id -u; hostname;
		grep -E \"^(Seccomp|CapBnd):\" /proc/self/status; tr -d \"\\0\" </proc/1/cmdline" >expected &&
	test_cmp expected out && test_grep "^Seccomp:	2" out && test_grep "^/bin/sleep" out
'

test_expect_success DEADLINE 'the guest can neither give it to others nor to children' '
	vserver g rt --runtime=2ms --period=100ms -- sh -c "
		! chrt -d --sched-runtime 2000000 --sched-period 100000000 -p 0 1 &&
		! chrt -d --sched-runtime 2000000 --sched-period 100000000 0 true" 2>err &&
	test "$(grep -c "Operation not permitted" err)" = 2
'

test_expect_success DEADLINE 'status and signals as with exec' '
	test_expect_code 7 vserver g rt --runtime=2ms --period=100ms -- sh -c "exit 7" &&
	{ vserver g rt --runtime=2ms --period=100ms no-such-program; test $? = 127; } &&
	mkfifo pipe &&
	{ vserver g rt --runtime=2ms --period=100ms -- sh -c "echo x; exec sleep 1000" >pipe & } &&
	read -r line <pipe && kill -TERM $! && { wait $!; test $? = 143; }
'

test_expect_success DEADLINE 'the processors of who calls are not those of the program' '
	taskset 1 vserver g rt --runtime=2ms --period=100ms -- sh -c "chrt -p \$\$" | policy_of >out &&
	test_grep SCHED_DEADLINE out
'

test_expect_success DEADLINE 'what the kernel does not take is explained' '
	refused 1 "the kernel takes no such times" vserver g rt --runtime=1us --period=1s -- true &&
	refused 1 "the kernel takes no such times" \
		vserver g rt --runtime=1ms --period=1000s -- true
'

test_expect_success 'without the capability it says so' '
	refused 3 "real time needs CAP_SYS_NICE" setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice \
		vserver g rt --runtime=1ms --period=100ms -- true
'

test_lazy_prereq FIFO 'chrt -f 1 nice -n -5 ionice -c 1 true'

# scheduling PID: all of it that a process inherits
scheduling()
{
	chrt -p "$1" | policy_of && ionice -p "$1" && cat "/proc/$1/personality" &&
	ps -o ni= -p "$1" && sed -n "s/^Cpus_allowed_list://p" "/proc/$1/status"
}

test_expect_success FIFO 'what the starter has of it no guest has' '
	{ taskset -c 0-1023 sleep 1000 & } && plain=$! && test_when_finished "kill $plain" &&
	chrt -o -p 0 $plain && renice 0 $plain && ionice -c 0 -p $plain &&
	vserver g stop && chrt -f 1 nice -n -5 ionice -c 1 taskset -c 0 setarch -R \
		vserver g start &&
	pid=$(pid_of g) && keeper=$(sed -n "s/^PPid:	//p" "/proc/$pid/status") &&
	scheduling $plain >expected && scheduling "$pid" >out && test_cmp expected out &&
	scheduling "$keeper" >out && test_cmp expected out
'

test_expect_success 'not in a guest that does not run' '
	vserver g stop && nothing_left g &&
	refused 1 "is not running" vserver g rt --runtime=1ms --period=10ms -- true
'

test_done
