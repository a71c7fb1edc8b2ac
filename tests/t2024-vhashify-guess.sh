#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what lies at one path in many guests is read in two of them

Who was taken for equal to these and is not comes to what a plan foretells that reads
everything.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

GUESTS="g1 g2 g3 g4 g5 g6"
ROUNDS=${COWLINK_LONG_TESTS:+60}
ROUNDS=${ROUNDS:-6}

# file GUEST PATH CONTENT: all are alike but for the content, if that is as long.
file()
{
	same_file "$3" "$(root_of "$1")/$2"
}

# files PATH CONTENT...: of g1, g2, ...; - for a guest that has none.
files()
{
	files_path=$1
	shift
	for files_guest in $GUESTS
	do
		test "$1" = - || file $files_guest "$files_path" "$1" || return 1
		shift
	done
}

without_reading()
{
	jq -S 'del(.dry_run, .plan, .hashed_files, .hashed_bytes)' "$1"
}

# as_planned FILES [ARGUMENT...]: a run comes to what the plan said, changes nothing that a
# guest sees, reads so many files, and leaves nothing to the next one.
as_planned()
{
	planned_read=$1
	shift
	trees >want && vhashify --dry-run --json "$@" >plan &&
	vhashify --json "$@" >run && trees >have && test_cmp want have &&
	outcomes_add_up run && without_reading plan >plan.rest &&
	without_reading run >run.rest && test_cmp plan.rest run.rest &&
	{ test "$planned_read" = any || test_json run .hashed_files "$planned_read"; } &&
	vhashify --no-cache --json "$@" >again && test_json again .shared_files 0 &&
	vtemplate check
}

# inodes PATH: which guests have the same one, as letters.
inodes()
{
	for inodes_guest in $GUESTS
	do
		stat -c %i "$(root_of $inodes_guest)/$1" || return 1
	done | awk '{ if (!($1 in name)) name[$1] = substr("abcdef", ++n, 1)
		printf "%s", name[$1] }'
}

test_expect_success 'two of six are read, all are shared' '
	mkdir empty && test_pool --unprotected ext4 256M && vtemplate import t empty &&
	for g in $GUESTS
	do
		vtemplate clone t $g || return 1
	done &&
	files same 1 1 1 1 1 1 && as_planned 2 && test "$(inodes same)" = aaaaaa &&
	test_json plan .hashed_files 6
'

test_expect_success 'one that is another file is read after all' '
	files other 2 2 2 3 2 2 && as_planned 3 && test "$(inodes other)" = aaabaa &&
	reason_is run unique 1
'

test_expect_success 'two that are another file share that' '
	files pair a a a b a b && as_planned 4 && test "$(inodes pair)" = aaabab
'

test_expect_success 'the two that were read differ: then all are' '
	files first x y y x z y && as_planned 6 && test "$(inodes first)" = abbacb &&
	files last v w - - - - && as_planned any
'

test_expect_success 'it is equal to what nobody else was, or to a second one of its guest' '
	files here l l l m l l && file g6 there m &&
	files twin1 p p p q p p && files twin2 q q q q q q &&
	as_planned any && test "$(inodes here)" = aaabaa &&
	test_same_inode "$(root_of g4)/here" "$(root_of g6)/there" &&
	test "$(inodes twin2)" = aaaaaa
'

test_expect_success 'where a guest has two of a content all are read' '
	files two1 d d d d d d && files two2 d d d e d d && file g1 two3 d &&
	as_planned 13 && test "$(inodes two1)" = aaaaaa && test "$(inodes two2)" = aaabaa
'

test_expect_success 'or has one of that content already' '
	files held1 k - k - - - && as_planned 2 &&
	files held2 k k n - - - && as_planned 3
'

test_expect_success 'a name is not a path' '
	for g in $GUESTS
	do
		mkdir "$(root_of $g)/one" "$(root_of $g)/two" || return 1
	done &&
	files one/name o o o o o o && files two/name r r r r r r && as_planned 4
'

test_expect_success 'flags that nobody saw are seen' '
	files flags 4 4 4 4 4 4 && chattr +d "$(root_of g4)/flags" &&
	trees >want && vhashify --json >run && trees >have && test_cmp want have &&
	reason_is run special-flags 1 && test_json run .hashed_files 2 &&
	test "$(inodes flags)" = aaabaa && chattr -d "$(root_of g4)/flags" &&
	as_planned any
'

test_expect_success 'an attribute or a time is no guess' '
	files xattr 7 7 7 7 7 7 && setfattr -n user.own -v 1 "$(root_of g3)/xattr" &&
	files time 8 8 8 8 8 8 && touch -d "2003-03-03 03:03:04" "$(root_of g3)/time" &&
	as_planned 5 && test "$(inodes xattr)" = aabaaa && test "$(inodes time)" = aabaaa
'

test_expect_success 'what changes meanwhile is left alone' '
	files busy 5 5 5 5 5 5 && F=$(root_of g5)/busy &&
	at link "test \$n != 4 || echo 6 >\$F" && test "$(cat "$F")" = 6 &&
	reason_is out changed 1 && test "$(inodes busy)" = aaaaba && as_planned any
'

test_expect_success 'the deadline comes: the next run goes on' '
	files late i i i j i j && trees >want &&
	COWLINK_FAULT_EXEC="syncfs:1:kill -USR1 \$PPID" \
		test_expect_code 5 vhashify --json >out && trees >have &&
	test_cmp want have && outcomes_add_up out && reason_is out not-reached 2 &&
	reason_is out different 0 && test "$(inodes late)" = aaabac &&
	as_planned any && test "$(inodes late)" = aaabab
'

test_expect_success 'guesses at random' '
	for round in $(seq $ROUNDS)
	do
		awk -v seed=$round "BEGIN {
			srand(seed)
			for (f = 1; f <= 40; f++) {
				line = \"r\" f
				kinds = 1 + int(rand() * 4)
				for (g = 1; g <= 6; g++) {
					kind = int(rand() * kinds)
					line = line \" \" (rand() < 0.1 ? \"-\" : kind)
				}
				print line
			}
		}" >numbers &&
		for g in $GUESTS
		do
			rm -f "$(root_of $g)"/r* || return 1
		done &&
		while read -r line
		do
			files $line || return 1
		done <numbers &&
		as_planned any || { echo "round $round"; return 1; }
	done
'

test_expect_success 'a master of few links: who is left is read before it becomes one' '
	test_pool --unprotected --link-limit=4 ext4 64M && vtemplate import t empty &&
	for g in $GUESTS
	do
		vtemplate clone t $g || return 1
	done &&
	files same 1 1 1 1 1 1 && files other 3 3 3 4 3 4 &&
	files alone 5 5 5 6 5 5 && as_planned any &&
	test "$(inodes same)" = aaabbb && test "$(inodes other)" = aaabcb
'

test_done
