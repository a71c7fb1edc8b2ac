#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify under the engine kernel: sharing comes back, writers lose nothing'
TEST_UML_OPTIONS=--timeout=900
. "$(dirname "$0")/lib-test.sh"
test_in_uml "$@"
. "$TEST_DIRECTORY/lib-vhashify.sh"

is_state()
{
	test "$(ixunlink get "$1")" = "$2" ||
		complain_ "'$1' is $(ixunlink get "$1"), expected $2"
}

# A private file in g1 that equals the template's conf.
diverge()
{
	F=$G1/etc/conf
	echo other >"$F" && echo "setting = 1" >"$F" &&
	touch -r "$T/etc/conf" "$F" && test_different_inode "$F" "$T/etc/conf"
}

test_expect_success 'a pool on the patched kernel' '
	make_source src &&
	TEST_MKFS_OPTIONS="-O quota,project -E quotatype=usrquota:grpquota:prjquota" &&
	test_pool ext4 && TEST_MKFS_OPTIONS= &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	vhashify --json >out && test_json out .engine kernel &&
	test_json out .shared_files 0 && test_json out .hashed_files 0 &&
	outcomes_add_up out
'

test_expect_success 'what was written in place and is equal again is shared again' '
	diverge && test_snapshot "$G1" && test_snapshot "$G2" && test_snapshot "$T" &&
	vhashify --json >out && test_json out .shared_files 1 &&
	test_same_inode "$F" "$T/etc/conf" && is_state "$F" shared &&
	test_unchanged "$G1" && test_unchanged "$G2" && test_unchanged "$T"
'

test_expect_success 'and the next write makes it private again' '
	test_snapshot "$T" && test_snapshot "$G2" && echo mine >"$F" &&
	test_contents "$F" mine && test_unchanged "$T" && test_unchanged "$G2"
'

test_expect_success 'chmod and back' '
	chmod 700 "$G1/bin/other" && test_different_inode "$G1/bin/other" "$T/bin/other" &&
	vhashify --json >out && test_json out .shared_files 0 &&
	chmod 755 "$G1/bin/other" && vhashify &&
	test_same_inode "$G1/bin/other" "$T/bin/other"
'

test_expect_success 'a new master is a fresh copy, marked, of no project' '
	same_file news "$G1/etc/new" "$G2/etc/new" && chattr -p 77 "$G1/etc/new" "$G2/etc/new" &&
	stat -c %i "$G1/etc/new" "$G2/etc/new" >before && vhashify &&
	test_same_inode "$G1/etc/new" "$G2/etc/new" && is_state "$G1/etc/new" shared &&
	! grep -qx "$(stat -c %i "$G1/etc/new")" before &&
	test "$(lsattr -p "$G1/etc/new" | awk "{ print \$1 }")" = 0
'

test_expect_success 'of what lies at one path two are read; who is another file stays plain' '
	vtemplate clone t g3 && vtemplate clone t g4 && G3=$(root_of g3) G4=$(root_of g4) &&
	same_file guess "$G1/etc/guess" "$G2/etc/guess" "$G3/etc/guess" &&
	same_file other "$G4/etc/guess" && test_snapshot "$G4" &&
	vhashify --json >out && test_json out .hashed_files 3 &&
	test_json out .shared_files 3 &&
	test_same_inode "$G1/etc/guess" "$G3/etc/guess" &&
	is_state "$G3/etc/guess" shared && is_state "$G4/etc/guess" plain &&
	test_unchanged "$G4" && vtemplate destroy g3 && vtemplate destroy g4
'

test_expect_success '--ignore-mtime: the master and its time' '
	same_file later "$G1/etc/later" "$G2/etc/later" &&
	touch -d 2009-09-09 "$G2/etc/later" && test_snapshot "$T" &&
	vhashify && test_different_inode "$G1/etc/later" "$G2/etc/later" &&
	vhashify --ignore-mtime --json >out && test_json out .shared_files 2 &&
	test_same_inode "$G1/etc/later" "$G2/etc/later" &&
	is_state "$G2/etc/later" shared && diverge && touch "$F" &&
	vhashify --ignore-mtime --json >out && test_json out .shared_files 1 &&
	test_json out .new_masters 0 && test_same_inode "$F" "$T/etc/conf" &&
	test_unchanged "$T" && diverge && touch "$F" && exec 9>>"$F" &&
	vhashify --ignore-mtime --json >out && exec 9>&- &&
	reason_is out busy 1 && is_state "$F" plain && vhashify --ignore-mtime
'

test_expect_success '--ignore-mtime below a directory with a project of its own' '
	mkdir "$G1/p" "$G2/p" && chattr +P -p 77 "$G1/p" &&
	same_file below "$G1/p/f" "$G2/p/f" && touch "$G1/p/f" &&
	vhashify --ignore-mtime --json >out && test_json out .shared_files 2 &&
	test_same_inode "$G1/p/f" "$G2/p/f" && is_state "$G1/p/f" shared
