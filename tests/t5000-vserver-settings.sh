#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: context ids and settings in the catalog, and the command line'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require EXT4

test_expect_success 'each guest gets a context of its own, the smallest free' '
	test_pool ext4 64M && make_tree tree && vtemplate import t tree &&
	for g in a b c
	do
		vtemplate clone t $g || return 1
	done &&
	vserver list --json >out &&
	test_json out "[.guests[].context | tostring] | join(\" \")" \
		"28672 28673 28674" &&
	vtemplate destroy b && vtemplate clone t d && vtemplate clone t e &&
	vserver list --json >out &&
	test_json out "[.guests[] | .name + (.context | tostring)] | join(\" \")" \
		"a28672 c28674 d28673 e28675" &&
	pool_sql "SELECT count(*) FROM guest" >out && test_contents out 4
'

test_expect_success 'vtemplate shows it too, and none of a template' '
	vtemplate show --json d >out && test_json out ".trees[0].context" 28673 &&
	vtemplate list --json >out &&
	test_json out "[.guests[].context | tostring] | join(\" \")" \
		"28672 28674 28673 28675" && test_json out ".templates[0].context" null &&
	vtemplate show d >out && test_grep "^  context    28673$" out &&
	vtemplate show t >out && ! grep context out
'

test_expect_success 'the list for people' '
	vserver list >out && test_grep "^  28672  a  *stopped  *-  t$" out
'

test_expect_success 'settings are stored, shown and taken back' '
	vserver a set memory.max=64M rlimit.nofile=100:200 hostname=alpha &&
	vserver a show --json >out &&
	test_json out .settings.\"memory.max\" 64M &&
	test_json out .settings.\"rlimit.nofile\" 100:200 &&
	test_json out .settings.hostname alpha &&
	test_json out .settings.init /sbin/init &&
	test_json out .first_id 1879048192 &&
	test_json out .state stopped && test_json out .effective "{}" &&
	vserver c show --json >out && test_json out .settings.hostname null &&
	vserver a set hostname= memory.max=1G && vserver a show >out &&
	test_grep "^  memory.max  *1G$" out && ! grep hostname out
'

# As docs/admin-guide.md has it.
test_expect_success 'settings come back from what show has printed' '
	vserver a set mount="/srv/a:/a /srv/b:/b:ro" ip=10.0.0.1/24,10.0.0.2@lo autostart=4 \
		cpu.max="50000 100000" stop.command="/bin/x y" init.style=sysvinit &&
	vserver a show --json >a.json && vserver a set mount= ip= autostart= cpu.max= stop.command= \
		init.style= && vserver a show --json >out && ! cmp a.json out &&
	jq -r ".settings | to_entries[] | .key + \"=\" + .value" a.json |
		xargs -d "\n" vserver a set && vserver a show --json >out && test_cmp a.json out
'

test_expect_success 'a copy of the catalog has them, and takes nothing away' '
	test_path_exists "$POOL/catalog.db-wal" &&
	sqlite3 -readonly "$POOL/catalog.db" ".backup copy.db" &&
	test_path_exists "$POOL/catalog.db-wal" && vserver a set mount= &&
	vtemplate clone t late && vtemplate destroy e && rm "$POOL"/catalog.db* &&
	cp copy.db "$POOL/catalog.db" && vtemplate check --repair && vtemplate check &&
	vserver a show --json >out && test_cmp a.json out && vserver list --json >out &&
	test_json out "[.guests[].name] | join(\" \")" "a c d late" && vtemplate destroy late
'

test_expect_success 'each member of JSON is in the manual' '
	vserver list --json >out && documented vserver out &&
	vserver c show --json >out && documented vserver out &&
	test_expect_code 3 vserver c status --json >out && documented vserver out &&
	for command in "list" "show c" "clone t more" "import u tree" "gc" "check --scrub"
	do
		vtemplate $command --json >out && documented vtemplate out || return 1
	done && vtemplate destroy more
'

test_expect_success 'they go with the guest' '
	vtemplate destroy a && pool_sql "SELECT count(*) FROM setting" >out &&
	test_contents out 0
'

test_expect_success 'every key of the table is in the manual, in its order' '
	sed -n "s/^	\({ \|CGROUP(\|RLIMIT(\)\"\([a-z.]*\)\".*, .*/\1\2/p" \
		"$COWLINK_SRC/context/settings.c" |
		sed "/rlimit/d; s/RLIMIT(/rlimit./; s/CGROUP(//; s/{ //" >keys &&
	sed -n "/begin settings/,/end settings/p" "$COWLINK_SRC/man/vserver.8" |
		grep -A1 "^\.T[PQ]" | sed -n "s/^\.B //p" >manual &&
	test "$(wc -l <keys)" -gt 20 && test_cmp keys manual
