#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver-stat: what guests use, under the patched kernel with cgroup v2'
TEST_UML_OPTIONS=--timeout=900
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require COWLINK,EXT4,BUSYBOX

test_expect_success 'without cgroup v2 it says so, and lists what runs' '
	guest_pool ext4 && a_guest a && a_guest b && a_guest c && vserver a start &&
	vserver-stat >out 2>err && test_grep "cgroup v2 is not mounted" err &&
	test_grep " -  *-  *-  *-  *-  *-  *-  *[0-9]*m[0-9]*s  a$" out &&
	vserver-stat --json >out && test_json out .cgroup2 false &&
	test_json out "[.guests[].name] | join(\" \")" a &&
	test_json out ".guests[0].memory_bytes" null && vserver a stop
'

tables()
{
	grep -c CONTEXT table
}

test_expect_success 'a table begun before the first guest counts it when it comes' '
	mount -t cgroup2 none /sys/fs/cgroup && echo /sys/fs/cgroup >>"$TRASH-mounts" &&
	test_path_missing /sys/fs/cgroup/vserver.slice &&
	{ vserver-stat --interval=1 --count=60 >table 2>err & } && table=$! &&
	until test -s table; do sleep 0.1; done && vserver a start &&
	until grep " 28672  *1 .*m[0-9]*s .* a$" table
	do
		test "$(tables)" -lt 60 && sleep 0.1 || return 1
	done &&
	kill $table && test "$(grep -c "no guest was started" err)" = 1 && ! wait $table
'

test_expect_success 'memory and processes are those of the kernel' '
	vserver b start &&
	in_guest b "sleep 1000 & sleep 1000 & dd if=/dev/zero of=/dev/shm/x bs=1M count=8" &&
	vserver-stat --json >out && test_json out "[.guests[].name] | join(\" \")" "a b" &&
	test_json out ".guests[0].processes" 1 && test_json out ".guests[1].processes" 3 &&
	test_json out ".guests[1].memory_bytes > 8000000" true &&
	test_json out ".guests[0].memory_bytes < 8000000" true &&
	test_json out ".guests[0].pid" "$(pid_of a)" && test_json out ".guests[0].frozen" false &&
	test_json out ".guests[1].cpu_us > 0" true && test_json out .cgroup2 true &&
	test_json out ".guests[0].uptime_s < 1000" true
'

test_expect_success 'the table, once, and as often as it is asked for' '
	vserver a freeze && vserver-stat >out 2>err && test "$(wc -l <out)" = 3 &&
	test_grep "a (frozen)$" out && test_grep " 3 .*  b$" out &&
	vserver a thaw && vserver-stat --interval=1 --count=2 >out && test "$(wc -l <out)" = 6 &&
	tail -n 1 out >last && test_grep " [0-9]*\.[0-9] .*  b$" last &&
	on-pty -- vserver-stat --count=2 --interval=1 >out && grep -c "$(printf "\033")" out
'

test_expect_success 'a controller that there is not is named' '
	cat /sys/fs/cgroup/cgroup.controllers >have && vserver-stat >out 2>err &&
	for controller in pids memory io
	do
		if grep -qw $controller have
		then
			! grep "no controller .$controller." err || return 1
		else
			test_grep "no controller .$controller." err || return 1
		fi
	done
'

kill_guests
test_done
