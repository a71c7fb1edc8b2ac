# shellcheck shell=sh disable=SC2016 # probes are evaluated later
# SPDX-License-Identifier: GPL-2.0-only
#
# The test library. A test script is
#
#	#!/bin/sh
#	test_description='unify: content that changed after hashing is left alone'
#	. "$(dirname "$0")/lib-test.sh"
#	test_expect_success XFS 'writer between hash and link wins' '
#		test_pool xfs &&
#		...
#	'
#	test_done
#
# and runs by itself (./t0001-x.sh [-v] [-x] [-i]) or by tools/run-tests. It
# writes TAP to standard output. Bodies are run in this shell, in the trash
# directory $TRASH; each must be one && chain, which is verified. What a body
# prints appears only when it fails, or with -v. -x traces, -i stops at the first
# failure. tests/README lists the functions and the environment.

# --- set-up -------------------------------------------------------------------

set -u
umask 022
LC_ALL=C TZ=UTC
export LC_ALL TZ
unset COWLINK_POOL COWLINK_FAULT COWLINK_FAULT_COUNT CDPATH
# no test depends on this machine's
COWLINK_VHASHIFY_CONFIG=/dev/null
export COWLINK_VHASHIFY_CONFIG

TEST_DIRECTORY=$(cd "$(dirname "$0")" && pwd) || exit 1
test -f "$TEST_DIRECTORY/lib-test.sh" ||
	TEST_DIRECTORY=${COWLINK_TESTS:?set it, $0 is not in tests/}
TEST_SCRIPT=$TEST_DIRECTORY/$(basename "$0")
test -f "$TEST_SCRIPT" || TEST_SCRIPT=$0
COWLINK_SRC=${COWLINK_SRC:-$(dirname "$TEST_DIRECTORY")}
COWLINK_BUILD=${COWLINK_BUILD:-$COWLINK_SRC/build}
export TEST_DIRECTORY COWLINK_SRC COWLINK_BUILD

in_uml_()
{
	grep -q '^model name.*UML' /proc/cpuinfo 2>/dev/null
}

in_qemu_()
{
	grep -q 'cowlink_machine=qemu' /proc/cmdline 2>/dev/null
}

in_machine_()
{
	in_uml_ || in_qemu_
}

# As root the script runs in a mount namespace of its own, so that not even
# SIGKILL leaves a mount or a loop device behind.
if test "$(id -u)" = 0 && test -z "${TEST_UNSHARED-}" && ! in_machine_ &&
	unshare --mount --propagation private true 2>/dev/null
then
	TEST_UNSHARED=1 exec unshare --mount --propagation private \
		sh "$TEST_SCRIPT" "$@"
fi
unset TEST_UNSHARED

test_verbose=
test_trace=
test_immediate=
for test_arg
do
	case $test_arg in
	-v|--verbose) test_verbose=1 ;;
	-x) test_verbose=1 test_trace=1 ;;
	-i|--immediate) test_immediate=1 ;;
	esac
done

test_count=0
test_failures=0
test_finished=

# Beside the trash directory, so that bodies see an empty directory.
for test_base in "${TEST_TRASH_BASE-}" "$COWLINK_BUILD/trash" \
	"${TMPDIR:-/tmp}"
do
	test -n "$test_base" && mkdir -p "$test_base" 2>/dev/null &&
	TEST_PRIVATE=$(mktemp -d \
		"$test_base/$(basename "$0" .sh).XXXXXX" 2>/dev/null) && break
done
TRASH=${TEST_PRIVATE:?no place for a trash directory}/trash
mkdir "$TRASH" "$TRASH-bin" && : >"$TRASH-mounts" && cd "$TRASH" || exit 1
export TRASH
# The pool of the machine is never a test's: nothing there is found by mistake.
COWLINK_POOL=$TRASH/no-pool-was-made
export COWLINK_POOL

exec 3>&1

# --- instrumented programs ----------------------------------------------------

