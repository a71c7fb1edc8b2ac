#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: a guest on the host'\''s network has its own addresses only'

. "$(dirname "$0")/lib-own-network.sh"
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-probe.sh"

test_lazy_prereq OWN_NETWORK 'test -n "$COWLINK_OWN_NETWORK"'
test_lazy_prereq IPV6 'test -e /proc/net/if_inet6'
test_lazy_prereq BTF 'test -e /sys/kernel/btf/vmlinux'
test_lazy_prereq CGROUP_BPF 'test "$(netprobe bpf)" = done'
test_require ROOT,USERNS,EXT4,BUSYBOX,CGROUP2,OWN_NETWORK,IPV6,CGROUP_BPF,!INSTRUMENTED

# The host: 10.9.0.1 and fd09::1 on "lo", which every machine has. What was refused once is
# not sent again, and counted, some seconds later.
test_expect_success 'two guests with addresses of their own' '
	echo 0 >/proc/sys/net/ipv4/tcp_synack_retries &&
	ip link set lo up && ip addr add 10.9.0.1/24 dev lo &&
	ip addr add fd09::1/64 dev lo nodad &&
	test_pool ext4 && guest_tree tree && guest_program tree netprobe &&
	guest_program tree unixprobe && guest_program tree escapes &&
	vtemplate import t tree &&
	a_guest a ip=10.9.0.5/24@lo,fd09::5/64@lo,10.9.0.50@lo &&
	a_guest b ip=10.9.0.6,fd09::6 &&
	vserver a start && vserver b start &&
	ip -o addr show dev lo >out && test_grep "10.9.0.5/32" out &&
	test_grep "10.9.0.50/32" out && test_grep "10.9.0.6/32" out &&
	test_grep "fd09::5/128" out && test_grep "fd09::6/128" out
'

test_expect_success 'show tells what the kernel has' '
	vserver a show --json >out && test_json out .effective.net restricted &&
	test_json out .effective.ip "10.9.0.5@lo,10.9.0.50@lo,fd09::5@lo" &&
	vserver b show --json >out &&
	test_json out .effective.ip "10.9.0.6@lo,fd09::6@lo"
'

# Which of the two it is, the kernel decides; q5041 has one that can.
test_expect_success 'abstract Unix sockets are in reach just when start says so' '
	serve unix unixprobe serve @host && serve unix-b vserver b exec unixprobe serve @b &&
	vserver a restart 2>said && cat said && vserver a status --json >out &&
	if grep "can reach abstract Unix sockets of the host and of other guests: ." said
	then
		wanted=done in_reach=true
	else
		wanted=EPERM in_reach=false
	fi &&
	test_json out .network.unix_open $in_reach &&
	says $wanted vserver a exec unixprobe ask @host &&
	says $wanted vserver a exec unixprobe ask @b
'

test_expect_success 'bind: own addresses, nothing else' '
	says 10.9.0.5 probe a bind 10.9.0.5 80 && says fd09::5 probe a bind fd09::5 80 &&
	says 10.9.0.50 probe a bind 10.9.0.50 80 &&
	says ::ffff:10.9.0.5 probe a bind ::ffff:10.9.0.5 80 &&
	says 10.9.0.5 probe a -u bind 10.9.0.5 53 &&
	for other in 10.9.0.1 10.9.0.6 ::ffff:10.9.0.1 ::ffff:10.9.0.6 fd09::1 fd09::6 \
		224.0.0.251 255.255.255.255 10.9.0.255 ff02::fb fd63:6f77:6c6b::7001
	do
		says EADDRNOTAVAIL probe a bind $other 8080 &&
		says EADDRNOTAVAIL probe a -u bind $other 8080 || return 1
	done
'

