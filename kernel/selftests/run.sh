#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the selftests on filesystems made for them, as root in a kernel that one
# can afford to crash. Output is one TAP stream with one plan; a test's name is
# FILESYSTEM/PROGRAM: WHAT IT SHOWS.

usage() {
	cat <<'END'
Usage: run.sh [--fs=NAME]... [--seconds=N] [DIR [PROGRAM[:PART]]...]

Runs the test programs in DIR (made by "make OUT=DIR"; default: where this script
is), all or those named, of one all tests or those with PART in the name, on each
filesystem: ext4 (with quota), ext4-1k (1 KiB blocks), ext4-inline (inline_data,
ea_inode), xfs (with quota, reflink=1), xfs-plain (reflink=0), xfs-old (what Linux 5.4
could read), xfs-1k (1 KiB blocks and all there is), tmpfs. Default are ext4 and tmpfs.

With --seconds they run again, until that long has passed on each filesystem or a
test has failed.

COWLINK_REQUIRE=1 makes a kernel without the attribute a failure, not a skip, and
COWLINK_SLOW=N gives each test N times as long before it is stopped.
Exit status: 0 all passed, or some were skipped, 1 a failure, 2 usage, 4 all were
skipped, as without root.
END
}

set -u
filesystems=''
seconds=0
all_programs='flags names open openers uring setattr xattr deny reading
	permission preserve quota limits switches observe audit unify overlay replace dpkg
	crash powercut inject stall held race oracle'

while [ $# -gt 0 ]; do
	case $1 in
	--fs=*) filesystems="$filesystems ${1#*=}" ;;
	--seconds=*) seconds=${1#*=} ;;
	--help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
	shift
done
# As kselftest calls it, the programs are where this is.
[ $# -gt 0 ] || set -- "$(dirname "$0")"
bin=$1
shift
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $all_programs
: "${filesystems:= ext4 tmpfs}"

echo 'TAP version 13'
if [ "$(id -u)" -ne 0 ]; then
	echo '1..0 # SKIP needs root'
	exit 4
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/cowlink-selftests-XXXXXX") || exit 1
mounted=''
# Called by the trap.
# shellcheck disable=SC2317
cleanup() {
	[ -z "$mounted" ] || umount "$work/mnt"
	umount "$work" 2>/dev/null
	rmdir "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# Images are on a tmpfs: sparse, fast, gone in the end.
mount -t tmpfs -o mode=755 selftests "$work" && mkdir "$work/mnt" || exit 1

count=0
failures=0
tests=0		# of the programs, that were not skipped

result() {	# ok|"not ok" NAME
	count=$((count + 1))
	[ "$1" = ok ] || failures=$((failures + 1))
	echo "$1 $count - $2"
}

make_image() {	# MKFS-OPTION...
	rm -f "$work/image"
	truncate -s 256M "$work/image" && mkfs.ext4 -q -F "$@" "$work/image"
}

# The variables are what xfstests sets; without them mkfs.xfs makes nothing
# below 300 MB. The programs make images of their own like this one.
make_xfs() {	# MKFS-OPTION...
	export TEST_DIR=/ TEST_DEV=/ QA_CHECK_FS=1 COWLINK_MKFS_XFS="$*"
	rm -f "$work/image"
	truncate -s 256M "$work/image" &&
		mkfs.xfs -q -f -l size=16m "$@" "$work/image" &&
		mount -o loop,usrquota,grpquota,prjquota "$work/image" "$work/mnt"
}

mount_fs() {	# NAME
	case $1 in
	ext4)
		make_image -b 4096 -O quota,project \
			-E quotatype=usrquota:grpquota:prjquota &&
		mount -o loop,usrquota,grpquota,prjquota \
			"$work/image" "$work/mnt"
		;;
	ext4-1k)
		make_image -b 1024 -I 256 &&
		mount -o loop "$work/image" "$work/mnt"
		;;
	ext4-inline)
		# Linux 6.1 loses writes to inline files on smaller blocks.
		make_image -b 4096 -O inline_data,ea_inode &&
		mount -o loop "$work/image" "$work/mnt"
		;;
	xfs) make_xfs -m reflink=1,bigtime=1 ;;
	xfs-plain) make_xfs -m reflink=0,bigtime=1 ;;
	xfs-old) make_xfs -m reflink=0,bigtime=0,finobt=0,inobtcount=0 ;;
	xfs-1k)
		make_xfs -b size=1024 -i size=512,nrext64=1,sparse=1 \
			-m reflink=1,rmapbt=1,bigtime=1,inobtcount=1
		;;
	tmpfs)
		mount -t tmpfs -o mode=755 tmpfs "$work/mnt"
		;;
	*)
		echo "run.sh: unknown filesystem '$1'" >&2
		return 1
		;;
	esac
}

