#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: a shell on a terminal of the guest, freezing, repair'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

# entered STATUS [TEXT TYPE]...: enter g so, and end with this status
entered()
{
	test_want=$1
	shift
	on-pty "$@" -- vserver g enter >typed 2>typed.err
	test_rc=$?
	tr -d "\r" <typed >out
	test $test_rc = "$test_want" || {
		cat out typed.err >&2
		complain_ "status $test_rc"
	}
}

test_expect_success 'enter is a shell of the root of the guest, with its exit status' '
	guest_pool ext4 && a_guest g && vserver g start &&
	entered 7 "# " "id; hostname; pwd; exit 7\n" &&
	test_grep "^uid=0(root) gid=0" out && test_grep "^g$" out &&
	test_grep "^/$" out
'

test_expect_success 'its terminal is one of the guest, not of the host' '
	entered 0 "# " "tty; ls /dev/pts; ps -o pid,tty,args; exit\n" &&
	test_grep "^/dev/pts/[0-9]*$" out &&
	in_guest g "ls /dev/pts" >out && printf "0\nptmx\n" >expected && test_cmp expected out
'

test_expect_success 'no descriptor of the host comes along' '
	entered 0 "# " "ls -l /proc/\$\$/fd; exit\n" 7</ 8</etc/passwd 9>kept &&
	sed -n "s/.* -> //p" out | sort -u >found && test -s found &&
	! grep -v "^/dev/\(pts/[0-9]*\|tty\)$" found
'

test_expect_success 'jobs, and keys that are signals, are those inside' '
	entered 0 "# " "sh -c \"echo r\"\"eady; exec sleep 1000\"\n" "ready" "\Z" \
		"# " "jobs; kill -9 %1\n" "# " "\n" "# " "exit\n" &&
	test_grep "Stopped.*sleep 1000" out
'

test_expect_success 'nobody inside types on it for others' '
	vserver g exec sh -c : && guest_program "$POOL/guests/g/rootfs" denied &&
	entered 0 "# " "denied | grep tio; exit\n" && test_grep "^tiocsti EPERM" out &&
	test_grep "^tiocsti-high EPERM" out
'

# on_terminal STATUS COMMAND: a command line of the host
on_terminal()
{
	test_expect_code "$1" on-pty -- sh -c "$2" >typed && tr -d "\r" <typed >out
}

test_expect_success 'exec on a terminal gives the program one of the guest, too' '
	on_terminal 7 "vserver g exec sh -c \"tty; tty <&1; tty <&2; exit 7\"" &&
	test "$(sort -u out | grep -c "^/dev/pts/[0-9]*$")" = 1 && test "$(wc -l <out)" = 3 &&
	in_guest g "ls /dev/pts" >out && test_contents out "0
ptmx"
'

test_expect_success 'what is no terminal stays what it is' '
	on_terminal 0 "echo in | vserver g exec sh -c \"cat; tty <&1; echo e >&2\" 2>errors" &&
	test_contents errors e && grep -x in out && grep -x "/dev/pts/[0-9]*" out &&
	on_terminal 0 "vserver g exec sh -c \"tty; tty <&2; echo o\" >output" &&
	grep -x o output && test "$(grep -cx "/dev/pts/[0-9]*" output)" = 2
'

test_expect_success 'the terminal of who gave none is out of reach' '
	on_terminal 1 "vserver g exec sh -c \": </dev/tty\" </dev/null >errors 2>&1" &&
	test_grep "No such device or address" errors
'

test_expect_success 'also of who stops a guest that has a command for that' '
	printf "%s\n" "#!/bin/sh" "trap exit TERM" "echo >/tmp/up" "while :; do usleep 10000; done" \
		>"$POOL/guests/g/rootfs/bin/ends" &&
	printf "%s\n" "#!/bin/sh" "true </dev/tty" "echo \$? >/tmp/reached" "kill 1" \
		>"$POOL/guests/g/rootfs/bin/down" &&
	chmod +x "$POOL/guests/g/rootfs/bin/ends" "$POOL/guests/g/rootfs/bin/down" &&
	vserver g stop && vserver g set init=/bin/ends stop.command=/bin/down stop.timeout=60 &&
	vserver g start && until test -e "$POOL/guests/g/rootfs/tmp/up"; do sleep 0.1; done &&
	on_terminal 0 "vserver g stop" &&
	test_contents "$POOL/guests/g/rootfs/tmp/reached" 1 &&
	vserver g set init="/bin/sleep 10000" stop.command= stop.timeout=0 && vserver g start
'

test_expect_success 'a job in the background is not stopped for it' '
	on_terminal 0 "set -m; vserver g exec echo done & wait \$!" && grep -x done out
'

test_expect_success 'keys that are signals reach a program without a terminal' '
	mkfifo begun && {
		vserver g exec sh -c "trap \"exit 5\" INT; echo begun
			while :; do usleep 10000; done" >begun &
	} && client=$! && read -r line <begun && kill -INT $client &&
	test_expect_code 5 wait $client
'

# Its child cannot be buried by anybody else, and a guest ends when all are buried.
test_expect_success 'a vserver exec that is stopped does not hold up the end' '
	mkfifo ready && {
		vserver g exec sh -c "echo ready; exec sleep 1000" >ready 2>exec.err &
	} && client=$! && read -r line <ready && kill -STOP $client &&
	test_expect_code 0 vserver g stop && nothing_left g && kill -CONT $client &&
	test_expect_code 137 wait $client && vserver g start
