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
	limit_is g cpu.idle 1 && refused 1 "it has none while cpu.idle is 1" vserver g set cpu.weight=7 &&
	vserver g set cpuset.cpus= io.max= cpu.idle= &&
	effective g cpuset.cpus 0-1 && limit_is g io.max "" && limit_is g cpu.idle 0
'

test_expect_success 'numbers reach the kernel as they were meant' '
	vserver g set cpu.max="50K 0100000" io.weight=1K && limit_is g cpu.max "51200 100000" &&
	limit_is g io.weight "default 1024" && effective g cpu.max "51200 100000" &&
	vserver g set cpu.max="0000050000" io.weight= && limit_is g cpu.max "50000 100000" &&
	limit_is g io.weight "default 100"
'

test_expect_success 'a processor that is not there is refused, and not stored' '
	refused 1 "cannot set cpuset.cpus to '\''9000'\'': not all of these processors are there" \
		vserver g set cpuset.cpus=9000 && vserver g show --json >shown &&
	test_json shown ".settings[\"cpuset.cpus\"]" null &&
	refused 1 "not all of these nodes are there" vserver g set cpuset.mems=900 &&
	refused 1 "it is more than the quota in cpu.max" vserver g set cpu.max.burst=1M &&
	refused 1 "less than cpu.max.burst" vserver g set cpu.max="4K 100000" && vserver g stop
'

test_expect_success 'nor does a guest start with one, of which nothing is left then' '
	vserver g set cpuset.cpus=9000 &&
	refused 1 "cannot start guest '\''g'\'': cannot set cpuset.cpus to '\''9000'\'': not all" \
		vserver g start && nothing_left g && vserver g set cpuset.cpus=
'

# As systemd with CPUQuota=, MemoryMax= and TasksMax=.
test_expect_success 'a guest divides its processor time, memory and processes' '
	a_guest u init=/bin/boot cpu.weight=100 && cat >"$POOL/guests/u/rootfs/bin/boot" <<-\EOF &&
	#!/bin/sh
	cd /sys/fs/cgroup && mkdir init unit && echo 1 >init/cgroup.procs &&
		echo "+cpu +memory +pids" >cgroup.subtree_control &&
		echo "1000 100000" >unit/cpu.max && echo 16M >unit/memory.max && echo 9 >unit/pids.max
	sh -c "echo 0 >unit/cgroup.procs; while :; do :; done" &
	wait
	EOF
	chmod +x "$POOL/guests/u/rootfs/bin/boot" && vserver u start &&
	unit=$(cgroup_of u)/guest/unit && test_note "$(ls -d "$(cgroup_of u)"/io.*)" &&
	until grep "^nr_throttled [1-9]" "$unit/cpu.stat"
	do
		vserver u exec true && sleep 0.1 || return 1
	done &&
	test_contents "$unit/memory.max" 16777216 && test_contents "$unit/pids.max" 9 &&
	! ls "$unit"/io.* "$unit"/cpuset.* 2>/dev/null && vserver u stop && vtemplate destroy u
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

# counted NAME FIELD: what io.stat has of the guest at the disk
counted()
{
	sed -n "s/^$disk .*$2=\([0-9]*\).*/\1/p" "$(cgroup_of "$1")/io.stat" | grep . || echo 0
}

# What others do at the disk meanwhile: new blocks, flushed, and reads that reach it.
work='for i in 1 2 3 4 5 6 7 8
	do
		dd if=/dev/zero of=own$i bs=64k count=4 conv=fsync &&
		dd if=/dev/zero of=own$i bs=64k count=4 oflag=direct &&
		dd if=own$i of=/dev/null bs=64k iflag=direct && mv own$i own && sync . || exit
	done && rm own'

# others_work: a neighbour, and the host beside the pool
others_work()
{
	theirs=$(counted n wbytes) && in_guest n "cd /root && $work" &&
	test $(($(counted n wbytes) - theirs)) -ge 2097152 &&
	(cd "$POOL_MOUNT" && eval "$work")
}

# With two bytes in a second the first of them takes hours, and what others do does not:
# nothing here depends on how long that is.
# held LIMIT FIELD COMMAND: g's dd waits, others do not, and it goes on when it may. The dd
# of busybox writes over the "=" in its arguments.
held()
{
	before=$(counted g "$2") && vserver g set io.max="$1" &&
	{ vserver g exec $3 & } && flood=$! &&
	until pid=$(pgrep -f "^dd if") && grep "^State:.*D" "/proc/$pid/status"
	do
		kill -0 $flood && sleep 0.1 || return 1
	done &&
	others_work && grep "^State:.*D" "/proc/$pid/status" &&
	test $(($(counted g "$2") - before)) -lt 65536 &&
	vserver g set io.max= && wait $flood &&
	test $(($(counted g "$2") - before)) -ge 4194304
}

