#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: a guest with a network of its own

The host is a network namespace that the test makes, with a bridge in it; no packet leaves
the machine.'

. "$(dirname "$0")/lib-own-network.sh"
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-crash.sh"
. "$TEST_DIRECTORY/lib-probe.sh"

test_lazy_prereq OWN_NETWORK 'test -n "$COWLINK_OWN_NETWORK"'
test_lazy_prereq IPV6 'test -e /proc/net/if_inet6'
test_lazy_prereq VETH 'unshare -n sh -c "ip link add name br9 type bridge &&
	ip link add name ve9 type veth peer name ve8"'
test_lazy_prereq CGROUP_BPF 'test "$(netprobe bpf)" = done'
test_require ROOT,USERNS,EXT4,BUSYBOX,OWN_NETWORK,IPV6,VETH,!INSTRUMENTED

# no_pair: there is no host's end of any guest.
no_pair()
{
	ip -o link show type veth >pairs && test ! -s pairs || complain_ "$(cat pairs)"
}

# inside NAME COMMAND TEXT...: the output of a command in the guest has these lines.
inside()
{
	in_guest "$1" "$2" >inside.out && cat inside.out || return 1
	shift 2
	for line in "$@"
	do
		test_grep "$line" inside.out || return 1
	done
}

# context_of NAME
context_of()
{
	vserver "$1" status --json | jq .context
}

test_expect_success 'a bridge, two guests at it, and one without' '
	# a new namespace may take after the real host
	echo 0 >/proc/sys/net/ipv4/ip_forward && echo 0 >/proc/sys/net/ipv6/conf/all/forwarding &&
	ip link set lo up && ip link add br0 type bridge && ip link set br0 mtu 1400 up &&
	ip addr add 10.9.0.1/24 dev br0 && ip addr add fd09::1/64 dev br0 nodad &&
	test_pool ext4 && guest_tree tree && guest_program tree netprobe &&
	guest_program tree frames &&
	vtemplate import t tree &&
	a_guest a net=private ip=10.9.0.5/24@br0,fd09::5/64@br0 gateway=10.9.0.1,fd09::1 &&
	a_guest b net=private ip=10.9.0.6/24@br0,fd09::6/64@br0 &&
	a_guest r net=private ip=10.8.0.7,fd08::7 &&
	vserver a start && vserver b start && vserver r start
'

test_expect_success 'the host has one end of each, named by the context' '
	ip -o link show >out && cat out &&
	test_grep "vs28672@.* mtu 1400 .* master br0 .*vserver 10.9.0.5,fd09::5$" out &&
	test_grep "vs28673@.* mtu 1400 .* master br0 " out &&
	test_grep "vs28674@.* mtu 1500 .*vserver 10.8.0.7,fd08::7$" out &&
	! grep "vs28674.*master" out && test "$(grep -c "link/ether fe:" out)" -ge 3 &&
	ip route >out && test_grep "^10.8.0.7 dev vs28674 " out && ! grep default out &&
	ip -6 route >out && test_grep "^fd08::7 dev vs28674 " out && ! grep default out
'

test_expect_success 'the guest has eth0, its addresses and routes, and no more' '
	inside a "ip addr" "eth0@.*[<,]UP.* mtu 1400" "inet 10.9.0.5/24 " "inet6 fd09::5/64 " \
		"link/ether 02:" "lo: .*[<,]UP" &&
	! { grep "^[0-9]" inside.out | grep -v ": \(lo\|eth0@.*\|sit0@NONE\): "; } &&
	! grep "fd09::5.*tentative" inside.out &&
	inside a "ip route" "^default via 10.9.0.1 dev eth0" "^10.9.0.0/24 dev eth0" &&
	inside a "ip -6 route" "^default via fd09::1 dev eth0" "^fd09::/64 dev eth0" &&
	inside b "ip route; ip -6 route" "^10.9.0.0/24 dev eth0" &&
	! grep default inside.out &&
	inside r "ip addr" "inet 10.8.0.7/32 " "inet6 fd08::7/128 " &&
	inside r "ip route; ip -6 route" "^default via 169.254.0.1 dev eth0" \
		"^default via fe80::1 dev eth0"
'

test_expect_success 'show tells what the kernel has' '
	vserver a show --json >out && test_json out .effective.net private &&
	test_json out .effective.ip "10.9.0.5/24@br0,fd09::5/64@br0" &&
	vserver r show --json >out && test_json out .effective.net private &&
	test_json out .effective.ip "10.8.0.7,fd08::7" &&
	in_guest r "ip addr add 10.8.0.8/32 dev eth0" && vserver r show --json >out &&
	test_json out .effective.ip "10.8.0.7,10.8.0.8,fd08::7" &&
	in_guest r "ip addr del 10.8.0.8/32 dev eth0"
