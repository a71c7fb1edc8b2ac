#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: two guests of Debian with sshd, nginx, cron; one is upgraded

Each has port 22 and port 80 of its own address. What is done in one changes no byte of
the other nor of the template.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"
. "$TEST_DIRECTORY/lib-trees.sh"

TEST_QEMU_OPTIONS=--timeout=7200
test_require ROOT
system_trees TREE=services
in_qemu_ || newer_packages "$TREE" || exit 1
test_in_qemu "$@"

# As systemd of the host would have done.
mount -t cgroup2 none /sys/fs/cgroup || exit 1

address()
{
	case $1 in
	a) echo 10.9.0.5 ;;
	b) echo 10.9.0.6 ;;
	esac
}

# page NAME: what nginx of that guest answers
page()
{
	busybox wget -q -O - "http://$(address "$1")/"
}

# log_in NAME USER SCRIPT: with the key of the test
log_in()
{
	ssh -F none -b 10.9.0.1 -i "$TRASH/key" -o BatchMode=yes -o UserKnownHostsFile="$TRASH/known" \
		-o StrictHostKeyChecking=yes "$2@$(address "$1")" "$3"
}

# own_guest NAME: what its administrator does before it starts for the first time
own_guest()
{
	a_system server "$1" systemd ip="$(address "$1")/24@lo" && root=$POOL/guests/$1/rootfs &&
	ssh-keygen -q -A -f "$root" && echo "page of $1" >"$root/var/www/html/index.html" &&
	mkdir -p "$root/root/.ssh" && cp key.pub "$root/root/.ssh/authorized_keys" &&
	for key in "$root"/etc/ssh/ssh_host_*_key.pub
	do
		echo "$(address "$1") $(cut -d " " -f 1,2 "$key")" || return 1
	done >>known
}

test_expect_success 'a template of Debian, and two guests of it' '
	ip link set lo up && ip addr add 10.9.0.1/24 dev lo &&
	test_mount xfs 1G fs prjquota && POOL=$TRASH/fs/pool && COWLINK_POOL=$POOL &&
	export COWLINK_POOL && vtemplate init && vtemplate import server "$TREE/root.tar" &&
	ssh-keygen -q -t ed25519 -N "" -f key && own_guest a && own_guest b &&
	test_snapshot "$POOL/templates/server/rootfs"
'

# Under this kernel all of its files count, also where they share blocks.
test_expect_success 'both boot, and nothing in them fails' '
	vserver a set disk.space=300M && vserver a start && vserver b start &&
	has_booted a systemd && has_booted b systemd
'

test_expect_success 'port 80 of each address is that of its guest' '
	page a >out && test_contents out "page of a" &&
	page b >out && test_contents out "page of b"
'

test_expect_success 'so is port 22: a login with a key' '
	log_in a root hostname >out && test_contents out a &&
	log_in b root hostname >out && test_contents out b &&
	log_in a root "id -u; cat /var/www/html/index.html" >out && cat out &&
	test_grep "page of a" out && vserver a exec journalctl -u ssh --no-pager >out &&
	test_grep "Accepted publickey for root from 10.9.0.1" out
'

test_expect_success 'a user: login, su, and sudo by password' '
	in_guest a "useradd -m -s /bin/bash -G sudo user && echo user:secret | chpasswd &&
		install -d -m 700 -o user -g user /home/user/.ssh &&
		install -m 600 -o user -g user /root/.ssh/authorized_keys /home/user/.ssh/" &&
	log_in a user "id -un; loginctl --no-legend list-sessions" >out && cat out &&
	test "$(head -n 1 out)" = user && grep "[0-9] user" out &&
	in_guest a "su - user -c pwd" >out && test_contents out /home/user &&
	log_in a user "echo secret | sudo -S id -un" >out && test_contents out root &&
	test_must_fail log_in a user "echo wrong | sudo -S id -un" &&
	test_must_fail log_in a user "cat /etc/shadow" &&
	test_expect_code 255 log_in b user true
'

test_expect_success 'cron runs jobs, of a user and of the system' '
	in_guest a "echo \"* * * * * id -un >/tmp/of-user\" | crontab -u user - &&
		echo \"* * * * * root id -un >/tmp/of-system\" >/etc/cron.d/test" &&
	until_in_guest a test -s /tmp/of-user -a -s /tmp/of-system &&
	in_guest a "cat /tmp/of-user /tmp/of-system" >out && printf "user\nroot\n" >wanted &&
	test_cmp wanted out && in_guest a "crontab -u user -r && rm /etc/cron.d/test"
'

test_expect_success 'logrotate: nginx goes on in a new file' '
	log=$POOL/guests/a/rootfs/var/log/nginx/access.log && page a && grep -c Wget "$log" &&
	vserver a exec logrotate --force /etc/logrotate.conf &&
	grep Wget "$log.1" && test_path_exists "$log" && ! grep Wget "$log" && page a &&
	until grep Wget "$log"
	do
		page a && sleep 1 || return 1
	done
'

test_expect_success 'journald: on disk, and there after a restart' '
	vserver a exec logger -t mine one && vserver a restart && has_booted a systemd &&
	vserver a exec journalctl -t mine -o cat --no-pager >out && test_contents out one &&
	vserver a exec journalctl --list-boots >out && cat out && test "$(wc -l <out)" = 2
'

# Frozen, it writes nothing of its own.
test_expect_success 'the other guest stands still, to be compared' '
	page b && vserver b freeze && test_snapshot "$POOL/guests/b/rootfs"
'

test_expect_success 'dpkg upgrades below the limit of the disk' '
	in_guest a "mkdir /root/newer" && cp "$TREE"/newer/* "$POOL/guests/a/rootfs/root/newer/" &&
	in_guest a "df -k /" && in_guest a "dpkg -i /root/newer/libc-bin_*.deb" &&
	in_guest a "dpkg-query -W libc-bin" >out && cat out && test_grep "newer1$" out
'

test_expect_success 'so does apt' '
	in_guest a "echo deb [trusted=yes] file:/root/newer ./ >/etc/apt/sources.list &&
		apt-get -q -o APT::Sandbox::User=root update &&
		apt-get -q -y -o APT::Sandbox::User=root upgrade" &&
	in_guest a "dpkg-query -W coreutils sed; dpkg --audit" >out && cat out &&
	test "$(grep -c "newer1$" out)" = 2 && test "$(wc -l <out)" = 2
'

test_expect_success 'and then the limit is there' '
	test_must_fail in_guest a "dd if=/dev/zero of=/root/big bs=1M count=200" 2>err &&
	cat err && test_grep "No space left\|quota exceeded" err && in_guest a "rm /root/big" &&
	page a
'

test_expect_success 'the other guest and the template have not changed by a byte' '
	test_unchanged "$POOL/guests/b/rootfs" &&
	test_unchanged "$POOL/templates/server/rootfs" && vserver b thaw &&
	page b >out && test_contents out "page of b" && log_in b root hostname >out &&
	test_contents out b
'

test_expect_success 'both go down by themselves, and nothing is left' '
	goes_down a && goes_down b && nothing_left a && vtemplate check &&
	test_unchanged "$POOL/templates/server/rootfs"
'

kill_guests
test_done
