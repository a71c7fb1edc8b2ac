#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: --explain, history, progress'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# reason FILE WHY [OPTION...]: --explain gives that reason, in words and as JSON.
reason()
{
	reason_file=$1 reason_want=$2
	shift 2
	vhashify "$@" --explain="$reason_file" --json >explained &&
	test_json explained .reason "$reason_want" &&
	vhashify "$@" --explain="$reason_file" >explained.txt
}

test_expect_success 'a pool with two guests, and files of every fate' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	same_file news "$G1/etc/new" "$G2/etc/new" && own "$G1/bin/tool" &&
	echo mine >"$G1/etc/mine" && mkdir "$G1/skip" && echo x >"$G1/skip/x" &&
	echo sub >"$G1/etc/newer" && chattr +i "$G1/etc/newer"
'

test_expect_success '--explain tells why' '
	test_snapshot "$POOL/store" && test_snapshot "$G1" &&
	reason g1/etc/new shared && test_grep "equal: guest g2/etc/new" explained.txt &&
	reason g1/bin/tool shared && test_grep "1 shared copies are there" explained.txt &&
	reason g1/bin/other already-shared && test_grep "4 names" explained.txt &&
	reason "$T/bin/other" already-shared && reason "$G1/etc/mine" unique &&
	reason g1/etc/newer special-flags && reason g1/share/hard1 hard-linked &&
	reason g1/etc/empty already-shared &&
	reason g1/etc/new small --min-size=100 &&
	reason g1/etc/mine excluded "--exclude=*mine" --exclude=/etc &&
	test_grep "rule .[*]mine" explained.txt &&
	reason g1/etc/mine excluded --exclude=/etc &&
	test_grep "rule ./etc" explained.txt && test_json explained .rule /etc &&
	echo "~/skip" >rules && reason g1/skip/x excluded --rules=rules &&
	test_unchanged "$POOL/store" && test_unchanged "$G1"
'

test_expect_success '--explain of what is not there' '
	test_expect_code 1 vhashify --explain=g1/etc/nothing 2>err &&
	test_grep "no regular file" err &&
	test_expect_code 1 vhashify --explain=g1/etc 2>err &&
	test_expect_code 1 vhashify --explain=g3/etc/new 2>err &&
	test_expect_code 1 vhashify --explain=g1/etc/new g2 2>err &&
	test_expect_code 2 vhashify --explain=g1 2>err &&
	test_expect_code 2 vhashify --explain=/etc/passwd 2>err
'

test_expect_success 'what it foretells is what happens' '
	chattr -i "$G1/etc/newer" &&
	vhashify --dry-run --json >dry && vhashify --json >run &&
	jq "del(.dry_run, .plan)" dry >dry.rest &&
	jq "del(.dry_run, .plan)" run >run.rest && test_cmp dry.rest run.rest &&
	test_same_inode "$G1/etc/new" "$G2/etc/new" &&
	test_same_inode "$G1/bin/tool" "$T/bin/tool"
'

test_expect_success 'history has the runs that could change something' '
	vhashify history --json >out && test_json out ".runs | length" 1 &&
	for key in files shared_files shared_bytes saved_bytes new_masters \
		hashed_bytes failed_files
	do
		test_json out ".runs[0].$key" "$(jq ".$key" run)" || return 1
	done &&
	test_json out ".runs[0].status" 0 &&
	test_json out ".runs[0].begun_ns <= .runs[0].ended_ns" true
'

test_expect_success 'the last one first, so many as are asked for' '
	own "$G2/bin/tool" && vhashify && vhashify &&
	vhashify history --json >out && test_json out ".runs | length" 3 &&
	test_json out "[.runs[].shared_files]" "[
  0,
  1,
  3
]" &&
	vhashify history --limit=2 --json >out && test_json out ".runs | length" 2 &&
	vhashify history >out && test "$(wc -l <out)" = 4 &&
	test_expect_code 2 vhashify history g1 2>err &&
	test_expect_code 1 vhashify -- history 2>err && test_grep "no such guest" err
'

test_expect_success 'a run that ended early is in it' '
	n=7 && echo "{}" >out &&
	until test -s out && jq -e .error out
	do
		n=$((n + 1)) && test $n -lt 30 && own "$G1/bin/other" || return 1
		COWLINK_FAULT=error:$n:EIO vhashify --json >out || :
	done 2>err && test_note "at effect $n" &&
	vhashify history --json >out && test_json out ".runs[0].status" 1
'

test_expect_success 'one that cannot be entered is no failure' '
	vhashify && own "$G1/bin/other" && COWLINK_FAULT_COUNT=count vhashify &&
	own "$G1/bin/other" &&
	COWLINK_FAULT=error:$(cat count):EIO vhashify 2>err &&
	test_grep "left out of the history" err &&
	test_same_inode "$T/bin/other" "$G1/bin/other"
'

test_expect_success 'progress: on demand only, on standard error only' '
	own "$G1/bin/tool" && vhashify >out 2>err && ! grep -q scanning err &&
	own "$G1/bin/tool" && vhashify --jobs=1 --progress --json >out 2>err &&
	test_json out .shared_files 1 && test_grep "scanning template .t. (1 of 3)" err &&
	test_grep "reading, 0 B of 8.9 kB" err &&
	test_grep "sharing, 8.9 kB of 8.9 kB, 8.9 kB saved" err
'

test_done
