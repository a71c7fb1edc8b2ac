#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: trees are walked and names exchanged by several threads

Five guests have 240 files each: file i is in those guests whose number does not divide
i, with the same content in all of them, and none is in the template. A master has no
more than four links, so that most groups need a second one.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

guests='g1 g2 g3 g4 g5'

# Directories of 30 files; what each has is the same in each guest.
fill()
{
	awk -v root="$1" -v mine="${1##*/g}" 'BEGIN {
		number = substr(mine, 1, 1)
		for (i = 0; i < 240; i++) {
			dir = root "/d" int(i / 30)
			if (!(dir in made)) { system("mkdir -p " dir); made[dir] }
			if (number == 1 || i % number)
				print "content of", i >(dir "/f" i)
			close(dir "/f" i)
		} }' && same_times "$1"
}

# Which names of the guests are one file: a line of names for each.
classes()
{
	(cd "$POOL/guests" && find . -type f -name 'f*' -printf '%i %p\n') | sort |
		awk '$1 != last { if (line) print line; line = ""; last = $1 }
			{ line = line " " $2 } END { print line }' | LC_ALL=C sort
}

# Of directories; several threads are in one tree, each in some of them.
dir_times()
{
	(cd "$POOL/guests" && find . -path '*/rootfs*' -type d -printf '%p %T@\n' | sort)
}

# All names are private again, and there are no masters of them.
as_at_first()
{
	# shellcheck disable=SC2086 # a list
	vhashify --undo $guests && vtemplate gc
}

# Which of them are names of one master may differ after a run that failed.
all_shared()
{
	classes >have && test "$(wc -l <have)" = "$(wc -l <shared)"
}

test_expect_success 'a pool with five guests' '
	mkdir src && echo one >src/one && same_times src &&
	test_pool --unprotected --link-limit=4 ext4 && vtemplate import t src &&
	for g in $guests
	do
		vtemplate clone t $g && fill "$POOL/guests/$g/rootfs" || return 1
	done && trees >want
'

test_expect_success 'one thread shares them' '
	as_at_first && classes >private && vhashify --jobs=1 --json >one && intact &&
	classes >shared && test_json one .failed_files 0 && outcomes_add_up one &&
	test "$(wc -l <private)" -gt 850 && test "$(wc -l <shared)" -lt 400 &&
	vtemplate check
'

test_expect_success 'several threads come to the same, in masters and in names' '
	for jobs in 2 3 8
	do
		as_at_first && classes >have && test_cmp private have && dir_times >then &&
		vhashify --jobs=$jobs --json >several && intact && classes >have &&
		test_cmp shared have && dir_times >now && test_cmp then now && vtemplate check || return 1
		for key in shared_files new_masters saved_bytes failed_files
		do
			test_json several .$key "$(jq .$key one)" || return 1
		done
	done
'

test_expect_success 'and to nothing left to do' '
	vhashify --jobs=8 --no-cache --json >out && test_json out .shared_files 0 &&
	test_json out .new_masters 0
'

# One run that is stopped: nobody notices, and the next one completes it.
try_threads()
{
	as_at_first && stopped_at "$1" "$2" vhashify --jobs=4 || return
	intact && consistent && vhashify --jobs=4 && intact && all_shared
}

# Some of the effects: there are thousands.
sweep_some()
{
	sweep_stride=$TEST_STRIDE
	TEST_STRIDE=$((TEST_STRIDE * 509))
	sweep_by try_threads 2000 "$@"
	sweep_some_result=$?
	TEST_STRIDE=$sweep_stride
	return $sweep_some_result
}

test_expect_success 'killed here and there' '
	sweep_some kill:%d kill 20
'

test_expect_success 'an I/O error here and there' '
	sweep_some error:%d:EIO error 97
'

test_expect_success 'no space here and there' '
	sweep_some error:%d:ENOSPC error 131
'

test_expect_success 'a signal ends all threads, and leaves nothing behind' '
	as_at_first &&
	{ COWLINK_FAULT_EXEC="rename:100:kill -TERM \$PPID" vhashify --jobs=4
	  test $? = 143; } && test -z "$(ls "$POOL/staging")" && intact &&
	vtemplate check && vhashify --jobs=4 && intact && all_shared
'

test_expect_success 'a guest that is destroyed meanwhile is no failure' '
	as_at_first &&
	COWLINK_FAULT_EXEC="syncfs:1:vtemplate destroy g3 >/dev/null" \
		vhashify --jobs=4 --json >out && test_path_missing "$POOL/guests/g3" &&
	test_json out ".shared_files > 700" true && reason_is out changed 161 &&
	vhashify history --json >history && vtemplate check &&
	test_json history ".runs[0].shared_files" "$(jq .shared_files out)"
'

# More guests than may be ahead of the first tree, which takes longer.
MANY=150

test_expect_success 'trees are walked by several threads: many small ones, and a large one' '
	mkdir -p big small && (cd big && seq 4000 | xargs touch) && echo one >small/one &&
	same_times big && same_times small && test_pool --unprotected ext4 &&
	vtemplate import big big && vtemplate import t small &&
	for n in $(seq $MANY)
	do
		vtemplate clone t h$n && root=$(root_of h$n) && mkdir "$root/srv" &&
		same_file "in each guest" "$root/srv/same" &&
		same_file "guest $n" "$root/srv/own" || return 1
	done && cp -a "$(root_of h77)/one" "$(root_of h77)/two" && trees >want
'

test_expect_success 'what they find is in the order of trees, however many walk' '
	for jobs in 1 8
	do
		vhashify --jobs=$jobs --no-cache --dry-run --json >dry.$jobs &&
		outcomes_add_up dry.$jobs &&
		vhashify --jobs=$jobs --explain h77/srv/same >explain.$jobs &&
		vhashify --jobs=$jobs --explain h77/two >two || return 1
	done &&
	jq -S "del(.seconds)" dry.1 >want.dry && jq -S "del(.seconds)" dry.8 >have.dry &&
	test_cmp want.dry have.dry && test_cmp explain.1 explain.8 &&
	test_json dry.8 .shared_files $MANY && reason_is dry.8 unique $MANY &&
	test_grep "equal: guest h10/srv/same" explain.8 && test_grep "other files of their tree" two
'

test_expect_success 'and so is what a later run remembers of each' '
	vhashify --jobs=8 --json >out && test_json out .shared_files $MANY && intact &&
	vhashify --jobs=8 --json >out && test_json out .shared_files 0 &&
	test_json out .hashed_files 0 &&
	for n in $(seq $MANY)
	do
		own "$(root_of h$n)/srv/same" || return 1
		test "$n" -gt 50 || same_file "guest $n" "$(root_of h$n)/srv/same" || return 1
	done && trees >want &&
	vhashify --jobs=8 --json >out && test_json out .shared_files $((MANY - 50)) && intact &&
	vhashify history --churn --json >churn.json &&
	jq -r ".churn[] | \"\(.name) \(.broken_files) \(.again_files)\"" churn.json |
		sort >have && seq $MANY | awk "{ print \"h\" \$1, 1, (\$1 > 50) }" | sort >want.churn &&
	test_cmp want.churn have
'

test_done
