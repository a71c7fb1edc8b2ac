#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: sharing extents where inodes cannot be shared'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"

# own_bytes FILE...: a copy that shares nothing with the old one.
own_bytes()
{
	for own_file
	do
		cp -a --reflink=never "$own_file" "$own_file.new" &&
		mv "$own_file.new" "$own_file" || return 1
	done
	sync -f "$1"
}

# Where the data are; without the last column, which says "shared" in any case.
extents()
{
	filefrag -v "$1" | sed -n "s/^ *[0-9]*: *//p" | sed "s/:[^:]*\$//"
}

same_extents()
{
	extents "$1" >"$TRASH-e1" && extents "$2" >"$TRASH-e2" &&
	test -s "$TRASH-e1" && diff "$TRASH-e1" "$TRASH-e2"
}

for fs in xfs btrfs
do
	FS=$(echo $fs | tr '[:lower:]' '[:upper:]')

	test_expect_success "$FS" "$fs: a pool, a template, two guests" '
		rm -rf src && make_source src &&
		head -c 20M /dev/urandom >src/big &&
		truncate -s 40000000 src/sparse && seq 5000 >>src/sparse &&
		same_times src &&
		test_pool $fs 512M && vtemplate import t src &&
		vtemplate clone t g1 && vtemplate clone t g2 &&
		T=$(root_of t) && G1=$(root_of g1) && G2=$(root_of g2)
	'

	test_expect_success "$FS" "$fs: after a clone only the twins are left" '
		vhashify --json >out && test_json out .engine reflink &&
		test_json out ".shared_files <= 5" true &&
		outcomes_add_up out &&
		vhashify --json >out && test_json out .shared_files 0
	'

	test_expect_success "$FS" "$fs: copies share extents again" '
		own_bytes "$G1/bin/tool" "$G1/big" "$G2/big" "$G2/sparse" &&
		test_must_fail same_extents "$G1/big" "$T/big" &&
		test_snapshot "$G1" && test_snapshot "$G2" && test_snapshot "$T" &&
		vhashify --dry-run --json >dry && test_json dry .shared_files 4 &&
		test_must_fail same_extents "$G1/big" "$T/big" &&
		vhashify --json >out && test_json out .shared_files 4 &&
		jq "del(.dry_run, .plan)" dry >dry.rest &&
		jq "del(.dry_run, .plan)" out >out.rest &&
		test_cmp dry.rest out.rest &&
		same_extents "$G1/big" "$T/big" && same_extents "$G2/big" "$T/big" &&
		same_extents "$G1/bin/tool" "$T/bin/tool" &&
		same_extents "$G2/sparse" "$T/sparse" &&
		test_unchanged "$G1" && test_unchanged "$G2" && test_unchanged "$T"
	'

	test_expect_success "$FS" "$fs: the second run does nothing" '
		vhashify --json >out && test_json out .shared_files 0 &&
		outcomes_add_up out
	'

	test_expect_success "$FS" "$fs: metadata do not matter, bytes do" '
		own_bytes "$G1/bin/other" "$G2/bin/other" &&
		chmod 600 "$G1/bin/other" && chown 5:5 "$G1/bin/other" &&
		printf X | dd of="$G2/bin/other" bs=1 seek=999 conv=notrunc &&
		sync -f "$G1" && test_snapshot "$G1" && test_snapshot "$G2" &&
		vhashify --json >out && test_json out .shared_files 1 &&
		same_extents "$G1/bin/other" "$T/bin/other" &&
		test_unchanged "$G1" && test_unchanged "$G2"
	'

	test_expect_success "$FS" "$fs: written after the files were read: left alone" '
		own_bytes "$G1/big" && cp "$G1/big" want && printf Y >>want &&
		COWLINK_FAULT_EXEC="dedupe:1:printf Y >>$G1/big" \
			vhashify --json >out &&
		cmp want "$G1/big" && cmp "$T/big" src/big && outcomes_add_up out
	'

	test_expect_success "$FS" "$fs: equal length, other bytes: the kernel sees it" '
		own_bytes "$G2/big" && cp "$G2/big" want &&
		printf Z | dd of=want bs=1 seek=17000000 conv=notrunc &&
		COWLINK_FAULT_EXEC="dedupe:1:printf Z |
			dd of=$G2/big bs=1 seek=17000000 conv=notrunc 2>/dev/null" \
			vhashify --json >out &&
		cmp want "$G2/big" && cmp "$T/big" src/big &&
		reason_is out different 1
	'

	# Which effect it is that shares the first of two files, a run tells.
	test_expect_success "$FS" "$fs: an error of the disk is that of one file" '
		met=0 && for n in $(seq 30)
		do
			own_bytes "$G1/bin/tool" "$G1/bin/other" &&
			{ COWLINK_FAULT=error:$n:EIO vhashify --json >out 2>err || :; } &&
			if test -s out && reason_is out unreadable 1 2>/dev/null
			then
				met=$((met + 1)) && test_json out .error null &&
				test_json out .shared_files 1 && outcomes_add_up out &&
				test_grep "cannot share extents: .*, skipping .bin/" err
			fi || return 1
		done && test $met = 2
	'

	test_expect_success "$FS" "$fs: an immutable file is refused, not failed" '
		own_bytes "$G1/bin/tool" && chattr +i "$G1/bin/tool" &&
		vhashify --json >out && chattr -i "$G1/bin/tool" &&
		reason_is out special-flags 1
	'

	test_expect_success "$FS" "$fs: consistent" 'vtemplate check'
done

test_done
