# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests that are whole systems and boot by their own init. Sourced after lib-guest.sh.

# system_trees VARIABLE=RECIPE...: before test_in_qemu or test_in_uml, since outside is the
# network that tools/debian-tree needs. The variables then hold the directories of the trees,
# there and outside.
system_trees()
{
	! in_qemu_ && ! in_uml_ || return 0
	for wanted in "$@"
	do
		tree=$("$COWLINK_SRC/tools/debian-tree" \
			"$TEST_DIRECTORY/fixtures/recipe-${wanted#*=}") || exit 1
		eval "${wanted%%=*}=\$tree"
		test_options="--bind=$tree --env=${wanted%%=*}=$tree"
		TEST_QEMU_OPTIONS="${TEST_QEMU_OPTIONS-} $test_options"
		TEST_UML_OPTIONS="${TEST_UML_OPTIONS-} $test_options"
	done
}

# a_system TEMPLATE NAME STYLE [KEY=VALUE...]: a clone for the init of that style, which
# has the time to stop that it takes here.
a_system()
{
	test_name=$2 test_style=$3
	vtemplate clone "$1" "$2" && shift 3 || return 1
	vserver "$test_name" set init.style="$test_style" stop.timeout=900 "$@" || return 1
	test "$test_style" != systemd || vserver "$test_name" set init=/lib/systemd/systemd
}

# until_in_guest NAME COMMAND...: it is true there, or the guest has ended.
until_in_guest()
{
	test_name=$1
	shift
	until vserver "$test_name" exec "$@" >/dev/null 2>&1
	do
		vserver "$test_name" status >/dev/null || return 1
		sleep 1
	done
}

# has_booted NAME STYLE: to the end, and nothing in it has failed.
has_booted()
{
	"booted_by_$2_" "$1" || {
		vserver "$1" log >&2
		return 1
	}
}

booted_by_systemd_()
{
	until_in_guest "$1" test -S /run/systemd/private || return 1
	test_found=$(vserver "$1" exec systemctl is-system-running --wait)
	test_failed=$(vserver "$1" exec systemctl --no-legend --plain --failed) &&
	test "$test_found,$test_failed" = running, ||
		complain_ "it is $test_found, failed: $test_failed"
}

# All the scripts of a runlevel are started by rc, whose end is that of the boot, and whose
# startpar tells which of them have failed.
booted_by_sysvinit_()
{
	until_in_guest "$1" sh -c 'runlevel | grep -qx "[NS] 2" && ! pgrep -x "rc|startpar"' &&
	vserver "$1" log >booted && grep -a "Entering runlevel: 2" booted &&
	! grep -a "returned failure\|failed!" booted
}

# until_restarted NAME PID: it runs, and its process 1 is another than that one was.
until_restarted()
{
	until test_found=$(pid_of "$1") && test "$test_found" -gt 0 && test "$test_found" != "$2"
	do
		test -n "$(keepers)" || vserver "$1" status || return 1
		sleep 1
	done 2>/dev/null
}

# goes_down NAME: by itself, and nothing of it is left.
goes_down()
{
	test_pid=$(pid_of "$1") && vserver "$1" stop 2>stopped && cat stopped &&
	! grep "was killed" stopped && process_ended "$test_pid" && nothing_of "$1"
}
