#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: start, look, let in, stop; without any process of ours'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

test_expect_success 'a guest starts, is found by another process, and stops' '
	guest_pool ext4 && a_guest g && vserver g start &&
	vserver g status >out && test_grep "^guest .g. is running, process [1-9]" out &&
	pid=$(pid_of g) && tr "\000" " " <"/proc/$pid/cmdline" >out &&
	test_grep "^/bin/sleep 10000 $" out &&
	vserver list --json >out && test_json out ".guests[0].state" running &&
	test_json out ".guests[0].pid" "$pid" &&
	vserver g show --json >out && test_json out .state running && documented vserver out &&
	vserver g status --json >out && documented vserver out &&
	vserver g stop && test_expect_code 3 vserver g status &&
	process_ended "$pid" && nothing_left g
'

test_expect_success 'it runs as its own root, on its own files' '
	vserver g start && in_guest g id >out && test_grep "^uid=0(root) gid=0" out &&
	pid=$(pid_of g) && awk "/^Uid/ { print \$2 }" "/proc/$pid/status" >out &&
	test_contents out 1879048192 &&
	in_guest g "echo new >/etc/new && echo changed >/etc/file && hostname" >out &&
	test_contents out g &&
	root=$POOL/guests/g/rootfs &&
	test_contents "$root/etc/new" new && test_contents "$root/etc/file" changed &&
	test_contents "$POOL/templates/t/rootfs/etc/file" "of the template" &&
	stat -c "%u:%g" "$root/etc/new" >out && test_contents out 0:0
'

test_expect_success 'ps inside shows the guest only' '
	in_guest g "ls -d /proc/[0-9]*" >out && test_grep "^/proc/1$" out &&
	test "$(wc -l <out)" -le 3
'

# exec_ends STATUS COMMAND...: also what test_expect_code takes for an accident.
exec_ends()
{
	test_want=$1
	shift
	vserver g exec "$@"
	test_rc=$?
	test $test_rc = "$test_want" || complain_ "status $test_rc"
}

test_expect_success 'exec passes the exit status through' '
	vserver g exec true &&
	test_expect_code 7 vserver g exec sh -c "exit 7" &&
	test_expect_code 3 vserver g exec sh -c "exit 3" &&
	test_expect_code 255 vserver g exec sh -c "exit 255" &&
	exec_ends 127 no-such-program && exec_ends 126 /etc/passwd &&
	exec_ends 137 sh -c "kill -9 \$\$"
'

test_expect_success 'exec passes arguments, input and output through' '
	printf "a b\n" | vserver g exec tr -d " " >out && test_contents out ab &&
	vserver g exec echo --help -x "a  b" >out && test_contents out "--help -x a  b" &&
	vserver exec g echo --json >out && test_contents out --json &&
	in_guest g "echo err >&2" 2>err >out && test_contents err err &&
	test ! -s out
'

test_expect_success 'exec passes signals on' '
	mkfifo pipe && { vserver g exec sh -c "echo x; exec sleep 1000" >pipe & } &&
	read -r line <pipe && kill -TERM $! && { wait $!; test $? = 143; }
'

# processes_of GUEST: how many, and one shell; a pipe would be seen half made
processes_of()
{
	in_guest "$1" "set -- /proc/[0-9]*; echo \$#"
}

test_expect_success 'none is lost, however early it comes' '
	before=$(processes_of g) && read -r shell <"/proc/$$/comm" &&
	for delay in $(seq 0 0.003 0.09)
	do
		vserver g exec sleep 1000 &
		# the shell has a trap, and so has its child until it is another program
		while read -r comm <"/proc/$!/comm" && test "$comm" = "$shell"
		do
			:
		done
		sleep $delay
		kill -TERM $!
		wait $!
		test $? = 143 || return 1
	done &&
	test "$(processes_of g)" = "$before"
'

test_expect_success 'started twice, or of another pool with its context: refused' '
	refused 1 "is running already" vserver g start &&
	pool=$POOL && mount=$POOL_MOUNT &&
	test_pool ext4 64M && vtemplate import t tree &&
	a_guest other && refused 1 "context 28672 is used by the running guest" \
		vserver other start &&
	vserver other stop && test_expect_code 3 vserver other status --repair && vserver halt &&
	COWLINK_POOL=$pool POOL=$pool POOL_MOUNT=$mount
