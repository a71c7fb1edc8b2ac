#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='vserver: Debian with systemd and with sysvinit, under the patched kernel

Two guests of each share the files of a template. One is upgraded below a limit of the
disk, which changes no byte of the other nor of the template.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"
. "$TEST_DIRECTORY/lib-system.sh"
. "$TEST_DIRECTORY/lib-trees.sh"

TEST_QEMU_KERNEL=x86-guests TEST_QEMU_OPTIONS=--timeout=7200
test_require ROOT
system_trees SYSTEMD=boot-debian12 SYSVINIT=boot-sysvinit
in_qemu_ || { newer_packages "$SYSTEMD" && newer_packages "$SYSVINIT"; } || exit 1
test_in_patched_qemu "$@"

mount -t cgroup2 none /sys/fs/cgroup || exit 1

# shared NAME FILE, private NAME FILE: with the template
shared()
{
	test_same_inode "$POOL/guests/$1/rootfs$2" "$template$2"
}

private()
{
	test_different_inode "$POOL/guests/$1/rootfs$2" "$template$2"
}

# upgraded STYLE TREE: with guests NAME-a, which is, and NAME-b
upgraded()
{
	style=$1 tree=$2 a=$1-a b=$1-b
	test_expect_success "$style: a template of Debian, and two guests that share its files" '
		vtemplate import $style "$tree/root.tar" && template=$POOL/templates/$style/rootfs &&
		a_system $style $a $style disk.space=100M && a_system $style $b $style &&
		shared $a /bin/cat && shared $b /bin/cat && shared $b /bin/sed &&
		test_snapshot "$template"
	'
	test_expect_success "$style: both boot to the end, and nothing in them fails" '
		vserver $a start 2>err && cat err && test_grep "engine kernel" err && vserver $b start &&
		has_booted $a $style && has_booted $b $style && test_unchanged "$template"
	'
	test_expect_success "$style: only what it changed counts for its limit" '
		in_guest $a "df -k /" >out && cat out &&
		test "$(awk "END { print \$2 }" out)" = 102400 &&
		test "$(du -sk "$template" | cut -f 1)" -gt 102400
	'
	test_expect_success "$style: the other guest stands still, to be compared" '
		vserver $b freeze && test_snapshot "$POOL/guests/$b/rootfs"
	'
	test_expect_success "$style: dpkg upgrades below the limit of the disk" '
		mkdir "$POOL/guests/$a/rootfs/root/newer" &&
		cp "$tree"/newer/* "$POOL/guests/$a/rootfs/root/newer/" &&
		in_guest $a "dpkg -i /root/newer/libc-bin_*.deb && dpkg-query -W libc-bin" >out &&
		cat out && test_grep "newer1$" out
	'
	test_expect_success "$style: so does apt" '
		in_guest $a "echo deb [trusted=yes] file:/root/newer ./ >/etc/apt/sources.list &&
			apt-get -q -o APT::Sandbox::User=root update &&
			apt-get -q -y -o APT::Sandbox::User=root upgrade" &&
		in_guest $a "dpkg-query -W coreutils sed; dpkg --audit" >out && cat out &&
		test "$(grep -c "newer1$" out)" = 2 && test "$(wc -l <out)" = 2 &&
		private $a /bin/cat && private $a /bin/sed && shared $a /bin/bash
	'
	test_expect_success "$style: what was shared is its own when it is written in place" '
		in_guest $a "echo \"# mine\" >>/etc/bash.bashrc && tail -n 1 /etc/bash.bashrc" >out &&
		test_contents out "# mine" && private $a /etc/bash.bashrc && shared $b /etc/bash.bashrc
	'
	test_expect_success "$style: and then the limit is there" '
		test_must_fail in_guest $a "dd if=/dev/zero of=/root/big bs=1M count=200" 2>err &&
		cat err && test_grep "No space left\|quota exceeded" err && in_guest $a "rm /root/big"
	'
	test_expect_success "$style: the other guest and the template have not changed by a byte" '
		test_unchanged "$POOL/guests/$b/rootfs" && test_unchanged "$template" &&
		shared $b /bin/cat && shared $b /bin/sed && vserver $b thaw && has_booted $b $style &&
		in_guest $b "dpkg-query -W coreutils" >out && cat out && ! grep newer1 out
	'
	test_expect_success "$style: the upgraded one boots again" '
		pid=$(pid_of $a) && vserver $a exec reboot && until_restarted $a "$pid" &&
		has_booted $a $style
	'
	test_expect_success "$style: both go down by themselves, and nothing is left" '
		goes_down $a && goes_down $b && test_unchanged "$template" && vtemplate check &&
		vtemplate destroy $a && vtemplate destroy $b && vtemplate destroy --template $style
	'
}

TEST_MKFS_OPTIONS="-O project,quota -E quotatype=prjquota"
test_mount ext4 1200M "$TRASH/fs" prjquota >&2 || exit 1
POOL=$TRASH/fs/pool COWLINK_POOL=$POOL
export COWLINK_POOL
vtemplate init >&2 || exit 1
upgraded systemd "$SYSTEMD"
upgraded sysvinit "$SYSVINIT"

kill_guests
test_done
