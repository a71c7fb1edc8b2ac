#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: the console of a guest, its log, and how a guest ends by itself'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

# program NAME: a script of the guest g from standard input
program()
{
	cat >"$POOL/guests/g/rootfs/bin/$1" && chmod +x "$POOL/guests/g/rootfs/bin/$1"
}

# until COMMAND...: it comes true
wait_until()
{
	until "$@" >/dev/null 2>&1
	do
		sleep 0.1
	done
}

logged()
{
	vserver g log | grep -q "$1"
}

# on_console [TEXT TYPE]...
on_console()
{
	on-pty "$@" -- vserver g console >typed 2>typed.err
	test_rc=$?
	tr -d "\r" <typed >out
	test $test_rc = 0 || {
		cat out typed.err >&2
		complain_ "status $test_rc"
	}
}

test_expect_success 'what the first process prints is in the log, also after its end' '
	guest_pool ext4 && a_guest g && program hello <<-\EOF &&
	#!/bin/sh
	echo hello
	echo error >&2
	test -t 0 && tty
	exec 3>/dev/console && echo by name >&3
	EOF
	vserver g log >out && test ! -s out &&
	vserver g set init=/bin/hello && vserver g start && wait_until logged status &&
	vserver g log | tr -d "\r" >out && cat >expected <<-\EOF &&
	hello
	error
	/dev/pts/0
	by name
	[the guest ended with status 0]
	EOF
	test_cmp expected out &&
	vserver g log --lines=2 | tr -d "\r" >out && tail -n 2 expected >last &&
	test_cmp last out
'

test_expect_success 'one that ended by itself is cleaned up after' '
	until_quiet && nothing_left g
'

test_expect_success 'on a terminal the log cannot act' '
	program colour <<-\EOF &&
	#!/bin/sh
	printf "\033]0;title\007\302\233x\n"
	EOF
	vserver g set init=/bin/colour && vserver g start && wait_until logged title &&
	until_quiet && on-pty -- vserver g log >out &&
	test_grep "\^\[]0;title^GM-^\[x" out && ! grep "$(printf "\033")" out &&
	vserver g log | grep "$(printf "\033")"
'

