# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# A release of Debian as a guest, from a tree as Debian made it. Sourced after
# lib-system.sh.

# release_boots NAME STYLE TREE: the template, a guest, its life and its end
release_boots()
{
	name=$1 style=$2 tree=$3
	test_expect_success "$name: a template as Debian made it, and a guest of it" '
		vtemplate import t-$name "$tree/root.tar" && a_system t-$name $name $style &&
		test_snapshot "$POOL/templates/t-$name/rootfs"
	'
	test_expect_success "$name: it boots to the end, and nothing in it fails" '
		vserver $name start && has_booted $name $style
	'
	"lives_by_${style}_"
	test_expect_success "$name: it boots again when it wants to" '
		pid=$(pid_of $name) && vserver $name exec reboot && until_restarted $name "$pid" &&
		has_booted $name $style
	'
	test_expect_success "$name: it goes down by itself, and nothing of it is left" '
		goes_down $name && test_unchanged "$POOL/templates/t-$name/rootfs"
	'
	test_expect_success "$name: both are removed" '
		vtemplate destroy $name && vtemplate destroy --template t-$name
	'
}

lives_by_systemd_()
{
	test_expect_success "$name: it knows that it is a container, and keeps a journal" '
		vserver $name exec systemd-detect-virt --container >out && cat out &&
		vserver $name exec journalctl -b --no-pager >journal &&
		grep "Startup finished" journal
	'
	test_expect_success "$name: it starts and stops services of its own" '
		vserver $name exec systemd-run --unit=mine --quiet sleep 10000 &&
		vserver $name exec systemctl is-active mine >out && test_contents out active &&
		vserver $name exec systemctl stop mine &&
		test_must_fail vserver $name exec systemctl is-active mine
	'
	test_expect_success "$name: its services have limits of their own" '
		vserver $name exec systemd-run --unit=bounded --quiet -p MemoryMax=64M \
			-p TasksMax=9 sleep 10000 &&
		bounded=$(cgroup_of $name)/guest/system.slice/bounded.service &&
		test_contents "$bounded/memory.max" 67108864 &&
		test_contents "$bounded/pids.max" 9 && grep . "$bounded/cgroup.procs" &&
		vserver $name exec systemctl stop bounded
	'
}

lives_by_sysvinit_()
{
	test_expect_success "$name: it changes its runlevel" '
		vserver $name exec telinit 3 &&
		until_in_guest $name sh -c "runlevel | grep -qx \"2 3\" && ! pgrep -x rc"
	'
}
