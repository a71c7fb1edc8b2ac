# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Stop a command at each of its effects, one after the other. Sourced after
# lib-test.sh.

# More steps than any command on a small tree has: a loop that does not end fails.
STEPS_MAX=${STEPS_MAX-2000}

# consistent: check finds nothing that counts.
consistent()
{
	vtemplate check >check.out 2>check.err || {
		cat check.out check.err >&2
		return 1
	}
}

# mended: repair succeeds, and then there is nothing left to find.
mended()
{
	vtemplate check --repair >repair.out 2>&1 || {
		cat repair.out >&2
		return 1
	}
	consistent && nothing_in_staging
}

nothing_in_staging()
{
	test -z "$(ls -A "$COWLINK_POOL/staging")" || {
		ls -A "$COWLINK_POOL/staging" >&2
		complain_ "staging is not empty"
	}
}

# tree_state KIND NAME: "absent" or "ready", as list says after recovery; fails
# for anything between, and when directory and row disagree.
tree_state()
{
	found=$(vtemplate list --json |
		jq -r ".$1s[] | select(.name == \"$2\") | .state") || return 1
	case $found in
	'')
		test_path_missing "$COWLINK_POOL/$1s/$2" && echo absent ;;
	ready)
		test_path_exists "$COWLINK_POOL/$1s/$2/rootfs" && echo ready ;;
	*)
		complain_ "$1 $2 is '$found'" ;;
	esac
}

# sweep FAULT STATUS BEFORE AFTER COMMAND...: for N = 1, 2, ... run BEFORE, then
# COMMAND with COWLINK_FAULT=FAULT (N for %), which ends with STATUS, then AFTER;
# until COMMAND succeeds because it has no Nth effect. Each step is named when it
# fails. An error that a command can live without ends in success, too; so the
# loop goes on until the effects are counted to the end. SWEEP_FROM steps are left
# out, for those that another sweep has seen; of the rest each TEST_STRIDEth is taken.
sweep()
{
	sweep_fault=$1 sweep_status=$2 sweep_before=$3 sweep_after=$4
	shift 4
	$sweep_before &&
	COWLINK_FAULT=count COWLINK_FAULT_COUNT=$TRASH/effects "$@" >out 2>&1 || {
		cat out >&2
		return 1
	}
	sweep_total=$(cat "$TRASH/effects")
	test "$sweep_total" -gt 0 && test "$sweep_total" -lt "$STEPS_MAX" ||
		complain_ "$sweep_total effects" || return 1
	$sweep_after || return 1
	sweep_n=$((${SWEEP_FROM-0} + 1))
	while test $sweep_n -le "$sweep_total"
	do
		sweep_step "$@" || complain_ "at step $sweep_n of $sweep_total" ||
			return 1
		sweep_n=$((sweep_n + TEST_STRIDE))
	done
	test_note "each ${TEST_STRIDE}th of $sweep_total steps"
}

sweep_step()
{
	$sweep_before || return 1
	(
		COWLINK_FAULT=$(echo "$sweep_fault" | sed "s/%/$sweep_n/")
		export COWLINK_FAULT
		exec "$@"
	) >out 2>&1
	sweep_rc=$?
	if test $sweep_rc != "$sweep_status" && test $sweep_rc != 0
	then
		cat out >&2
		complain_ "status $sweep_rc"
		return 1
	fi
	test $sweep_rc != 0 || test "$sweep_status" != 137 ||
		complain_ "was not killed" || return 1
	$sweep_after
}

# every N SWEEP...: only each Nth of the steps, unless time is no matter.
every()
{
	test_stride=$TEST_STRIDE
	test -n "${COWLINK_LONG_TESTS-}" || TEST_STRIDE=$((TEST_STRIDE * $1))
	shift
	sweep "$@"
	test_rc=$?
	TEST_STRIDE=$test_stride
	return $test_rc
}