'

test_expect_success 'nor does a stop there take away what tells of this one' '
	vserver g status && refused 1 "is running already" vserver g start &&
	on-pty "" "\D" -- vserver g console >out && test_grep "the console of guest" out
'

test_expect_success 'the limit of open files is that of who starts it' '
	vserver g stop && (ulimit -Sn 512 && vserver g start) &&
	test "$(in_guest g "ulimit -Sn")" = 512
'

test_expect_success 'a guest that runs is not destroyed' '
	refused 1 "is running: stop it first" vtemplate destroy g &&
	vserver g exec true && vserver g stop
'

test_expect_success 'a disk without project quota cannot be limited, and says so' '
	vserver g start &&
	refused 3 "cannot set disk.space: the pool'\''s filesystem keeps no project quota" \
		vserver g set disk.space=10M &&
	vserver g set disk.inodes=max && vserver g show --json >out &&
	test_json out ".settings[\"disk.space\"]" null &&
	test_json out ".effective[\"disk.space\"]" null && vserver g stop &&
	vserver g set disk.inodes=10 &&
	refused 3 "cannot set disk.inodes: the pool" vserver g start && nothing_left g &&
	vserver g set disk.inodes=
'

# killed_at STEP: start, killed at that step, and then by another; fails when the
# first one was not killed.
killed_at()
{
	vserver g stop && nothing_left g || return 2
	(COWLINK_FAULT=kill:$1 vserver g start) 2>/dev/null
	test_rc=$?
	test $test_rc = 137 || return 1
	# before the last step nothing runs, after it all does
	vserver g status || test $? = 3 || return 2
	vserver g start 2>err || grep "running already" err || return 2
	vserver g exec true
}

test_expect_success 'kill -9 of who started it leaves a guest that can be managed' '
	vserver g start &&
	step=1 && while killed_at $step
	do
		step=$((step + 3 * TEST_STRIDE))
	done &&
	test $step -gt 60 && vserver g status && vserver g stop && nothing_left g
'

test_expect_success 'restart' '
	vserver g restart && old=$(pid_of g) && vserver g restart &&
	test "$(pid_of g)" != "$old" && vserver g exec true && vserver g stop
'

test_expect_success 'one whose name begins like that of another is another' '
	a_guest g1 && vserver g start && vserver g1 start && pid=$(pid_of g1) && vserver g stop &&
	nothing_of g && test "$(pid_of g1)" = "$pid" && vserver g1 exec true &&
	vserver g start && vserver g1 stop && nothing_of g1 && vserver g exec true &&
	vtemplate destroy g1 && test_expect_code 4 vserver g1 status && vserver g stop &&
	nothing_left g && test_path_exists "$POOL/guests/g/rootfs/bin/busybox"
'

test_expect_success 'stop: nothing of it survives, whatever it does' '
	vserver g set init="/bin/sh /spawn" &&
	cat >"$POOL/guests/g/rootfs/spawn" <<-\EOF &&
	trap "" TERM HUP INT
	for i in 1 2 3 4 5; do
		setsid sh -c "trap : TERM; sleep 5001 & sleep 5002" &
	done
	touch /tmp/ready
	wait
	sleep 5003
	EOF
	vserver g start &&
	{ vserver g exec sleep 5004 & } &&
	until in_guest g "test -e /tmp/ready && ps | grep -q [5]004"; do sleep 0.1; done &&
	vserver g stop 2>err && test_grep "did not stop by itself and was killed" err &&
	{ wait $!; test $? = 137; } &&
	! ps -e -o args | grep "sleep 500[1-4]" && nothing_left g
'

until_stopped()
{
	while vserver g status
	do
		sleep 0.1
	done
}

test_expect_success 'a guest that ends by itself has stopped' '
	vserver g set init="/bin/sh -c true" && vserver g start &&
	until_stopped && test_expect_code 3 vserver g status && vserver g start && vserver g stop &&
	nothing_left g
'

# Is there a child of the first process that sleeps or has slept? What the job waits for
# itself is none.
orphans()
{
	in_guest g "ps -o ppid,comm" >out && test_grep COMMAND out &&
		grep -E "^ *1 +sleep$" out
}

