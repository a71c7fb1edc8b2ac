#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: what the root of a guest cannot do, and the host stays well'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_lazy_prereq FUSE 'test -c /dev/fuse && grep -qw fuse /proc/filesystems'
test_require ROOT,USERNS,EXT4,BUSYBOX

test_expect_success 'two guests run, of a template with device nodes' '
	test_pool ext4 512M && guest_tree tree && guest_program tree denied &&
	mknod tree/device b 7 0 && chmod 666 tree/device &&
	vtemplate import t tree && a_guest a && a_guest b &&
	vserver a start && vserver b start && test_snapshot "$POOL/templates/t"
'

# Which errno it is for some differs between kernels.
refusals()
{
	cat out && doubtful control out >doubtful && not_of doubtful out |
		sed -E "/^(mount-ext4|sys|core)/s/ E(ACCES|ROFS|PERM)$/ refused/" >found &&
	not_of doubtful expected >proved && test_cmp proved found
}

test_expect_success 'system calls, devices, mounts, clocks, sockets, terminals' '
	>file && denied control file >control && cat control &&
	in_guest a "cat /proc/self/mountinfo" >mounts && in_guest a denied >out &&
	cat >expected <<-\EOF &&
	keyctl ENOSYS
	add_key ENOSYS
	request_key ENOSYS
	bpf ENOSYS
	perf_event_open ENOSYS
	io_uring_setup ENOSYS
	userfaultfd ENOSYS
	fsopen ENOSYS
	open_tree ENOSYS
	kexec_load EPERM
	finit_module EPERM
	delete_module EPERM
	swapon EPERM
	quotactl EPERM
	open_by_handle_at EPERM
	mknod-disk EPERM
	mknod-mem EPERM
	mknod-dev EPERM
	device EACCES
	remount-dev EPERM
	device-again EACCES
	umount-sys EINVAL
	umount-dev EINVAL
	remount-sys EPERM
	mount-ext4 refused
	mount-sysfs EPERM
	settimeofday EPERM
	raw-socket EPERM
	packet-socket EPERM
	set-mark EPERM
	big-uid EINVAL
	setuid-out EINVAL
	pty done
	tiocsti EPERM
	tiocsti-high EPERM
	tioclinux EPERM
	sysrq refused
	core_pattern refused
	sysctl refused
	sys-file refused
	EOF
	refusals && in_guest a "cat /proc/self/mountinfo" >found && test_cmp mounts found
'

test_expect_success 'nor as the root of a user namespace of its own' '
	in_guest a "unshare -Urmpf denied" >out && refusals
'

skip_doubtful doubtful 'and what the host has not either'

