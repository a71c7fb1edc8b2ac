# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of vhashify have in common; sourced after lib-test.sh.

# make_source DIR: a small tree of every kind; all times are the same.
make_source()
{
	mkdir -p "$1/bin" "$1/etc" "$1/share/doc" &&
	seq 1 2000 >"$1/bin/tool" && chmod 4755 "$1/bin/tool" &&
	seq 3000 9000 >"$1/bin/other" && chmod 755 "$1/bin/other" &&
	echo "setting = 1" >"$1/etc/conf" &&
	echo "twice there" >"$1/etc/twin1" &&
	cp "$1/etc/twin1" "$1/etc/twin2" &&
	: >"$1/etc/empty" &&
	echo "several names" >"$1/share/hard1" &&
	ln "$1/share/hard1" "$1/share/hard2" &&
	mkfifo "$1/share/fifo" &&
	ln -s hard1 "$1/share/symlink" &&
	echo documentation >"$1/share/doc/README" &&
	same_times "$1"
}

same_times()
{
	find "$1" -exec touch -h -d '2001-02-03 04:05:06.789012345' {} +
}

root_of()
{
	case $1 in
	t|template*) echo "$POOL/templates/$1/rootfs" ;;
	*) echo "$POOL/guests/$1/rootfs" ;;
	esac
}

# own FILE...: give each name an inode of its own, equal in all but that: what a
# package manager does when it installs the same package again.
own()
{
	for own_file
	do
		case $own_file in
		*/*) own_new=${own_file%/*}/own.new ;;
		*) own_new=own.new ;;
		esac
		cp -a "$own_file" "$own_new" &&
		mv "$own_new" "$own_file" || return 1
	done
}

# same_file CONTENT FILE...: files equal in content and metadata.
same_file()
{
	same_content=$1
	shift
	for same_name
	do
		rm -f "$same_name" &&
		echo "$same_content" >"$same_name" &&
		touch -d '2003-03-03 03:03:03' "$same_name" || return 1
	done
}

# without_leases COMMAND...: files that are not root's look as on a filesystem without them.
without_leases()
{
	setpriv --bounding-set=-lease --inh-caps=-lease "$@"
}

# reason_is FILE REASON COUNT: so many files were skipped for REASON.
reason_is()
{
	test_json "$1" \
		"[.skipped[] | select(.reason == \"$2\") | .files] | add // 0" \
		"$3"
}

# Every regular file has exactly one outcome.
outcomes_add_up()
{
	test_json "$1" '.files == .shared_files + ([.skipped[].files] | add // 0)' \
		true
}

# --- things that happen while it runs -----------------------------------------------

# at EFFECT COMMAND [ARGUMENT...]: run vhashify with the ARGUMENTs, and COMMAND before
# each EFFECT that concerns the file $F (the pool makes and removes files of its own
# when it is opened, but has no use for "unify"); COMMAND knows as $n the how-many-th it is.
# $at_as: what runs vhashify, if not the shell itself.
at()
{
	at_effect=$1
	cat >hook <<-EOF
	#!/bin/sh
	F=$F
	n=\$(cat hook.count)
	test $at_effect = unify || ls "$POOL/staging" | grep -q '^[0-9a-f]\{16\}\$' || exit 0
	n=\$((n + 1))
	echo \$n >hook.count
	$2
	EOF
	shift 2
	echo 0 >hook.count || return 1
	# shellcheck disable=SC2086 # a command with arguments
	COWLINK_FAULT_EXEC="$at_effect:0:sh ./hook" ${at_as-} vhashify --json "$@" >out 2>err
	at_status=$?
	cat err
	test "$(cat hook.count)" -gt 0 || complain_ "the hook did not run" ||
		return 1
	return $at_status
}

# --- stopping a run at each of its effects ------------------------------------------

# Trees as guests see them. Directory times are left out: an exchange may be cut
# short before it has set them back.
trees()
{
	for trees_root in "$POOL"/guests/*/rootfs "$POOL"/templates/*/rootfs
	do
		echo "$trees_root" && treesum "$trees_root" || return 1
	done | sed 's/^\([^ ]* dir .*\) mtime=[0-9.]*/\1/'
}

# Work for one run: three names with a master, two groups that need one each, two
# replicas among them, and a leftover of a crash.
make_work()
{
	vtemplate gc && own "$G1/bin/tool" "$G2/bin/tool" "$G2/etc/conf" &&
	make_work_n=$((${make_work_n-0} + 1)) &&
	same_file "work $make_work_n" "$G1/etc/w1" "$G1/etc/w2" \
		"$G2/etc/w1" "$G2/etc/w2" &&
	trees >want
}

shared_again()
{
	test_nlink "$G1/bin/tool" 4 && test_nlink "$G2/etc/conf" 4 &&
	test_nlink "$G1/etc/w1" 3 && test_nlink "$G1/etc/w2" 3 &&
	test_different_inode "$G1/etc/w1" "$G1/etc/w2"
}

intact()
{
	trees >have && test_cmp want have
}

consistent()
{
	vtemplate check --repair && vtemplate check --json >problems &&
	test_json problems "[.problems[] | select(.severity != \"info\")] | length" \
		0 &&
	test -z "$(ls "$POOL/staging")"
}

