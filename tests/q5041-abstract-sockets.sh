#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: a restricted guest does not reach abstract Unix sockets of others'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-probe.sh"
test_require ROOT
test_in_qemu "$@"
test_require EXT4,BUSYBOX

mount -t cgroup2 none /sys/fs/cgroup || exit 1

# unix NAME ARGUMENT...: unixprobe(1) in a guest
unix()
{
	test_name=$1
	shift
	vserver "$test_name" exec unixprobe "$@"
}

# programs N: so many of ours are in the kernel, or soon: it removes them after a while.
programs()
{
	for try in $(seq 100)
	do
		test_found=$(unixprobe programs)
		test "$test_found" = "$1" && return
		sleep 0.2
	done
	complain_ "try $try: $test_found programs, expected $1"
}

# starts NAME [VERB]: and what it has to tell is in "said"
starts()
{
	vserver "$1" "${2-start}" 2>said
	test_status=$?
	cat said
	return $test_status
}

# closed NAME, and open NAME REASON: what the start and status tell
closed()
{
	! grep "can reach" said && vserver "$1" status --json >out &&
	test_json out .network.unix_open false && vserver "$1" status >out && ! grep -i unix out
}

open()
{
	test_grep "can reach abstract Unix sockets of .*: $2" said &&
	vserver "$1" status --json >out && test_json out .network.unix_open true &&
	vserver "$1" status >out && test_grep "abstract Unix sockets of the host" out
}

