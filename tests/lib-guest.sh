# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Small guests to run: busybox and nothing else. Sourced after lib-test.sh.

# Beside those of the machine and of tests that run at the same time.
COWLINK_RUN=$TEST_PRIVATE/run
COWLINK_LOG=$TEST_PRIVATE/log
export COWLINK_RUN COWLINK_LOG

test_lazy_prereq BUSYBOX 'test -x /bin/busybox && ! ldd /bin/busybox'
test_lazy_prereq CGROUP2 'grep -q " - cgroup2 " /proc/self/mountinfo'

# guest_tree DIR
guest_tree()
{
	mkdir -p "$1/bin" "$1/etc" "$1/root" "$1/tmp" "$1/proc" &&
	chmod 1777 "$1/tmp" &&
	cp /bin/busybox "$1/bin/" &&
	for applet in $(/bin/busybox --list)
	do
		test "$applet" = busybox || ln -s busybox "$1/bin/$applet" ||
			return 1
	done &&
	echo root:x:0:0::/root:/bin/sh >"$1/etc/passwd" &&
	echo "of the template" >"$1/etc/file"
}

# guest_program DIR NAME: put a helper and its libraries into the tree;
# guest_system_program DIR NAME: a program of this machine.
guest_program()
{
	guest_file_ "$1" "$COWLINK_BUILD/tests/helper/$2"
}

guest_system_program()
{
	guest_file_ "$1" "$(command -v "$2")"
}

guest_file_()
{
	cp "$2" "$1/bin/" &&
	for library in $(ldd "$2" | grep -o "/[^ ]*")
	do
		mkdir -p "$1$(dirname "$library")" &&
		cp -L "$library" "$1$library" || return 1
	done
}

# guest_pool FSTYPE: a pool with the template "t".
guest_pool()
{
	test_pool "$1" && guest_tree tree && vtemplate import t tree
}

# a_guest NAME [KEY=VALUE...]: clone one that sleeps until it is stopped.
a_guest()
{
	test_name=$1
	shift
	vtemplate clone t "$test_name" &&
	vserver "$test_name" set init="/bin/sleep 10000" stop.timeout=0 "$@"
}

# keepers: those of our guests, and what they have become.
keepers()
{
	for pid in $(pgrep -f "vserver-keeper [0-9]+ |vserver .*--ended=")
	do
		tr "\000" "\n" 2>/dev/null <"/proc/$pid/environ" |
			grep -qx "COWLINK_RUN=$COWLINK_RUN" && echo "$pid"
	done
	return 0
}

# until_quiet: nobody looks after a guest that has ended.
until_quiet()
{
	while test -n "$(keepers)"
	do
		sleep 0.1
	done
}

# kill_guests: no process outlives a test, whatever failed.
kill_guests()
{
	for record in "$COWLINK_RUN"/[0-9]*
	do
		test -e "$record" || continue
		name=$(cut -d " " -f 5 "$record")
		vserver "$name" set stop.timeout=0 init.style= 2>/dev/null
		vserver "$name" stop || return 1
	done
	until_quiet
}

# documented PROGRAM FILE: its manual names each member of this JSON. Settings it has elsewhere.
documented()
{
	sed -n '/^\.SH JSON/,/^\.SH FILES/p' "$COWLINK_SRC/man/$1.8" | tr -cs 'a-z0-9_' '\n' |
		sort -u >test_words &&
	jq -r 'del(.settings, .effective) | [paths | .[] | strings] | unique[]' "$2" |
		grep -vxF -f test_words >test_unknown
	! test -s test_unknown || complain_ "not in the manual: $(tr '\n' ' ' <test_unknown)"
}

# in_guest NAME SCRIPT
in_guest()
{
	vserver "$1" exec sh -c "$2"
}

# doubtful CONTROL FOUND: of two lists of "NAME ANSWER", of the host and a guest, the names
# with the same answer in both. Nobody is refused what the host has not.
doubtful()
{
	awk -v control="$1" '
		BEGIN { while ((getline <control) > 0) host[$1] = $2 }
		$2 != "done" && host[$1] == $2 { print $1 }' "$2"
}

# not_of NAMES FILE: the lines that do not begin with one of the names in a file
not_of()
{
	awk -v names="$1" '
		BEGIN { while ((getline <names) > 0) skip[$1] = 1 }
		!($1 in skip)' "$2"
}

# skip_doubtful NAMES TITLE: a test point that was not made for those.
skip_doubtful()
{
	test_missing_here=$(sed 's/[^a-zA-Z0-9]/_/g; s/^_*/HOST_/' "$1" | paste -sd, -)
	test -z "$test_missing_here" || test_expect_success "$test_missing_here" "$2" :
}

# pid_of NAME
pid_of()
{
	vserver "$1" status --json | jq .pid
}

# process_ended PID: whoever inherited it may not have buried it yet.
process_ended()
{
	! grep "^State:" "/proc/$1/status" 2>/dev/null | grep -v zombie
}

# The cgroup of a guest, also one that has stopped. Its keeper may be writing to the catalog.
cgroup_of()
{
	echo "$(awk '/ - cgroup2 / { print $5; exit }' /proc/self/mountinfo)/vserver.slice/$(
		sqlite3 -cmd ".timeout 60000" "$POOL/catalog.db" "
		SELECT context || '-' || substr(uuid, 1, 8)
		FROM tree JOIN guest ON tree_id = id WHERE name = '$1'")"
}

# in_cgroup_of NAME COMMAND...: with its users, files and processes, and in its cgroup; with
# the descriptors of who calls it
in_cgroup_of()
{
	test_cgroup=$(cgroup_of "$1")
	test_pid=$(pid_of "$1")
	shift
	sh -c "echo \$\$ >$test_cgroup/guest/cgroup.procs &&
		exec nsenter -t $test_pid -U -m -p -- \"\$@\"" in_cgroup_of "$@"
}

# nothing_but NAME: it is the only one with a record and a cgroup.
nothing_but()
{
	test "$(find "$COWLINK_RUN" -type f -name "[0-9]*" | wc -l)" = 1 && test_path_exists "$(cgroup_of "$1")"
}

# nothing_of NAME: no record and no cgroup of this one.
nothing_of()
{
	test_expect_code 3 vserver "$1" status >/dev/null &&
	test_path_missing "$(cgroup_of "$1")"
}

# nothing_left NAME: no record, no cgroup.
nothing_left()
{
	test_path_missing "$(cgroup_of "$1")" &&
	test -z "$(ls "$COWLINK_RUN" 2>/dev/null)" ||
		complain_ "left: $(ls "$COWLINK_RUN")"
}