umount_fs() {	# NAME
	if ! umount "$work/mnt"; then
		result 'not ok' "$1: unmounts, nothing is left open"
		return
	fi
	mounted=''
	# The tests leave no file, so no flag that xfs_repair does not know.
	case $1 in
	ext4*) check_image "$1" e2fsck -fn ;;
	xfs*) check_image "$1" xfs_repair -n ;;
	esac
}

check_image() {	# NAME CHECKER [OPTION]...
	name=$1
	shift
	verdict=ok
	if ! "$@" "$work/image" >"$work/fsck" 2>&1; then
		sed 's/^/# /' "$work/fsck"
		verdict='not ok'
	fi
	result "$verdict" "$name: $1 finds nothing after all tests"
}

# Renumbers a program's lines as they come, for one plan at the end. Its own
# plan is compared with what came: a program that dies halfway is a failure.
cat >"$work/renumber.awk" <<'AWK'
/^TAP version / {
	next
}
/^1\.\.[0-9]+/ {
	plan = substr($1, 4) + 0
	planned = 1
	next
}
/^status [0-9]+$/ {
	status = $2
	next
}
/^(not )?ok [0-9]+ - / {
	bad = /^not/
	seen++
	n++
	failed += bad
	ran += !/ # SKIP/
	sub(/^(not )?ok [0-9]+ - /, "")
	print (bad ? "not ok " : "ok ") n " - " fs "/" $0
	fflush()
	next
}
{
	sub(/^# /, "")
	print "# " $0
	fflush()
}
END {
	n++
	whole = planned && seen == plan &&
		(status == 0 || status == 4 || (status == 1 && failed))
	if (!whole)
		printf "# planned %d, ran %d, exit status %s\n",
			plan, seen, status
	print (whole ? "ok " : "not ok ") n " - " fs "/" prog \
		": ran to its end"
	print n, failed + !whole, ran + 0 >state
}
AWK

run_program() {	# FILESYSTEM PROGRAM[:PART]
	{
		case $2 in
		*:*) "$bin/${2%%:*}" "$work/mnt" "${2#*:}" ;;
		*) "$bin/$2" "$work/mnt" ;;
		esac
		echo "status $?"
	} 2>&1 | awk -v fs="$1" -v prog="$2" -v n="$count" \
		-v state="$work/state" -f "$work/renumber.awk"
	read -r count failed ran <"$work/state"
	failures=$((failures + failed))
	tests=$((tests + ran))
}

now() {
	date +%s
}

for fs in $filesystems; do
	if ! mount_fs "$fs"; then
		result 'not ok' "$fs: can be made and mounted"
		continue
	fi
	mounted=1
	end=$(($(now) + seconds))
	while :; do
		for program; do
			run_program "$fs" "$program"
		done
		[ "$failures" -eq 0 ] || break
		[ "$(now)" -lt "$end" ] || break
	done
	umount_fs "$fs"
done
echo "1..$count"
[ "$failures" -eq 0 ] || exit 1
[ "$tests" -gt 0 ] || exit 4
