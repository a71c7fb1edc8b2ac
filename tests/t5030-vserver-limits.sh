#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: limits by cgroup v2, and shared files, under the patched kernel'
TEST_UML_OPTIONS=--timeout=900
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

# effective NAME KEY VALUE, stored NAME KEY VALUE: as show tells
effective()
{
	vserver "$1" show --json >shown && test_json shown ".effective[\"$2\"]" "$3"
}

stored()
{
	vserver "$1" show --json >shown && test_json shown ".settings[\"$2\"]" "$3"
}

test_expect_success 'without cgroup v2 a guest runs, but not with a limit' '
	guest_pool ext4 && a_guest g && vserver g start && vserver g exec true &&
	refused 3 "cannot set pids.max: cgroup v2 is not mounted" \
		vserver g set pids.max=10 &&
	stored g pids.max null && vserver g stop && vserver g set pids.max=10 &&
	refused 3 "cannot set pids.max: cgroup v2 is not mounted" vserver g start &&
	test_expect_code 3 vserver g status && vserver g set pids.max=
'

test_expect_success 'nor held to addresses, nor frozen' '
	vserver g set ip=10.0.0.5 &&
	refused 3 "cannot restrict the network: cgroup v2 is not mounted" vserver g start &&
	vserver g set ip= && vserver g start &&
	refused 3 "cannot freeze: cgroup v2 is not mounted" vserver g freeze && vserver g stop
'

# limited NAME TEXT: with none of these namespaces the start says TEXT
limited()
{
	test_limit=/proc/sys/user/max_$1_namespaces
	test_max=$(cat "$test_limit")
	echo 0 >"$test_limit"
	refused 1 "cannot start guest 'g': cannot make $2: the kernel's limit is \
reached: raise the sysctls user.max_*_namespaces" vserver g start
	test_rc=$?
	echo "$test_max" >"$test_limit"
	return $test_rc
}

test_expect_success 'where the kernel makes no more namespaces the start says so' '
	limited user "a user namespace" && limited uts "the guest'\''s namespaces" &&
	vserver g start && vserver g stop && nothing_left g
'

# Not every kernel has these.
test_expect_success 'what the host can read and trigger by /proc the guest cannot' '
	guest_program "$POOL/guests/g/rootfs" denied && vserver g start && >file &&
	denied control file >out && test_grep "^sysrq done" out &&
	in_guest g "mkdir -p /tmp; denied" >out && test_grep "^sysrq EACCES" out &&
	denied read /proc/kcore /proc/timer_list >out && test "$(grep -c "done$" out)" = 2 &&
	in_guest g "denied read /proc/kcore /proc/timer_list" >out && ! grep "done$" out &&
	test "$(wc -l <out)" = 2 && vserver g stop
'

test_expect_success 'limits are set at the start, and shown as the kernel has them' '
	mount -t cgroup2 none /sys/fs/cgroup &&
	echo /sys/fs/cgroup >>"$TRASH-mounts" &&
	vserver g set memory.max=32M memory.high=max memory.low=4K pids.max=20 \
		cpu.weight=50 rlimit.nofile=64:128 &&
	vserver g start && limit_is g memory.max 33554432 &&
	limit_is g pids.max 20 && limit_is g cpu.weight 50 &&
	effective g memory.max 33554432 && effective g memory.low 4096 &&
	effective g memory.high max && effective g rlimit.nofile 64:128 &&
	in_guest g "ulimit -n; ulimit -Hn" >out && printf "64\n128\n" >expected &&
	test_cmp expected out
'

test_expect_success 'a limit changes at once, and what the kernel refuses is not stored' '
	vserver g set pids.max=30 && limit_is g pids.max 30 && stored g pids.max 30 &&
	vserver g set cpu.weight= && limit_is g cpu.weight 100 &&
	refused 3 "cannot set cpu.max: this kernel has no such limit" \
		vserver g set cpu.max="50000 100000" &&
	refused 3 "cannot set cpuset.cpus: cgroup v2 has no controller" \
		vserver g set cpuset.cpus=0 &&
	refused 3 "cannot set io.max: this kernel has no such limit" \
		vserver g set io.max=rbps=1M &&
	stored g cpu.max null && stored g cpuset.cpus null && stored g io.max null &&
	vserver g set memory.min=8K memory.oom.group=1 && limit_is g memory.min 8192 &&
	limit_is g memory.oom.group 1 && vserver g set memory.min= memory.oom.group= &&
	limit_is g memory.min 0 && limit_is g memory.oom.group 0 &&
	vserver g set rlimit.core=0 && effective g rlimit.core 0:0