# valgrind and the sanitizers report into files, so that a report fails the test
# whatever exit status the test expected, and the process keeps its pid.
ASAN_OPTIONS=exitcode=98:log_path=$TRASH-report
UBSAN_OPTIONS=exitcode=98:print_stacktrace=1:log_path=$TRASH-report
TSAN_OPTIONS=exitcode=98:log_path=$TRASH-report
export ASAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS

# Tests that stop a command at each of its steps take each TEST_STRIDEth only where
# a start takes long; a prime, so that it falls on steps of each kind.
TEST_STRIDE=${TEST_STRIDE:-1}

if test "${INSTRUMENT-}" = valgrind
then
	TEST_STRIDE=31
	# "Possibly lost" is what a signal leaves: a pointer was in a register.
	for test_program in vtemplate vhashify vserver
	do
		cat >"$TRASH-bin/$test_program" <<EOF
#!/bin/sh
exec valgrind -q --error-exitcode=99 --leak-check=full \\
	--show-leak-kinds=definite,indirect \\
	--errors-for-leak-kinds=definite,indirect \\
	--child-silent-after-fork=no --log-file='$TRASH-report.%p' \\
	'$COWLINK_BUILD/$test_program' "\$@"
EOF
		chmod +x "$TRASH-bin/$test_program"
	done
elif test -n "${INSTRUMENT-}"
then
	echo "Bail out! INSTRUMENT=$INSTRUMENT is not known"
	exit 1
fi
PATH=$TRASH-bin:$COWLINK_BUILD:$COWLINK_BUILD/tests/helper:$PATH
PATH=$PATH:/usr/sbin:/sbin
export PATH

# Print and forget the reports written since the last call; 1 if there were any.
reports_taken_()
{
	test_reports=0
	for test_report in "$TRASH-report"*
	do
		# "--PID--" is valgrind's remark that it lacks a system call.
		if test -s "$test_report" &&
			grep -v '^--[0-9]*-- ' "$test_report"
		then
			test_reports=1
		fi
		rm -f "$test_report"
	done
	return $test_reports
}

# --- TAP ----------------------------------------------------------------------

say_()
{
	printf '%s\n' "$*" >&3
}

# A line for the person who reads the log.
test_note()
{
	printf '%s\n' "$*" | sed 's/^/# /' >&3
}

result_()
{
	test_count=$((test_count + 1))
	say_ "$1 $test_count - $(printf '%s' "$2" | tr '\n#' ' _')${3-}"
	test "$1" = ok || test_failures=$((test_failures + 1))
}

show_output_()
{
	sed 's/^/# /' "$TRASH-output" >&3
}

skip_reason_()
{
	test_missing=
	test_reason=
	for test_name in $(echo "$1" | tr , ' ')
	do
		case $test_name in
		!*) ! test_have_prereq "${test_name#!}" && continue ;;
		*) test_have_prereq "$test_name" && continue ;;
		esac
		test_missing=${test_missing:+$test_missing,}$test_name
	done
	test -z "$test_missing" || test_reason="needs $test_missing"
	test -n "$test_missing"
}

# REQUIRE_PREREQ="XFS,ROOT" or "all" turns these skips into failures.
skip_forbidden_()
{
	for test_name in $(echo "$test_missing" | tr , ' ')
	do
		case ,${REQUIRE_PREREQ-}, in
		*,all,*|*,"$test_name",*) return 0 ;;
		esac
	done
	return 1
}

# Would the body go on after a failed command? (117 comes from nothing else.)
chain_is_whole_()
{
	(eval "(exit 117) && $1") >/dev/null 2>&1 </dev/null
	test $? = 117
}

run_body_()
{
	test_cleanup=:
	cd "$TRASH" || return 1
	test -z "$test_trace" || set -x
	eval "$1"
	test_status=$?
	eval "$test_cleanup" || test_status=1
	{ set +x; } 2>/dev/null
	return $test_status
}

