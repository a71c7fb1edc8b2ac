#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: fifty guests of Debian run at once on 2 GiB, under the patched kernel

The file system that they share is in that memory too, and there is no swap.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"

TEST_QEMU_KERNEL=x86-guests TEST_QEMU_OPTIONS='--mem=2G --timeout=14000'
test_require ROOT
system_trees TREE=boot-debian12
test_in_patched_qemu "$@"

mount -t cgroup2 none /sys/fs/cgroup || exit 1

guests=$(seq -f g%02.0f 50)
waiting=4		# boot at the same time: more would only wait for a processor

# memory: what the machine has, and has left
memory()
{
	grep "^Mem\|^SwapTotal" /proc/meminfo
}

# names_of PATH: of one file
names_of()
{
	stat -c %h "$POOL/templates/debian/rootfs$1"
}

test_expect_success 'a template of Debian, and fifty guests that share its files' '
	memory && test "$(awk "/^MemTotal/ { print \$2 }" /proc/meminfo)" -le 2097152 &&
	test_pool ext4 2G && vtemplate import debian "$TREE/root.tar" && before=$(names_of /bin/bash) &&
	for name in $guests
	do
		a_system debian $name systemd || return 1
	done &&
	test "$(names_of /bin/bash)" = $((before + 50)) &&
	test_snapshot "$POOL/templates/debian/rootfs" && memory
'

test_expect_success 'all of them boot to the end, and nothing in them fails' '
	set -- &&
	for name in $guests
	do
		vserver $name start && set -- "$@" $name || return 1
		test $# -lt $waiting || {
			has_booted $1 systemd && shift && memory || return 1
		}
	done &&
	for name
	do
		has_booted $name systemd || return 1
	done
'

test_expect_success 'they run at once, none has failed since, and nobody ran out of memory' '
	vserver-stat --json >stat && test_json stat ".guests | length" 50 &&
	for name in $guests
	do
		has_booted $name systemd || return 1
	done &&
	memory && grep -x "SwapTotal: *0 kB" /proc/meminfo &&
	grep -x "oom_kill 0" /sys/fs/cgroup/vserver.slice/memory.events && vserver-stat
'

test_expect_success 'each is itself, and what one writes is its own' '
	for name in $guests
	do
		in_guest $name "hostname; echo \"# of \$(hostname)\" >>/etc/bash.bashrc" >out &&
		test_contents out $name || return 1
	done &&
	for name in $guests
	do
		in_guest $name "tail -n 1 /etc/bash.bashrc" >out &&
		test_contents out "# of $name" || return 1
	done &&
	test_unchanged "$POOL/templates/debian/rootfs" && test "$(names_of /bin/bash)" = $((before + 50))
'

# Two at a time: each guest has a process 1 of its own to go down by.
test_expect_success 'all go down by themselves, and nothing is left' '
	echo "$guests" | xargs -P 2 -I NAME vserver NAME stop 2>stopped && cat stopped &&
	! grep "was killed" stopped && until_quiet && test -z "$(ls "$COWLINK_RUN")" &&
	test_unchanged "$POOL/templates/debian/rootfs" && vtemplate check && memory
'

kill_guests
test_done