'

# As docs/security.md says of what is open.
test_expect_success 'flock is of the inode, until one of them writes' '
	own "$G1/bin/other" "$G2/bin/other" && vhashify &&
	test_same_inode "$G1/bin/other" "$G2/bin/other" &&
	flock -x "$G1/bin/other" sh -c "! flock -n -x $G2/bin/other true" &&
	test_same_inode "$G1/bin/other" "$G2/bin/other" && echo >>"$G2/bin/other" &&
	flock -x "$G1/bin/other" flock -n -x "$G2/bin/other" true &&
	cp -a "$T/bin/other" "$G2/bin/other" && vhashify
'

test_expect_success 'a file that is open for writing is left alone, unmarked' '
	diverge && exec 9>>"$F" && vhashify --json >out && exec 9>&- &&
	reason_is out busy 1 && test_json out .shared_files 0 &&
	is_state "$F" plain && vhashify && test_same_inode "$F" "$T/etc/conf"
'

test_expect_success 'a reader keeps what it has open' '
	diverge && exec 9<"$F" && vhashify && test_same_inode "$F" "$T/etc/conf" &&
	echo new >"$F" && read -r line <&9 && exec 9<&- &&
	test "$line" = "setting = 1" && test_contents "$F" new
'

test_expect_success 'written after the comparison: the write wins' '
	diverge && test_snapshot "$T" &&
	at unify "test \$n != 1 || echo new >\$F" &&
	reason_is out changed 1 && test_contents "$F" new && is_state "$F" plain &&
	test_unchanged "$T" && vtemplate check
'

test_expect_success 'linked in that moment: put back, and no mark stays' '
	diverge && at unify "test \$n != 1 || ln \$F \$F.two" &&
	reason_is out changed 1 && test_same_inode "$F" "$F.two" &&
	test_nlink "$F" 2 && is_state "$F" plain && rm "$F.two"
'

# Equal files of two guests that are in no other tree, each below a directory of its own.
dozen()
{
	for dozen_root in "$G1" "$G2"
	do
		for n in $(seq 12)
		do
			mkdir -p "$dozen_root/dozen/$n" &&
			same_file "$1 $n" "$dozen_root/dozen/$n/file" || return 1
		done
		same_times "$dozen_root/dozen"
	done
}

