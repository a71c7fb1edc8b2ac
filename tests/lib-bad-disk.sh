# shellcheck shell=sh disable=SC2016 # bodies of tests are evaluated later
# SPDX-License-Identifier: GPL-2.0-only
#
# A disk that takes what is written to a file and then has no place for it, as a thin pool
# that is full. Sourced after lib-test.sh and lib-pool.sh.
#
# The image lies in a tmpfs that can be filled. What is there when the pool is made has
# its place, beside the first megabytes, where the catalog grows; new data of files do not.
# So the filesystem goes on, and its journal, but the data are lost.

BAD_GOOD=9M

# bad_image FSTYPE: all of it has its place
bad_image()
{
	case $1 in
	ext4)
		dd if=/dev/zero of="$DISK/new" bs=1M count=64 status=none &&
		# small directories need no blocks
		mkfs.ext4 -q -F -O inline_data -b 1024 \
			-E lazy_itable_init=0,lazy_journal_init=0,nodiscard "$DISK/new" &&
		# what mkfs left out, too
		cat "$DISK/new" >"$DISK/img" && rm "$DISK/new" ;;
	xfs)
		dd if=/dev/zero of="$DISK/img" bs=1M count=320 status=none &&
		# a copy by reflink would have nothing to write
		mkfs.xfs -q -K -m reflink="${BAD_REFLINK-0}" "$DISK/img" ;;
	esac
}

# bad_disk FSTYPE INIT-OPTION...: a pool on such a disk, which still works, with a template
# "warm" and the guests g1 and g2
bad_disk()
{
	test -z "$DISK" || { test_unmount "$POOL_MOUNT" && test_unmount "$DISK"; } ||
		return 1
	BAD_FS=$1 BAD_SIZE=130M
	test "$BAD_FS" = ext4 || BAD_SIZE=350M
	shift
	DISK=$TRASH/disk POOL_MOUNT=$TRASH/pool POOL=$TRASH/pool/pool COWLINK_POOL=$POOL
	export COWLINK_POOL POOL
	test_mount tmpfs $BAD_SIZE "$DISK" && mkdir -p "$POOL_MOUNT" && bad_image $BAD_FS &&
	mount -t $BAD_FS -o loop "$DISK/img" "$POOL_MOUNT" &&
	echo "$POOL_MOUNT" >>"$TRASH-mounts" &&
	vtemplate init "$@" && bad_disk_shards &&
	rm -rf warm && mkdir warm && echo one >warm/small && vtemplate import warm warm &&
	vtemplate clone warm g1 && vtemplate clone warm g2 &&
	G1=$POOL/guests/g1/rootfs G2=$POOL/guests/g2/rootfs && bad_disk_again
}

# What was put on it since is gone, and there is a file that it has no room for. XFS discards
# in the background, and has done so when it is unmounted.
bad_disk_again()
{
	rm -f "$G1/big" "$G2/big" &&
	{ ! test -e "$POOL/templates/base" || vtemplate destroy --template base; } &&
	vtemplate gc && rm -rf src && mkdir src &&
	head -c 12000000 /dev/urandom >src/big &&
	sync -f "$POOL_MOUNT" && fstrim -o $BAD_GOOD "$POOL_MOUNT" && bad_disk_remount
}

# All of them, which have blocks of their own.
bad_disk_shards()
{
	bad_names=
	for bad_a in 0 1 2 3 4 5 6 7 8 9 a b c d e f
	do
		for bad_b in 0 1 2 3 4 5 6 7 8 9 a b c d e f
		do
			bad_names="$bad_names $bad_a$bad_b"
		done
	done
	# shellcheck disable=SC2086 # a list of names
	(cd "$POOL/store" && mkdir -m 700 $bad_names) && vtemplate check --repair >/dev/null
}