# Process 1 of the first guest. In cgroups of its own is one that can be asked, and asks,
# when there is /tmp/go.
cat >rc <<'END'
rm -f /tmp/*
mkdir -p /sys/fs/cgroup/below/deep
(
	sh -c 'echo $PPID' >/sys/fs/cgroup/below/deep/cgroup.procs
	grep -o '/below.*' /proc/self/cgroup >/tmp/where
	unixprobe serve @deep >/tmp/served &
	until test -e /tmp/go
	do
		sleep 0.1
	done
	for name in @deep @exec @host /srv/stream
	do
		unixprobe ask $name
	done >/tmp/asked
	mv /tmp/asked /tmp/answers
) &
exec sleep 10000
END

test_expect_success 'guests on the network of the host: start has nothing to tell' '
	ip link set lo up && ip addr add 10.9.0.1/24 dev lo &&
	test_pool ext4 && data=$POOL_MOUNT/data && mkdir "$data" &&
	guest_tree tree && guest_program tree unixprobe &&
	cp rc tree/etc/rc && mkdir tree/srv && vtemplate import t tree && programs 0 &&
	a_guest a ip=10.9.0.5 init="/bin/sh /etc/rc" mount="$data:/srv" &&
	a_guest b ip=10.9.0.6 mount="$data:/srv" && a_guest h net=host &&
	starts a && closed a && starts b && closed b &&
	starts h && test_grep "can reach the whole network of the host" said &&
	programs 4
'

test_expect_success 'those of the host are refused, of each type' '
	serve s unixprobe serve @host && serve d unixprobe -d serve @host-d &&
	serve p unixprobe -s serve @host-p && serve auto unixprobe serve - &&
	auto=$(cut -d " " -f 2 served-auto) && test_note "chosen: $auto" &&
	case $auto in @*) ;; *) false ;; esac && for who in "vserver h exec" ""
	do
		says done $who unixprobe ask @host && says done $who unixprobe ask "$auto" &&
		says done $who unixprobe -d ask @host-d && says done $who unixprobe -s ask @host-p &&
		says done $who unixprobe -d -c ask @host-d || return 1
	done &&
	says EPERM unix a ask @host && says EPERM unix a ask "$auto" &&
	says EPERM unix a -d ask @host-d && says EPERM unix a -s ask @host-p &&
	says EPERM unix a -d -c ask @host-d && says ECONNREFUSED unix a ask @nobody
'

test_expect_success 'those of another guest too' '
	serve b unix b serve @b && serve bd unix b -d serve @b-d &&
	serve h unix h serve @h &&
	says done unixprobe ask @b && says done unixprobe -d ask @b-d &&
	says EPERM unix a ask @b && says EPERM unix a -d ask @b-d &&
	says EPERM unix a ask @h && says done unix b ask @b && says done unix b -d ask @b-d
'

test_expect_success 'its own are not, also in cgroups that it made' '
	serve exec unix a serve @exec && serve exec-d unix a -d serve @exec-d &&
	serve file unixprobe serve "$data/stream" && chmod 666 "$data/stream" &&
	in_guest a "until test -s /tmp/served; do sleep 0.1; done; cat /tmp/where" >out &&
	test_contents out /below/deep &&
	says done unix a ask @exec && says done unix a -d ask @exec-d &&
	says done unix a -d -c ask @exec-d && says done unix a ask @deep &&
	in_guest a "touch /tmp/go; until test -s /tmp/answers; do sleep 0.1; done
		cat /tmp/answers" >out && printf "done\ndone\nEPERM\ndone\n" >wanted &&
	test_cmp wanted out && says EPERM unix b ask @deep
'

test_expect_success 'sockets with the name of a file are reached by who reaches the file' '
	serve file-d unixprobe -d serve "$data/dgram" && chmod 666 "$data/dgram" &&
	serve file-b unix b serve /srv/b && says done unix a ask /srv/stream &&
	says done unix a -d ask /srv/dgram && says done unix a -d -c ask /srv/dgram &&
	chmod 666 "$data/b" && says done unix a ask /srv/b
'

test_expect_success 'the host reaches those of guests' '
	says done unixprobe ask @exec && says done unixprobe -d ask @exec-d &&
	says done unixprobe ask @deep && says done unix h ask @exec
'

test_expect_success 'pairs work: its own, and one of the host that is handed in' '
	says hello unix a pair unixprobe say &&
	says hello unixprobe pair vserver a exec unixprobe say
'

test_expect_success 'a stop takes off its own programs, a restart puts them on' '
	vserver b stop && programs 2 && says EPERM unix a ask @host &&
	starts a restart && closed a && programs 2 && says EPERM unix a ask @host &&
	says EPERM unix a -d ask @host-d && serve exec unix a serve @exec &&
	says done unix a ask @exec && vserver a stop && programs 0
'

# Fifteen programs are attached before these two.
test_expect_success 'what a killed start has left is replaced, or cleaned up' '
	for n in 16 17
	do
		COWLINK_FAULT_EXEC="bpf_attach:$n:kill -KILL \$PPID" test_expect_code 137 \
			sh -c "vserver b start; exit \$?" && programs $((n - 16)) || return 1
	done &&
	starts b && closed b && programs 2 && says EPERM unix b ask @host &&
	vserver b stop && programs 0 && nothing_of b &&
	COWLINK_FAULT_EXEC="bpf_attach:17:kill -KILL \$PPID" test_expect_code 137 \
		sh -c "vserver b start; exit \$?" && programs 1 &&
	test_expect_code 3 vserver b status --repair && programs 0 && nothing_of b
'

# Which effect it is nobody tells.
test_expect_success 'what only now goes wrong is a failure' '
	for n in $(seq 15 60)
	do
		# without some controllers a guest starts nevertheless
		if COWLINK_FAULT=error:$n:ENOMEM starts b
		then
			closed b && vserver b stop || return 1
			continue
		fi
		nothing_of b || return 1
		grep -q unix_send said && break
	done &&
	test_grep "cannot attach the network program .unix_send.: Cannot allocate" said &&
	programs 0
'

test_expect_success 'where the kernel cannot, start and status say why' '
	echo lockdown,capability,bpfilter >modules &&
	mount --bind modules /sys/kernel/security/lsm && starts b &&
	open b "the security module .bpf. is not on" && says done unix b ask @host &&
	says done unix b -d ask @host-d && vserver b stop && umount /sys/kernel/security/lsm &&
	umount /sys/kernel/security && starts b &&
	open b "cannot read ./sys/kernel/security/lsm" && vserver b stop &&
	mount -t securityfs none /sys/kernel/security &&
	mount -t tmpfs none /sys/kernel/btf && starts b &&
	open b "this kernel does not describe itself" && vserver b stop &&
	echo nonsense >/sys/kernel/btf/vmlinux && starts b &&
	open b "cannot read ./sys/kernel/btf/vmlinux" && says done unix b ask @host &&
	vserver b stop && umount /sys/kernel/btf &&
	starts b && closed b && vserver b stop && programs 0
'

kill_guests
stop_servers
test_done
