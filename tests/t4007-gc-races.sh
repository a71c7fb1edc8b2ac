#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='gc beside clones, imports, vhashify and guests: nobody loses a source'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"

test_require ROOT,EXT4

ROUNDS=5
test -z "${COWLINK_LONG_TESTS-}" || ROUNDS=100

failed()
{
	echo "$*" >>failures
}

# clones N: guests of the template that stays, each of them looked at and destroyed.
clones()
{
	for round in $(seq $ROUNDS)
	do
		vtemplate clone t "c$1" && treesum "$(root_of "c$1")" >"have.$1" &&
		cmp want "have.$1" && vtemplate destroy "c$1" ||
			failed "clone $1, round $round"
	done
}

# Templates that come and go, so that there is something to collect: what a clone links
# to has a name in the store and one in a template that is about to go.
templates()
{
	for round in $(seq $ROUNDS)
	do
		echo "$round" >src2/etc/round && vtemplate import u src2 &&
		vtemplate clone u d && vtemplate destroy --template u &&
		diff -r src2 "$(root_of d)" && vtemplate destroy d ||
			failed "template, round $round"
	done
}

collect()
{
	for round in $(seq $ROUNDS)
	do
		vtemplate gc || failed "gc, round $round"
		own "$G1/bin/tool" "$G1/etc/conf" && vhashify ||
			failed "vhashify, round $round"
	done
}

test_expect_success 'a pool' '
	make_source src && make_source src2 && echo other >src2/bin/tool &&
	rm src2/share/fifo && test_pool --unprotected ext4 && vtemplate import t src &&
	vtemplate clone t g1 && T=$(root_of t) G1=$(root_of g1) &&
	treesum "$T" >want
'

test_expect_success "$ROUNDS rounds of all at once" '
	: >failures &&
	{ clones 1 & clones 2 & templates & collect & wait; } >log 2>&1 &&
	{ test ! -s failures || { cat failures log; false; }; } &&
	treesum "$T" >have && test_cmp want have && treesum "$G1" >have &&
	sed "s/^\(.* dir .*\) mtime=.*/\1/" want >want.sed &&
	sed "s/^\(.* dir .*\) mtime=.*/\1/" have >have.sed &&
	test_cmp want.sed have.sed
'

test_expect_success 'at rest the pool is consistent, and gc leaves what is used' '
	vtemplate gc && vtemplate gc --json >out && test_json out .removed 0 &&
	vtemplate check --scrub && test -z "$(ls "$POOL/staging")" &&
	find "$POOL/store" -type f -links 1 >orphans && test ! -s orphans
'

# Between the look at the link count and the unlink nobody can make a clone.
test_expect_success 'a clone that begins between the look and the removal waits' '
	echo last >src2/etc/round && vtemplate import u src2 &&
	vtemplate destroy --template u && vtemplate import v src &&
	COWLINK_FAULT_EXEC="unlink:1:unset COWLINK_FAULT_EXEC; exec >during 2>&1; vtemplate clone t late &
		echo \$! >pid; n=0; until grep -q waiting during || test \$n = 600; do
		sleep 0.1; n=\$((n + 1)); done" \
		vtemplate gc >out && test_grep "^removed [1-9]" out &&
	pid=$(cat pid) && while kill -0 $pid 2>/dev/null; do sleep 0.1; done &&
	test_grep "in use, waiting" during && treesum "$(root_of late)" >have &&
	test_cmp want have && vtemplate check --scrub
'

# A guest needs no lock to give an open file a name again.
test_expect_success 'a guest that links an open file in that moment keeps its bytes' '
	echo held >"$G1/etc/held" && cp -a "$G1/etc/held" "$(root_of late)/etc/held" &&
	vhashify && test_nlink "$G1/etc/held" 3 && rm "$(root_of late)/etc/held" &&
	exec 9<"$G1/etc/held" && rm "$G1/etc/held" &&
	COWLINK_FAULT_EXEC="unlink:0:test -e $G1/etc/again ||
		ln -L /proc/$$/fd/9 $G1/etc/again" vtemplate gc &&
	exec 9<&- && test_contents "$G1/etc/again" held &&
	vtemplate check --scrub && vhashify && test_contents "$G1/etc/again" held
'

test_done
