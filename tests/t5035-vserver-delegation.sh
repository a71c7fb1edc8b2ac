#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: what a guest limits itself, below what limits it'
TEST_UML_OPTIONS=--timeout=600
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require COWLINK,EXT4,BUSYBOX

# limit_is NAME FILE VALUE: in the kernel
limit_is()
{
	test_found=$(cat "$(cgroup_of "$1")/$2") && test "$test_found" = "$3" ||
		complain_ "$2 is '$test_found', expected '$3'"
}

# effective NAME KEY VALUE: as show tells
effective()
{
	vserver "$1" show --json >shown && test_json shown ".effective[\"$2\"]" "$3"
}

# What systemd does: process 1 makes room at the top, then each unit has its cgroup.
test_expect_success 'a guest with units of its own' '
	mount -t cgroup2 none /sys/fs/cgroup && echo /sys/fs/cgroup >>"$TRASH-mounts" &&
	guest_pool ext4 && cat >boot <<-\EOF &&
	#!/bin/sh
	cd /sys/fs/cgroup
	for f in *
	do
		test -d $f || ! (: >>$f) 2>/dev/null || echo $f
	done >/tmp/writable
	ls >/tmp/files
	mkdir init unit && echo 1 >init/cgroup.procs && echo +memory +pids >cgroup.subtree_control &&
		echo 8 >unit/pids.max && echo 8M >unit/memory.max
	sh -c "echo 0 >unit/cgroup.procs; for i in 1 2 3 4 5 6 7 8 9; do sleep 0 & done"
	sh -c "echo 0 >unit/cgroup.procs; head -c 30000000 /dev/zero | tail -c 29999999 | wc -c"
	{ cat unit/memory.events unit/pids.events; echo end; } >/tmp/events
	exec sleep 10000
	EOF
	chmod +x boot && a_guest g init=/bin/boot pids.max=20 memory.max=32M memory.low=4M &&
	root=$POOL/guests/g/rootfs && cp boot "$root/bin/boot" && vserver g start &&
	until test -s "$root/tmp/events"; do vserver g exec true && sleep 0.1 || return 1; done
'

test_expect_success 'its units have limits of processes and memory' '
	cat "$root/tmp/events" && grep "^oom_kill [1-9]" "$root/tmp/events" &&
	grep "^max [1-9]" "$root/tmp/events" && limit_is g guest/unit/pids.max 8 &&
	grep "^oom_kill 0" "$(cgroup_of g)/guest/init/memory.events"
'

test_expect_success 'and it writes no limit of its own' '
	grep -x memory.max "$root/tmp/files" && grep -x pids.max "$root/tmp/files" &&
	printf "%s\n" cgroup.procs cgroup.subtree_control cgroup.threads >expected &&
	test_cmp expected "$root/tmp/writable" &&
	(cd "$(cgroup_of g)/guest" && stat -c "%u %n" ./*.* | grep -v "^0 ") >owned &&
	sed "s/.* .\///" owned >found && test_cmp expected found
'

test_expect_success 'what is kept for it is kept for what it uses' '
	limit_is g memory.low 4194304 && limit_is g guest/memory.low max &&
	limit_is g guest/memory.min max && limit_is g supervisor/memory.low max
'

test_expect_success 'disks are not handed down, processors once they are limited' '
	grep io "$(cgroup_of g)/cgroup.controllers" &&
	limit_is g guest/cgroup.controllers "memory pids" && vserver g set cpu.weight=50 &&
	limit_is g guest/cgroup.controllers "cpu memory pids" &&
	limit_is g guest/cpu.weight 100 && vserver g stop && nothing_left g
'

test_expect_success 'numbers reach the kernel as they were meant' '
	vserver g set cpu.weight=1K pids.max=0020 memory.high=010M && vserver g start &&
	limit_is g cpu.weight 1024 && limit_is g pids.max 20 && limit_is g memory.high 10485760 &&
	effective g cpu.weight 1024 && vserver g set cpu.weight=010 && limit_is g cpu.weight 10 &&
	effective g cpu.weight 10 && vserver g set cpu.idle=01 && limit_is g cpu.idle 1 &&
	vserver g set cpu.idle= && limit_is g cpu.idle 0 && vserver g stop && nothing_left g
'

test_expect_success 'a limit that was taken back is not that of a killed start' '
	step=1 && until test "$(cat "$(cgroup_of g)/pids.max")" = 20
	do
		test_expect_code 137 env COWLINK_FAULT=kill:$step vserver g start || return 1
		step=$((step + 1))
	done 2>/dev/null &&
	vserver g set pids.max= && limit_is g pids.max 20 && vserver g start &&
	limit_is g pids.max max && vserver g stop && nothing_left g
'

kill_guests
test_done
