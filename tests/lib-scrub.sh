# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The tests of scrub and quarantine, for whatever engine. Sourced after lib-test.sh,
# lib-vhashify.sh. scrub_tests INIT-OPTIONS comes first.

# beneath COMMAND...: run it while the pool's filesystem is unmounted; IMAGE is what
# it lies in and BS its block size.
beneath()
{
	umount "$POOL_MOUNT" || return 1
	"$@"
	beneath_status=$?
	mount -t ext4 -o loop "$IMAGE" "$POOL_MOUNT" && return $beneath_status
}

# rot_content INODE, rot_mode INODE, rot_map INODE: what a bad disk does.
rot_content()
{
	rot_block=$(debugfs -R "blocks <$1>" "$IMAGE" 2>/dev/null |
		awk '{ print $1 }') &&
	printf '\377rot' | dd of="$IMAGE" bs=1 seek=$((rot_block * BS + 100)) \
		conv=notrunc status=none
}

rot_mode()
{
	debugfs -w -R "set_inode_field <$1> mode 0100604" "$IMAGE" 2>/dev/null
}

# Where the file's blocks are: the kernel sees a wrong checksum.
rot_map()
{
	rot_block=$(debugfs -R "stat <$1>" "$IMAGE" 2>/dev/null |
		sed -n 's/.*(ETB0):\([0-9]*\).*/\1/p') &&
	test -n "$rot_block" &&
	dd if=/dev/urandom of="$IMAGE" bs=64 seek=$((rot_block * BS / 64)) \
		count=2 conv=notrunc status=none
}

# rot HOW NAME: in the master that base and one share; two has an intact one of its own.
rot()
{
	own "$TWO/$2" && test_same_inode "$BASE/$2" "$ONE/$2" &&
	rot_ino=$(stat -c %i "$ONE/$2") && beneath "$1" "$rot_ino"
}

quarantined()
{
	find "$POOL/quarantine" -type f 2>/dev/null | wc -l
}

# Everything that a guest can see, with inode numbers.
all_trees()
{
	(cd "$POOL" && find guests templates -printf '%p %i %y %m %U %G %s %T@\n' |
		LC_ALL=C sort &&
		find guests templates -type f ! -name bad -exec cksum {} + |
		LC_ALL=C sort)
}