# stopped_at FAULT KIND COMMAND...: run it, stopped at effect $sweep_n. Status 2 when
# it went through because there are not so many effects.
stopped_at()
{
	# shellcheck disable=SC2059 # the format is the argument
	stopped_fault=$(printf "$1" "$sweep_n")
	stopped_kind=$2
	shift 2
	rm -f count || return 1
	COWLINK_FAULT=$stopped_fault COWLINK_FAULT_COUNT=count "$@"
	stopped_status=$?
	if test $stopped_status = 0 && test "$(cat count)" -lt "$sweep_n"
	then
		return 2
	fi
	case $stopped_kind,$stopped_status in
	kill,137|error,[013]) ;;
	*) echo "status $stopped_status"; return 1 ;;
	esac
}

# One run that is stopped, and all that must hold after it.
try_once()
{
	make_work || return 1
	stopped_at "$1" "$2" vhashify || return
	intact && consistent && vhashify && intact && shared_again
}

# sweep_by TRY LEAST FAULT KIND [FIRST]: stop at each effect in turn, or at each
# TEST_STRIDEth, by TRY FAULT KIND, for which $sweep_n is the effect; there must be
# more than LEAST.
sweep_by()
{
	sweep_try=$1
	sweep_least=$2
	shift 2
	sweep_n=${3-1}
	while :
	do
		"$sweep_try" "$@" >try.log 2>&1
		try_result=$?
		test $try_result != 2 || break
		if test $try_result != 0
		then
			echo "at effect $sweep_n:"
			grep -v UNPROTECTED try.log
			return 1
		fi
		sweep_n=$((sweep_n + TEST_STRIDE))
	done
	test_note "each ${TEST_STRIDE}th effect below $sweep_n swept"
	test "$sweep_n" -gt "$sweep_least"
}

# sweep FAULT KIND [FIRST]: the effects of vhashify.
sweep()
{
	sweep_by try_once 30 "$@"
}

# --- writers against passes -----------------------------------------------------------

# race_begin FSTYPE [SIZE]: a template with writers' menu, g1 for the writers, and g2,
# which has equal files and must stay as it is.
race_begin()
{
	make_source race.src && mkdir race.src/menu && writers --menu race.src/menu &&
	test_pool "$@" && vtemplate import t race.src && vtemplate clone t g1 &&
	vtemplate clone t g2 && T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) &&
	own "$G2"/menu/* && rm -r race.src
}

race_others()
{
	for race_root in "$T" "$G2"
	do
		treesum "$race_root" || return 1
	done | sed 's/^\([^ ]* dir .*\) mtime=[0-9.]*/\1/'
}

# One pass. Each other time the writers stand still until the first names are about to
# be exchanged, so that there is something to share; only then do those go on that have
# stopped half-way.
race_pass()
{
	race_passes=$((race_passes + 1))
	race_fault='' race_exec=''
	if test $((race_passes % 2)) = 0
	then
		kill -s STOP -- -$race_pid 2>/dev/null
		race_exec="syncfs:1:kill -s CONT -- -$race_pid 2>/dev/null; :"
	fi
	if test "$1" = kill
	then
		race_fault=kill:$race_effect
		race_random=$(((race_random * 1103515245 + 12345) % 2147483648))
		race_effect=$((race_random / 65536 % 100 + 1))
	fi
	COWLINK_FAULT=$race_fault COWLINK_FAULT_EXEC=$race_exec \
		vhashify --within-guest --json >race.json 2>race.err
	race_status=$?
	test -z "$race_exec" || kill -s CONT -- -$race_pid 2>/dev/null
	case $1,$race_status in
	*,0)
		race_now=$(jq .shared_files race.json)
		race_shared=$((race_shared + race_now)) ;;
	kill,137)
		race_killed=$((race_killed + 1)) ;;
	*)
		echo "vhashify: status $race_status"
		cat race.json race.err
		return 1 ;;
	esac
}

# race_writers OPERATIONS SEED live|kill: eight processes write in g1 while passes run
# in a loop; with kill, these are killed at effects that follow from SEED.
race_writers()
{
	race_passes=0 race_shared=0 race_killed=0 race_effect=5 race_random=$2
	rm -rf "$G1/w" && mkdir "$G1/w" && race_others >race.before || return 1
	# who has opened the gate for reading has a process group of its own
	rm -f gate && mkfifo gate || return 1
	setsid sh -c "read -r go <gate && exec writers 8 $1 $2 $G1/w" >race.log 2>&1 &
	race_pid=$!
	echo go >gate
	race_bad=
	while test -z "$race_bad" && kill -0 $race_pid 2>/dev/null
	do
		race_pass "$3" || race_bad=1
	done
	test -z "$race_bad" || kill -s KILL -- -$race_pid 2>/dev/null
	wait $race_pid || race_bad=1
	test -z "$race_bad" || { cat race.log; return 1; }
	test_note "$race_passes passes, $race_killed killed; the others shared $race_shared files"
	writers --verify 8 "$1" "$2" "$G1/w" && race_others >race.after &&
	test_cmp race.before race.after && vhashify --within-guest && consistent &&
	writers --verify 8 "$1" "$2" "$G1/w" && race_others >race.after &&
	test_cmp race.before race.after
}

# race_long SECONDS OPERATIONS live|kill: one after the other, with other seeds.
race_long()
{
	race_end=$(($(date +%s) + $1)) race_seed=100
	while test "$(date +%s)" -lt $race_end
	do
		race_seed=$((race_seed + 1))
		race_writers "$2" $race_seed "$3" || return 1
	done
}