# flood_tests FSTYPE MKFS-OPTIONS: with blocks as mkfs takes them for disks. With blocks that are smaller
# than a page, before all others can flush, the journal of ext4 waits for what was written anew.
flood_tests()
{
	fstype=$1 options=$2 prereq=$(echo "$1" | tr "[:lower:]" "[:upper:]")
	test_expect_success "$prereq" "$fstype: who writes past the page cache waits, nobody else" '
		TEST_MKFS_OPTIONS=$options && test_pool $fstype && TEST_MKFS_OPTIONS= &&
		vtemplate import t tree && disk=$(mountpoint -d "$POOL_MOUNT") && a_guest n &&
		a_guest g && vserver n start && vserver g start &&
		test_when_finished "vserver g set io.max=" &&
		held wbps=2 wbytes "dd if=/dev/zero of=/flood bs=64k count=64 oflag=direct"
	'
	test_expect_success "$prereq" "$fstype: who flushes new blocks waits, nobody else" '
		test_when_finished "vserver g set io.max=" &&
		held wbps=2 wbytes "dd if=/dev/zero of=/more bs=64k count=64 conv=fsync"
	'
	test_expect_success "$prereq" "$fstype: who reads waits, nobody else" '
		test_when_finished "vserver g set io.max=" &&
		held rbps=2 rbytes "dd if=/flood of=/dev/null bs=64k iflag=direct"
	'
	test_expect_success "$prereq" "$fstype: a flood goes no faster than it may" '
		vserver g set io.max="rbps=256K wbps=256K" && before=$(counted g wbytes) &&
		read -r began rest </proc/uptime &&
		{ in_guest g "while :
			do
				dd if=/dev/zero of=/flood bs=64k count=8 conv=fsync
				dd if=/dev/zero of=/more bs=64k count=8 oflag=direct
				dd if=/flood of=/dev/null bs=64k iflag=direct
			done" 2>/dev/null & } && flood=$! &&
		until others_work && wrote=$(($(counted g wbytes) - before)) &&
			test $wrote -ge 4194304
		do
			kill -0 $flood || return 1
		done &&
		read -r ended rest </proc/uptime && kill -0 $flood &&
		test_note "$fstype: $wrote bytes in $((${ended%.*} - ${began%.*})) seconds" &&
		test $wrote -le $((2 * 262144 * (${ended%.*} - ${began%.*}))) &&
		vserver g stop && { wait $flood; test $? = 137; } && vserver n stop &&
		vtemplate check
	'
}

flood_tests ext4 "-b 4096"
kill_guests
flood_tests xfs ""
kill_guests

# cost QOS MODEL: how the kernel reckons what the disk can do, if it has a say in it at all.
cost()
{
	echo "$disk $1" >/sys/fs/cgroup/io.cost.qos && echo "$disk $2" >/sys/fs/cgroup/io.cost.model
}

# reads NAME: from the disk, for as long as the guest runs
reads()
{
	vserver "$1" exec sh -c "while dd if=/flood of=/dev/null bs=64k iflag=direct
		do
			:
		done" 2>/dev/null &
}

# ahead A B: of what both read from now on, A has four times as much as B.
ahead()
{
	first=$(counted "$1" rbytes) second=$(counted "$2" rbytes) &&
	until got=$(($(counted "$1" rbytes) - first)) && test $got -ge 8388608
	do
		sleep 0.1
	done &&
	beside=$(($(counted "$2" rbytes) - second)) && test_note "$got beside $beside" &&
	test $beside -gt 0 && test $got -ge $((beside * 4))
}

test_expect_success 'by io.weight two share a disk that is not enough for both' '
	test_pool ext4 && vtemplate import t tree && disk=$(mountpoint -d "$POOL_MOUNT") &&
	a_guest g io.weight=1000 &&
	a_guest n io.weight=100 && vserver g start && vserver n start &&
	limit_is g io.weight "default 1000" && effective n io.weight "default 100" &&
	for name in g n
	do
		in_guest $name "dd if=/dev/zero of=/flood bs=64k count=16 conv=fsync" || return 1
	done &&
	cost "enable=1 ctrl=user rpct=0 rlat=0 wpct=0 wlat=0 min=100 max=100" \
		"ctrl=user model=linear rbps=1000000 rseqiops=1000 rrandiops=1000 \
			wbps=1000000 wseqiops=1000 wrandiops=1000" &&
	reads g && reads n && ahead g n
'

test_expect_success 'and by another from the moment it is set' '
	vserver g set io.weight=100 && vserver n set io.weight=1000 && ahead n g
'

test_expect_success 'without one they are alike again' '
	vserver g set io.weight= && vserver n set io.weight= && limit_is g io.weight "default 100" &&
	test_must_fail ahead n g && cost "enable=0" "ctrl=auto"
'
kill_guests

test_expect_success TMPFS 'a pool that is on no disk has no limit for it' '
	mkdir m && mount -t tmpfs none m && COWLINK_POOL=$PWD/m/pool && export COWLINK_POOL &&
	POOL=$COWLINK_POOL && vtemplate init && vtemplate import t tree &&
	a_guest n io.max=rbps=1M && test_must_fail vserver n start 2>err && cat err &&
	test_grep "cannot set io.max: the pool.s filesystem is on no disk" err &&
	umount m
'

test_done