is_in_order()
{
	find "$G1" "$G2" -type f -links 1 -exec ixunlink get {} \; >states &&
	! grep -v plain states && test -z "$(ls "$POOL/staging")" &&
	! lsattr -d "$POOL"/store/* | grep -v "^[^ ]*i" && vtemplate check
}

# While names are exchanged, and while masters are made.
for effect in unify:9 link:5 setflags:6
do
	test_expect_success "SIGTERM before $effect: status 143, all in order, and in the history" '
		dozen "$effect" && test_snapshot "$G1" && test_snapshot "$G2" &&
		echo "echo \$\$ >pid; exec vhashify --json" >run &&
		COWLINK_FAULT_EXEC="$effect:kill -TERM \$(cat pid)" \
			test_expect_code 143 sh run >out &&
		test_json out ".shared_files < 24" true && outcomes_add_up out &&
		test_unchanged "$G1" && test_unchanged "$G2" && is_in_order &&
		vhashify history --json --limit=1 >history &&
		test_json history ".runs[0].status" 1 &&
		test_json history ".runs[0].shared_files" "$(jq .shared_files out)" &&
		vhashify && test_same_inode "$G1/dozen/12/file" "$G2/dozen/12/file"
	'
done

# A signal lets nothing begin any more, and what is begun end. \$PPID is vhashify.
test_expect_success 'also when SIGTERM comes just then' '
	diverge && test_snapshot "$T" && { at unify "case \$n in
		1) ln \$F \$F.two ;;
		2) read -r pid name state parent rest </proc/\$PPID/stat; kill -TERM \$parent ;;
		esac"; test $? = 143; } &&
	test_contents hook.count 2 && test_same_inode "$F" "$F.two" &&
	test_nlink "$F" 2 && is_state "$F" plain && test_unchanged "$T" && rm "$F.two"
'

test_expect_success 'what cannot be put back is told' '
	diverge && at unify "case \$n in
		1) ln \$F \$F.two ;;
		2) chattr +i \${F%/*} ;;
		esac" -q && chattr -i "$G1/etc" &&
	test_grep "conf. got another name while it was replaced: .*, leaving them two" err &&
	reason_is out refused 1 && test_different_inode "$F" "$F.two" &&
	is_state "$F.two" plain && test_contents "$F.two" "setting = 1" && rm "$F.two"
'

test_expect_success 'a file that is not replaced keeps its project' '
	diverge && chattr -p 77 "$F" &&
	at unify "test \$n != 1 || ln \$F \$F.two" &&
	reason_is out changed 1 && rm "$F.two" &&
	test "$(lsattr -p "$F" | awk "{ print \$1 }")" = 77
'

test_expect_success 'a mark that a crash left is no obstacle, +i is one' '
	diverge && ixunlink set "$F" && cp -a "$T/bin/other" "$G1/bin/other.new" &&
	mv "$G1/bin/other.new" "$G1/bin/other" && chattr +i "$G1/bin/other" &&
	vhashify --json >out && chattr -i "$G1/bin/other" &&
	test_json out .shared_files 1 && reason_is out special-flags 1 &&
	test_same_inode "$F" "$T/etc/conf"
'

test_expect_success 'twins come back as two inodes' '
	own "$G1/etc/twin1" "$G1/etc/twin2" && vhashify &&
	test_different_inode "$G1/etc/twin1" "$G1/etc/twin2" &&
	test_nlink "$T/etc/twin1" 4 && test_nlink "$T/etc/twin2" 4
'

# Eight processes append to the files of g1, opening each anew for each record. They
# are stopped while g2 gets what g1 has, so that there is something to share, and go
# on when the masters have been made and names are about to be exchanged.
race()
{
	race_files=$(seq -s " " -f "$G1/log.%g" 32)
	for race_file in $race_files
	do
		: >"$race_file" || return 1
	done
	# who has opened the gate for reading has a process group of its own
	mkfifo gate || return 1
	setsid sh -c "read -r go <gate && exec appender 8 4000 $race_files" &
	race_pid=$!
	race_shared=0 race_runs=0
	echo go >gate
	while kill -0 $race_pid 2>/dev/null
	do
		kill -s STOP -- -$race_pid 2>/dev/null
		rm -f "$G2"/log.*
		cp -a "$G1"/log.* "$G2/"
		if ! COWLINK_FAULT_EXEC="syncfs:1:kill -s CONT -- -$race_pid" \
			vhashify --json >out 2>err
		then
			cat err
			kill -s CONT -- -$race_pid
			break
		fi
		kill -s CONT -- -$race_pid 2>/dev/null
		race_runs=$((race_runs + 1))
		race_now=$(jq .shared_files out)
		race_shared=$((race_shared + race_now))
	done
	# shellcheck disable=SC2086 # a list of files
	wait $race_pid && test_note "$race_shared files were shared meanwhile, in $race_runs runs" &&
	test "$race_shared" -gt 0 &&
	appender --verify 8 4000 $race_files
}

test_expect_success 'eight writers against vhashify: no record is lost' '
	race
'

test_expect_success 'and nothing was left behind' '
	rm -f "$G2"/log.* && cp -a "$G1"/log.* "$G2/" && vhashify &&
	test_same_inode "$G1/log.1" "$G2/log.1" &&
	vtemplate check && test -z "$(ls "$POOL/staging")"
'

test_expect_success '--undo: private, unmarked, all metadata as before' '
	vhashify && F=$G1/etc/conf && test_same_inode "$F" "$T/etc/conf" &&
	setfattr -n user.a -v 1 "$G1/bin/tool" "$G2/bin/tool" && vhashify &&
	test_same_inode "$G1/bin/tool" "$G2/bin/tool" &&
	test_snapshot "$G1" && test_snapshot "$G2" && test_snapshot "$T" &&
	vhashify --undo --json g1/etc/conf g1/bin >out &&
	test_json out .private_files 3 && test_json out .failed_files 0 &&
	for f in etc/conf bin/tool bin/other
	do
		is_state "$G1/$f" plain && test_nlink "$G1/$f" 1 || return 1
	done &&
	test_unchanged "$G1" && test_unchanged "$G2" && test_unchanged "$T" &&
	vhashify && test_same_inode "$F" "$T/etc/conf" && vtemplate check
'

test_expect_success '--undo: what is written before the copy is put there stays' '
	test_snapshot "$T" && test_snapshot "$G2" &&
	at unify "test \$n != 1 || echo new >\$F" --undo g1/etc/conf &&
	reason_is out changed 1 && test_contents "$F" new && is_state "$F" plain &&
	test_unchanged "$T" && test_unchanged "$G2" && vtemplate check
'

# A copy that the kernel makes for a writer follows the name it was found by: nobody
# may move that aside.
test_expect_success '--undo: what is written to a copy on its way is not lost' '
	yes | head -c 40000000 >"$G1/large" && cp -a "$G1/large" "$G2/" &&
	vhashify && F=$G1/large && test_same_inode "$F" "$G2/large" &&
	at unify "test \$n != 1 || { { echo new >>\$F; : >written; } & sleep 0.1; }" \
		--undo g1/large &&
	until test -e written; do sleep 0.1; done &&
	test "$(tail -n 1 "$F")" = new && is_state "$F" plain &&
	test "$(tail -n 1 "$G2/large")" = y
'

test_done
