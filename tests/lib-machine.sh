# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What run-uml and run-qemu have in common; sourced after "set -eu". The one who
# sources it parses its arguments with machine_option, calls machine_begin, starts
# the machine as a process group of its own with the leader in $machine_pid, and
# ends with machine_end. A machine writes its kernel log to $run/log and the exit
# status of the script to $run/status; machine-init is its first process.

me=$(basename "$0")
here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
kver=${KVER:-6.1} kernel='' mem='' timeout='' keep_log='' append=''
allow='' allow_warnings='' interactive='' disks='' envs='' binds='' processors=''
run='' machine_pid='' watchdog=''

machine_help() {	# WHAT-IS-BOOTED FIRST-DISK SECOND-DISK
	cat <<END
Usage: $me [OPTION]... SCRIPT [ARG]...

Boots the kernel with the host's root read-only, tmpfs over /tmp /run /var/tmp
/mnt /root /dev/shm, and runs SCRIPT as root in the current directory. Its
output comes out on stdout, its exit status becomes ours.

  --kver=VERSION     kernel to build and boot (\$KVER, else 6.1)
  --kernel=FILE      boot this $1 instead
  --mem=SIZE         memory ($mem)
  --timeout=SECONDS  give up after that ($timeout)
  --disk=FILE        read-write disk $2; again: $3, ...
  --env=NAME=VALUE   set a variable; COWLINK_* VERBOSE HARNESS_ACTIVE
                     REQUIRE_PREREQ and PATH are passed anyway
  --bind=DIR         keep this host directory visible (read-only) although it
                     is below one of those that tmpfs covers; the current
                     directory, SCRIPT's and the source tree are kept anyway
  --keep-log=FILE    copy the kernel log there
  --append=TEXT      more for the kernel command line
  --allow=REGEX      lines of the kernel log with that are no warnings
  --allow-warnings   do not look for warnings in the kernel log
  --interactive      a shell on this terminal instead of SCRIPT

Exit status: SCRIPT's; 124 timeout; 125 the kernel did not start or died; 126
the kernel log has a warning. For these the end of the log is on stderr.
END
}

die() {
	echo "$me: $*" >&2
	exit 125
}

# Quote for a shell, so that any byte but NUL survives.
quote() {
	printf "'"
	printf '%s' "$1" | sed "s/'/'\\\\''/g"
	printf "'"
}

add_disk() {
	[ -f "$1" ] || die "disk '$1' is not a file"
	disks="$disks $(realpath "$1")"
}

# One argument that begins with "-".
machine_option() {
	case $1 in
	--kver=*) kver=${1#*=} ;;
	--kernel=*) kernel=${1#*=} ;;
	--mem=*) mem=${1#*=} ;;
	--timeout=*) timeout=${1#*=} ;;
	--disk=*) add_disk "${1#*=}" ;;
	--env=*) envs="$envs export $(quote "${1#*=}");" ;;
	--bind=*) binds="$binds $(quote "$(realpath "${1#*=}")")" ;;
	--keep-log=*) keep_log=${1#*=} ;;
	--append=*) append=${1#*=} ;;
	--allow=*) allow=${1#*=} ;;
	--allow-warnings) allow_warnings=1 ;;
	--interactive) interactive=1 ;;
	*) die "unknown option '$1'; see --help" ;;
	esac
}

# The whole process group: UML is several, and none may outlive us.
cleanup() {
	trap - EXIT INT TERM HUP
	[ -z "$machine_pid" ] || kill -KILL "-$machine_pid" 2>/dev/null || :
	[ -z "$watchdog" ] || kill "$watchdog" 2>/dev/null || :
	[ -z "$keep_log" ] || cp "$run/log" "$keep_log" 2>/dev/null || :
	rm -rf "$run"
}

