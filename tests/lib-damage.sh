# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What vhashify does about damage on the disk, for whatever engine. Sourced after lib-test.sh,
# lib-vhashify.sh, lib-scrub.sh.

# holey TEXT FILE...: equal files, each with so many extents that their map has a block of
# its own.
holey()
{
	holey_text=$1
	shift
	for holey_file
	do
		rm -f "$holey_file" && truncate -s 1M "$holey_file" &&
		for i in 1 2 3 4 5 6 7 8 9
		do
			echo "$holey_text" | dd of="$holey_file" bs=1 seek=${i}00000 \
				conv=notrunc status=none || return 1
		done && touch -d '2003-03-03 03:03:03' "$holey_file" || return 1
	done
}

# rot_map_of FILE: its data cannot be read any more; what it is called can.
rot_map_of()
{
	beneath rot_map "$(stat -c %i "$1")" && test_must_fail cat "$1" >/dev/null
}

# A file and a tree that cannot be read must not keep others from this.
others()
{
	others_n=$((${others_n-0} + 1))
	same_file "others $others_n" "$G1/etc/other" "$G2/etc/other"
}

others_are_shared()
{
	test_same_inode "$G1/etc/other" "$G2/etc/other"
}

damage_tests()
{
	DAMAGE_OPTIONS=$*

	test_expect_success 'a pool' '
		make_source src && test_pool $DAMAGE_OPTIONS ext4 && IMAGE=$test_image &&
		BS=$(stat -f -c %S "$POOL_MOUNT") && vtemplate import t src &&
		for g in g1 g2 g3 g4
		do
			vtemplate clone t $g || return 1
		done && T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) G3=$(root_of g3) &&
		G4=$(root_of g4)
	'

	# It was read by an earlier run, which remembers what it is equal to.
	test_expect_success 'one file that a master would be made of' '
		holey one "$G1/etc/holey" && holey two "$G2/etc/holey" && others && sleep 0.2 &&
		vhashify && holey one "$G3/etc/holey" && others && rot_map_of "$G1/etc/holey" &&
		test_expect_code 1 vhashify --json >out 2>err && others_are_shared &&
		test_json out .shared_files 2 && reason_is out unreadable 1 &&
		test_json out "[.failures[].path] | join(\" \")" etc/holey &&
		test_json out .error null && outcomes_add_up out &&
		test_grep "cannot read .etc/holey. in guest .g1.: .*, skipping it" err &&
		rm "$G1/etc/holey" "$G2/etc/holey" "$G3/etc/holey"
	'

	# Of files at one path the first two are read, the others when they are exchanged.
	test_expect_success 'one file that was taken for equal' '
		holey three "$G1/etc/holey" "$G2/etc/holey" "$G3/etc/holey" "$G4/etc/holey" &&
		others && rot_map_of "$G3/etc/holey" &&
		test_expect_code 1 vhashify --json >out 2>err && others_are_shared &&
		test_json out .shared_files 5 && reason_is out unreadable 1 &&
		test_json out .error null && outcomes_add_up out &&
		test_grep "cannot read .etc/holey. in guest .g3., .*, skipping it" err &&
		test_same_inode "$G1/etc/holey" "$G4/etc/holey" && rm "$G3/etc/holey"
	'

	test_expect_success 'a shared file' '
		cp -a "$G1/etc/holey" "$G3/etc/" && others && rot_map_of "$G1/etc/holey" &&
		test_expect_code 1 vhashify --json >out 2>err && others_are_shared &&
		test_json out .shared_files 2 && reason_is out unreadable 1 &&
		test_json out .error null && outcomes_add_up out && cat "$G3/etc/holey" >/dev/null &&
		test_grep "cannot read the shared copy of .etc/holey. in guest .g3.: " err
	'

	# Names that the last run knew as shared are not looked at, but for the first.
	test_expect_success 'a shared file of which not even its inode can be read' '
		others && damaged=$(stat -c %i "$G1/etc/holey") && cp -a "$G3/etc/holey" "$T/etc/" &&
		beneath debugfs -w -R "set_inode_field <$damaged> links_count 0" "$IMAGE" &&
		test_must_fail stat "$G1/etc/holey" &&
		test_expect_code 1 vhashify --dry-run --json >dry 2>err &&
		test_json dry .error null && test_json dry .shared_files 2 &&
		test_expect_code 1 vhashify --json >out 2>err && others_are_shared &&
		test_json out .shared_files 2 && test_json out .error null && outcomes_add_up out &&
		test_json out "[.failures[] | .name + .path] | sort | join(\" \")" \
			"g3etc/holey tetc/holey" &&
		test_json dry "[.failures[] | .name + .path] | sort | join(\" \")" \
			"g3etc/holey tetc/holey" &&
		test_grep "sharing nothing with it" err
	'

	test_expect_success 'a guest without its directory' '
		others && mv "$POOL/guests/g4" "$POOL_MOUNT/g4" &&
		test_expect_code 1 vhashify --json >out 2>err &&
		others_are_shared && test_json out .error null && test_json out .broken_trees 1 &&
		test_json out ".trees[] | select(.name == \"g4\") | .status" broken &&
		test_json out .scanned_trees 4 &&
		test_grep "guest .g4. is in the catalog, but its tree is missing, skipping it" err &&
		test_expect_code 1 vhashify >out 2>err &&
		test_grep " 1  guests and templates left out, cannot be read" out
	'

	# An error to write says nothing about a file.
	test_expect_success 'what cannot be written ends the run, and is no damage' '
		mv "$POOL_MOUNT/g4" "$POOL/guests/g4" && ended=0 &&
		for n in $(seq 5 3 65)
		do
			same_file "written $n" "$G1/etc/written" "$G2/etc/written" &&
			{ COWLINK_FAULT=error:$n:EIO vhashify --json >out 2>err || :; } || return 1
			# nothing when it did not even open the pool
			test -s out || continue
			test "$(jq .error out)" = null || ended=$((ended + 1))
			test_json out "[.failures[] | select(.path == \"etc/written\" and
				.reason == \"unreadable\")] | length" 0 || return 1
		done && test_note "$ended runs ended" && test $ended -gt 2
	'
}
