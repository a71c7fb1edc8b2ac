#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: Debian 12 boots by systemd to its end, on the kernel of Debian'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

TEST_QEMU_OPTIONS=--timeout=3600
test_require ROOT

# Outside, as the network is there.
if ! in_qemu_
then
	tree=$("$COWLINK_SRC/tools/debian-tree" \
		"$TEST_DIRECTORY/fixtures/recipe-systemd") || exit 1
	TEST_QEMU_OPTIONS="$TEST_QEMU_OPTIONS --bind=$tree --env=TREE=$tree"
fi
test_in_qemu "$@"

# As systemd of the host would have done.
mount -t cgroup2 none /sys/fs/cgroup || exit 1

test_expect_success 'a template of Debian, and a guest of it' '
	test_pool ext4 2G && vtemplate import debian "$TREE/root.tar" &&
	vtemplate clone debian g &&
	vserver g set init=/lib/systemd/systemd stop.signal=RTMIN+3 stop.timeout=300
'

# The answer of systemd, once it can be asked: starting, running, degraded.
ask_state()
{
	until vserver g exec test -S /run/systemd/private
	do
		vserver g status >/dev/null || return 1
		sleep 1
	done
	vserver g exec systemctl is-system-running --wait
}

test_expect_success 'it boots to the end, and nothing in it fails' '
	vserver g start && { ask_state >out || :; } &&
	vserver g exec systemctl --no-legend --plain --failed >failed && cat failed &&
	test ! -s failed && test_contents out running
'

test_expect_success 'it knows that it is a container, and keeps a journal' '
	vserver g exec systemd-detect-virt --container >out && cat out &&
	vserver g exec journalctl -b --no-pager >journal &&
	grep "Startup finished" journal
'

test_expect_success 'it starts and stops services of its own' '
	vserver g exec systemd-run --unit=mine --quiet sleep 10000 &&
	vserver g exec systemctl is-active mine >out && test_contents out active &&
	vserver g exec systemctl stop mine &&
	test_expect_code 3 vserver g exec systemctl is-active mine
'

test_expect_success 'it goes down by itself, and nothing of it is left' '
	pid=$(pid_of g) && vserver g stop 2>err && cat err &&
	! grep "was killed" err && process_ended "$pid" && nothing_left g
'

test_done