buried()
{
	for i in $(seq 100)
	do
		orphans || break
		sleep 0.1
	done
	! orphans
}

test_expect_success 'init.style reap: orphans are buried, signals passed, status ends it' '
	cat >"$POOL/guests/g/rootfs/job" <<-\EOF &&
	trap "echo term >/tmp/got; exit 0" TERM
	(sleep 0.1 & )
	echo up >/tmp/up
	while :; do sleep 0.1; done
	EOF
	vserver g set init="/bin/sh /job" init.style=reap stop.timeout=60 &&
	vserver g start && until in_guest g "test -e /tmp/up"; do sleep 0.1; done &&
	in_guest g "(sleep 0.1 &)" && buried &&
	vserver g stop 2>err && test ! -s err &&
	test_contents "$POOL/guests/g/rootfs/tmp/got" term && nothing_left g
'

# The program is one that also the smallest tree has, so that busybox is witness enough.
test_expect_success 'the first example of the documents runs, and ends when it is asked to' '
	for page in README.md docs/running-guests.md man/vserver.8
	do
		sed -n "s/\\\\-/-/g; s/.*set init=\"\([^\"]*\)\" init.style=\([a-z]*\).*/\1|\2/p" "$COWLINK_SRC/$page" |
			head -n 1 || return 1
	done >examples && test "$(wc -l <examples)" = 3 && uniq examples >example &&
	test "$(wc -l <example)" = 1 && IFS="|" read -r init style <example &&
	vserver g set init="$init" init.style="$style" && vserver g start && sleep 1 &&
	vserver g status && vserver g stop 2>err && ! test -s err && nothing_left g
'

test_expect_success 'what cannot start says why and leaves nothing' '
	vserver g set init.style= init=/no/such/program &&
	refused 1 "cannot run '\''/no/such/program'\'' in the guest: No such file" \
		vserver g start &&
	nothing_left g && vserver g set init.style=reap && vserver g start &&
	until_stopped && vserver g stop && vserver g set init= init.style= &&
	mv "$POOL/guests/g/rootfs/bin/init" "$POOL/guests/g/rootfs/bin/init.not" &&
	refused 1 "cannot run '\''/sbin/init'\''" vserver g start && nothing_left g
'

# The program that is asked to stop the guest does not end, nor hear of signals.
test_expect_success 'a stop that is killed leaves no lock to the guest' '
	mv "$POOL/guests/g/rootfs/bin/init.not" "$POOL/guests/g/rootfs/bin/init" &&
	cat >"$POOL/guests/g/rootfs/deaf" <<-\EOF &&
	trap "" TERM HUP INT
	echo >/tmp/asked
	while :; do sleep 0.1; done
	EOF
	vserver g set init="/bin/sleep 10000" stop.command="/bin/sh /deaf" stop.timeout=3600 &&
	for signal in KILL TERM
	do
		rm -f "$POOL/guests/g/rootfs/tmp/asked" && vserver g start || return 1
		vserver g stop & stop=$!
		until test -e "$POOL/guests/g/rootfs/tmp/asked"; do sleep 0.1; done
		kill -$signal $stop
		wait $stop
		timeout 60 vserver g set stop.command= stop.timeout=0 && vserver g stop &&
			nothing_left g && vserver g set stop.timeout=3600 \
				stop.command="/bin/sh /deaf" || return 1
	done &&
	vserver g set stop.command= stop.timeout=0
'

# The keeper is the only child of the command then; at the next effect it is gone.
test_expect_success 'a start whose keeper was killed leaves no guest that runs' '
	failed=0 &&
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
	do
		if COWLINK_FAULT_EXEC="write:$n:pkill -KILL -P \$PPID vserver" \
			vserver g start 2>err
		then
			grep "keeper" err
			vserver g stop || return 1
		else
			failed=$((failed + 1)) && cat err && test_expect_code 3 vserver g status &&
				test -z "$(processes_of g)" && nothing_left g || return 1
		fi
	done &&
	test $failed -gt 2
'

test_expect_success 'an unprotected pool starts nothing' '
	test_pool --unprotected ext4 64M && vtemplate import t tree && a_guest u &&
	test_expect_code 3 vserver u start 2>err &&
	test_grep "the pool is unprotected: what" err
'

kill_guests
test_done