# test_expect_success [PREREQ[,PREREQ...]] TITLE BODY
test_expect_success()
{
	test_prereq=
	if test $# = 3
	then
		test_prereq=$1
		shift
	fi
	if skip_reason_ "$test_prereq"
	then
		if skip_forbidden_
		then
			result_ 'not ok' "$1"
			test_note "$test_reason, and REQUIRE_PREREQ forbids to skip"
		else
			result_ ok "$1" " # SKIP $test_reason"
		fi
		return 0
	fi
	if ! chain_is_whole_ "$2"
	then
		result_ 'not ok' "$1"
		test_note "the body is not one && chain:$2"
		return 0
	fi
	if test -n "$test_verbose"
	then
		run_body_ "$2" >&2 </dev/null
	else
		run_body_ "$2" >"$TRASH-output" 2>&1 </dev/null
	fi
	test_status=$?
	test -z "$test_verbose" || : >"$TRASH-output"
	if ! reports_taken_ >>"$TRASH-output"
	then
		test_status=1
		echo "(an instrumented program reported the above)" \
			>>"$TRASH-output"
	fi
	if test $test_status = 0
	then
		result_ ok "$1"
		return 0
	fi
	result_ 'not ok' "$1"
	test_note "$2"
	show_output_
	test -z "$test_immediate" || exit 1
	return 0
}

# Skip the whole script unless all PREREQs hold.
test_require()
{
	skip_reason_ "$1" || return 0
	if skip_forbidden_
	then
		test_expect_success "$test_missing" "prerequisites of $0" :
		test_done
	fi
	say_ "1..0 # SKIP $test_reason"
	test_finished=1
	exit 0
}

test_done()
{
	say_ "1..$test_count"
	test_finished=1
	test $test_failures = 0
	exit $?
}

# Commands to run at the end of this body, whatever its result, last first.
test_when_finished()
{
	test_cleanup="{ $*
	} && $test_cleanup"
}