test_expect_success 'bind: all of them is narrowed, the loopback looks like one' '
	says 10.9.0.5 probe a bind 0.0.0.0 80 && says fd09::5 probe a bind :: 80 &&
	says 10.9.0.5 probe a -u bind 0.0.0.0 80 &&
	says ::ffff:10.9.0.5 probe a bind ::ffff:0.0.0.0 80 &&
	says 127.0.0.1 probe a bind 127.0.0.1 80 && says ::1 probe a bind ::1 80 &&
	says 127.0.0.53 probe a -u bind 127.0.0.53 53 &&
	says 127.0.0.1 probe a bind 127.0.1.1 80 &&
	says ::ffff:127.0.0.1 probe a bind ::ffff:127.0.0.1 80 &&
	serve 90 probe a serve 127.0.0.1 90 && serve 91 probe a serve 0.0.0.0 91 &&
	serve 92 probe a serve ::1 92 && netstat -ltn >out && cat out &&
	test_grep "127.112.0.1:90 " out && test_grep "10.9.0.5:91 " out &&
	test_grep "fd63:6f77:6c6b::7000:92 " out && ! test_grep "127.0.0.1:" out
'

test_expect_success 'ports below 1024 are for the root of the guest' '
	says 10.9.0.5 probe a bind 0.0.0.0 22 &&
	in_guest a "echo user:x:1000:1000::/:/bin/sh >>/etc/passwd" &&
	says EACCES in_guest a "su user -c \"netprobe bind 0.0.0.0 23\"" &&
	says EACCES in_guest a "su user -c \"netprobe bind ::1 23\"" &&
	says 10.9.0.5 in_guest a "su user -c \"netprobe bind 0.0.0.0 1024\""
'

test_expect_success 'two guests have the same port, each answers on its address' '
	serve 80 probe a serve 0.0.0.0 80 && serve 80 probe b serve 0.0.0.0 80 &&
	serve 81 probe a serve :: 81 && serve 81 probe b serve :: 81 &&
	says "10.9.0.1 10.9.0.5 10.9.0.1" netprobe -b 10.9.0.1 ask 10.9.0.5 80 &&
	says "10.9.0.5 10.9.0.6 10.9.0.5" probe a ask 10.9.0.6 80 &&
	says "10.9.0.6 10.9.0.5 10.9.0.6" probe b ask 10.9.0.5 80 &&
	says "fd09::5 fd09::6 fd09::5" probe a ask fd09::6 81 &&
	says "10.9.0.5 ::ffff:10.9.0.6 ::ffff:10.9.0.5" \
		probe a ask ::ffff:10.9.0.6 80
'

test_expect_success 'what is sent comes from its own address' '
	serve 82 netprobe serve 0.0.0.0 82 && serve 83 netprobe -o serve :: 83 &&
	serve 84 netprobe -u serve 10.9.0.1 84 &&
	says "10.9.0.5 10.9.0.1 10.9.0.5" probe a ask 10.9.0.1 82 &&
	says "10.9.0.5 ::ffff:10.9.0.1 ::ffff:10.9.0.5" probe a ask ::ffff:10.9.0.1 82 &&
	says "fd09::5 fd09::1 fd09::5" probe a ask fd09::1 83 &&
	says "10.9.0.50 10.9.0.1 10.9.0.50" probe a -b 10.9.0.50 ask 10.9.0.1 82 &&
	says "10.9.0.5 10.9.0.1" probe a -u ask 10.9.0.1 84 &&
	says "10.9.0.5 10.9.0.1" probe a -u -c ask 10.9.0.1 84
'

test_expect_success 'no packet leaves from an address that is not its own' '
	says EPERM probe a -u -c -p 10.9.0.1 ask 10.9.0.1 84 &&
	says EPERM probe a -u -c -p 10.9.0.6 ask 10.9.0.1 84 &&
	says EPERM probe a -u -c -p 127.0.0.1 ask 10.9.0.1 84 &&
	says EPERM probe a -u -c -p 127.112.0.1 ask 10.9.0.1 84 &&
	vserver a status --json >out && test_json out .network.sent_refused 4
'

# The host is a witness that it is not the kernel who refuses them.
test_expect_success 'no packet leaves with what may lead it elsewhere' '
	says "10.9.0.1 10.9.0.1" netprobe -u -x ask 10.9.0.1 84 &&
	says silence netprobe -u -x ask fd09::1 84 &&
	says EPERM probe a -u -x ask 10.9.0.1 84 && says EPERM probe a -u -x ask fd09::1 84 &&
	vserver a status --json >out && test_json out .network.sent_refused 6