# scrub_finds CODE REASON: one more, with its names, and nothing else changes.
scrub_finds()
{
	all_trees >trees1 &&
	test_expect_code 4 vtemplate check --scrub --json >scrub.json &&
	all_trees >trees2 && test_cmp trees1 trees2 &&
	test_json scrub.json .scrub.damaged 1 &&
	test_json scrub.json "[.problems[] | select(.code == \"$1\") | .reason]
		| index(\"$2\") != null" true
}

# restored PATH: the name in base and one gets the copy that two has; all is well.
restored()
{
	for restored_root in "$BASE" "$ONE"
	do
		cp -a "$TWO/$1" "$restored_root/$1.new" &&
		mv "$restored_root/$1.new" "$restored_root/$1" || return 1
	done
	vtemplate check >check.out && test_grep "^info: quarantine/" check.out &&
	vtemplate gc && test "$(quarantined)" = 0 &&
	vtemplate check --scrub >check.out && test_must_fail grep info: check.out
}

# Back where it was, for the next step.
put_back()
{
	for back_file in "$POOL"/quarantine/*
	do
		test -e "$back_file" || continue
		back_name=$(basename "${back_file%.*}") &&
		back_shard=$POOL/store/$(echo "$back_name" | cut -c 1-2) &&
		chattr -i "$back_shard" && mv "$back_file" "$back_shard/$back_name" &&
		chattr +i "$back_shard" || return 1
	done
	vtemplate check --repair >/dev/null && all_trees >trees1
}

# After a kill: no tree has changed, and the next scrub does what this one did not.
put_away()
{
	all_trees >trees2 && test_cmp trees1 trees2 &&
	test_expect_code 4 vtemplate check --scrub --repair --json >scrub.json &&
	test_json scrub.json "[.problems[] | select(.severity != \"info\" and
		.repaired == false) | .code] | unique | join(\" \")" quarantined &&
	test "$(quarantined)" = 1 && all_trees >trees2 && test_cmp trees1 trees2 &&
	test_must_fail vtemplate clone base never && test -z "$(ls "$POOL/staging")"
}

# try_once for sweep_by: FAULT KIND; the kind is always kill.
killed_scrub()
{
	put_back || return 1
	stopped_at "$1" kill vtemplate check --scrub
	killed_status=$?
	# 4 is what a scrub that was not stopped says
	test $killed_status != 1 || test "$stopped_status" = 4 || return 1
	put_away || return 1
	test "$stopped_status" = 137 || return 2
}

scrub_tests()
{
	SCRUB_OPTIONS=$*

	test_expect_success EXT4 'a sound pool' '
		make_source src && truncate -s 6M src/share/holes &&
		for i in 1 2 3 4 5 6 7 8 9
		do
			echo $i | dd of=src/share/holes bs=1 seek=${i}00000 \
				conv=notrunc status=none || return 1
		done &&
		same_times src && test_pool $SCRUB_OPTIONS ext4 &&
		IMAGE=$test_image && BS=$(stat -f -c %S "$POOL_MOUNT") &&
		vtemplate import base src && vtemplate clone base one &&
		vtemplate clone base two && vtemplate gc &&
		BASE=$POOL/templates/base/rootfs ONE=$POOL/guests/one/rootfs &&
		TWO=$POOL/guests/two/rootfs && all_trees >trees1 &&
		vtemplate check --scrub --json >scrub.json && all_trees >trees2 &&
		test_cmp trees1 trees2 && test_json scrub.json .scrub.damaged 0 &&
		find "$POOL/store" -type f >masters &&
		test_json scrub.json .scrub.files "$(wc -l <masters)" &&
		vtemplate check --scrub --rate=1000 >out &&
		test_grep "^scrubbed .* 0 of them damaged" out &&
		test_path_missing "$POOL/quarantine"
	'

	test_expect_success EXT4 'flipped bits: quarantine, and who shares them' '
		rot rot_content bin/other && scrub_finds quarantined changed &&
		test_json scrub.json "[.problems[] | .shared[]? | .kind + .tree +
			.path] | join(\" \")" "templatebasebin/other guestonebin/other" &&
		test_json scrub.json "[.problems[] | .intact[]? | .tree + .path] |
			join(\" \")" twobin/other &&
		test "$(quarantined)" = 1 &&
		test_same_inode "$ONE/bin/other" "$(echo "$POOL"/quarantine/*)" &&
		test -z "$(find "$POOL/store" -inum $rot_ino)" &&
		test_expect_code 4 vtemplate check --scrub >out &&
		test_grep "shared by template .base.: bin/other" out &&
		test_grep "intact in guest .two.: bin/other" out &&
		test_grep " 0 of them damaged" out &&
		test_expect_code 4 vtemplate check >out
	'

	test_expect_success EXT4 'it is never linked again' '
		test_expect_code 4 vtemplate clone base three 2>err &&
		test_grep "bin/other.*quarantine\|other. is damaged" err &&
		test_path_missing "$POOL/guests/three" && test -z "$(ls "$POOL/staging")" &&
		test_nlink "$ONE/bin/other" 3 &&
		test_expect_code 4 vtemplate check --rebuild >out && vhashify &&
		test_nlink "$ONE/bin/other" 3 &&
		test_expect_code 4 vtemplate clone base three &&
		cp "$ONE/bin/other" damaged && test_must_fail cmp -s damaged src/bin/other
	'

	test_expect_success EXT4 'names that got intact copies, then gc' '
		restored bin/other && vtemplate clone base three &&
		cmp src/bin/other "$POOL/guests/three/rootfs/bin/other" && vhashify &&
		test_same_inode "$ONE/bin/other" "$TWO/bin/other" &&
		vtemplate destroy three && vtemplate check --scrub
	'

	test_expect_success EXT4 'metadata count, too' '
		rot rot_mode bin/tool && test "$(stat -c %a "$ONE/bin/tool")" = 604 &&
		scrub_finds quarantined changed && test "$(quarantined)" = 1 &&
		restored bin/tool && test "$(stat -c %a "$ONE/bin/tool")" = 4755
	'

	test_expect_success EXT4 'what cannot be read' '
		rot rot_map share/holes &&
		test_must_fail cat "$ONE/share/holes" >/dev/null &&
		mv "$ONE/share/holes" "$ONE/share/bad" &&
		mv "$BASE/share/holes" "$BASE/share/bad" &&
		scrub_finds quarantined unreadable && test "$(quarantined)" = 1 &&
		test_json scrub.json "[.problems[] | .shared[]? | .path] | unique |
			join(\" \")" share/bad &&
		rm "$ONE/share/bad" "$BASE/share/bad" && vtemplate gc &&
		test "$(quarantined)" = 0 && vtemplate check --scrub
	'

}

# killed_tests FIRST STRIDE: at so many of its steps.
killed_tests()
{
	KILLED_FIRST=$1
	test -n "${COWLINK_LONG_TESTS-}" || TEST_STRIDE=$2

	test_expect_success EXT4 'killed at the steps of it' '
		cp -a "$TWO/share/holes" "$ONE/share/holes" && vhashify &&
		rot rot_content bin/other &&
		sweep_by killed_scrub 10 kill:%d "$KILLED_FIRST"
	'

}

full_disk_test()
{
	test_expect_success EXT4 'with a full disk nothing is lost' '
		put_back && rmdir "$POOL/quarantine" && test_fill_pool &&
		test_expect_code 4 vtemplate check --scrub --json >scrub.json &&
		test_json scrub.json "[.problems[] | select(.shared) | .code] |
			join(\" \")" master-damaged &&
		test_json scrub.json "[.problems[] | .shared[]?] | length" 2 &&
		all_trees >trees2 && test_cmp trees1 trees2 &&
		rm "$POOL_MOUNT"/fill* && scrub_finds quarantined changed
	'

}

resumed_test()
{
	test_expect_success EXT4 'one that was killed goes on' '
		mkdir many && (cd many && for i in $(seq 40)
		do
			for j in $(seq 64)
			do
				echo $i $j >$i.$j
			done
		done) && test_pool $SCRUB_OPTIONS ext4 && vtemplate import many many &&
		test_expect_code 137 env COWLINK_FAULT_EXEC="commit:2:kill -9 \$PPID" \
			vtemplate check --scrub &&
		vtemplate check --scrub --json >scrub.json &&
		test_json scrub.json .scrub.resumed true &&
		test_json scrub.json ".scrub.files > 500 and .scrub.files < 1600" true &&
		vtemplate check --scrub --json >scrub.json &&
		test_json scrub.json .scrub.resumed false &&
		test_json scrub.json .scrub.files 2560
	'
}