# What machine-init reads: directories to keep, environment, command; and that the kernel
# must use all $processors, if that is set.
write_command() {
	script=$1
	shift
	printf 'set --'
	for d in "$top" "$PWD" "$(dirname "$script")"; do
		printf ' %s' "$(quote "$d")"
	done
	printf '%s\n' "$binds"
	printf 'keep_dirs "$@"\n'
	for name in PATH VERBOSE HARNESS_ACTIVE REQUIRE_PREREQ KVER $(env |
		sed -n 's/^\(COWLINK_[A-Za-z0-9_]*\)=.*/\1/p'); do
		eval "value=\${$name-}"
		[ -z "$value" ] || printf 'export %s=%s\n' "$name" "$(quote "$value")"
	done
	printf '%s\n' "$envs"
	printf 'cd %s\n' "$(quote "$PWD")"
	printf 'set -- %s' "$(quote "$script")"
	for arg; do
		printf ' %s' "$(quote "$arg")"
	done
	printf '\n'
	[ -z "$processors" ] || printf '[ "$(nproc)" = %d ] || set -- sh -c %s\n' "$processors" \
		"$(quote "echo \"this kernel uses \$(nproc) processors of $processors\"; exit 125")"
}

# machine_begin TARGET [SCRIPT [ARG]...]: TARGET of kernel/Makefile prints the path
# of the kernel.
machine_begin() {
	target=$1
	shift
	case $timeout in
	'' | *[!0-9]*) die "--timeout='$timeout' is not a number of seconds" ;;
	esac
	[ $# -gt 0 ] || [ -n "$interactive" ] || die "no SCRIPT; see --help"
	[ "$(id -u)" = 0 ] || die "must be root: the machine sees the host's files with host rights"
	script=/bin/bash
	if [ $# -gt 0 ]; then
		# Not "command -v", for which some programs are builtins.
		script=$(which "$1") || die "there is no '$1'"
		script=$(realpath "$script")
		shift
	fi
	if [ -z "$kernel" ]; then
		kernel=$(make -s --no-print-directory -C "$top/kernel" "$target" \
			KVER="$kver") || die "no kernel $kver"
	fi
	[ -f "$kernel" ] || die "there is no kernel '$kernel'"
	run=$(mktemp -d "/tmp/$me-XXXXXX")
	trap cleanup EXIT
	trap 'cleanup; exit 130' INT
	trap 'cleanup; exit 143' TERM HUP
	write_command "$script" "$@" >"$run/command"
}

# The watchdog's sleep must not keep our stdout open for a reader of a pipe.
start_watchdog() {
	(
		trap 'kill "$sleep" 2>/dev/null; exit 0' TERM
		sleep "$timeout" &
		sleep=$!
		wait "$sleep"
		echo timeout >"$run/timeout"
		kill -KILL "-$machine_pid"
	) >/dev/null 2>&1 &
	watchdog=$!
}

show_log() {
	echo "$me: $1; the kernel log ends:" >&2
	tail -n 40 "$run/log" | tr -d '\r' | sed 's/^/  | /' >&2
}

# Wait, and exit as the help text says.
machine_end() {
	start_watchdog
	wait "$machine_pid" 2>/dev/null || :
	# A kernel that dies leaves the processes of its userland running.
	kill -KILL "-$machine_pid" 2>/dev/null || :
	machine_pid=''
	kill "$watchdog" 2>/dev/null || :
	watchdog=''
	if [ -e "$run/timeout" ]; then
		show_log "no end after $timeout seconds"
		exit 124
	fi
	status=$(tr -dc '0-9' <"$run/status")
	if [ -z "$status" ]; then
		show_log "the kernel died or did not start"
		exit 125
	fi
	# Not "EXT4-fs error": what tests have fail, and recovery after a shutdown, say it.
	bad='kernel BUG|BUG:|cut here|WARNING:|Oops|general protection|non-static key'
	bad="$bad|possible circular locking|INFO: task|rcu: INFO|unreferenced object"
	bad="$bad|XFS .*([Cc]orruption|Internal error)"
	grep -vE "${allow:-^\$}" "$run/log" >"$run/judged" || :
	if [ -z "$allow_warnings" ] && grep -qE "$bad" "$run/judged"; then
		echo "$me: SCRIPT ended with status $status, but the kernel log has:" >&2
		grep -E -A40 -m3 "$bad" "$run/judged" | tr -d '\r' | sed 's/^/  | /' >&2
		exit 126
	fi
	exit "$status"
}
