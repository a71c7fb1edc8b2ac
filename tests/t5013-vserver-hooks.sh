#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: hooks, directories of the host, lxcfs, ways to stop, autostart'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require ROOT,USERNS,EXT4,BUSYBOX

COWLINK_HOOKS=$TRASH/hooks
export COWLINK_HOOKS

# hook PATH: what it does from standard input
hook()
{
	mkdir -p "$(dirname "hooks/$1")" && cat >"hooks/$1" && chmod 755 "hooks/$1"
}

wait_until()
{
	until "$@" >/dev/null 2>&1
	do
		sleep 0.1
	done
}

test_expect_success 'hooks run in their order, and know the guest' '
	guest_pool ext4 && a_guest g && for stage in pre-start post-start pre-stop post-stop
	do
		hook $stage <<-\EOF &&
		#!/bin/sh
		echo "$1 $2 $VSERVER_STAGE $VSERVER_NAME $VSERVER_CONTEXT $(vserver "$2" status | cut -d " " -f 4 | tr -d ,)" >>"$TEST_PRIVATE/hooked"
		EOF
		echo "echo own >>\"\$TEST_PRIVATE/hooked\"" | sed "1i #!/bin/sh" |
			hook guests/g/$stage || return 1
	done && export TEST_PRIVATE && vserver g start && vserver g stop && vserver g stop &&
	cat >expected <<-\EOF &&
	pre-start g pre-start g 28672 stopped
	own
	post-start g post-start g 28672 running
	own
	pre-stop g pre-stop g 28672 running
	own
	post-stop g post-stop g 28672 stopped
	own
	EOF
	test_cmp expected "$TEST_PRIVATE/hooked" && nothing_left g
'

test_expect_success 'a pre-start that fails keeps the guest down, others only warn' '
	rm -r hooks && echo "exit 3" | sed "1i #!/bin/sh" | hook guests/g/pre-start &&
	refused 1 "guests/g/pre-start'\'' ended with status 3" vserver g start && nothing_left g &&
	mv hooks/guests/g/pre-start hooks/guests/g/post-start &&
	vserver g start 2>err && test_grep "ended with status 3; going on" err &&
	mv hooks/guests/g/post-start hooks/guests/g/pre-stop &&
	vserver g stop 2>err && test_grep "ended with status 3; going on" err && nothing_left g
'

test_expect_success 'what others can write is not run' '
	mv hooks/guests/g/pre-stop hooks/guests/g/pre-start && chmod 775 hooks/guests/g/pre-start &&
	refused 1 "can be written by others than root" vserver g start &&
	chmod 644 hooks/guests/g/pre-start && refused 1 "is no program" vserver g start &&
	rm -r hooks
'

test_expect_success 'directories of the host: ids, options, a missing target' '
	data=$POOL_MOUNT/data && mkdir "$data" && echo volume >"$data/file" && mknod "$data/null" c 1 3 &&
	chmod 666 "$data/null" && cp /bin/busybox $data/busybox && chmod 4755 $data/busybox &&
	vserver g set mount="$data:/srv $data:/mnt/ro:ro,noexec" && mkdir "$POOL/guests/g/rootfs/mnt" &&
	vserver g start && in_guest g "cat /srv/file && echo new >/srv/new && stat -c %u /srv/file" >out &&
	printf "volume\n0\n" >expected && test_cmp expected out &&
	stat -c "%u" "$data/new" >out && test_contents out 0 &&
	in_guest g "! echo x >/mnt/ro/new && ! /mnt/ro/busybox true && ! cat /srv/null && /srv/busybox true" &&
	in_guest g "grep -E \" /srv | /mnt/ro \" /proc/self/mountinfo | cut -d \" \" -f 6" >out && cat out &&
	grep "rw,nosuid,nodev" out && grep "ro,nosuid,nodev,noexec" out &&
	in_guest g "! umount /srv && ! mount -o remount,suid,bind /srv" &&
	vserver g stop && nothing_left g && ! grep " $POOL_MOUNT/data" /proc/self/mountinfo
