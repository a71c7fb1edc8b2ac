#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: ways out of a guest by mounts, cgroups and files of /proc and /sys'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_lazy_prereq CGROUP1 'grep " - cgroup " /proc/self/mountinfo'
test_require ROOT,USERNS,EXT4,BUSYBOX

# All that is mounted is shared on this host, as systemd(1) has it.
test_expect_success 'two guests run, of a template with a device node' '
	test_pool ext4 512M && mount --make-rshared / && guest_tree tree &&
	guest_program tree escapes && mknod tree/etc/device b 7 0 &&
	chmod 666 tree/etc/device && vtemplate import t tree && a_guest a && a_guest b &&
	vserver a start && vserver b start && test_snapshot "$POOL/templates/t"
'

# What the root of the host is told of what the kernel has not, as of a guest's tries.
host_lacks()
{
	for type in debugfs tracefs securityfs devtmpfs
	do
		grep -qw "$type" /proc/filesystems || echo "$type ENODEV"
	done
	test -e /proc/sysrq-trigger || echo proc-sysrq ENOENT
	test -e /sys/kernel/mm/ksm/run || echo bound-write ENOENT
}

tricks()
{
	cat out && doubtful control out >doubtful && not_of doubtful out >found &&
	not_of doubtful expected >proved && test_cmp proved found
}

test_expect_success 'what the host has mounted stays where it is, and as it is' '
	host_lacks >control && in_guest a "escapes mounts" >out && cat >expected <<-\EOF && tricks
	own-writable done
	own-bind done
	own-bind-all done
	own-umount-bound done
	own-move done
	own-umount done
	umount EINVAL
	umount-detach EINVAL
	umount-top EINVAL
	umount-root EINVAL
	move EINVAL
	move-top EINVAL
	move-root EINVAL
	writable EPERM
	writable-top EPERM
	bind-root EINVAL
	bind-top EINVAL
	bound-writable EPERM
	bound-umount EINVAL
	bound-top-writable EPERM
	bound-write EACCES
	own-proc done
	proc-sysrq EACCES
	proc-pattern EACCES
	sysfs EPERM
	debugfs EPERM
	tracefs EPERM
	securityfs EPERM
	devtmpfs EPERM
	EOF
'

test_expect_success 'nor for the root of a user namespace of its own' '
	in_guest a "unshare -Urmpf escapes mounts" >out && tricks
'

skip_doubtful doubtful 'and what the host has not either'

test_expect_success OVERLAY 'an overlay shows nothing that is covered, and changes nothing below' '
	cat >expected <<-\EOF &&
	root EINVAL
	sys EINVAL
	own-overlay done
	own-write done
	own-mode done
	device EACCES
	mknod EPERM
	EOF
	for prefix in "" "unshare -Urmpf"
	do
		in_guest a "$prefix escapes overlay" >out && test_cmp expected out || return 1
	done &&
	in_guest a "cat /etc/file; stat -c %a /etc/passwd" >out &&
	printf "of the template\n644\n" >expected && test_cmp expected out
'

# writable WHERE: the files there that guest a can open for writing and that are not those
# of its own namespaces: of IPC, of processes, of users
writable()
{
	in_guest a "$1" >out && tail -n 1 out && test "$(sed -n "s/^of //p" out)" -gt 300 &&
	grep -vE "^of |/sys/(fs/mqueue|user)/|/pressure/(cpu|io|irq|memory)$" out |
		grep -vE "/sys/kernel/(auto_msgmni|msg.*|sem.*|shm.*|ns_last_pid|pid_max)$" >found
	test ! -s found || complain_ "$(cat found)"
}

test_expect_success 'of all files in /proc and /sys none is writable that is the host'\''s' '
	escapes writable /proc/sys >host && test "$(wc -l <host)" -gt 300 &&
	grep -x /proc/sys/kernel/core_pattern host && writable "escapes writable /proc /sys" &&
	writable "unshare -Urmpf escapes writable /proc /sys" &&
	writable "mkdir -p /tmp/proc && unshare -m sh -c \"mount -t proc none /tmp/proc &&
		escapes writable /tmp/proc\""
