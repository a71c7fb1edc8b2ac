#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='vserver: disk space and inodes by project quota, under the patched kernel'
TEST_UML_OPTIONS=--timeout=900
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-guest.sh"

test_require COWLINK,EXT4,BUSYBOX

# effective NAME SPACE INODES: as the kernel has it
effective()
{
	vserver "$1" show --json >shown &&
		test_json shown '.effective | .["disk.space"] + " " + .["disk.inodes"]' "$2 $3"
}

# df_says FIELD OPERATOR KIB: 2 is the size and 3 what is used, in df.out
df_says()
{
	test_found=$(awk "END { print \$$1 }" df.out)
	test "$test_found" "$2" "$3" || complain_ "df says $test_found, expected $2 $3"
}

# nothing_fits COMMAND...: none of them for the guest g
nothing_fits()
{
	test_script='df -k /'
	for command in "$@"
	do
		test_script="$test_script; ($command) && exit 1"
	done
	in_guest g "$test_script; exit 0" >df.out 2>err && cat err &&
		test "$(grep -c "[Nn]o space left\|[Qq]uota exceeded" err)" -ge $#
}

# make_guests FSTYPE SIZE: a pool with two of them, of which only g is limited
make_guests()
{
	TEST_MKFS_OPTIONS=
	test "$1" != ext4 || TEST_MKFS_OPTIONS="-O project,quota -E quotatype=prjquota"
	test_mount "$1" "$2" "$1" prjquota && TEST_MKFS_OPTIONS= &&
		POOL=$TRASH/$1/pool && COWLINK_POOL=$POOL && export COWLINK_POOL &&
		vtemplate init && vtemplate import t tree &&
		a_guest h && a_guest g disk.space=4M disk.inodes=100 &&
		vserver g start && vserver h start &&
		root=$POOL/guests/g/rootfs template=$POOL/templates/t/rootfs
}

# guest_tree makes each of busybox's links, which takes long here.
test_expect_success 'a tree for all' '
	mkdir -p tree/bin tree/etc tree/root tree/tmp tree/proc && cp /bin/busybox tree/bin/ &&
	for applet in sh dd df mkdir rm seq ln mv cp sleep yes head sync touch
	do
		ln -s busybox tree/bin/$applet || return 1
	done &&
	cp /usr/bin/chattr tree/bin/ && for library in $(ldd tree/bin/chattr | grep -o "/[^ ]*")
	do
		mkdir -p "tree$(dirname "$library")" && cp -L "$library" "tree$library" || return 1
	done &&
	echo root:x:0:0::/root:/bin/sh >tree/etc/passwd && echo "of the template" >tree/etc/file
'

# quota_tests FSTYPE SIZE LEAST: the smallest limit it can have
quota_tests()
{
	fstype=$1 size=$2 least=$3 prereq=$(echo "$1" | tr "[:lower:]" "[:upper:]")
	test_expect_success "$prereq" "$fstype: what is shared counts for nobody" '
		make_guests $fstype $size && effective g 4194304 100 &&
		test_same_inode "$root/bin/busybox" "$template/bin/busybox" &&
		in_guest g "df -k /" >df.out && df_says 2 = 4096 && df_says 3 -lt 600
	'
	test_expect_success "$prereq" "$fstype: the guest cannot fill the disk" '
		nothing_fits "dd if=/dev/zero of=/big bs=64k count=100" \
			"dd if=/dev/zero of=/more bs=64k count=1" "echo mine >>/bin/busybox" &&
		test "$(stat -c %s "$root/big")" -gt 3000000 &&
		test "$(stat -c %s "$root/big")" -le 4194304 &&
		test_same_inode "$root/bin/busybox" "$template/bin/busybox" &&
		dd if=/dev/zero of="$POOL/../of-the-host" bs=1M count=6 && rm "$POOL/../of-the-host" &&
		in_guest h "dd if=/dev/zero of=/big bs=1M count=6 && rm /big"
	'
	test_expect_success "$prereq" "$fstype: nor use up the inodes" '
		nothing_fits "rm -f /big /more && echo fits >/more && mkdir /many && cd /many &&
			for i in \$(seq 100); do : >\$i || exit; done" &&
		test "$(ls "$root/many" | wc -l)" -gt 20 && test_contents "$root/more" fits &&
		in_guest h ": >/one" && rm -r "$root/many"
	'
	test_expect_success "$prereq" "$fstype: names of shared files move, as dpkg wants it" '
		in_guest g "cd /bin && ln busybox busybox.dpkg-tmp && cp busybox new &&
			mv new busybox && mv busybox.dpkg-tmp /etc/busybox2 &&
			ln /etc/file /root/backup && mv /root/backup /etc/file2 && echo own >/etc/file &&
			chattr -p 0 /more || chattr -P /root || echo refused >/etc/chattr" 2>err &&
		cat err && test_grep "etting project on /more" err &&
		test_grep "etting flags on /root" err && test_contents "$root/etc/chattr" refused &&
		test_same_inode "$root/etc/busybox2" "$template/bin/busybox" &&
		test_different_inode "$root/bin/busybox" "$template/bin/busybox" &&
		test_same_inode "$root/etc/file2" "$template/etc/file" &&
		test_contents "$root/etc/file" own
	'
	test_expect_success "$prereq" "$fstype: a limit changes at once" '
		vserver g set disk.inodes=110 disk.space=9M && effective g 9437184 110 &&
		in_guest g "dd if=/dev/zero of=/big bs=64k count=90" &&
		vserver g set disk.space=1 && effective g $least 110 &&
		nothing_fits "dd if=/dev/zero of=/more bs=64k count=1" && df_says 2 -le 4 &&
		rm "$root/big" && vserver g set disk.space= disk.inodes=max && effective g max max
	'
	test_expect_success "$prereq" "$fstype: a number that is used again has no limits of before" '
		vserver g set disk.space=4K disk.inodes=1 && vserver g stop &&
		pool_sql "UPDATE guest SET context = 40000 WHERE context = 28673" &&
		refused 3 "cannot set disk.space: the guest was cloned without" vserver g start &&
		a_guest k && vserver k start && effective k max max && vserver k stop
	'
}

quota_tests ext4 256M 1024

# used >FILE: in KiB, of the guest k
used()
{
	in_guest k "df -k /" | awk "END { print \$3 }"
}

test_expect_success 'a file that becomes shared is charged no more' '
	vserver k set disk.space=100M && vserver k start && before=$(used) &&
	for name in k h
	do
		in_guest $name "yes | head -c 2000000 >/same; touch -d @1500000000 /same" || return 1
	done &&
	k=$POOL/guests/k/rootfs h=$POOL/guests/h/rootfs &&
	test "$(used)" -gt $((before + 1900)) && vhashify k h && test_same_inode "$k/same" "$h/same" &&
	test "$(used)" -lt $((before + 100)) && vhashify --undo k/same &&
	test_different_inode "$k/same" "$h/same" && in_guest k "mv /same /etc/" &&
	test "$(used)" -gt $((before + 1900)) && vserver k stop && vserver h stop
'

test_expect_success 'the number is found again when the catalog is lost' '
	vtemplate destroy g && vtemplate destroy h && rm "$POOL"/catalog.db* &&
	vtemplate check --rebuild && vserver k set init="/bin/sleep 1000" stop.timeout=0 \
		disk.space=5M && vserver k start && effective k 5242880 max && vserver k stop
'

kill_guests

quota_tests xfs 320M 4096

kill_guests
test_done