'

test_expect_success 'host and guests reach each other over the bridge' '
	serve 80 probe a serve 0.0.0.0 80 && serve 81 probe a -o serve :: 81 &&
	serve 82 netprobe serve 0.0.0.0 82 && serve 83 netprobe -o serve :: 83 &&
	serve 84 probe a -u serve 10.9.0.5 84 &&
	says "10.9.0.1 10.9.0.5 10.9.0.1" netprobe ask 10.9.0.5 80 &&
	says "fd09::1 fd09::5 fd09::1" netprobe ask fd09::5 81 &&
	says "10.9.0.1 10.9.0.5" netprobe -u ask 10.9.0.5 84 &&
	says "10.9.0.6 10.9.0.5 10.9.0.6" probe b ask 10.9.0.5 80 &&
	says "fd09::6 fd09::5 fd09::6" probe b ask fd09::5 81 &&
	says "10.9.0.5 10.9.0.1 10.9.0.5" probe a ask 10.9.0.1 82 &&
	says "fd09::5 fd09::1 fd09::5" probe a ask fd09::1 83
'

test_expect_success 'host and guest reach each other without a bridge' '
	serve 85 probe r serve 0.0.0.0 85 && serve 86 probe r -o serve :: 86 &&
	says "169.254.0.1 10.8.0.7 169.254.0.1" netprobe ask 10.8.0.7 85 &&
	says "10.9.0.1 10.8.0.7 10.9.0.1" netprobe -b 10.9.0.1 ask 10.8.0.7 85 &&
	says "fd09::1 fd08::7 fd09::1" netprobe -b fd09::1 ask fd08::7 86 &&
	says "10.8.0.7 169.254.0.1 10.8.0.7" probe r ask 169.254.0.1 82 &&
	says "10.8.0.7 10.9.0.1 10.8.0.7" probe r ask 10.9.0.1 82 &&
	says "fd08::7 fd09::1 fd08::7" probe r ask fd09::1 83
'

test_expect_success 'the host forwards only if it is told to' '
	says silence probe r ask 10.9.0.5 80 &&
	echo 1 >/proc/sys/net/ipv4/ip_forward &&
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding &&
	says "10.8.0.7 10.9.0.5 10.8.0.7" probe r ask 10.9.0.5 80 &&
	says "fd08::7 fd09::5 fd08::7" probe r ask fd09::5 81 &&
	says "10.9.0.5 10.8.0.7 10.9.0.5" probe a ask 10.8.0.7 85
'

test_expect_success 'each has a loopback of its own' '
	serve 60 netprobe serve 127.0.0.1 60 && serve 61 netprobe -o serve ::1 61 &&
	serve 62 probe a serve 127.0.0.1 62 &&
	for where in 127.0.0.1 0.0.0.0 10.9.0.1
	do
		says ECONNREFUSED probe a ask $where 60 || return 1
	done &&
	says ECONNREFUSED probe a ask ::1 61 && says ECONNREFUSED probe a ask fd09::1 61 &&
	says ECONNREFUSED probe r ask 169.254.0.1 60 &&
	says ECONNREFUSED probe b ask 127.0.0.1 62 && says ECONNREFUSED netprobe ask 127.0.0.1 62 &&
	says "127.0.0.1 127.0.0.1 127.0.0.1" probe a ask 127.0.0.1 62
'

test_expect_success 'abstract and other sockets of the host are not in sight' '
	inside a "cat /proc/net/tcp" ":0050 " && ! grep "^ *[0-9]*: [^ ]*:0052 " inside.out
'

test_expect_success 'its root rules its network, and nothing outside' '
	inside a "ip link add dummy0 type bridge && ip link del dummy0 && echo done" done &&
	in_guest a "ip route add 10.77.0.0/16 via 10.9.0.1" &&
	in_guest a "echo 1 >/proc/sys/net/ipv4/ip_forward" &&
	test "$(in_guest a "cat /proc/sys/net/ipv4/ip_forward")" = 1 &&
	ip route >out && ! grep 10.77 out &&
	in_guest a "grep CapBnd /proc/self/status; grep CapBnd /proc/1/status" >out &&
	test "$(uniq out | wc -l)" = 1 &&
	a_guest n && vserver n start && ! in_guest n "ip link set lo down" &&
	vserver n stop
