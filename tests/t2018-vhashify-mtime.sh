#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify --ignore-mtime: what differs in its time only is shared'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

mtime()
{
	stat -c %.9Y "$1"
}

# The guests' files f1, f2 with equal content, one second apart.
apart()
{
	same_file "$1" "$G1/etc/f1" "$G2/etc/f2" &&
	touch -d '2003-03-03 03:03:04' "$G2/etc/f2"
}

test_expect_success 'a pool with two guests' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2)
'

test_expect_success 'never without being asked' '
	apart one && vhashify && test_nlink "$G1/etc/f1" 1 &&
	test_nlink "$G2/etc/f2" 1
'

test_expect_success '--dry-run changes nothing and plans what the run does' '
	test_snapshot "$POOL/guests" &&
	vhashify --ignore-mtime --dry-run --json >plan &&
	test_unchanged "$POOL/guests" &&
	test_json plan .shared_files 2 && test_json plan .new_masters 1 &&
	vhashify --explain=g2/etc/f2 --ignore-mtime >out &&
	test_grep "equal: guest g1/etc/f1" out
'

test_expect_success 'they become one, with the time of the first; nothing else changes' '
	want=$(mtime "$G1/etc/f1") && chmod 640 "$G1/etc/f1" "$G2/etc/f2" &&
	treesum "$G2" | sed "/etc.f2/s/ mtime=[0-9.]*//" >want.tree &&
	vhashify --ignore-mtime --json >out && outcomes_add_up out &&
	test_json out .shared_files 2 && test_json out .new_masters 1 &&
	test_same_inode "$G1/etc/f1" "$G2/etc/f2" &&
	test "$(mtime "$G1/etc/f1")" = "$want" &&
	treesum "$G2" | sed "/etc.f2/s/ mtime=[0-9.]*//" >have.tree &&
	test_cmp want.tree have.tree
'

test_expect_success 'a master that is there wins over files that are younger or older' '
	want=$(mtime "$T/bin/tool") && own "$G1/bin/tool" "$G2/bin/tool" &&
	touch -d 1999-01-01 "$G1/bin/tool" && touch "$G2/bin/tool" &&
	vhashify --ignore-mtime --dry-run --json >plan &&
	vhashify --ignore-mtime --json >out &&
	test_json plan .new_masters 0 && test_json out .new_masters 0 &&
	test_same_inode "$G1/bin/tool" "$T/bin/tool" &&
	test_same_inode "$G2/bin/tool" "$T/bin/tool" &&
	test "$(mtime "$G1/bin/tool")" = "$want"
'

test_expect_success 'what has a master of its own time keeps it' '
	apart two && same_file two "$G1/etc/x" "$G2/etc/x" &&
	touch -d 2004-04-04 "$G1/etc/x" "$G2/etc/x" && vhashify &&
	want=$(mtime "$G1/etc/x") && own "$G2/etc/x" &&
	vhashify --ignore-mtime && test "$(mtime "$G2/etc/x")" = "$want" &&
	test_same_inode "$G1/etc/x" "$G2/etc/x"
'

test_expect_success 'mode, owner, attributes and content still count' '
	for what in "chmod 600" "chown 7" "setfattr -n user.a -v b" "fill"
	do
		apart "$what" && {
			if test "$what" = fill
			then
				printf "FILL\n" >"$G2/etc/f2"
			else
				$what "$G2/etc/f2"
			fi
		} && vhashify --ignore-mtime && test_nlink "$G2/etc/f2" 1 ||
			return 1
	done
'

test_expect_success 'two such files of one guest stay two' '
	same_file three "$G1/etc/u1" "$G1/etc/u2" && touch "$G1/etc/u2" &&
	vhashify --ignore-mtime && test_nlink "$G1/etc/u1" 1 &&
	vhashify --ignore-mtime --within-guest &&
	test_same_inode "$G1/etc/u1" "$G1/etc/u2"
'

test_expect_success 'more of them than a master has links for, and in the file' '
	apart four && same_file four "$G1/etc/h1" "$G2/etc/h1" &&
	touch -d 2005-05-05 "$G1/etc/h1" && echo "ignore-mtime = yes" >conf &&
	vhashify --config=conf --json >out && outcomes_add_up out &&
	test_nlink "$G1/etc/f1" 3 && test_nlink "$G2/etc/h1" 3 &&
	vtemplate check
'

test_expect_success 'a second run finds nothing to do' '
	vhashify --ignore-mtime --json >out && test_json out .shared_files 0 &&
	test_json out .new_masters 0
'

test_expect_success 'written at the moment of the exchange: what was written stays' '
	apart five && F=$G2/etc/f2 && COWLINK_VHASHIFY_CONFIG=$PWD/conf &&
	export COWLINK_VHASHIFY_CONFIG &&
	at rename "test \$n != 1 || echo written >$F" &&
	unset COWLINK_VHASHIFY_CONFIG && reason_is out changed 1 &&
	test_contents "$F" written && vtemplate check
'

test_expect_success '--undo gives a private copy with the time of the shared file' '
	apart seven && vhashify --ignore-mtime && want=$(mtime "$G2/etc/f2") &&
	vhashify --undo g2/etc/f2 && test_nlink "$G2/etc/f2" 1 &&
	test "$(mtime "$G2/etc/f2")" = "$want"
'

test_done