'

# value_refused KEY=VALUE TEXT
value_refused()
{
	refused 2 "$2" vserver c set memory.low=1M "$1"
}

test_expect_success 'bad keys and values are refused, all or nothing' '
	value_refused memory "'\''memory'\'' is not KEY=VALUE" &&
	value_refused mem.max=1 "there is no setting '\''mem.max'\''" &&
	value_refused memory.max=lots "memory.max: '\''lots'\'' is not a number" &&
	value_refused memory.max=-1 "memory.max: '\''-1'\''" &&
	value_refused memory.max=1T "memory.max: '\''1T'\''" &&
	value_refused memory.max=99999999999G "memory.max" &&
	value_refused cpu.weight=0 "a number from 1 to 10000" &&
	value_refused cpu.weight=10001 "a number from 1 to 10000" &&
	value_refused cpu.weight=10K "a number from 1 to 10000" &&
	value_refused "cpu.max=1K 1M" "cpu.max: '\''1K 1M'\''" &&
	value_refused cpu.max=1 "cpu.max: '\''1'\''" &&
	value_refused "cpu.max=1000 1 1" "cpu.max" &&
	value_refused cpuset.cpus=all "a list like" &&
	value_refused cpuset.cpus.partition=roots "'\''member'\'', '\''root'\'' or '\''isolated'\''" &&
	value_refused rt.prio=100 "rt.prio: '\''100'\'' is not a number from 0 to 99" &&
	value_refused rt.prio=-1 "from 0 to 99" && value_refused rt.prio=high "from 0 to 99" &&
	value_refused rt.prio=1:2 "from 0 to 99" && value_refused rt.time=5m "a time like" &&
	value_refused rt.time=1.5ms "a time like" && value_refused rt.time=-1 "a time like" &&
	value_refused rt.time=ms "a time like" && value_refused rt.time=2ms:1ms "a time like" &&
	value_refused rt.time=99999999999999999999 "a time like" &&
	value_refused rt.time=9999999999999s "a time like" && value_refused rt.time=1M "a time like" &&
	value_refused rlimit.rtprio=1 "there is no setting" &&
	value_refused cpu.idle=2 "a number from 0 to 1" &&
	value_refused io.weight=0 "a number from 1 to 10000" &&
	value_refused io.max=10M "words like" && value_refused io.max=rbps "words like" &&
	value_refused io.max=rbps= "words like" && value_refused io.max=rbps=0 "words like" &&
	value_refused io.max=bps=1 "words like" &&
	value_refused "io.max=8:0 rbps=1" "words like" &&
	value_refused "io.max=rbps=1 rbps=2" "words like" &&
	value_refused pids.max=1G "pids.max: '\''1G'\'' is not a number up to 4194304" &&
	value_refused pids.max=4194305 "a number up to" && value_refused pids.max=-1 "a number up to" &&
	value_refused userns.max=-1 "userns.max: '\''-1'\'' is not a number from 0 to 2147483647" &&
	value_refused userns.max=2G "from 0 to" && value_refused userns.max=none "from 0 to" &&
	value_refused disk.space=0 "disk.space: '\''0'\'' is not a number above 0" &&
	value_refused disk.inodes=-1 "disk.inodes: '\''-1'\''" &&
	value_refused rlimit.nofile=2:1 "rlimit.nofile: '\''2:1'\''" &&
	value_refused rlimit.nofile=a "rlimit.nofile: '\''a'\''" &&
	value_refused stop.signal=HUPP "is not a signal" &&
	value_refused stop.signal=RTMIN+99 "is not a signal" &&
	value_refused stop.signal=0 "is not a signal" &&
	value_refused stop.timeout=1G "a number from 0 to 3600" &&
	value_refused init=sbin/init "begins with a slash" &&
	value_refused init.style=upstart "'\''plain'\'', '\''reap'\''," &&
	value_refused net=all "'\''none'\'', '\''restricted'\'', '\''private'\'' or '\''host'\''" &&
	value_refused ip=10.0.0 "is not ADDRESS[/PREFIX][@DEVICE]" &&
	value_refused ip=10.0.0.256 "is not ADDRESS" &&
	value_refused ip=10.0.0.5/33 "the prefix is not 1 to 32" &&
	value_refused ip=fd00::5/129 "the prefix is not 1 to 128" &&
	value_refused ip=10.0.0.5/ "the prefix is not" &&
	value_refused ip=10.0.0.5@ "no interface is called" &&
	value_refused ip=10.0.0.5@a-very-long-name "no interface is called" &&
	value_refused ip=10.0.0.5,10.0.0.5@eth0 "'\''10.0.0.5'\'' is there twice" &&
	value_refused ip=, "holds no address" &&
	value_refused ip=127.0.0.1 "the loopback, which every guest has" &&
	value_refused ip=::1 "the loopback" && value_refused ip=0.0.0.0 "no address" &&
	value_refused ip=:: "no address" && value_refused ip=224.0.0.1 "multicast" &&
	value_refused ip=ff02::1 "multicast" && value_refused ip=fe80::1 "link-local" &&
	value_refused ip=::ffff:10.0.0.5 "an IPv4 address: write it as one" &&
	value_refused ip=255.255.255.255 "no address" &&
	value_refused ip=10.0.0.0/24 "the network itself" &&
	value_refused ip=10.0.0.255/24 "the broadcast address" &&
	value_refused "ip=$(seq -s, -f 10.0.0.%g 1 17)" "more than 16 addresses" &&
	value_refused hostname=a_b "is not a host name" &&
	value_refused "init=/$(printf "%01024d" 0)" "the value is too long" &&
	pool_sql "SELECT count(*) FROM setting" >out && test_contents out 0