'

test_expect_success 'what it runs with counts, not what was set since' '
	vserver a set net=none ip= gateway= &&
	in_guest a "ip link set eth0 mtu 1390 && ip link set eth0 mtu 1400" &&
	vserver a show --json >out && test_json out .effective.net private &&
	vserver a set net=private ip=10.9.0.5/24@br0,fd09::5/64@br0 gateway=10.9.0.1,fd09::1
'

test_expect_success 'counters' '
	vserver r status --json >before &&
	for n in 1 2 3
	do
		says "10.9.0.1 10.8.0.7 10.9.0.1" netprobe -b 10.9.0.1 ask 10.8.0.7 85 || return 1
	done &&
	vserver r status --json >after && jq -s "[.[1].network, .[0].network] |
		[.[0].sent_packets - .[1].sent_packets > 8,
		.[0].sent_bytes - .[1].sent_bytes > 500,
		.[0].received_packets - .[1].received_packets > 8,
		.[0].received_bytes - .[1].received_bytes > 500]" -c before after >out &&
	test_contents out "[true,true,true,true]" && vserver r status >out &&
	test_grep "^  sent  *[1-9][0-9]* bytes" out
'

test_expect_success 'stop takes the end of the host away, a start makes the same again' '
	in_guest a "ip link show eth0" | grep -o "02:[0-9a-f:]*" >before &&
	vserver a stop && ip link >out && ! grep vs28672 out && test_grep vs28673 out &&
	vserver a start && in_guest a "ip link show eth0" | grep -o "02:[0-9a-f:]*" >after &&
	test_cmp before after && test "$(wc -l <after)" = 1
'

# heard NAME SENDER OWN4 OWN6: what of all frames of the sender reaches the first, both at
# the bridge.
heard()
{
	rm -f heard && { vserver "$1" exec frames watch eth0 >heard 2>&1 & } && watcher=$! &&
	until test -s heard
	do
		kill -0 $watcher && sleep 0.05 || return 1
	done &&
	vserver "$2" exec frames send eth0 "$3" "$4" 10.9.0.77 fd09::77 && wait $watcher &&
	sed 1d heard >out
}

# settled NAME: it knows that its new addresses are in use by nobody
settled()
{
	until in_guest "$1" "ip -6 addr show dev eth0" >addresses &&
		! grep tentative addresses
	do
		sleep 0.1
	done
	! grep dadfailed addresses
}

# refused_by NAME: how many of the packets that it sent
refused_by()
{
	vserver "$1" status --json | jq .network.sent_refused
}