'

test_expect_success 'a start that cannot have its limit fails, and leaves nothing' '
	vtemplate clone t h && vserver h set cpu.max="50000 100000" &&
	refused 3 "cannot start guest '\''h'\'': cannot set cpu.max: this kernel" \
		vserver h start &&
	test_path_missing "$(cgroup_of h)" && vtemplate destroy h
'

# refused_forks NAME COUNT: a pattern for how often; before Linux 6.11 the kernel counts
# where the fork was, and not where the limit is.
refused_forks()
{
	cat "$(cgroup_of "$1")/pids.events" "$(cgroup_of "$1")"/*/pids.events |
		grep "^max $2"
}

test_expect_success 'a fork bomb hits its limit, not the host' '
	{ in_guest g "for i in \$(seq 100); do sleep 100 & done" >out 2>&1 || :; } &&
	test_grep "[Rr]esource temporarily unavailable" out &&
	refused_forks g "[1-9]" &&
	test "$(cat "$(cgroup_of g)/pids.current")" -le 30 && vserver g restart &&
	limit_is g pids.current 1
'

# bombed COMMAND: while as many processes as there may be make more, or try to, stop ends.
bombed()
{
	{ vserver g exec sh -c "$1" >out 2>&1 & } && bomb=$! &&
	until refused_forks g "[1-9][0-9]"
	do
		sleep 0.1
	done &&
	vserver g stop && { wait $bomb; :; } && nothing_left g && vserver g start
}

test_expect_success 'nor does one that goes on hold up stop' '
	guest_program "$POOL/guests/g/rootfs" hoard && bombed "b() { b | b & }; b" &&
	bombed "hoard bomb" && vserver g set stop.timeout=2 && bombed "hoard bomb" &&
	vserver g set stop.timeout=0 && limit_is g pids.current 1
'

test_expect_success 'who starts a guest keeps nothing of it from the OOM killer, nor nearer' '
	for near in -1000 500
	do
		vserver g stop && choom -n $near -- vserver g start &&
		cat "/proc/$(pid_of g)/oom_score_adj" >out && test_contents out 0 || return 1
	done
'

test_expect_success 'a memory bomb is killed, the host is not' '
	{ in_guest g "head -c 60000000 /dev/zero | tail -c 59999999 | wc -c" >out || :; } &&
	! grep 59999999 out && cat "$(cgroup_of g)/memory.events" &&
	grep "^oom_kill [1-9]" "$(cgroup_of g)/memory.events"
'

# By name it has only what was handed to it; by descriptor the limits above, too.
test_expect_success 'the guest cannot raise its limits' '
	printf "/sys/fs/cgroup/./%s\n" cgroup.procs cgroup.subtree_control cgroup.threads >expected &&
	vserver g restart && guest_program "$POOL/guests/g/rootfs" escapes &&
	in_guest g "escapes writable /sys/fs/cgroup/." >out && cat out &&
	grep -v "^of " out | sort >found && test_cmp expected found &&
	test "$(sed -n "s/^of //p" out)" -ge 10 &&
	test_must_fail in_guest g "echo +io >/sys/fs/cgroup/cgroup.subtree_control" &&
	test_path_exists "$(cgroup_of g)/memory.max" && limit_is g pids.max 30 &&
	in_cgroup_of g escapes slice 9 "$(basename "$(cgroup_of g)")" keepers \
		>out 9<"$(dirname "$(cgroup_of g)")" && ! grep "^limits-writes" out &&
	test_grep "^own-moves done" out
'

# The kernel counts them for the user who made the namespace, too.
test_expect_success 'inotify instances of a guest are not those of root' '
	max=$(cat /proc/sys/fs/inotify/max_user_instances) && mkfifo told &&
	echo 20 >/proc/sys/fs/inotify/max_user_instances &&
	guest_program "$POOL/guests/g/rootfs" watchers &&
	{ vserver g exec watchers 50 hold >told & } && read -r count <told &&
	test "$count" = 20 && watchers 50 >out && test_contents out 20 &&
	vserver g exec watchers 50 >out && test_contents out 0 &&
	echo "$max" >/proc/sys/fs/inotify/max_user_instances &&
	vserver g restart && { wait $!; test $? = 137; }
'

# hoarded COMMAND...: while all files that g can open are open; "processes", "files", and
# why there are no more, are set.
hoarded()
{
	rm -f told && mkfifo told && guest_program "$POOL/guests/g/rootfs" hoard &&
	{ vserver g exec hoard /etc/passwd hold >told 2>&1 & } &&
	read -r processes files no_fork no_open <told && "$@" &&
	echo "$processes $files $no_fork $no_open" && vserver g restart && { wait $!; :; }
}

opens_files()
{
	exec 9</etc/passwd && exec 9<&- && cat /proc/sys/fs/file-nr
}

# Of 64 each has three and a pipe already, and process 1 and the first one are there.
test_expect_success 'all open files are those of all processes' '
	vserver g restart && hoarded opens_files && test "$no_fork $no_open" = "EAGAIN EMFILE" &&
	test "$processes" -gt 20 && test "$processes" -le 28 &&
	test "$files" = $((processes * 59))
'

opens_files_and_may()
{
	opens_files && echo "$max" >/proc/sys/fs/file-max
}

# What the kernel has for all is smaller here than what the guest may take. The root of the
# host has more.
test_expect_success 'who takes all files that the kernel has leaves some for root' '
	max=$(cat /proc/sys/fs/file-max) && vserver g restart &&
	test_when_finished "echo $max >/proc/sys/fs/file-max" &&
	echo 800 >/proc/sys/fs/file-max && hoarded opens_files_and_may &&
	test "$no_open" = ENFILE && test "$files" -lt 800 && vserver g exec cat /etc/passwd
'

# used NAME: processor time of a guest in microseconds
used()
{
	sed -n "s/^usage_usec //p" "$(cgroup_of "$1")/cpu.stat"
}

# burn NAME: it does nothing but that; returns when it has begun
burn()
{
	{ in_guest "$1" "echo >/tmp/burns; while :; do :; done" & }
	until test -e "$POOL/guests/$1/rootfs/tmp/burns"; do sleep 0.1; done
}

test_expect_success 'who burns all there is leaves a neighbour its share' '
	vtemplate clone t n && vserver n set init="/bin/sleep 10000" stop.timeout=0 \
		cpu.weight=1000 && vserver n start && vserver g set cpu.weight=10 &&
	burn g && burn n && of_g=$(used g) && of_n=$(used n) &&
	until test $(($(used n) - of_n)) -gt 2000000; do sleep 0.1; done &&
	of_g=$(($(used g) - of_g)) && of_n=$(($(used n) - of_n)) && echo "$of_g $of_n" &&
	test $((of_g * 5)) -lt $of_n && vserver g exec true &&
	vserver n stop && vtemplate destroy n && vserver g restart && wait
'

test_expect_success 'a write in the guest breaks the link, from inside too' '
	vtemplate clone t h && root=$POOL/guests/g/rootfs &&
	test_same_inode "$root/bin/busybox" "$POOL/guests/h/rootfs/bin/busybox" &&
	test_snapshot "$POOL/templates/t" && test_snapshot "$POOL/guests/h" &&
	in_guest g "echo changed >/etc/file && chmod 4755 /bin/busybox &&
		chown 1:1 /etc/passwd" &&
	test_contents "$root/etc/file" changed &&
	stat -c "%u %a" "$root/bin/busybox" >out && test_contents out "0 4755" &&
	test_unchanged "$POOL/templates/t" && test_unchanged "$POOL/guests/h"
'

test_expect_success 'not even after its own name is gone' '
	vserver g stop && vtemplate destroy g && vtemplate clone t k &&
	vserver k set init="/bin/sleep 1000" stop.timeout=0 && vserver k start &&
	in_guest k "exec 3</etc/file && rm /etc/file &&
		{ echo bad >/proc/self/fd/3; chmod 4777 /proc/self/fd/3; cat <&3; }" &&
	test_unchanged "$POOL/templates/t" && test_unchanged "$POOL/guests/h" &&
	vserver k stop && vtemplate check
'

test_done
