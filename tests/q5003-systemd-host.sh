#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: a host with systemd, its units and its cgroups

Debian 12 boots as the host: guests that start with it, in order and by name, guests that
units start and stop, limits beside those that systemd sets, and how all of it goes down.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"
. "$TEST_DIRECTORY/lib-systemd-host.sh"

test_require ROOT
system_trees DEBIAN12=boot-debian12
test_in_qemu "$@"

# has_guest NAME [KEY=VALUE...]: clone one that sleeps until it is asked to stop
has_guest()
{
	test_name=$1
	shift
	vtemplate clone t "$test_name" &&
	vserver "$test_name" set init="/bin/sleep 10000" init.style=reap "$@"
}

# --- before it boots ------------------------------------------------------------------

few_programs()
{
	mkdir -p tree/bin tree/root tree/proc tree/sys tree/dev && cp /bin/busybox tree/bin/ &&
	for applet in sh sleep poweroff
	do
		ln -s busybox "tree/bin/$applet" || return 1
	done
}

prepare()
{
	HOST_OPTIONS=$*
	test_expect_success 'a host of Debian 12 where this is installed' '
		host_tree "$DEBIAN12/root.tar" && mkdir -p "$HOST/etc/cowlink/hooks" &&
		for stage in post-start post-stop
		do
			printf "#!/bin/sh\necho \"\$1 \$2\" >>/run/turns\n" \
				>"$HOST/etc/cowlink/hooks/$stage" &&
			chmod 755 "$HOST/etc/cowlink/hooks/$stage" || return 1
		done
	'
	test_expect_success 'it has guests, some of which start with it' '
		POOL=$HOST/var/lib/cowlink && test_mount xfs 320M "$POOL" &&
		COWLINK_POOL=$POOL && export COWLINK_POOL && vtemplate init && few_programs &&
		vtemplate import t tree && has_guest a autostart=20 && has_guest b autostart=10 &&
		has_guest named && has_guest one && has_guest hand &&
		for name in a b
		do
			seq 100000 >"$POOL/guests/$name/rootfs/root/numbers" || return 1
		done &&
		host_enable vserver.target vserver.service vserver@named.service vhashify.timer
	'
	host_boots
}

# --- while it runs --------------------------------------------------------------------

# is UNIT STATE: to systemd
is()
{
	test_found=$(systemctl is-active "$1")
	test "$test_found" = "$2" || {
		systemctl --no-pager --full status "$1" >&2
		complain_ "$1 is $test_found, not $2"
	}
}

is_down()
{
	test_expect_code 3 vserver "$1" status
}

# turns FILE [NAME...]: what hooks wrote of these guests
turns()
{
	test_file=$1
	shift
	sed -E -n "/ ($(echo "$@" | tr " " "|"))\$/p" /run/turns >test_turns &&
	test_cmp "$test_file" test_turns
}

# until_down NAME: it has ended by itself, and is forgotten
until_down()
{
	test_tries=0
	while vserver "$1" status >/dev/null || test -e "$(cgroup_of "$1")"
	do
		test $test_tries -lt 200 || complain_ "'$1' is still there" || return 1
		test_tries=$((test_tries + 1))
		sleep 0.5
	done
}