test_expect_success 'what is not its own does not leave a guest' '
	frames list | sed -n "s/^own //p" >expected && test "$(wc -l <expected)" -gt 15 &&
	before=$(refused_by a) && heard b a 10.9.0.5 fd09::5 && test_cmp expected out &&
	foreign=$(frames list | grep -c ^foreign) && test "$foreign" -gt 30 &&
	test "$(refused_by a)" = $((before + foreign)) &&
	vserver a show --json >out && test_json out .effective[\"net.source\"] own &&
	vserver a status >out && test_grep "^  sent .*refused $((before + foreign))$" out
'

test_expect_success 'nor that of another guest' '
	printf "%s\n" arp-probe ip6-local ns-nobody na-local mld mld1 mld-leave >expected &&
	heard a b 10.9.0.5 fd09::5 && test_cmp expected out &&
	in_guest b "ip addr add 10.9.0.77/24 dev eth0 && ip -6 addr add fd09::77/64 dev eth0" &&
	settled b &&
	says "10.9.0.6 10.9.0.1 10.9.0.6" probe b -b 10.9.0.6 ask 10.9.0.1 82 &&
	says silence probe b -b 10.9.0.77 ask 10.9.0.1 82 &&
	says silence probe b -b fd09::77 ask fd09::1 83 &&
	before=$(refused_by r) &&
	in_guest r "ip addr add 10.8.0.9/32 dev eth0 && ip -6 addr add fd08::9/128 dev eth0" &&
	settled r &&
	says silence probe r -b 10.8.0.9 ask 10.9.0.1 82 &&
	says silence probe r -b fd08::9 ask fd09::1 83 && test "$(refused_by r)" -gt "$before" &&
	in_guest r "ip addr del 10.8.0.9/32 dev eth0 && ip -6 addr del fd08::9/128 dev eth0" &&
	in_guest b "ip addr del 10.9.0.77/24 dev eth0 && ip -6 addr del fd09::77/64 dev eth0"
'

test_expect_success 'ping, and looking for duplicates, work' '
	in_guest a "ping -c 1 10.9.0.1 && ping -c 1 10.9.0.6 && ping -c 1 -s 3000 fd09::6" &&
	in_guest r "ping -c 1 169.254.0.1 && ping -c 1 -s 3000 10.9.0.1 && ping -c 1 fd09::1" &&
	in_guest a "ip -6 addr del fd09::5/64 dev eth0 && ip -6 addr add fd09::5/64 dev eth0" &&
	settled a && says "fd09::5 fd09::1 fd09::5" probe a ask fd09::1 83
'

test_expect_success 'with net.source=any all does, and is not counted' '
	refused 2 "net.source: '\''all'\'' is not '\''own'\'' or '\''any'\''" \
		vserver b set net.source=all &&
	vserver b set net.source=any && vserver b restart && vserver b show --json >out &&
	test_json out .effective[\"net.source\"] any &&
	frames list | sed "s/.* //" >expected && heard a b 10.9.0.6 fd09::6 &&
	test_cmp expected out && test "$(refused_by b)" = 0 &&
	vserver b set net.source=own && vserver b restart && frames list |
		sed -n "s/^own //p" >expected && heard a b 10.9.0.6 fd09::6 && test_cmp expected out &&
	vserver b set net.source= && vserver b restart && vserver b show --json >out &&
	test_json out .effective[\"net.source\"] own
'

test_expect_success 'as many addresses as there can be are its own' '
	many4=$(seq -s, -f 10.9.0.%g/24@br0 101 115) && many6=$(seq -s, -f fd09::%g/64@br0 101 115) &&
	a_guest m net=private ip="$many4,fd09::101/64@br0" && vserver m start &&
	frames list | sed -n "s/^own //p" >expected && heard a m 10.9.0.115 fd09::101 &&
	test_cmp expected out && vserver m stop &&
	vserver m set ip="10.9.0.101/24@br0,$many6" && vserver m start &&
	heard a m 10.9.0.101 fd09::115 && test_cmp expected out && vserver m stop &&
	vtemplate destroy m
'

# addresses_are NAME LIST: in whatever order
addresses_are()
{
	vserver "$1" show --json | jq -r .effective.ip | tr , "\n" | sort >found &&
	echo "$2" | tr , "\n" | sort >expected && test_cmp expected found
}

# The alias of the host's end has no place for these as they are.
test_expect_success 'also when each is as long as can be' '
	net=fd09:1111:2222:3333:4444:5555:6666 && a_guest m net=private && a_guest o net=private &&
	many="10.9.0.101/24@br0,$(seq -s, -f "$net:7%03g/64@br0" 1 15)" &&
	vserver m set ip="$many" && vserver m start && addresses_are m "$many" &&
	frames list | sed -n "s/^own //p" >expected && heard a m 10.9.0.101 $net:7015 &&
	test_cmp expected out && ip -o link show >out &&
	test_grep "vserver 10.9.0.101\(,~[0-9a-f]\{13\}\)\{15\}$" out &&
	for other in 10.9.0.101 $net:7001 $net:7009 $net:7015
	do
		vserver o set ip="$other/24@br0" && refused 1 \
			"$other is in use by the guest with context $(context_of m)" \
			vserver o start || return 1
	done &&
	vserver o set ip="10.9.0.10/24@br0,$net:7000/64@br0,$net:7016/64@br0" &&
	vserver o start && vserver o stop && vserver m stop
'

test_expect_success 'and without a bridge' '
	many=$(seq -s, -f "100.100.100.1%02g" 1 16) && vserver m set ip="$many" &&
	vserver m start && addresses_are m "$many" && vserver o set ip=100.100.100.116 &&
	refused 1 "100.100.100.116 is in use by the guest with context" vserver o start &&
	many=$(seq -s, -f "$net:7%03g" 1 16) && vserver m set ip="$many" &&
	vserver m restart && addresses_are m "$many" &&
	ip -6 route >out && test "$(grep -c "^$net:7" out)" = 16 &&
	vserver o set ip=$net:7016 &&
	refused 1 "$net:7016 is in use by the guest with context" vserver o start &&
	vserver m stop && vserver o start && vserver o stop &&
	vtemplate destroy m && vtemplate destroy o
'

# held NAME COMMAND...: while the namespace that this guest has now cannot go away
held()
{
	exec 9<"/proc/$(pid_of "$1")/ns/net" || return 1
	shift
	"$@"
	test_rc=$?
	exec 9<&-
	return $test_rc
}

stop_and_start()
{
	vserver a stop && ip link >out && vserver a start
}

test_expect_success 'also when somebody keeps the namespace of the guest alive' '
	held a stop_and_start && ! grep vs28672 out && vserver a show --json >out &&
	test_json out .effective.ip "10.9.0.5/24@br0,fd09::5/64@br0"
'

test_expect_success 'of a guest that ended by itself nothing is left' '
	vserver b set init=/bin/true && { vserver b restart || :; } &&
	while ip -o link | grep vs28673
	do
		sleep 0.1
	done &&
	vserver b stop && nothing_of b &&
	vserver b set init="/bin/sleep 10000"
'

test_expect_success 'an address can be had once' '
	a_guest c net=private && vserver c set ip=10.9.0.5/24@br0 &&
	refused 1 "10.9.0.5 is in use by the guest with context 28672" vserver c start &&
	vserver c set ip=fd08::7 &&
	refused 1 "fd08::7 is in use by the guest with context 28674" vserver c start &&
	vserver c set ip=10.9.0.1/24@br0 &&
	refused 1 "10.9.0.1 is in use by the host, on '\''br0'\''" vserver c start &&
	ip route add 10.8.0.9/32 dev br0 && vserver c set ip=10.8.0.9 &&
	refused 1 "the host has a route to 10.8.0.9 already" vserver c start &&
	nothing_of c && ip link >out && ! grep vs28676 out
'

test_expect_success CGROUP2,CGROUP_BPF 'also by guests on the network of the host' '
	vserver c set net=restricted ip=10.9.0.5 &&
	refused 1 "10.9.0.5 is in use by the guest with context 28672" vserver c start &&
	vserver c set ip=10.9.0.9 && vserver c start && vserver b set ip=10.9.0.9/24@br0 &&
	refused 1 "10.9.0.9 is in use by the guest with context 28676" vserver b start &&
	vserver c stop && nothing_of b && nothing_of c
'

# start_refused TEXT KEY=VALUE...: c does not start with these.
start_refused()
{
	test_text=$1
	shift
	vserver c set net=private ip= gateway= "$@" &&
	refused 1 "$test_text" vserver c start && nothing_of c &&
	ip link >links && ! grep vs28676 links
}

test_expect_success 'what makes no sense is refused with the reason' '
	start_refused "net=private needs an address: set ip" &&
	start_refused "there is no bridge '\''br9'\'' here" ip=10.9.0.8/24@br9 &&
	start_refused "'\''lo'\'' is not a bridge" ip=10.9.0.8/24@lo &&
	start_refused "at one bridge, or at none" ip=10.9.0.8/24@br0,10.8.0.8 &&
	start_refused "10.9.0.8/24 is a network: name its bridge" ip=10.9.0.8/24 &&
	start_refused "how large is the network of 10.9.0.8?" ip=10.9.0.8@br0 &&
	start_refused "then the gateway is the host" ip=10.9.0.8 gateway=10.9.0.1 &&
	start_refused "gateway: 10.9.1.1 is in the network of none" \
		ip=10.9.0.8/24@br0 gateway=10.9.1.1 &&
	start_refused "gateway: fd09::1 is in the network of none" \
		ip=10.9.0.8/24@br0 gateway=fd09::1 &&
	start_refused "gateway: 10.9.0.8 is the guest itself" \
		ip=10.9.0.8/24@br0 gateway=10.9.0.8 &&
	for net in none host restricted
	do
		start_refused "gateway is set, but only with net=private" \
			net=$net gateway=10.9.0.1 || return 1
		start_refused "net.source is set, but only with net=private" \
			net=$net net.source=own || return 1
		vserver c set net.source= || return 1
	done &&
	refused 2 "gateway: '\''10.9.0'\'' is not an address" vserver c set gateway=10.9.0 &&
	refused 2 "is a second one for IPv4" vserver c set gateway=10.9.0.1,10.9.0.2 &&
	refused 2 "gateway: '\'','\'' holds no address" vserver c set gateway=, &&
	refused 2 "is the loopback" vserver c set gateway=127.0.0.1 &&
	refused 2 "'\''private'\'' or '\''host'\''" vserver c set net=veth
'

test_expect_success 'gateways out of the network, and link-local ones' '
	vserver c set net=private ip=10.9.0.8/32@br0,fd09::8/64@br0 \
		gateway=10.9.0.1,fe80::1 &&
	vserver c start && inside c "ip route" "^default via 10.9.0.1 dev eth0" &&
	inside c "ip -6 route" "^default via fe80::1 dev eth0" &&
	says "10.9.0.8 10.9.0.1 10.9.0.8" probe c ask 10.9.0.1 82 && vserver c stop
'

test_expect_success 'interfaces of others are left alone' '
	vserver c start && mac=$(ip link show vs28676 | grep -o "fe:[0-9a-f:]*") &&
	vserver c stop &&
	ip link add vs28676 type veth peer name other &&
	ip link set vs28676 alias "of the operator" &&
	refused 1 "there is an interface '\''vs28676'\'' already" vserver c start &&
	vserver c stop && test_expect_code 3 vserver c status --repair &&
	ip link show vs28676 && nothing_of c && ip link del vs28676 &&
	ip link add name vs28676 address "$mac" type bridge &&
	refused 1 "there is an interface '\''vs28676'\'' already" vserver c start &&
	vserver c stop && ip link show vs28676 && ip link del vs28676
'

test_expect_success 'a start that fails half way leaves nothing' '
	vserver c set init=/no/such/program && refused 1 "cannot run" vserver c start &&
	nothing_of c && ip link >out && ! grep vs28676 out &&
	vserver c set init="/bin/sleep 1000"
'

stopped()
{
	vserver c stop && nothing_left_of_c
}

nothing_left_of_c()
{
	nothing_of c && ip link >links && ! grep vs28676 links &&
	ip route >routes && ! grep "10.8.0.8" routes
}

# repaired: it runs with all that belongs to it, or nothing is left. What was killed may
# take a while to die.
repaired()
{
	vserver c status --repair >/dev/null
	case $? in
	0)	inside c "ip addr; ip route" "inet 10.8.0.8/32" "^default via" ;;
	3)	nothing_left_of_c ;;
	*)	return 1 ;;
	esac
}