'

test_expect_success 'nor more open files than this machine allows' '
	most=$(cat /proc/sys/fs/nr_open) && for value in 1:$((most + 1)) $((most + 1)) unlimited
	do
		refused 3 "cannot set rlimit.nofile to '\''$value'\'': this machine allows $most" \
			vserver c set memory.low=1M rlimit.nofile=$value || return 1
	done &&
	pool_sql "SELECT count(*) FROM setting" >out && test_contents out 0 &&
	vserver c set rlimit.nofile=$most rlimit.nofile=
'

test_expect_success 'good ones are not' '
	vserver c set memory.max=max cpu.max="50000 100000" cpuset.cpus=0-2,5 \
		cpu.max="max" io.max="rbps=10M  wiops=max" io.weight=10 rlimit.core=unlimited rlimit.as=1G:unlimited \
		stop.signal=SIGRTMIN+3 stop.signal=PWR stop.signal=9 cpu.weight=1 pids.max=4M pids.max=max \
		userns.max=0 userns.max=1K userns.max=max \
		rt.prio=99 rt.prio=0 rt.time=20ms rt.time=7 rt.time=1s:2s rt.time=unlimited \
		cpuset.cpus.partition=isolated \
		hostname=a.b-c net=host net=none net=restricted ip=10.0.0.5/24@eth0 \
		net=private gateway=10.0.0.1,fe80::1 net.source=own net.source=any \
		ip="10.0.0.0/31 10.0.0.255/32@lo,fd00::5/64@eth0.5,2001:db8::1" init="/bin/sh -c x" init.style=reap
'

test_expect_success 'the name before the command or after it' '
	vserver show c >out && vserver c show >out2 && test_cmp out out2 &&
	vserver c show --json >out && vserver show --json c >out2 &&
	test_cmp out out2 && vserver --pool "$POOL" c show --json >out2 &&
	test_cmp out out2
'

test_expect_success 'a guest may be called like a command' '
	vtemplate clone t list && vtemplate clone t show &&
	vserver list show >out && test_grep "^guest .list." out &&
	vserver show show >out && test_grep "^guest .show." out &&
	refused 2 "unexpected operand '\''show'\''" vserver show list &&
	vserver list >out && test_grep "show" out
'

test_expect_success 'what is no command, and names that are none' '
	refused 2 "unknown command '\''frob'\''" vserver c frob &&
	refused 2 "unknown command '\''frob'\''" vserver frob &&
	refused 2 "a command is missing" vserver &&
	refused 2 "operands are missing" vserver show &&
	refused 2 "unknown option '\''--frob'\''" vserver c --frob show &&
	refused 1 "no such guest '\''nobody'\''" vserver nobody show &&
	refused 1 "no such guest '\''t'\''" vserver t show &&
	refused 1 "no such guest '\''c1'\''" vserver c1 set memory.max=1 &&
	refused 2 "holds '\''/'\''" vserver ../c show
'

test_expect_success 'status of what does not run is 3, of what is not 4' '
	test_expect_code 3 vserver c status >out && test_grep "is stopped" out &&
	test_expect_code 3 vserver c status --json >out &&
	test_json out .state stopped &&
	refused 4 "no such guest" vserver nobody status &&
	refused 1 "is not running" vserver c exec true &&
	vserver c stop && vserver c stop
'

test_expect_success 'an older catalog gives its guests contexts' '
	mkdir old && sqlite3 old.db <"$TEST_DIRECTORY/fixtures/catalog-v1.sql" &&
	sqlite3 old.db <"$COWLINK_SRC/schema/0003-guest.sql" &&
	sqlite3 old.db "SELECT tree_id, context FROM guest ORDER BY tree_id" >out &&
	printf "2|28672\n5|28673\n" >expected && test_cmp expected out
'

test_done