'

test_expect_success 'the size follows' '
	entered 0 "# " "stty size; echo \"now\"\" it\"\n" "now it" "\S" "# " \
		"until stty size | grep 33; do :; done; exit\n" &&
	test_grep "^24 80$" out && test_grep "^33 99$" out
'

test_expect_success 'much output arrives whole' '
	entered 0 "# " "seq 20000; exit\n" &&
	grep -x "[0-9][0-9]*" out >numbers && seq 20000 >expected && test_cmp expected numbers
'

# refused_on_pty TEXT NAME
refused_on_pty()
{
	test_expect_code 1 on-pty -- vserver "$2" enter >out && test_grep "$1" out
}

test_expect_success 'it ends when the shell is killed, and with the guest' '
	entered 137 "# " "kill -9 \$\$\n" && vserver g status &&
	{ on-pty "# " "echo \"in\"side >/tmp/in; exec sleep 1000\n" \
		-- vserver g enter >out & } &&
	until in_guest g "test -e /tmp/in"; do sleep 0.1; done &&
	vserver g stop && { wait $!; test $? = 137; } && vserver g start
'

test_expect_success 'without a terminal, or a shell: refused' '
	refused 1 "are no terminal; for a program without one there is exec" \
		vserver g enter </dev/null &&
	vtemplate clone t n && refused_on_pty "is not running" n &&
	rm "$POOL/guests/g/rootfs/bin/sh" && entered 127 &&
	ln -s busybox "$POOL/guests/g/rootfs/bin/sh"
'

test_expect_success 'a guest whose /dev/pts is not one gives no terminal' '
	in_guest g "mkdir -p /tmp/pts && : >/tmp/pts/ptmx && mount --bind /tmp/pts /dev/pts" &&
	refused_on_pty "cannot open a terminal in the guest" g &&
	in_guest g "umount /dev/pts && mkfifo /tmp/pts/p && mv /tmp/pts/p /tmp/pts/ptmx &&
		mount --bind /tmp/pts /dev/pts" &&
	refused_on_pty "cannot open a terminal in the guest" g &&
	in_guest g "umount /dev/pts" && entered 0 "# " "exit\n"
'

test_expect_success CGROUP2 'a frozen guest does nothing until it is thawed' '
	vserver g stop &&
	printf "%s\n" "#!/bin/sh" "while :; do echo x >>/tmp/count; usleep 1000; done" \
		>"$POOL/guests/g/rootfs/bin/count" &&
	chmod +x "$POOL/guests/g/rootfs/bin/count" &&
	vserver g set init=/bin/count && vserver g start && count=$POOL/guests/g/rootfs/tmp/count &&
	until test -s "$count"; do sleep 0.1; done &&
	vserver g freeze && test "$(cat "$(cgroup_of g)/cgroup.freeze")" = 1 &&
	grep "frozen 1" "$(cgroup_of g)/cgroup.events" &&
	cp "$count" then && sleep 0.3 && test_cmp then "$count" &&
	vserver g freeze && vserver g status >out && test_grep ", frozen$" out &&
	vserver g status --json >out && test_json out .frozen true &&
	refused 1 "is frozen" vserver g exec true &&
	vserver g thaw && vserver g thaw && vserver g status >out && ! grep frozen out &&
	until ! cmp -s then "$count"; do sleep 0.1; done && vserver g exec true
'

test_expect_success CGROUP2 'a frozen guest stops' '
	vserver g stop && vserver g set init=/bin/sleeper stop.timeout=60 &&
	printf "%s\n" "#!/bin/sh" "trap \"echo bye >/tmp/bye; exit\" TERM" \
		"echo >/tmp/up" "while :; do usleep 10000; done" \
		>"$POOL/guests/g/rootfs/bin/sleeper" &&
	chmod +x "$POOL/guests/g/rootfs/bin/sleeper" && rm -f "$POOL/guests/g/rootfs/tmp/up" &&
	vserver g start &&
	until test -e "$POOL/guests/g/rootfs/tmp/up"; do sleep 0.1; done &&
	vserver g freeze && vserver g stop 2>err && test ! -s err &&
	test_contents "$POOL/guests/g/rootfs/tmp/bye" bye && nothing_left g
'

test_expect_success 'status --repair removes what is left, and nothing that runs' '
	vserver g set init="/bin/sleep 10000" stop.timeout=0 && vserver g start &&
	vserver g status --repair && pid=$(pid_of g) && kill -9 $(keepers) && until_quiet && kill -9 "$pid" &&
	until process_ended "$pid"; do sleep 0.1; done &&
	test -n "$(ls "$COWLINK_RUN")" && test_expect_code 3 vserver g status &&
	test -n "$(ls "$COWLINK_RUN")" &&
	test_expect_code 3 vserver g status --repair && nothing_left g
'

test_expect_success 'what does not run is neither frozen nor thawed' '
	refused 1 "is not running" vserver g freeze &&
	refused 1 "is not running" vserver g thaw &&
	refused 1 "no such guest" vserver nobody freeze
'

kill_guests
test_done