test_expect_success 'start, killed at each of the last steps' '
	vserver c set ip=10.8.0.8,fd08::8 gateway= && vserver c start && vserver c stop &&
	COWLINK_FAULT=count COWLINK_FAULT_COUNT=$TRASH/total vserver c start && stopped &&
	SWEEP_FROM=$(($(cat total) - 20)) && every 2 kill:% 137 stopped repaired vserver c start
'

test_expect_success 'start, failing at each of the last steps' '
	every 3 error:%:EIO 1 stopped repaired vserver c start && SWEEP_FROM=0
'

running()
{
	vserver c status >/dev/null || vserver c start
}

# How many steps there are depends on who is faster: with the guest the kernel takes its
# interface, too.
test_expect_success 'stop, killed at some of its steps' '
	for n in 1 3 5 7 8 9 10
	do
		running && { (COWLINK_FAULT=kill:$n && export COWLINK_FAULT &&
			exec vserver c stop) || :; } && repaired || return 1
	done &&
	stopped
'

# starts_after N: a stop is killed at its Nth step, and a start does all the same; one that
# had only begun to stop runs.
starts_after()
{
	(COWLINK_FAULT=kill:$1 && export COWLINK_FAULT && exec vserver c stop)
	vserver c start 2>err || test_grep "is running already" err || return 1
	vserver c status && inside c "ip addr; ip route" "inet 10.8.0.8/32" "^default via"
}

test_expect_success 'nor does a killed stop keep the next start from it' '
	for n in $(seq 12)
	do
		running && held c starts_after "$n" || return 1
	done &&
	stopped
'

# stop_fails N: at its Nth step it says so, or it has not so many, or it did without.
stop_fails()
{
	if COWLINK_FAULT=error:$1:EIO vserver c stop 2>err
	then
		nothing_left_of_c
	else
		test_grep "Input/output error" err && stopped
	fi
}

test_expect_success 'stop, failing at each of its steps' '
	for n in $(seq 12)
	do
		running && held c stop_fails "$n" || return 1
	done
'

# killed_at N: a start dies at its Nth step.
killed_at()
{
	test_expect_code 137 env COWLINK_FAULT="kill:$1" vserver c start
}

test_expect_success 'the next start does without repair' '
	for n in $(seq $(($(cat total) - 19)) 4 $(($(cat total) - 4)))
	do
		killed_at "$n" || return 1
	done &&
	vserver c start && repaired && stopped
'

test_expect_success 'after the end nothing is left' '
	stop_servers && vserver a stop && vserver r stop && no_pair
'

kill_guests
stop_servers
test_done