# What the specification of OCI runtimes lists, and its runtimetest looks at.
test_expect_success 'what a container is promised is there' '
	in_guest a "for d in null zero full random urandom tty ptmx console
		do test -c /dev/\$d || echo no /dev/\$d; done
		for l in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2
		do test \$(readlink /dev/\${l%:*}) = /proc/self/\${l#*:} || echo no \$l; done
		for m in proc:/proc sysfs:/sys/devices tmpfs:/dev devpts:/dev/pts \
			tmpfs:/dev/shm mqueue:/dev/mqueue
		do grep -q \"^[^ ]* \${m#*:} \${m%:*} \" /proc/mounts || echo no \$m; done" >out &&
	cat out && test ! -s out
'

secrets="/proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list
	/proc/timer_stats /proc/sched_debug /proc/scsi /proc/kmsg /sys/firmware"

test_expect_success 'what it must not read it cannot, and make no file in /sys' '
	denied read $secrets >control && in_guest a "denied read $(echo $secrets)" >out &&
	cat control out && test "$(wc -l <out)" = 11 && ! grep "done$" out &&
	doubtful control out >doubtful && grep "done$" control &&
	in_guest a "for d in /sys /sys/fs /sys/kernel
		do ! touch \$d/file 2>/dev/null || echo writes \$d; done" >out 2>&1 &&
	cat out && test ! -s out
'

skip_doubtful doubtful 'nor what the host cannot read either'

test_expect_success 'nothing is gained by asking the guest itself first' '
	in_guest a "grep -E \"^(NoNewPrivs|Seccomp):\" /proc/1/status" >out &&
	printf "NoNewPrivs:\t0\nSeccomp:\t2\n" >expected && test_cmp expected out &&
	in_guest a "grep ^CapBnd: /proc/1/status" >init &&
	in_guest a "grep ^CapBnd: /proc/self/status" >exec && test_cmp init exec
'

test_expect_success 'its files are all it reaches' '
	in_guest a "cd / && for i in 1 2 3 4 5 6 7 8 9 10; do cd ..; done; ls -a" >out &&
	(cd "$POOL/guests/a/rootfs" && ls -a) | LC_ALL=C sort >expected &&
	LC_ALL=C sort out >found && test_cmp expected found &&
	in_guest a "ls -a /proc/1/root/../.." | LC_ALL=C sort >found &&
	test_cmp expected found &&
	in_guest a "awk \"{ print \\\$4 }\" /proc/self/mountinfo" |
		grep /pool >out && test_contents out /pool/guests/a/rootfs
'

test_expect_success 'chroot does not lead out' '
	in_guest a "cd /; mkdir -p /tmp/cage/bin && cp /bin/busybox /tmp/cage/bin/sh &&
		chroot /tmp/cage /bin/sh -c \"cd ../../../..; echo /*\"" >out 2>&1 &&
	test_contents out /bin
'

test_expect_success 'a descriptor from before leads out of a chroot, but not of the guest' '
	in_guest a "ls -a /" | LC_ALL=C sort >expected && in_guest a "denied cage /tmp/cage" |
		LC_ALL=C sort >found && test_cmp expected found &&
	! in_guest a "test -e /tmp/cage/tmp"
'

# files_of NAME PID: the descriptors of a process in there. Its own of the directory the
# shell has closed by then.
files_of()
{
	in_guest "$1" "for fd in /proc/$2/fd/*; do
		test -e \$fd && echo \"\${fd##*/} \$(readlink \$fd)\"; done; :"
}

test_expect_success 'no descriptor of who starts it or lets something in comes along' '
	a_guest c && { vserver c start && files_of c 1 >first &&
		files_of c "\$\$" </dev/null 2>err >exec; } \
			7</ 8<"$POOL" 9<"$POOL/guests/b/rootfs" &&
	cat first exec err && cut -d " " -f 1 first >out && printf "0\n1\n2\n" >expected &&
	test_cmp expected out && ! grep -v " /dev/\(console\|pts/0\)$" first &&
	cut -d " " -f 1 exec >out && test_cmp expected out && vserver c stop
'

test_expect_success 'nor a directory as its standard input, output or error' '
	refused 1 "standard input is a directory" eval "vserver a exec true </" &&
	refused 1 "standard output is a directory" eval "vserver a exec true 1</" &&
	test_expect_code 1 vserver a exec true 2</
'

test_expect_success 'signals end at the guest' '
	pid=$(pid_of b) && { in_guest a "kill -9 $pid $$ -1"; :; } &&
	vserver b status && vserver a status && kill -0 $$ &&
	in_guest a "ls /proc" >out && ! grep -x "$pid" out
'

# told ERROR THING...: as denied prints it
told()
{
	test_wanted=$1
	shift
	printf "%s $test_wanted\n" "$@"
}

test_expect_success 'processes outside have no number inside' '
	keeper=$(awk "/^PPid:/ { print \$2 }" "/proc/$(pid_of a)/status") &&
	{ told ESRCH pidfd kill ptrace-attach ptrace-seize read-memory write-memory \
		affinity limits && told EBADF pidfd-signal take-file &&
	told ENOENT proc-root proc-cwd proc-fd/0 proc-mem proc-environ proc-ns/mnt; } |
		sort >expected &&
	for pid in $(pid_of b) "$keeper" $$
	do
		in_guest a "denied process $pid" | sort >found && test_cmp expected found ||
			return 1
	done
'

# beside PREFIX...: a process of elsewhere gets a number in guest a, as "$number".
beside()
{
	rm -f begun &&
	{ nsenter -t "$(pid_of a)" -p -- "$@" sh -c "echo; exec sleep 1000" >begun & } &&
	parent=$! &&
	until test -s begun
	do
		kill -0 "$parent" && sleep 0.1 || return 1
	done &&
	outsider=$(pgrep -P "$parent") && test_when_finished "kill -9 $outsider" &&
	number=$(awk "/^NSpid:/ { print \$3 }" "/proc/$outsider/status") && test -n "$number"
}

test_expect_success 'nor are they in reach if they had one: other user namespaces' '
	{ told done pidfd && told EPERM kill pidfd-signal ptrace-attach ptrace-seize \
		read-memory write-memory take-file affinity limits &&
	told EACCES proc-root proc-cwd proc-fd/0 proc-mem proc-environ proc-ns/mnt; } |
		sort >expected &&
	for prefix in "" "nsenter -t $(pid_of b) -U --"
	do
		beside $prefix && in_guest a "denied process $number" | sort >found &&
			test_cmp expected found || return 1
	done
'

test_expect_success 'each has a range of ids of its own' '
	awk "/^Uid/ { print \$2 }" /proc/$(pid_of a)/status /proc/$(pid_of b)/status >out &&
	printf "1879048192\n1879113728\n" >expected && test_cmp expected out &&
	in_guest a "cat /proc/self/uid_map" | tr -s " " >out &&
	test_contents out " 0 1879048192 65536"
'

test_expect_success 'set-user-ID programs and capabilities of files work inside' '
	in_guest a "denied drop /bin/denied euid" >out && test_contents out 1000 &&
	in_guest a "denied drop /bin/denied caps" >out && test_contents out 0 &&
	in_guest a "cp /bin/denied /bin/gain && chmod 4755 /bin/gain" &&
	in_guest a "cp /bin/denied /bin/caps && denied plant /bin/caps" &&
	in_guest a "denied drop /bin/gain euid" >out && test_contents out 0 &&
	in_guest a "denied drop /bin/caps caps" >out && test_contents out 4
'

# By a shell, as setpriv(1) has capabilities until it executes something.
as_user()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups sh -c "\"\$@\"" as_user "$@"
}