# Also run by COWLINK_FAULT_EXEC.
cat >"$TRASH-bin/disk-fails" <<'END'
#!/bin/sh
dd if=/dev/zero of="$DISK/ballast" bs=64k 2>/dev/null
dd if=/dev/zero of="$DISK/ballast2" bs=4k 2>/dev/null
! dd if=/dev/zero of="$DISK/ballast3" bs=4k count=1 2>/dev/null
END
cat >"$TRASH-bin/disk-works" <<'END'
#!/bin/sh
rm "$DISK"/ballast*
END
# Whoever asks first is told. That it fails is the purpose.
cat >"$TRASH-bin/sync-fails" <<'END'
#!/bin/sh
! sync -f "$POOL"
END
# By the file it is told once more.
cat >"$TRASH-bin/fsync-fails" <<'END'
#!/bin/sh
! find "$POOL/store" -type f -exec sync {} +
END
chmod +x "$TRASH-bin"/disk-* "$TRASH-bin"/*sync-*
export DISK=

# What is in memory only is gone.
bad_disk_remount()
{
	sync -f "$POOL_MOUNT" && umount "$POOL_MOUNT" &&
	mount -t $BAD_FS -o loop "$DISK/img" "$POOL_MOUNT"
}

masters()
{
	find "$POOL/store" -type f | wc -l
}

rows()
{
	pool_sql -readonly "select count(*) from object"
}

# has_no_new: nothing but what bad_disk has made
has_no_new()
{
	test "$(masters)" = 1 && test "$(rows)" = 1 &&
	test -z "$(ls -A "$POOL/staging")" && vtemplate check
}

# A guest's own, on the disk.
give_big()
{
	cp -p src/big "$1/big" && sync -f "$POOL_MOUNT" && sync "$1/big"
}

# import_killed: nobody can take away again what it made, and all of the error has been told
# to others.
import_killed()
{
	test "$(masters)" = 1 && disk-fails && test_expect_code 137 env \
		COWLINK_FAULT_EXEC='syncfs:1:sync-fails && fsync-fails && kill -9 $PPID' \
		vtemplate import base src && disk-works && test "$(masters)" = 2
}

# While an import waits for the disk, which failed it: the disk works again, two guests get
# the file, and vhashify finds a master for them.
cat >"$TRASH-bin/vhashify-meanwhile" <<'END'
#!/bin/sh
unset COWLINK_FAULT_EXEC
sync-fails && disk-works && cp -p "$TRASH/src/big" "$1/big" &&
cp -p "$TRASH/src/big" "$2/big" && sync -f "$POOL" &&
vhashify >"$TRASH/meanwhile.out" 2>&1 || echo failed >"$TRASH/meanwhile.failed"
END
chmod +x "$TRASH-bin/vhashify-meanwhile"

# What a command says when its data could not be written.
BAD_SAYS="to disk .*check --scrub.*\\(No space\\|Input/output\\)"

# bad_disk_tests FSTYPE INIT-OPTION...; bad_vhashify ends with a new shared copy that the disk
# has no room for.
bad_disk_tests()
{
	told_tests "$@"
	untold_tests
}

# Commands that hear of the error. An error that only a file told of comes once more.
told_tests()
{
	BAD_OPTIONS=$*
	BAD_NAME=$1
	BAD_PREREQ=$(echo "$1" | tr a-z A-Z)

	test_expect_success $BAD_PREREQ "$BAD_NAME: an import that failed leaves nothing to find" '
		bad_disk $BAD_OPTIONS && disk-fails &&
		test_expect_code 1 vtemplate import base src 2>err && cat err &&
		test_grep "$BAD_SAYS" err && disk-works && has_no_new
	'

	test_expect_success $BAD_PREREQ "$BAD_NAME: the next one writes all of it" '
		{ sync -f "$POOL" || :; } &&
		vtemplate import --json base src >out && test_json out .stats.new_masters 1 &&
		bad_disk_remount && cmp src/big "$POOL/templates/base/rootfs/big" &&
		vtemplate check --scrub
	'

	test_expect_success $BAD_PREREQ "$BAD_NAME: a vhashify that failed changes no guest" '
		bad_disk_again && give_big "$G1" && give_big "$G2" &&
		chown "${BAD_OWNER-0}" "$G1/big" "$G2/big" && sync -f "$POOL_MOUNT" &&
		disk-fails && bad_vhashify && cat err && test_grep "$BAD_SAYS" err && disk-works &&
		test_different_inode "$G1/big" "$G2/big" && has_no_new &&
		{ sync -f "$POOL" || :; } &&
		vhashify --json >out && test_json out .shared_files 2 &&
		bad_disk_remount && cmp src/big "$G1/big" && cmp src/big "$G2/big"
	'
}

# And who comes after one that did not.
untold_tests()
{
	test_expect_success $BAD_PREREQ "$BAD_NAME: an import after one that was killed" '
		bad_disk_again && import_killed &&
		vtemplate import --json base src >out 2>err && cat err &&
		test_grep "warning: .store/.*is damaged, using a new copy.*--scrub" err &&
		test_json out .stats.new_masters 1 && bad_disk_remount &&
		cmp src/big "$POOL/templates/base/rootfs/big" &&
		vtemplate check --scrub >out && test_grep " 1 of them damaged" out &&
		vtemplate gc && vtemplate check --scrub >out &&
		test_grep " 0 of them damaged" out
	'

	test_expect_success $BAD_PREREQ "$BAD_NAME: a vhashify after one that was killed" '
		bad_disk_again && import_killed && give_big "$G1" && give_big "$G2" &&
		vhashify --json >out && test_json out .shared_files 2 &&
		test_same_inode "$G1/big" "$G2/big" && bad_disk_remount &&
		cmp src/big "$G1/big" && cmp src/big "$G2/big"
	'

	test_expect_success $BAD_PREREQ "$BAD_NAME: a vhashify beside one that will hear of it" '
		bad_disk_again && disk-fails &&
		COWLINK_FAULT_EXEC="syncfs:1:vhashify-meanwhile $G1 $G2" \
			test_expect_code 1 vtemplate import base src && cat meanwhile.out &&
		test_path_missing meanwhile.failed &&
		test_grep " 2  shared now" meanwhile.out && bad_disk_remount &&
		cmp src/big "$G1/big" && cmp src/big "$G2/big" && vtemplate check --scrub >out &&
		test_grep " 0 of them damaged" out
	'
}