'

test_expect_success 'its loopback is its own' '
	serve 70 probe a serve 127.0.0.1 70 && serve 71 probe a -u serve 127.0.0.1 71 &&
	serve 72 probe a serve ::1 72 && serve 73 probe a -u serve ::1 73 &&
	says "127.0.0.1 127.0.0.1 127.0.0.1" probe a ask 127.0.0.1 70 &&
	says "127.0.0.1 127.0.0.1 127.0.0.1" probe a ask 0.0.0.0 70 &&
	says "127.0.0.1 ::ffff:127.0.0.1 ::ffff:127.0.0.1" \
		probe a ask ::ffff:127.0.0.1 70 &&
	says "127.0.0.1 127.0.0.1" probe a -u ask 127.0.0.1 71 &&
	says "127.0.0.1 127.0.0.1" probe a -u -c ask 127.0.0.1 71 &&
	says "::1 ::1 ::1" probe a ask ::1 72 && says "::1 ::1 ::1" probe a ask :: 72 &&
	says "::1 ::1" probe a -u ask ::1 73 && says "::1 ::1" probe a -u -c ask ::1 73
'

test_expect_success 'no other guest and nobody on the host reaches it' '
	for where in 127.0.0.1 0.0.0.0 ::ffff:127.0.0.1 127.112.0.1 ::ffff:127.112.0.1
	do
		says ECONNREFUSED probe b ask $where 70 || return 1
	done &&
	for where in ::1 ::
	do
		says ECONNREFUSED probe b ask $where 72 || return 1
	done &&
	says silence probe b ask fd63:6f77:6c6b::7000 72 &&
	says EPERM probe b -u ask fd63:6f77:6c6b::7000 73 &&
	says ECONNREFUSED probe b -u -c ask 127.112.0.1 71 &&
	says silence netprobe ask 127.112.0.1 70 &&
	says silence netprobe -b fd09::1 ask fd63:6f77:6c6b::7000 72 &&
	says silence netprobe -u ask 127.112.0.1 71 &&
	says silence netprobe -u -b fd09::1 ask fd63:6f77:6c6b::7000 73
'

test_expect_success 'who listens on all of them is found on the loopback too' '
	serve 74 probe a serve 0.0.0.0 74 && serve 75 probe a -u serve 0.0.0.0 75 &&
	serve 76 probe a serve :: 76 &&
	says "10.9.0.5 10.9.0.5 10.9.0.5" probe a ask 127.0.0.1 74 &&
	says "10.9.0.5 10.9.0.5" probe a -u ask 127.0.0.1 75 &&
	says "fd09::5 fd09::5 fd09::5" probe a ask ::1 76
'

test_expect_success 'nothing of the loopback of the host is in reach' '
	serve 60 netprobe serve 127.0.0.1 60 && serve 61 netprobe -u serve 127.0.0.1 61 &&
	serve 62 netprobe -o serve ::1 62 && serve 63 netprobe serve 0.0.0.0 63 &&
	serve 64 netprobe -u serve 0.0.0.0 64 && serve 65 netprobe serve :: 65 &&
	for port in 60 63 65
	do
		for where in 127.0.0.1 0.0.0.0 127.1.2.3 ::ffff:127.0.0.1 ::ffff:0.0.0.0
		do
			says ECONNREFUSED probe a ask $where $port || return 1
		done
	done &&
	for port in 62 65
	do
		says ECONNREFUSED probe a ask ::1 $port &&
		says ECONNREFUSED probe a ask :: $port || return 1
	done &&
	says EPERM probe a -u ask 127.0.0.1 64 && says EPERM probe a -u ask 0.0.0.0 64 &&
	says EPERM probe a -u -c ask 127.0.0.1 64 &&
	says ECONNREFUSED probe a -u -c ask 127.0.0.1 61
'