'

# outside TARGET TEXT: the guest does not start, and nothing comes of it on the host.
outside()
{
	vserver g set mount="$data:$1" && refused 1 "$2" vserver g start && nothing_left g &&
		test ! -e "$victim/made"
}

test_expect_success 'a target that leaves the root, or has a symlink in it: refused' '
	victim=$TRASH/victim && mkdir "$victim" && root=$POOL/guests/g/rootfs &&
	ln -s "$victim" "$root/away" && ln -s ../../../../../../../..$victim "$root/up" &&
	ln -s tmp "$root/inner" && : >"$root/plain" &&
	outside /away "a symlink or a file is in the way" && outside /away/made "is in the way" &&
	outside /up/made "is in the way" && outside /inner "is in the way" &&
	outside /plain "is in the way" && outside /no/such/made "cannot make" &&
	for bad in "$data:/../x" "$data:/dev/x" "$data:/proc" "$data:/sys/fs" "$data:srv" "data:/srv" \
		"$data:/" "$data:/a//b" "$data:/a/" "$data" "$data:/srv:dev" "$data:/srv:suid,exec"
	do
		refused 2 "is not SOURCE:TARGET" vserver g set mount="$bad" || return 1
	done &&
	vserver g set mount="/no/such/dir:/srv" && refused 1 "cannot take" vserver g start &&
	nothing_left g && vserver g set mount=
'

# swapped PATH: what becomes of a source when the guest has put a symlink into its path.
swapped()
{
	vserver g set mount="$data:/s $data/sub/dir:/t" && vserver g start &&
	in_guest g "mv /s/$1 /s/old && ln -s $victim /s/$1" && vserver g stop &&
	refused 1 "$data/$1' is a symlink, which nobody follows; write the path" \
		vserver g start &&
	nothing_left g &&
	refused 1 "$data/$1' is a symlink" vserver g set "mount=$data/sub/dir:/t:ro" &&
	rm "$data/$1" && mv "$data/old" "$data/$1"
}

test_expect_success 'a source in what the guest writes leads nowhere else either' '
	mkdir -p "$data/sub/dir" "$victim/dir" && swapped sub/dir && swapped sub &&
	vserver g show --json >out &&
	test_json out .settings.mount "$data:/s $data/sub/dir:/t" && vserver g start &&
	in_guest g "touch /t/there" && vserver g stop && test_path_exists "$data/sub/dir/there" &&
	vserver g set mount="$data/later:/t" mount=
'

# reboots NAME: from inside, and runs again.
reboots()
{
	pid=$(pid_of "$1") && { in_guest "$1" "busybox reboot -f" || :; } &&
	wait_until other_first "$1" "$pid"
}

other_first()
{
	now=$(pid_of "$1") && test "$now" -gt 0 && test "$now" != "$2"
}

# Where the guest's ids may look, as they may in /var/lib.
test_expect_success TMPFS 'lxcfs is used where it is mounted' '
	COWLINK_LXCFS=$(mktemp -d /tmp/cowlink-lxcfs-XXXXXX) && export COWLINK_LXCFS &&
	test_when_finished "umount $COWLINK_LXCFS; rm -r $COWLINK_LXCFS" &&
	chmod 755 "$COWLINK_LXCFS" && mkdir "$COWLINK_LXCFS/proc" &&
	echo not mounted >"$COWLINK_LXCFS/proc/uptime" && vserver g start &&
	in_guest g "! grep mounted /proc/uptime" && vserver g stop &&
	mount -t tmpfs none "$COWLINK_LXCFS" && chmod 755 "$COWLINK_LXCFS" && mkdir "$COWLINK_LXCFS/proc" &&
	echo MemTotal: 7 kB >"$COWLINK_LXCFS/proc/meminfo" &&
	vserver g start && in_guest g "grep MemTotal /proc/meminfo; wc -l </proc/uptime" >out &&
	printf "MemTotal: 7 kB\n1\n" >expected && test_cmp expected out &&
	reboots g && in_guest g "grep MemTotal /proc/meminfo" >out && test_contents out "MemTotal: 7 kB" &&
	vserver g stop
