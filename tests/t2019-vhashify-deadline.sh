#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify --deadline: it ends in order, says so, and the next run goes on

No test waits for a clock: a deadline is past, or far off, or it comes by SIGUSR1 in a
certain moment of the run.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

FAR=366d

# In which order the trees are looked at.
order_is()
{
	test_json out '[.trees[].name] | join(" ")' "$*" ||
		{ jq -c .trees out; return 1; }
}

# Names of g2 and g3 that are links to each other.
count_shared()
{
	find "$G2/many" -type f -links +1 | wc -l
}

test_expect_success 'a pool, and more equal files than one batch holds' '
	make_source src && test_pool --unprotected ext4 256M &&
	vtemplate import t src &&
	for g in g1 g2 g3
	do
		vtemplate clone t $g || return 1
	done &&
	T=$(root_of t) G2=$(root_of g2) G3=$(root_of g3) &&
	mkdir "$G2/many" && seq 1000 2199 | split -l 1 -a 3 - "$G2/many/f" &&
	cp -a "$G2/many" "$G3/" && own "$G2/bin/tool" && sleep 0.2
'

test_expect_success 'one that is past: nothing is looked at, and that is no failure' '
	test_snapshot "$POOL/store" && test_snapshot "$G2" &&
	test_expect_code 5 vhashify --deadline=0s --json >out &&
	test_json out .deadline_reached true && test_json out .files 0 &&
	test_json out .shared_files 0 && test_json out .failed_files 0 &&
	test_json out .scanned_trees 0 && test_json out .unreached_trees 4 &&
	test_json out "[.trees[].status] | unique | .[]" not-reached &&
	order_is t g1 g2 g3 && outcomes_add_up out &&
	test_unchanged "$POOL/store" && test_unchanged "$G2" &&
	test_expect_code 5 vhashify --deadline=0s >out &&
	test_grep "4  guests and templates not looked at" out
'

test_expect_success 'the history says so' '
	vhashify history --json >out && test_json out ".runs[0].status" 5 &&
	test_json out ".runs[0].deadline_reached" true &&
	test_json out ".runs[0].unreached_trees" 4 &&
	test_json out ".runs[0].unreached_files" 0 &&
	vhashify history >out && test_grep " 5 (deadline)$" out
'

test_expect_success 'one that is far off changes nothing' '
	vhashify --dry-run --json >without &&
	vhashify --dry-run --json --deadline=$FAR >with && test_cmp without with &&
	test_json with .deadline_reached false && test_json with .shared_files 2401
'

test_expect_success 'in the configuration file, which the command line overrules' '
	echo "deadline = 0s" >conf &&
	test_expect_code 5 vhashify --dry-run --config=conf --json >out &&
	test_json out .deadline_reached true &&
	vhashify --dry-run --config=conf --deadline=$FAR --json >out &&
	test_cmp without out && vhashify --config=conf --explain=g2/bin/tool >out &&
	test_grep "shared" out
'

test_expect_success 'what is no deadline is refused' '
	for when in "" 2 6:00 24:00 06:00:00 2hours -1h 367d
	do
		test_expect_code 2 vhashify --deadline="$when" 2>err &&
		test_grep "deadline" err || return 1
	done &&
	echo "deadline = soon" >conf && test_expect_code 2 vhashify --config=conf 2>err &&
	test_grep "conf:1: .*soon" err &&
	test_expect_code 2 vhashify --undo --deadline=1h g2 2>err
'

test_expect_success 'it comes in the middle: the batch at hand is finished' '
	trees >want && COWLINK_FAULT_EXEC="syncfs:1:kill -USR1 \$PPID" \
		test_expect_code 5 vhashify --json >out &&
	test_json out .deadline_reached true && test_json out .unreached_trees 0 &&
	test_json out .failed_files 0 && test_json out ".failures | length" 0 &&
	outcomes_add_up out && shared=$(jq .shared_files out) &&
	test_note "$shared of 2401 files" && test "$shared" -ge 2047 &&
	test "$shared" -le 2049 && reason_is out not-reached $((2401 - shared)) &&
	test_json out ".skipped[] | select(.reason == \"not-reached\") | .failure" \
		false &&
	trees >have && test_cmp want have && vtemplate check &&
	test -z "$(ls "$POOL/staging")" && vhashify history --json >hist &&
	test_json hist ".runs[0].unreached_files" $((2401 - shared)) &&
	test_json hist ".runs[0].shared_files" "$shared"
'

test_expect_success 'the next one begins with the first guest that has something left' '
	test_expect_code 5 vhashify --deadline=0s --json >out && order_is t g2 g3 g1 &&
	test_expect_code 5 vhashify --deadline=0s --json g3 g1 >out &&
	order_is g3 g1 && vhashify --dry-run --json >out && order_is t g2 g3 g1
'

test_expect_success 'reads nothing again, and completes' '
	vhashify --json >out && order_is t g2 g3 g1 && test_json out .hashed_files 0 &&
	test_json out .deadline_reached false &&
	test_json out .shared_files $((2401 - shared)) &&
	test "$(count_shared)" = 1200 && test_same_inode "$T/bin/tool" "$G2/bin/tool" &&
	trees >have && test_cmp want have && vtemplate check
'

test_expect_success 'and after that the order is the usual one' '
	vhashify --json >out && order_is t g1 g2 g3 && test_json out .shared_files 0
'

test_expect_success 'where the guest is gone, it is the turn of the one after it' '
	rm -r "$G3/many" && cp -a "$G2/many" "$G3/" && cp -a "$G2/many" "$G2/new" &&
	rm -r "$G2/many" && mv "$G2/new" "$G2/many" &&
	COWLINK_FAULT_EXEC="syncfs:1:kill -USR1 \$PPID" \
		test_expect_code 5 vhashify --json >out &&
	vtemplate destroy g2 &&
	test_expect_code 5 vhashify --deadline=0s --json >out && order_is t g3 g1 &&
	vhashify
'

test_expect_success 'a batch is no larger than the limit of open files allows' '
	mkdir "$G3/few" "$(root_of g1)/few" && seq 3000 3299 |
		split -l 1 -a 3 - "$G3/few/f" && cp -a "$G3/few/." "$(root_of g1)/few/" &&
	(ulimit -n 120 && vhashify --json) >out && test_json out .failed_files 0 &&
	test_same_inode "$G3/few/faaa" "$(root_of g1)/few/faaa" &&
	test "$(find "$G3/few" -type f -links 1 | wc -l)" = 0
'

test_expect_success XFS 'with reflinks too' '
	test_pool xfs && vtemplate import t src && vtemplate clone t g1 &&
	vtemplate clone t g2 && G1=$(root_of g1) G2=$(root_of g2) &&
	seq 20000 >"$G1/etc/same" && cat "$G1/etc/same" >"$G2/etc/same" && sync &&
	test_expect_code 5 vhashify --deadline=0s --json >out &&
	test_json out .engine reflink && test_json out .unreached_trees 3 &&
	vhashify --deadline=$FAR --json >out && test_json out ".shared_files > 0" true
'

test_done