boot_points()
{
	test_expect_success 'process 1 is systemd, has the cgroups, and nothing has failed' '
		cat /proc/1/comm >out && test_contents out systemd &&
		cat /proc/1/cgroup >out && test_contents out 0::/init.scope &&
		{ systemctl is-system-running --wait >out || systemctl --failed --no-pager; } &&
		test_contents out running
	'
	test_expect_success 'guests with autostart have started in order, and one by its unit' '
		printf "post-start %s\n" b a >wanted && cat /run/turns && turns wanted a b &&
		vserver a status && vserver b status && vserver named status && is_down one &&
		is vserver.target active && is vserver.service active &&
		is vserver@named.service active && is vhashify.timer active
	'
	test_expect_success 'systemd finds no fault in the units' '
		units=$(dirname "$(find /usr -name vserver.target)") && ls "$units" &&
		(cd "$units" && systemd-analyze verify --man=no ./*.target ./*.timer ./*.service \
			./*.slice vserver@one.service) 2>err && cat err && ! test -s err
	'
}

unit_points()
{
	test_expect_success 'a unit starts a guest, and has no process itself' '
		systemctl start vserver@one && is vserver@one active && vserver one status &&
		systemctl --no-pager status vserver@one && pid=$(pid_of one) &&
		grep "^0::/vserver.slice/.*/guest\$" "/proc/$pid/cgroup" &&
		systemctl show -P MainPID vserver@one >out && test_contents out 0
	'
	test_expect_success 'and stops it, and nothing is left' '
		systemctl stop vserver@one && is vserver@one inactive && nothing_of one &&
		process_ended "$pid" && test -z "$(pgrep -f "vserver-keeper [0-9]+ one")" &&
		printf "%s one\n" post-start post-stop >wanted && turns wanted one
	'
	test_expect_success 'what else systemctl does to the unit does nothing to the guest' '
		pid=$(pid_of named) && systemctl kill -s KILL vserver@named && systemctl daemon-reload &&
		systemctl reset-failed && vserver named status && test "$(pid_of named)" = "$pid"
	'
	test_expect_success 'restart of the unit is one of the guest' '
		pid=$(pid_of named) && systemctl restart vserver@named && vserver named status &&
		test "$(pid_of named)" != "$pid" && process_ended "$pid"
	'
	test_expect_success 'a guest that is stopped by vserver: the unit stays active' '
		systemctl start vserver@one && vserver one stop && nothing_of one &&
		is vserver@one active && systemctl start vserver@one && is_down one &&
		systemctl restart vserver@one && vserver one status && is vserver@one active
	'
	test_expect_success 'and one that powers off' '
		vserver one exec poweroff -f && until_down one && nothing_of one &&
		is vserver@one active && systemctl stop vserver@one && is vserver@one inactive
	'
	test_expect_success 'a unit whose guest runs already fails, and it runs on' '
		vserver one start && pid=$(pid_of one) && test_must_fail systemctl start vserver@one &&
		is vserver@one failed && journalctl -u vserver@one >out && cat out &&
		test_grep "is running already" out && test "$(pid_of one)" = "$pid" &&
		systemctl reset-failed && vserver one stop
	'
	test_expect_success 'so does one without a guest, and says why' '
		test_must_fail systemctl start vserver@nobody && is vserver@nobody failed &&
		journalctl -u vserver@nobody >out && test_grep "nobody" out && systemctl reset-failed
	'
}

limits_of()
{
	(cd "$(cgroup_of "$1")" && grep . memory.max pids.max cpu.weight cpuset.cpus io.max)
}

# limits_hold: those of "a" are what they were, for the kernel and for vserver, which can
# run something in it
limits_hold()
{
	limits_of a >found
	test_cmp limits found && vserver a show --json | jq .effective >found &&
	test_cmp effective found &&
	vserver a exec sh -c :
}

cgroup_points()
{
	test_expect_success 'a guest has limits in vserver.slice' '
		vserver a set memory.max=64M pids.max=50 cpu.weight=70 cpuset.cpus=0 \
			io.max="rbps=50M" && cgroup=$(cgroup_of a) &&
		test "${cgroup#/sys/fs/cgroup/vserver.slice/}" != "$cgroup" &&
		limits_of a >limits && cat limits && test "$(wc -l <limits)" = 5 &&
		vserver a show --json | jq .effective >effective && limits_hold
	'
	test_expect_success 'they hold while units with limits come and go' '
		systemd-run --unit=other --quiet -p MemoryMax=32M -p CPUWeight=50 -p IOWeight=50 \
			-p AllowedCPUs=1 -p TasksMax=9 sleep 10000 && is other.service active &&
		limits_hold && systemctl stop other && limits_hold && vserver one start &&
		limits_hold && vserver one stop && limits_hold
	'
	test_expect_success 'and when systemd reads its units again, and executes itself again' '
		systemctl daemon-reload && limits_hold && systemctl daemon-reexec && limits_hold
	'
	test_expect_success 'and when the slice has limits of its own' '
		systemctl set-property vserver.slice MemoryMax=1G CPUWeight=50 && limits_hold &&
		systemctl start vserver.slice && limits_hold &&
		cat /sys/fs/cgroup/vserver.slice/memory.max >out && test_contents out 1073741824 &&
		mkdir -p /etc/systemd/system/vserver.slice.d &&
		printf "[Slice]\nTasksMax=500\n" >/etc/systemd/system/vserver.slice.d/tasks.conf &&
		systemctl daemon-reload && limits_hold &&
		cat /sys/fs/cgroup/vserver.slice/pids.max >out && test_contents out 500
	'
	test_expect_success 'and when somebody wants to stop the slice, or reverts it' '
		test_must_fail systemctl stop vserver.slice && limits_hold &&
		systemctl revert vserver.slice && systemctl daemon-reload && limits_hold
	'
	test_expect_success 'and where nobody has enabled vserver.service' '
		systemctl --quiet disable vserver.service && : >/run/turns &&
		systemctl stop vserver.service && printf "post-stop %s\n" a b >wanted &&
		turns wanted a b && vserver a start && limits_hold &&
		systemctl set-property vserver.slice MemoryMax=1G && systemctl start vserver.slice &&
		limits_hold && systemctl revert vserver.slice && limits_hold &&
		systemctl --quiet enable --now vserver.service && is vserver.service active &&
		vserver b status && systemctl restart vserver@named && limits_hold
	'
	test_expect_success 'without a process of ours they run on, and can be stopped and started' '
		pid=$(pid_of a) && pkill -KILL -f "vserver-keeper [0-9]+ " &&
		! pgrep -f "vserver-keeper [0-9]+ " &&
		limits_hold && test "$(pid_of a)" = "$pid" && vserver a stop && nothing_of a &&
		systemctl restart vserver@named && vserver named status && vserver a start && limits_hold
	'
}

nightly_points()
{
	test_expect_success 'vhashify.service shares what is equal in guests' '
		systemctl start vhashify.service && systemctl show -P Result vhashify >out &&
		test_contents out success && is vhashify.timer active &&
		vhashify history --json >out && test_json out ".runs | length" 1 &&
		test_json out ".runs[0].status" 0 && test_json out ".runs[0].shared_files" 1
	'
}

case $HOST_STAGE in
prepare)
	prepare "$@"
	;;
running)
	boot_points
	unit_points
	cgroup_points
	nightly_points
	test_expect_success 'before it goes down: one runs that nobody will start again' '
		vserver hand start && : >/run/turns
	'
	host_goes_down
	;;
esac

# --- when it has gone down ------------------------------------------------------------

test_expect_success 'guests stopped in order, and no other' '
	cat /run/turns && grep -v named /run/turns >found &&
	printf "post-stop %s\n" hand a b >wanted && test_cmp wanted found &&
	grep named /run/turns >found && test_contents found "post-stop named"
'
test_expect_success 'nothing was left of them, and the pool is not in use' '
	test -z "$(ls /run/vserver)" && cat /proc/mounts && ! grep cowlink /proc/mounts
'
test_done