'

parent_of()
{
	awk "/^PPid:/ { print \$2 }" "/proc/$1/status"
}

test_expect_success 'what a guest mounts the host does not see, nor the other way round' '
	cat /proc/self/mountinfo >before && keeper=$(parent_of "$(pid_of a)") &&
	in_guest a "mount --make-rshared / && mkdir -p /tmp/inside /tmp/outside /tmp/bound &&
		mount -t tmpfs none /tmp/inside && mount --bind /tmp/inside /tmp/bound &&
		>/tmp/inside/file && umount /dev/mqueue" &&
	grep "^.* /tmp/inside .* shared:" "/proc/$(pid_of a)/mountinfo" &&
	cat /proc/self/mountinfo >after && test_cmp before after &&
	! grep "/tmp/inside\|/tmp/bound" "/proc/$keeper/mountinfo" "/proc/$(pid_of b)/mountinfo" &&
	root=$POOL/guests/a/rootfs && test -z "$(find "$root/tmp" -type f)" &&
	mount -t tmpfs none "$root/tmp/outside" && test_when_finished umount "$root/tmp/outside" &&
	grep /tmp/outside /proc/self/mountinfo && ! grep /tmp/outside "/proc/$(pid_of a)/mountinfo"
'

# of_version N PID: the cgroups of a process
of_version()
{
	case $1 in
	1) grep -v "^0::" "/proc/$2/cgroup" ;;
	2) grep "^0::" "/proc/$2/cgroup" ;;
	esac
}

# As its first process, since what is let in is in a cgroup beside it.
test_expect_success CGROUP2 'a mount of cgroups begins at its own, and leads nowhere else' '
	a_guest c init="/bin/escapes cgroup" && vserver c start &&
	until vserver c log | tr -d "\r" >log && cat log && grep -q "^end" log
	do
		vserver c status && sleep 0.1 || return 1
	done &&
	grep -v "^v1\|^end" log >out &&
	cgroup=$(cgroup_of c) && cat >expected <<-EOF && sort out >found && test_cmp expected found &&
	below ENOENT
	below-above outside
	fresh ENOENT
	fresh-above outside
	fresh-writes cgroup.procs
	fresh-writes cgroup.subtree_control
	fresh-writes cgroup.threads
	inode $(stat -c %i "$cgroup/guest")
	own-below done
	own-up done
	EOF
	top=${cgroup%/vserver.slice*} && of_version 2 "$(pid_of c)" >out &&
	test_contents out "0::${cgroup#"$top"}/guest" && test -d "$cgroup/guest/below"
'

test_expect_success CGROUP2,CGROUP1 'hierarchies of version 1 it may see, and not change' '
	grep "^v1-" log >out && grep "^v1-.* done$" out && ! grep "^v1-.*-writes " out &&
	! grep "^v1-\(procs\|mkdir\|agent\|none,name=denied\) done" out &&
	of_version 1 "$(pid_of c)" >found && of_version 1 $$ >expected && test_cmp expected found
'

test_expect_success CGROUP2 'not even by a descriptor of them all' '
	cgroup=$(cgroup_of a) && other=$(cgroup_of b) &&
	in_cgroup_of a escapes slice 9 "${cgroup##*/}" "${other##*/}" \
		>out 9<"${cgroup%/*}" && cat >expected <<-\EOF && test_cmp expected out
	cgroup.procs EACCES
	supervisor/cgroup.procs EACCES
	cgroup.subtree_control EACCES
	makes EACCES
	other EACCES
	keepers EACCES
	top EACCES
	root EACCES
	own-makes done
	own-moves done
	EOF
'

test_expect_success 'the template is what it was' '
	test_unchanged "$POOL/templates/t"
'

kill_guests
test_done