test_expect_success 'from its loopback it speaks to nobody else' '
	says EINVAL probe a -b 127.0.0.1 ask 10.9.0.1 63 &&
	says EINVAL probe a -b 127.0.0.1 ask 10.9.0.5 63 &&
	says EINVAL probe a -b ::ffff:127.0.0.1 ask ::ffff:10.9.0.1 63 &&
	says EINVAL probe a -u -b 127.0.0.1 ask 10.9.0.1 64 &&
	says silence probe a -b ::1 ask fd09::1 65
'

# refused_to NAME: how many packets did not reach it
refused_to()
{
	vserver "$1" status --json | jq .network.received_refused
}

# silent [OPTION...] ADDRESS PORT: neither the host nor guest b gets an answer there.
silent()
{
	test_options=
	while test $# -gt 2
	do
		test_options="$test_options $1"
		shift
	done
	# shellcheck disable=SC2086 # a list of options
	says silence netprobe $test_options ask "$@" && says silence probe b $test_options ask "$@"
}

# own_only4 PORT FORM [OPTION...], own_only6 PORT [OPTION...]: from outside, that port of guest
# a is there at its address, and not at those of the host and of others. The former answers
# with an address that has FORM in front.
own_only4()
{
	test_port=$1
	test_form=$2
	shift 2
	silent "$@" 10.9.0.1 "$test_port" && silent "$@" 10.9.0.6 "$test_port" &&
	says silence netprobe "$@" ask 127.0.0.1 "$test_port" &&
	says silence netprobe "$@" ask 127.112.0.1 "$test_port" &&
	says "${test_form}10.9.0.1 10.9.0.5" first_two netprobe "$@" -b 10.9.0.1 \
		ask 10.9.0.5 "$test_port"
}

own_only6()
{
	test_port=$1
	shift
	silent "$@" fd09::1 "$test_port" && silent "$@" fd09::6 "$test_port" &&
	says silence netprobe "$@" ask ::1 "$test_port" &&
	says silence netprobe "$@" -b fd09::1 ask fd63:6f77:6c6b::7000 "$test_port" &&
	says "fd09::1 fd09::5" first_two netprobe "$@" -b fd09::1 ask fd09::5 "$test_port"
}

# What was told, and by whom, without what TCP tells besides.
first_two()
{
	"$@" | cut -d " " -f 1,2
}

# port_of LABEL: of what serves
port_of()
{
	cut -d " " -f 2 "served-$1"
}

test_expect_success 'who listens without an address is not everywhere' '
	serve tcp4 probe a -a serve 10.9.0.1 0 && serve tcp6 probe a -a serve fd09::1 0 &&
	before=$(refused_to a) && own_only4 "$(port_of tcp4)" "" &&
	own_only4 "$(port_of tcp6)" ::ffff: && own_only6 "$(port_of tcp6)" &&
	test "$(refused_to a)" -gt "$before" &&
	says "10.9.0.1 10.9.0.50" first_two netprobe -b 10.9.0.1 ask 10.9.0.50 "$(port_of tcp4)" &&
	says "10.9.0.5 10.9.0.1" probe a -u -a ask 10.9.0.1 84
'

test_expect_success 'nor a UDP socket that has a port by what it has sent' '
	serve udp4 probe a -u -a serve 10.9.0.1 9 && serve udp6 probe a -u -a serve fd09::1 9 &&
	before=$(refused_to a) && own_only4 "$(port_of udp4)" "" -u &&
	own_only4 "$(port_of udp6)" ::ffff: -u && own_only6 "$(port_of udp6)" -u &&
	test "$(refused_to a)" = $((before + 6 + 6 + 6))
'

