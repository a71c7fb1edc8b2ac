#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: limits that only a kernel with all controllers has'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
test_require ROOT
test_in_qemu "$@"
test_require EXT4,BUSYBOX

mount -t cgroup2 none /sys/fs/cgroup || exit 1

# limit_is NAME FILE VALUE, effective NAME KEY VALUE
limit_is()
{
	test_found=$(cat "$(cgroup_of "$1")/$2") && test "$test_found" = "$3" ||
		complain_ "$2 is '$test_found', expected '$3'"
}

effective()
{
	vserver "$1" show --json >shown && test_json shown ".effective[\"$2\"]" "$3"
}

test_expect_success 'limits of processor and disk are set at the start' '
	guest_pool ext4 && disk=$(mountpoint -d "$POOL_MOUNT") &&
	a_guest g cpu.max="50000 100000" cpu.max.burst=10000 cpuset.cpus=0-1 \
		io.max="rbps=1M wiops=100" memory.swap.max=0 && vserver g start &&
	limit_is g cpu.max "50000 100000" && limit_is g cpu.max.burst 10000 &&
	limit_is g io.max "$disk rbps=1048576 wbps=max riops=max wiops=100" &&
	effective g io.max "$disk rbps=1048576 wbps=max riops=max wiops=100" &&
	limit_is g memory.swap.max 0 && effective g cpuset.cpus 0-1
'

test_expect_success 'they change at once, and go' '
	vserver g set cpuset.cpus=1 io.max=wbps=2M cpu.idle=1 &&
	effective g cpuset.cpus 1 &&
	test "$(in_guest g "grep Cpus_allowed_list /proc/self/status | cut -f 2")" = 1 &&
	limit_is g io.max "$disk rbps=max wbps=2097152 riops=max wiops=max" &&
	limit_is g cpu.idle 1 && vserver g set cpuset.cpus= io.max= cpu.idle= &&
	effective g cpuset.cpus 0-1 && limit_is g io.max "" && limit_is g cpu.idle 0
'

test_expect_success 'a processor that is not there is refused, and not stored' '
	test_must_fail vserver g set cpuset.cpus=9000 2>err && cat err &&
	test_grep "cannot set cpuset.cpus to" err && vserver g show --json >shown &&
	test_json shown ".settings[\"cpuset.cpus\"]" null && vserver g stop
'

test_expect_success 'what cannot be a partition stays none' '
	vserver g start && refused 1 "cpuset.cpus has to say of which processors" \
		vserver g set cpuset.cpus.partition=root &&
	vserver g set cpuset.cpus=0-1 &&
	test_must_fail vserver g set cpuset.cpus.partition=root 2>err && cat err &&
	test "$(wc -l <err)" = 1 && test_grep "cannot set cpuset.cpus.partition to .root.: " err &&
	effective g cpuset.cpus.partition member && vserver g show --json >shown &&
	test_json shown ".settings[\"cpuset.cpus.partition\"]" null
'

test_expect_success 'some of the processors: no deadline, and why' '
	vserver g rt --runtime=10ms --period=100ms -- true && vserver g set cpuset.cpus=1 &&
	refused 1 "set cpuset.cpus.partition=root, or take" \
		vserver g rt --runtime=10ms --period=100ms -- true
'

# From 6.7 on a partition may be below vserver.slice.
test_lazy_prereq REMOTE 'test -e "$(cgroup_of g)/cpuset.cpus.exclusive"'

test_expect_success !REMOTE 'a partition needs one above it' '
	refused 3 "before Linux 6.7 vserver.slice has to be a partition itself" \
		vserver g set cpuset.cpus.partition=root &&
	effective g cpuset.cpus.partition member
'

test_expect_success REMOTE 'a partition has its processors alone, and deadlines' '
	vserver g set cpuset.cpus.partition=root && effective g cpuset.cpus.partition root &&
	limit_is g cpuset.cpus.partition root &&
	test "$(grep Cpus_allowed_list /proc/self/status | cut -f 2)" = 0 &&
	test "$(in_guest g "grep Cpus_allowed_list /proc/self/status | cut -f 2")" = 1 &&
	vserver g rt --runtime=10ms --period=100ms -- sh -c "
		grep Cpus_allowed_list /proc/self/status | cut -f 2" >out && test_contents out 1 &&
	refused 1 "others have been promised" vserver g rt --runtime=99ms --period=100ms -- true
'

test_expect_success REMOTE 'it is changed by way of a member, and gone with the guest' '
	refused 1 "set cpuset.cpus.partition=member first" vserver g set cpuset.cpus=0 &&
	effective g cpuset.cpus 1 && vserver g restart &&
	effective g cpuset.cpus.partition root && vserver g set cpuset.cpus.partition=isolated &&
	effective g cpuset.cpus.partition isolated && vserver g set cpuset.cpus.partition=member &&
	test "$(grep Cpus_allowed_list /proc/self/status | cut -f 2)" = 0-1 &&
	vserver g set cpuset.cpus.partition=root && vserver g stop && nothing_left g &&
	test "$(grep Cpus_allowed_list /proc/self/status | cut -f 2)" = 0-1
'

test_expect_success 'and none is left for what follows' '
	vserver g stop && vserver g set cpuset.cpus.partition= cpuset.cpus=
'

test_expect_success 'what is written is charged to the guest' '
	vserver g start && in_guest g "dd if=/dev/zero of=/file bs=64k count=16 &&
		sync /file" && cat "$(cgroup_of g)/io.stat" &&
	grep "^$disk .*wbytes=[1-9]" "$(cgroup_of g)/io.stat" && vserver g stop &&
	nothing_left g
'

test_expect_success TMPFS 'a pool that is on no disk has no limit for it' '
	mkdir m && mount -t tmpfs none m && COWLINK_POOL=$PWD/m/pool && export COWLINK_POOL &&
	POOL=$COWLINK_POOL && vtemplate init && vtemplate import t tree &&
	a_guest n io.max=rbps=1M && test_must_fail vserver n start 2>err && cat err &&
	test_grep "cannot set io.max: the pool.s filesystem is on no disk" err &&
	umount m
'

test_done
