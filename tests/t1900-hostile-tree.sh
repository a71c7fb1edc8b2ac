#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='a guest that plays tricks: no hang, no escape from its tree'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# Names no program should trip over, and a directory too deep for any path.
make_hostile()
{
	mkdir -p "$1" && (
		cd "$1" &&
		echo newline >"$(printf 'new\nline')" &&
		echo bytes >"$(printf 'not\377\376utf8')" &&
		echo escape >"$(printf '\033[2Jcolour')" &&
		echo dash >./--pool=x &&
		echo long >"$(printf '%0255d' 0)" &&
		mkfifo fifo && mknod dev c 1 3 && mknod zero c 1 5 &&
		ln -s / root && ln -s loop loop &&
		touch -d '2001-01-01' -h ./* &&
		i=0 && while test "$i" -lt 1000
		do
			mkdir "directory-$i" && cd -P "directory-$i" || exit 1
			i=$((i + 1))
		done &&
		echo bottom >file && touch -d '2001-01-01' file
	)
}

test_expect_success 'a pool with a hostile template' '
	make_source src && make_hostile src/hostile &&
	test_pool --unprotected ext4 &&
	timeout 60 vtemplate import t src &&
	timeout 60 vtemplate clone t g1 && timeout 60 vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2)
'

bottom()
{
	(
		cd -P "$1/hostile" && i=0 &&
		while test "$i" -lt 1000
		do
			cd -P "directory-$i" || exit 1
			i=$((i + 1))
		done &&
		shift && "$@"
	)
}

test_expect_success 'strange names and the deepest file are shared again' '
	(cd "$G1/hostile" && own "$(printf "new\nline")" \
		"$(printf "not\377\376utf8")" "$(printf "\033[2Jcolour")" \
		./--pool=x "$(printf %0255d 0)") &&
	bottom "$G2" own file && bottom "$G2" test_nlink file 1 &&
	timeout 60 vhashify --json >out && test_json out .shared_files 6 &&
	outcomes_add_up out && test_json out .failed_files 0 &&
	bottom "$G2" test_nlink file 4 &&
	test_nlink "$G1/hostile/$(printf "new\nline")" 4
'

test_expect_success 'no name writes to the terminal' '
	(cd "$G1/hostile" && own "$(printf "\033[2Jcolour")") &&
	timeout 60 vhashify --dry-run >out && test_grep "x1b" out &&
	! LC_ALL=C grep -q "$(printf "\033")" out && timeout 60 vhashify
'

# Run vhashify as long as the guest plays its tricks.
play()
{
	(swapper 4000 "$G1/play" "$PWD/outside" || echo failed >swapper) &
	play_pid=$!
	play_runs=0
	while kill -0 $play_pid 2>/dev/null || test $play_runs = 0
	do
		if ! own "$G2/play/victim.f" "$G2/play/victim.d/inner" ||
			! timeout 60 vhashify --json >out ||
			! outcomes_add_up out
		then
			wait $play_pid
			return 1
		fi
		play_runs=$((play_runs + 1))
	done
	wait $play_pid
	test_note "$play_runs runs"
}

# The outside has what the guest would like us to link, to read or to write.
test_expect_success 'names that change type all the time' '
	mkdir outside && same_file secret outside/secret &&
	cp -a outside/secret outside/inner &&
	for g in "$T" "$G1" "$G2"
	do
		mkdir "$g/play" "$g/play/victim.d" &&
		same_file "in a directory" "$g/play/victim.d/inner" &&
		same_file secret "$g/play/victim.f" &&
		: >"$g/play/victim.t" || return 1
	done &&
	test_snapshot outside && test_snapshot "$T" &&
	play && test_path_missing swapper
'

test_expect_success 'nothing outside was touched, nothing outside came in' '
	test_unchanged outside && test_nlink outside/secret 1 &&
	test_nlink outside/inner 1 && test_unchanged "$T" &&
	test_contents "$G1/play/victim.f" secret &&
	test_contents "$G1/play/victim.d/inner" "in a directory" &&
	test ! -s "$G1/play/victim.t"
'

test_expect_success 'nothing was lost or left behind, and at rest all is shared' '
	timeout 60 vhashify &&
	test_same_inode "$G1/play/victim.f" "$T/play/victim.f" &&
	test_same_inode "$G1/play/victim.d/inner" "$T/play/victim.d/inner" &&
	vtemplate check --repair && vtemplate check
'

test_done