# As docs/security.md has it: when one of these is closed, it has to be told there.
test_expect_success 'what is open: the host is seen, but not changed, and has its ports first' '
	serve 66 netprobe serve 0.0.0.0 66 && says EADDRINUSE probe a bind 10.9.0.5 66 &&
	says "10.9.0.1 10.9.0.5 10.9.0.1" netprobe -b 10.9.0.1 ask 10.9.0.5 66 &&
	in_guest a "cat /proc/net/tcp" >out && test_grep ": 00000000:0042 " out &&
	in_guest a "ip -o addr" >out && test_grep "10.9.0.1/24" out && test_grep "10.9.0.6/32" out &&
	! in_guest a "ip addr add 10.9.0.99/32 dev lo" && ! in_guest a "ip link set lo down" &&
	! in_guest a "ip addr del 10.9.0.6/32 dev lo"
'

# counted ARGUMENT...: what netprobe of guest a changes in what status tells: sent packets and
# bytes, received ones, refused in both directions
counted()
{
	vserver a status --json >before && documented vserver before &&
	probe a "$@" && vserver a status --json >after &&
	jq -s "[.[1].network, .[0].network] | [.[0].sent_packets - .[1].sent_packets,
		.[0].sent_bytes - .[1].sent_bytes,
		.[0].received_packets - .[1].received_packets,
		.[0].received_bytes - .[1].received_bytes,
		.[0].sent_refused - .[1].sent_refused,
		.[0].received_refused - .[1].received_refused]" -c before after >out && cat out
}

# A header of IPv6 has 40 bytes, one of IPv4 20, of UDP 8, and the answer is an address.
test_expect_success 'counters' '
	serve 87 netprobe -u -o serve fd09::1 87 &&
	counted -u ask 10.9.0.1 84 && test_contents out "[1,29,1,36,0,0]" &&
	counted -u ask fd09::1 87 && test_contents out "[1,49,1,55,0,0]" &&
	counted -u -x ask fd09::1 87 && test_contents out "[0,0,0,0,1,0]" &&
	counted -u ask 127.0.0.1 71 && test_contents out "[0,0,0,0,0,0]" &&
	counted -u ask ::1 73 && test_contents out "[0,0,0,0,0,0]"
'

# The guest's server sends what is refused again and again.
test_expect_success 'what is open: users of the host have 127/8, but no connection comes of it' '
	says 127.112.0.1 netprobe bind 127.112.0.1 8070 &&
	says fd63:6f77:6c6b::7000 netprobe bind fd63:6f77:6c6b::7000 8070 &&
	serve 67 probe a serve ::1 67 && serve 68 probe a serve 127.0.0.1 68 &&
	says silence netprobe ask fd63:6f77:6c6b::7000 67 &&
	says silence netprobe -b fd63:6f77:6c6b::7000 ask fd63:6f77:6c6b::7000 67 &&
	says silence netprobe -b 127.112.0.1 ask 127.112.0.1 68
'

# Those that the host gets, and guests would without the programs; where it has none, nobody
# was refused anything.
test_expect_success 'kinds of sockets that there are not' '
	old=$(cat /proc/sys/net/ipv4/ping_group_range) &&
	test_when_finished "echo \"$old\" >/proc/sys/net/ipv4/ping_group_range" &&
	echo "0 4294967294" >/proc/sys/net/ipv4/ping_group_range &&
	netprobe sockets >host && cat host && probe a sockets >out && cat out &&
	doubtful host out >doubtful && not_of doubtful host >has && grep -c done has &&
	sed "s/ done$/ EPERM/" has >expected && not_of doubtful out >found &&
	test_cmp expected found && test_grep "^ping EPERM" out && test_grep "^raw EPERM" out
'

skip_doubtful doubtful 'nor those that this kernel has for nobody'

test_expect_success 'what is the network of the host is not for guests to set' '
	escapes writable /proc/sys/net >out && test "$(wc -l <out)" -gt 50 &&
	in_guest a "escapes writable /proc/sys/net" >out && test "$(wc -l <out)" = 1 &&
	test "$(sed "s/^of //" out)" -gt 50 &&
	in_guest a "unshare -Urmpf escapes writable /proc/sys/net" >out && test "$(wc -l <out)" = 1
'