# What is printed, and what of it is seen. A control character by one byte; longer forms of
# one, by two to four; halves of a pair; beyond the last character; no character at all; a
# beginning before a letter, before another one and at the end. Characters stay what they are.
test_expect_success 'nor by bytes that are no UTF-8, which some take for such characters' '
	cat >cases <<-\EOF &&
	1\2330;b	1M-^[0;b
	2\300\233	2M-@M-^[
	3\340\202\233	3M-`M-^BM-^[
	4\360\200\202\233	4M-pM-^@M-^BM-^[
	5\355\241\200	5M-mM-!M-^@
	6\364\220\200\200	6M-tM-^PM-^@M-^@
	7\365\377	7M-uM-^?
	8\303x\342\202\303\244	8M-CxM-bM-^B\303\244
	9\r\233\302\233	9^MM-^[M-^[
	10\303\244\342\202\254\355\237\277	10\303\244\342\202\254\355\237\277
	11\360\237\220\204\364\217\277\277	11\360\237\220\204\364\217\277\277
	12\342\202	12M-bM-^B
	EOF
	while read -r bytes shown
	do
		printf "$bytes\n" >&4 && printf "$shown\n" || return 1
	done <cases >expected 4>"$POOL/guests/g/rootfs/tmp/bytes" &&
	rm -f "$COWLINK_LOG"/* && vserver g set init="/bin/cat /tmp/bytes" &&
	vserver g start && wait_until logged "ended with" && until_quiet &&
	on-pty -- vserver g log | tr -d "\r" | sed "\$d" >out && cat out && test_cmp expected out
'

test_expect_success 'console shows and types, and is left by a key' '
	program ask <<-\EOF &&
	#!/bin/sh
	while read -r line; do echo "you said <$line>"; stty size; done
	EOF
	vserver g set init=/bin/ask && vserver g start &&
	on_console "leaves it" "one\n" "said <one>" "two\n" "said <two>" "\D" &&
	on_console "leaves it" "\S" "" "three\n" "33 99" "\D" &&
	logged "said <three>" && vserver g status
'

test_expect_success 'two at once; who does not read holds up nobody' '
	program flood <<-\EOF &&
	#!/bin/sh
	i=0
	while test $i -lt 3000; do echo "$i aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; i=$((i + 1)); done
	echo flood is over
	exec sleep 10000
	EOF
	vserver g stop && vserver g set init=/bin/flood && vserver g start &&
	{ on-pty "never" "\D" -- vserver g console >/dev/null 2>&1 & } && other=$! &&
	wait_until logged "flood is over" && vserver g status && vserver g stop &&
	{ wait $other || :; } && nothing_left g
'

test_expect_success 'the console is for root, and for terminals' '
	vserver g start && stat -c %a "$COWLINK_RUN/28672.console" >out && test_contents out 600 &&
	stat -c %a "$COWLINK_LOG" >out && test_contents out 700 &&
	refused 1 "are no terminal; what was printed so far tells log" \
		vserver g console </dev/null
'

test_expect_success 'the log stays below a size' '
	vserver g stop && program much <<-\EOF &&
	#!/bin/sh
	yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa | head -c 3000000
	echo the end
	exec sleep 10000
	EOF
	vserver g set init=/bin/much && vserver g start && wait_until logged "the end" &&
	ls "$COWLINK_LOG" >out && cat out && test "$(wc -l <out)" = 2 &&
	test "$(cat "$COWLINK_LOG"/* | wc -c)" -lt 2200000 &&
	vserver g log --lines=1 | grep "the end"
'

# follows [WORDS...]: what "log --follow" of g prints goes to the file followed
follows()
{
	: >followed
	env --default-signal=INT vserver g log --follow "$@" >followed 2>&1 &
	follower=$!
}

# came TEXT: it has come to the follower
came()
{
	wait_until grep -q "$1" followed
}

# goes_on FILE: the program of the guest goes on when there is this file
goes_on()
{
	: >"$POOL/guests/g/rootfs/tmp/$1"
}

test_expect_success 'a follower sees what comes, and ends with the guest' '
	vserver g stop && program steps <<-\EOF &&
	#!/bin/sh
	echo one
	echo two
	for step in a b c; do
		until test -e /tmp/$step; do usleep 20000; done
		echo step $step
	done
	EOF
	rm -f "$POOL"/guests/g/rootfs/tmp/? "$COWLINK_LOG"/* &&
	vserver g set init=/bin/steps && vserver g start && wait_until logged two &&
	follows --lines=1 && came two && goes_on a && came "step a" && goes_on b && came "step b" &&
	goes_on c && wait $follower && tr -d "\r" <followed >out && cat >expected <<-\EOF &&
	two
	step a
	step b
	step c
	[the guest ended with status 0]
	EOF
	test_cmp expected out && until_quiet &&
	vserver g log --follow >out && vserver g log >expected && test_cmp expected out
'

test_expect_success 'or by a signal, or when nobody reads, or with "vserver stop"' '
	rm -f "$POOL"/guests/g/rootfs/tmp/? && vserver g start && wait_until logged two &&
	follows && came two && kill -INT $follower && { wait $follower; test $? = 130; } &&
	vserver g log -f | grep -q two && vserver g status &&
	follows && came two && vserver g stop && wait $follower &&
	test_grep "was ended by signal 9" followed && nothing_left g
'

test_expect_success 'one that makes the log empty is seen, and one that takes it away' '
	rm -f "$POOL"/guests/g/rootfs/tmp/? "$COWLINK_LOG"/* && vserver g start && follows &&
	came two && : >"$(echo "$COWLINK_LOG"/*.log)" && goes_on a && came "step a" &&
	log=$(echo "$COWLINK_LOG"/*.log) && mv "$log" "$log.old" && echo new >"$log" && came new &&
	goes_on b && goes_on c && wait $follower && tr -d "\r" <followed >out &&
	printf "one\ntwo\nstep a\nnew\n" >expected && test_cmp expected out && until_quiet
'

test_expect_success 'no byte is lost where the log is turned' '
	program count <<-\EOF &&
	#!/bin/sh
	echo begin
	until test -e /tmp/a; do usleep 20000; done
	seq 1 180000
	EOF
	rm -f "$POOL"/guests/g/rootfs/tmp/? "$COWLINK_LOG"/* && vserver g set init=/bin/count &&
	vserver g start && follows && came begin && goes_on a && wait $follower &&
	ls "$COWLINK_LOG" >out && test "$(wc -l <out)" = 2 &&
	{ echo begin; seq 1 180000; echo "[the guest ended with status 0]"; } >expected &&
	tr -d "\r" <followed >out && cmp expected out && until_quiet &&
	vserver g log | tr -d "\r" >out && cmp expected out
'

test_expect_success 'on a terminal it cannot act either, however its bytes come' '
	program halves <<-\EOF &&
	#!/bin/sh
	printf "x\303\302"
	until test -e /tmp/a; do usleep 20000; done
	printf "\233y\033[31m\n"
	EOF
	rm -f "$POOL"/guests/g/rootfs/tmp/? "$COWLINK_LOG"/* && vserver g set init=/bin/halves &&
	vserver g start && { on-pty -- vserver g log --follow >out & } && on_pty=$! &&
	wait_until test -s out && goes_on a && wait $on_pty && cat out &&
	test_grep "M-^\[y^\[\[31m" out && ! grep "$(printf "\033")" out && until_quiet
'

test_expect_success 'killing every process of ours leaves a guest that can be managed' '
	vserver g stop && program busy <<-\EOF &&
	#!/bin/sh
	trap "" HUP
	while :; do echo line; echo x >>/tmp/count; usleep 10000; done
	EOF
	vserver g set init=/bin/busy && vserver g start && pid=$(pid_of g) &&
	test "$(keepers | wc -l)" = 1 && kill -9 $(keepers) && until_quiet &&
	size=$(wc -c <"$POOL/guests/g/rootfs/tmp/count") &&
	wait_until sh -c "test \$(wc -c <$POOL/guests/g/rootfs/tmp/count) -gt $size" &&
	test "$(pid_of g)" = "$pid" && vserver g exec true && logged line &&
	{ ! on_console; } && grep "its keeper was killed" out && vserver g stop && nothing_left g
'

test_expect_success 'a reboot from inside starts it again' '
	program once <<-\EOF &&
	#!/bin/sh
	echo up >>/tmp/ups
	test "$(wc -l </tmp/ups)" -gt 1 || busybox reboot -f
	exec sleep 10000
	EOF
	vserver g set init=/bin/once && vserver g start &&
	wait_until logged reboots && wait_until vserver g status && vserver g exec true &&
	wait_until sh -c "test \$(wc -l <$POOL/guests/g/rootfs/tmp/ups) = 2" &&
	test "$(keepers | wc -l)" = 1
'

test_expect_success 'also of a pool that was named by a relative path' '
	vserver g stop && rm "$POOL/guests/g/rootfs/tmp/ups" &&
	: >"$COWLINK_LOG/$(ls "$COWLINK_LOG" | grep "log$")" &&
	(cd "$POOL/.." && COWLINK_POOL=${POOL##*/} vserver g start) &&
	wait_until logged reboots && wait_until vserver g status && vserver g exec true
'

test_expect_success 'a poweroff from inside does not' '
	{ in_guest g "busybox poweroff -f"; echo "status $?"; } &&
	wait_until logged "is down" && until_quiet && nothing_left g &&
	test_expect_code 3 vserver g status
'

test_expect_success 'who stops a guest that reboots is obeyed' '
	program rebel <<-\EOF &&
	#!/bin/sh
	trap "busybox reboot -f" TERM
	echo up
	while :; do usleep 10000; done
	EOF
	: >"$COWLINK_LOG/$(ls "$COWLINK_LOG" | grep "log$")" &&
	vserver g set init=/bin/rebel stop.timeout=60 && vserver g start && wait_until logged up &&
	vserver g stop && logged reboots && until_quiet && nothing_left g
'

kill_guests
test_done