# The pool at a place that everybody reaches, to which the mount gives all rights.
test_expect_success 'what it plants is out of the reach of users of the host' '
	mount --bind "$POOL_MOUNT" /mnt && test_when_finished umount /mnt &&
	planted=/mnt/pool/guests/a/rootfs/bin && stat -c "%u %a" $planted/gain >out &&
	test_contents out "0 4755" && cp -a $planted/gain $planted/caps /mnt &&
	as_user /mnt/gain euid >out && test_contents out 0 &&
	as_user /mnt/caps caps >out && test_contents out 4 && as_user ls -d /mnt/pool &&
	for command in "$planted/gain euid" "$planted/caps caps" "ls $planted"
	do
		! as_user $command >out 2>err && test ! -s out &&
		test_grep "Permission denied" err || return 1
	done
'

test_expect_success 'a pool mounted with nosuid, nodev and noexec does for guests' '
	mount -o remount,bind,nosuid,nodev,noexec "$POOL_MOUNT" &&
	test_when_finished mount -o remount,bind,suid,dev,exec "$POOL_MOUNT" &&
	! "$POOL_MOUNT/gain" euid && vserver a restart &&
	in_guest a "denied drop /bin/gain euid" >out && test_contents out 0 &&
	in_guest a "denied drop /bin/caps caps" >out && test_contents out 4 &&
	in_guest a "denied" >out && grep "^device EACCES" out
'

test_expect_success 'host names are private' '
	name=$(hostname) && in_guest a "hostname changed && hostname" >out &&
	test_contents out changed && test "$(hostname)" = "$name" &&
	in_guest b hostname >out && test_contents out b
'

test_expect_success 'SysV IPC and message queues are private' '
	queue=$(ipcmk -Q | grep -o "[0-9]*$") && test -n "$queue" &&
	test_when_finished "ipcrm -q $queue" && test "$(wc -l </proc/sysvipc/msg)" -gt 1 &&
	in_guest a "cat /proc/sysvipc/msg" >out && test "$(wc -l <out)" = 1
'

test_expect_success CGROUP2 'its cgroup is the top for it, and not writable above' '
	in_guest a "cat /proc/1/cgroup" | grep "^0::" >out && test_contents out "0::/" &&
	cgroup=$(cgroup_of a) && stat -c %u "$cgroup" "$cgroup/guest" >out &&
	printf "0\n1879048192\n" >expected && test_cmp expected out &&
	in_guest a "mkdir /sys/fs/cgroup/own && echo 1 >/sys/fs/cgroup/own/cgroup.procs" &&
	test_contents "$cgroup/guest/own/cgroup.procs" "$(pid_of a)" &&
	vserver a exec true && vserver a stop && nothing_but b
'

# Mounted by nobody who answers, as when its daemon has died. It has to be in sight of the
# guest's root.
test_expect_success FUSE 'with a lxcfs that is dead a guest sees the /proc of the host' '
	COWLINK_LXCFS=/mnt && export COWLINK_LXCFS &&
	sh -c "exec 5<>/dev/fuse && mount -i -t fuse none /mnt \
		-o fd=5,rootmode=40000,user_id=0,group_id=0,allow_other" &&
	test_when_finished "umount /mnt; unset COWLINK_LXCFS" &&
	! ls /mnt 2>err && test_grep "not connected" err && vserver b restart &&
	in_guest b "cat /proc/uptime /proc/meminfo" >out && test_grep "^MemTotal: " out &&
	! in_guest b "grep lxcfs /proc/self/mountinfo"
'

test_expect_success 'a symlink for /dev is not followed' '
	vserver b stop && rm -rf "$POOL/guests/b/rootfs/dev" &&
	ln -s /etc "$POOL/guests/b/rootfs/dev" &&
	refused 1 "the guest'\''s /dev is no directory" vserver b start &&
	nothing_of b
'

test_expect_success 'the template is what it was' '
	test_unchanged "$POOL/templates/t"
'

kill_guests
test_done