test_expect_success 'an address can be had once' '
	a_guest c ip=10.9.0.6/32@lo &&
	refused 1 "10.9.0.6 is in use by the guest with context 28673" vserver c start &&
	nothing_of c && vserver c set ip=10.9.0.1/24@lo &&
	refused 1 "10.9.0.1 is in use by the host, on '\''lo'\''" vserver c start &&
	vserver c set ip=10.9.0.7/24@none &&
	refused 1 "10.9.0.7: there is no interface '\''none'\'' here" vserver c start &&
	vserver c set ip=10.9.1.7/24@lo &&
	refused 1 "'\''lo'\'' has no address in the network of 10.9.1.7/24" vserver c start &&
	vserver c set ip=10.9.1.7 &&
	refused 1 "no interface is in the network of 10.9.1.7" vserver c start &&
	nothing_of c && ip addr >out && ! grep 10.9.1.7 out
'

test_expect_success 'a start that fails half way takes the addresses off' '
	vserver c set ip=10.9.0.7 init=/no/such/program &&
	refused 1 "cannot run" vserver c start && nothing_of c &&
	ip addr >out && ! grep "10.9.0.7\|:7002/" out
'

test_expect_success 'what a killed start left is found by the next one' '
	vserver c set init="/bin/sleep 1000" &&
	for n in $(seq 20 34)
	do
		COWLINK_FAULT=kill:$n vserver c start && return 1
		:
	done &&
	vserver c start && ip addr >out && test "$(grep -c 10.9.0.7 out)" = 1 &&
	vserver c stop && ip addr >out && ! grep "10.9.0.7\|:7002/" out && nothing_of c
'

test_expect_success 'also one that had put addresses on' '
	for effect in address_add:1 address_add:2 bind:1
	do
		COWLINK_FAULT_EXEC="$effect:kill -KILL \$PPID" \
			test_expect_code 137 vserver c start && vserver c start &&
		ip addr >out && test "$(grep -c 10.9.0.7 out)" = 1 && vserver c stop &&
		ip addr >out && ! grep "10.9.0.7\|:7002/" out && nothing_of c || return 1
	done
'

# d is killed when its programs say so already and nothing is on yet; then c gets it.
test_expect_success 'what another guest got meanwhile is not taken from it' '
	a_guest d ip=10.9.0.7 &&
	COWLINK_FAULT_EXEC="address_add:1:kill -KILL \$PPID" \
		test_expect_code 137 vserver d start && vserver c start &&
	test_expect_code 3 vserver d status --repair && ip addr >out && test_grep 10.9.0.7 out &&
	refused 1 "10.9.0.7 is in use by the guest with context" vserver d start &&
	ip addr >out && test_grep 10.9.0.7 out && nothing_of d && vserver c stop
'

test_expect_success 'of two that start at the same time one gets it, and keeps it' '
	for n in 1 2 3 4 5 6 7 8
	do
		rm -f c.code d.code
		{ vserver c start; echo $? >c.code; } & one=$!
		{ vserver d start; echo $? >d.code; } & wait $! $one
		test "$(sort c.code d.code | tr -d "\n")" = 01 && ip addr >out &&
			test_grep 10.9.0.7 out && vserver c stop && vserver d stop || return 1
	done
'

test_expect_success 'what the host put on itself meanwhile stays, too' '
	COWLINK_FAULT_EXEC="address_add:2:ip addr add 10.9.0.7/32 dev lo" \
		refused 1 "cannot put on 10.9.0.7" vserver d start &&
	ip addr >out && test_grep 10.9.0.7 out && nothing_of d && ip addr del 10.9.0.7/32 dev lo &&
	vtemplate destroy d
'

test_expect_success 'and what a killed stop left' '
	for n in $(seq 3 3 30)
	do
		vserver c start && { (COWLINK_FAULT=kill:$n && export COWLINK_FAULT &&
			exec vserver c stop) || :; } &&
		{ vserver c status || vserver c start; } &&
		says 10.9.0.7 probe c bind 0.0.0.0 80 && vserver c stop || return 1
	done &&
	ip addr >out && ! grep "10.9.0.7\|:7002/" out && nothing_of c
'