'

test_expect_success 'what a known init is stopped by' '
	vserver g set init.style=systemd stop.timeout= && vserver g show --json >out &&
	test_json out ".settings[\"stop.signal\"]" RTMIN+3 && test_json out ".settings[\"stop.timeout\"]" 90 &&
	vserver g set init.style=sysvinit && vserver g show --json >out &&
	test_json out ".settings[\"stop.command\"]" "/sbin/init 0" &&
	vserver g set stop.signal=PWR && vserver g show --json >out && test_json out ".settings[\"stop.signal\"]" PWR &&
	cat >"$POOL/guests/g/rootfs/bin/boot" <<-\EOF &&
	#!/bin/sh
	trap "echo asked >>/tmp/asked; exit 0" USR1
	echo "$container $container_uuid" >/tmp/env
	while :; do usleep 10000; done
	EOF
	chmod +x "$POOL/guests/g/rootfs/bin/boot" &&
	vserver g set init=/bin/boot stop.command="/bin/kill -USR1 1" stop.timeout=60 && vserver g start &&
	wait_until test -s "$POOL/guests/g/rootfs/tmp/env" &&
	grep -E "^cowlink [0-9a-f-]{36}$" "$POOL/guests/g/rootfs/tmp/env" &&
	vserver g stop 2>err && test ! -s err && test_contents "$POOL/guests/g/rootfs/tmp/asked" asked &&
	vserver g set stop.command="/bin/sleep 1000" stop.timeout=1 && vserver g start && vserver g stop 2>err &&
	test_grep "did not stop by itself" err && nothing_left g
'

test_expect_success 'boot starts those with autostart in their order, halt stops all' '
	vserver g set init= init.style= stop.command= && rm -rf hooks "$TEST_PRIVATE/hooked" &&
	for stage in post-start post-stop
	do
		echo "echo \$1 \$2 >>\"\$TEST_PRIVATE/hooked\"" | sed "1i #!/bin/sh" | hook $stage || return 1
	done &&
	a_guest a autostart=20 && a_guest b autostart=3 && a_guest c && a_guest d autostart=20 init=/no/such &&
	test_expect_code 1 vserver boot 2>err && test_grep "cannot start guest .d." err &&
	vserver c start && vserver boot 2>&1 | grep "cannot start guest .d." && vserver halt && vserver halt &&
	cat >expected <<-\EOF &&
	post-start b
	post-start a
	post-start c
	post-stop c
	post-stop a
	post-stop b
	EOF
	test_cmp expected "$TEST_PRIVATE/hooked" &&
	refused 2 "a number from 0 to 1000" vserver a set autostart=yes
'

test_expect_success 'the units are installed, with their paths' '
	make -s -C "$TEST_DIRECTORY/.." BUILD="$PWD/b" DESTDIR="$PWD/d" prefix=/usr install-guests &&
	(cd d/usr/lib/systemd/system && ls) >have &&
	printf "%s\n" vserver.service vserver.slice vserver.target vserver@.service >want && test_cmp want have &&
	test_grep "^ExecStart=/usr/sbin/vserver start %i" d/usr/lib/systemd/system/vserver@.service &&
	test_grep "^ExecStart=/usr/sbin/vserver boot" d/usr/lib/systemd/system/vserver.service &&
	! grep -r "@[a-z]*@" d
'

test_lazy_prereq SYSTEMD 'command -v systemd-analyze'

test_expect_success SYSTEMD 'systemd has no complaint' '
	cp d/usr/lib/systemd/system/vserver* . &&
	sed -i "s,/usr/sbin/vserver,$COWLINK_BUILD/vserver," vserver*.service &&
	cp vserver@.service vserver@x.service &&
	systemd-analyze verify --man=no ./vserver.service ./vserver@x.service ./vserver.target \
		./vserver.slice 2>err &&
	! grep vserver err
'

kill_guests
test_done
