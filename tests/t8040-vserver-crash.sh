#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: killed or failing at any step, a guest runs or is gone

start and stop are stopped at the first of their effects, the second, and so on. After
each, status --repair leaves a guest that runs and lets programs in, or nothing: no
process, cgroup, record, address or mount. Programs of BPF go with the cgroup.'

. "$(dirname "$0")/lib-own-network.sh"
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-crash.sh"
test_lazy_prereq ADDRESSES 'test -n "${COWLINK_OWN_NETWORK-}" &&
	test "$(netprobe bpf)" = done && ip link set lo up && ip addr add 10.9.0.1/24 dev lo'
test_require ROOT,USERNS,EXT4,BUSYBOX

# ended COMMAND: no process of ours runs it; one that was killed a moment ago may be
# on its way.
ended()
{
	test_tries=0
	while ps -e -o stat,args | grep -v "^Z" | grep -q "[v]server.*$1" ||
		ps -e -o stat,args | grep -v "^Z" | grep -q "[s]leep 64206"
	do
		test_tries=$((test_tries + 1))
		test $test_tries -lt 100 || {
			ps -e -o pid,stat,args | grep -E "[v]server|[s]leep 6" >&2
			return 1
		}
		sleep 0.1
	done
}

# mounts: those of this test, as others run at the same time.
mounts()
{
	cut -d " " -f 5 /proc/self/mountinfo | grep "^$TEST_PRIVATE" | sort
}

addresses()
{
	test -z "$address" || ip -o addr show dev lo
}

no_stray()
{
	addresses >addresses.now && test_cmp addresses.before addresses.now &&
	nothing_left crashed && ended "crashed start"
}

# repaired: status says 0 and it is true, or 3 and nothing is left. The first process
# of a start that was killed dies by itself, in its own time.
repaired()
{
	vserver crashed status --repair
	test_rc=$?
	if test $test_rc = 0 && ! vserver crashed exec true
	then
		ended "crashed start" || return 1
		vserver crashed status --repair
		test_rc=$?
	fi
	mounts >mounts.now && test_cmp mounts.before mounts.now || return 1
	case $test_rc in
	0)	;;
	3)	no_stray ;;
	*)	complain_ "status $test_rc" ;;
	esac
}

stopped()
{
	vserver crashed stop && no_stray
}

running()
{
	vserver crashed status >/dev/null || vserver crashed start
}

address=
if test_have_prereq ADDRESSES
then
	address=10.9.0.5/24@lo
fi

test_expect_success 'a guest' '
	guest_pool ext4 && vtemplate clone t crashed &&
	vserver crashed set init="/bin/sleep 64206" stop.timeout=0 "ip=$address" &&
	mounts >mounts.before && addresses >addresses.before &&
	# the first start has some more: it makes mount points
	vserver crashed start && vserver crashed stop
'

test_expect_success 'start, killed at each effect' '
	every 17 kill:% 137 stopped repaired vserver crashed start
'

test_expect_success 'start, failing at each effect' '
	SWEEP_FROM=1 every 29 error:%:EIO 1 stopped repaired vserver crashed start
'

test_expect_success 'stop, killed at each effect' '
	every 3 kill:% 137 running repaired vserver crashed stop
'

test_expect_success 'repair, killed at each effect' '
	half_started()
	{
		running && kill -9 "$(pid_of crashed)" && ended "crashed start"
	} &&
	every 3 kill:% 137 half_started repaired \
		sh -c "vserver crashed status --repair; test \$? = 3 || kill -9 \$\$"
'

test_expect_success 'what runs is not repaired away' '
	running && pid=$(pid_of crashed) && vserver crashed status --repair &&
	test "$(pid_of crashed)" = "$pid" && vserver crashed exec true && stopped
'

kill_guests
test_done