# unmount_all_ [keep]: the disk images of a failure are kept.
unmount_all_()
{
	cd / || return 1
	test_unmounted=0
	while test -s "$TRASH-mounts"
	do
		test_point=$(tail -n 1 "$TRASH-mounts")
		sed '$d' "$TRASH-mounts" >"$TRASH-mounts.new"
		mv "$TRASH-mounts.new" "$TRASH-mounts"
		if test "$test_point" = "$TRASH-images" && test -n "$1"
		then
			mkdir "$TRASH-kept" &&
			cp --sparse=always "$TRASH-images"/* "$TRASH-kept/"
		fi
		# A loop device lets go of its file a little after its unmount.
		test_lazy=
		test "$test_point" != "$TRASH-images" || test_lazy=--lazy
		umount $test_lazy "$test_point" || test_unmounted=1
	done
	return $test_unmounted
}

at_exit_()
{
	test_status=$?
	trap - EXIT
	if test -z "$test_finished"
	then
		test_note "$0 ended before test_done, status $test_status"
		test "$test_status" != 0 || test_status=1
	fi
	test_keep=
	test "$test_status" = 0 || test_keep=keep
	if ! unmount_all_ "$test_keep" >"$TRASH-output" 2>&1
	then
		test_note "a file system of the test is still in use:"
		show_output_
		test_status=1
	fi
	if test $test_status = 0
	then
		chattr -R -f -i -a "$TRASH" 2>/dev/null
		rm -rf "$TEST_PRIVATE"
	else
		test_note "left for you to look at: $TRASH"
	fi
	exit $test_status
}
trap at_exit_ EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- prerequisites ------------------------------------------------------------

# test_lazy_prereq NAME COMMANDS: probed at first use, in a scratch directory.
test_lazy_prereq()
{
	eval "prereq_probe_$1=\$2"
}

test_have_prereq()
{
	eval "test_known=\${prereq_$1-}"
	if test -z "$test_known"
	then
		test_probe=
		eval "test_probe=\${prereq_probe_$1:-false}"
		if (
			rm -rf "$TRASH-probe-$1" && mkdir "$TRASH-probe-$1" &&
			cd "$TRASH-probe-$1" && eval "$test_probe"
		) >/dev/null 2>&1 </dev/null
		then
			test_known=yes
		else
			test_known=no
		fi
		eval "prereq_$1=$test_known"
	fi
	test "$test_known" = yes
}

kernel_has_()
{
	grep -qw "$1" /proc/filesystems || modprobe "$1" &&
	grep -qw "$1" /proc/filesystems
}

can_mount_()
{
	test_have_prereq ROOT && command -v "mkfs.$1" && kernel_has_ "$1"
}

test_lazy_prereq ROOT 'test "$(id -u)" = 0'
test_lazy_prereq USERNS 'unshare --user --map-root-user true'
test_lazy_prereq EXT4 'can_mount_ ext4'
test_lazy_prereq XFS 'can_mount_ xfs'
test_lazy_prereq BTRFS 'can_mount_ btrfs'
test_lazy_prereq TMPFS 'test_have_prereq ROOT && kernel_has_ tmpfs'
test_lazy_prereq OVERLAY 'test_have_prereq ROOT && kernel_has_ overlay'
test_lazy_prereq UML 'in_uml_'
test_lazy_prereq QEMU 'in_qemu_'
test_lazy_prereq VALGRIND 'command -v valgrind'
# Running under the patched kernel: a tmpfs takes the attribute.
test_lazy_prereq COWLINK '
	test_have_prereq ROOT && mkdir m && mount -t tmpfs none m && >m/f &&
	ixunlink set m/f
	status=$?
	ixunlink clear m/f
	umount m
	exit $status
'
# Our programs run some ten times slower than usual.
test_lazy_prereq INSTRUMENTED '
	test -n "${INSTRUMENT-}" ||
	grep -q fsanitize "$COWLINK_BUILD/flags"
'

# --- running under the patched kernel -------------------------------------------

# The same script again, in the machine that tests/$1 boots.
in_machine_of_()
{
	test_machine=$TEST_DIRECTORY/$1
	shift
	cd / && rm -rf "$TEST_PRIVATE"
	trap - EXIT
	cd "$TEST_DIRECTORY" || exit 1
	# shellcheck disable=SC2086 # a list of options
	exec "$test_machine" ${TEST_MACHINE_OPTIONS-} \
		--env=COWLINK_BUILD="$COWLINK_BUILD" \
		--env=INSTRUMENT="${INSTRUMENT-}" \
		--env=REQUIRE_PREREQ="${REQUIRE_PREREQ-}" \
		"$TEST_SCRIPT" "$@"
}

# test_in_uml "$@" as the first line: run this same script inside User-Mode
# Linux with the patched kernel. TEST_UML_OPTIONS are options for tests/run-uml.
test_in_uml()
{
	in_uml_ && return 0
	TEST_MACHINE_OPTIONS=${TEST_UML_OPTIONS-}
	in_machine_of_ run-uml "$@"
}

# The same with tests/run-qemu and TEST_QEMU_OPTIONS. Only for the q*.sh, which
# make check leaves out.
test_in_qemu()
{
	in_qemu_ && return 0
	command -v qemu-system-x86_64 >/dev/null || {
		echo 'no qemu-system-x86_64: run tools/bootstrap --qemu' >&2
		exit 1
	}
	TEST_MACHINE_OPTIONS=${TEST_QEMU_OPTIONS-}
	in_machine_of_ run-qemu "$@"
}

# The same with our own kernel there, of two processors, preempted: TEST_QEMU_KERNEL of
# kernel/Makefile, or the one with KASAN.
test_in_patched_qemu()
{
	in_qemu_ && return 0
	test_kernel=$(make -s --no-print-directory -C "$COWLINK_SRC/kernel" \
		"${TEST_QEMU_KERNEL:-x86}-path") || exit 1
	TEST_QEMU_OPTIONS="--kernel=$test_kernel --env=COWLINK_SLOW=6 ${TEST_QEMU_OPTIONS-}"
	test_in_qemu "$@"
}

. "$TEST_DIRECTORY/lib-test-functions.sh"