test_expect_success 'an address of a guest that ended by itself goes with its stop' '
	vserver c set init="/bin/true" && { vserver c start || :; } &&
	vserver c stop && ip addr >out && ! grep "10.9.0.7\|:7002/" out
'

# Both of them on one port, as nginx has it.
test_expect_success BTF 'without an address of IPv6, who wants only that has the loopback' '
	vserver c set init="/bin/sleep 1000" && vserver c start &&
	says ::1 probe c -o bind :: 80 && says ::1 probe c -u -o bind :: 80 &&
	says ::ffff:10.9.0.7 probe c bind :: 80 &&
	serve 86 probe c serve 0.0.0.0 86 && serve 86 probe c -o serve :: 86 &&
	says "10.9.0.1 10.9.0.7 10.9.0.1" netprobe -b 10.9.0.1 ask 10.9.0.7 86 &&
	says "::1 ::1 ::1" probe c ask ::1 86 &&
	says silence netprobe -b fd09::1 ask fd63:6f77:6c6b::7002 86
'

test_expect_success 'where the kernel does not describe itself, it has nothing' '
	{ ! test -e /sys/kernel/btf || { mount -t tmpfs none /sys/kernel/btf &&
		test_when_finished umount /sys/kernel/btf; }; } &&
	vserver c set init="/bin/sleep 1000" && vserver c restart &&
	says EINVAL probe c -o bind :: 80 &&
	says ::ffff:10.9.0.7 probe c bind :: 80 && vserver c stop
'

test_expect_success 'a program of others on its cgroup is none of ours' '
	vserver c start && says done netprobe hook "$(cgroup_of c)" &&
	vserver c show --json >out && test_json out .effective.net restricted &&
	says silence probe c -u ask 10.9.0.1 9 && says EADDRNOTAVAIL probe c bind 10.9.0.1 80 &&
	vserver c stop && ip addr >out && ! grep "10.9.0.7\|:7002/" out && nothing_of c
'

test_expect_success 'where a program of ours is missing show says so, and a restart mends it' '
	vserver c start && says done netprobe unhook "$(cgroup_of c)" &&
	vserver c show --json >out && test_json out .effective.net broken &&
	test_json out .effective.ip null && vserver c show | grep "net .*broken" &&
	test_expect_code 4 vserver c status 2>err &&
	test_grep "only 14 of 15 network programs are attached" err &&
	vserver c restart && vserver c show --json >out &&
	test_json out .effective.net restricted && vserver c stop && nothing_of c &&
	ip addr >out && ! grep "10.9.0.7\|:7002/" out
'

test_expect_success 'without an address there is a loopback and nothing else' '
	vserver c set ip= && vserver c start &&
	vserver c show --json >out && test_json out .effective.net none &&
	in_guest c "ls /proc/sys/net/ipv4/conf" >out &&
	! grep -v "^\(all\|default\|lo\|sit0\)$" out &&
	serve 70 probe c serve 127.0.0.1 70 &&
	says "127.0.0.1 127.0.0.1 127.0.0.1" probe c ask 127.0.0.1 70 &&
	says ENETUNREACH probe c ask 10.9.0.1 63 &&
	says ECONNREFUSED probe c ask 127.0.0.1 63 &&
	vserver c stop
'

test_expect_success 'the network of the host, if it is to be so' '
	vserver c set net=host && vserver c start &&
	vserver c show --json >out && test_json out .effective.net host &&
	in_guest c "escapes writable /proc/sys/net" >out && test "$(wc -l <out)" = 1 &&
	vserver c stop && vserver c set net=none ip=10.9.0.7 &&
	refused 1 "ip is set, but net=none has no interface" vserver c start
'

test_expect_success 'after the end nothing is left on the interfaces' '
	stop_servers && vserver a stop && vserver b stop && ip -o addr >out &&
	! grep "10.9.0.[567]\|fd09::[56]\|fd63" out && serve 69 netprobe serve 0.0.0.0 69 &&
	says "10.9.0.1 10.9.0.1 10.9.0.1" netprobe -b 10.9.0.1 ask 10.9.0.1 69
'

kill_guests
stop_servers
test_done
