#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='recovery: what a crash left is finished by the next command, what runs is left alone'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require EXT4

uuid=bbbbbbbb-0000-4000-8000-00000000000

# row KIND STATE NAME N: a row as a command writes it before it does anything.
row()
{
	pool_sql "INSERT INTO tree (kind, state, name, uuid, engine, origin,
			created_ns, files, dirs, others, size_bytes)
		VALUES ('$1', '$2', '$3', '$uuid$4', 'copy', 'from', 7, 0, 0, 0, 0)"
}

# tree DIR KIND NAME N: a whole tree with that identity.
tree()
{
	mkdir -p "$1/rootfs/etc" && echo "content" >"$1/rootfs/etc/file" &&
	setfattr -n trusted.cowlink.id \
		-v "1 $2 $uuid$4 copy 7 - 1 2 0 8 $3 from there" "$1/rootfs"
}

rows()
{
	pool_sql "SELECT kind, state, name FROM tree ORDER BY kind, name" >rows &&
	printf "%s" "$1" | test_cmp - rows
}

test_expect_success 'a pool' '
	test_pool ext4 64M && make_tree src && vtemplate import t src
'

test_expect_success 'creating, nothing made yet: the row goes' '
	row guest creating g 1 && vtemplate gc &&
	rows "template|ready|t
"
'

test_expect_success 'creating, half made in staging: both go' '
	row guest creating g 1 && row template creating g 2 &&
	tree "$POOL/staging/0123456789abcdef" guest g 1 &&
	vtemplate gc &&
	rows "template|ready|t
" &&
	pool_is_tidy
'

test_expect_success 'creating, published: it is ready, with its counts' '
	row guest creating g 1 && tree "$POOL/guests/g" guest g 1 &&
	vtemplate gc &&
	rows "guest|ready|g
template|ready|t
" &&
	pool_sql "SELECT files, dirs, others, size_bytes FROM tree
		WHERE name = '\''g'\''" >out && test_contents out "1|2|0|8" &&
	vtemplate check && vtemplate destroy g && pool_is_tidy
'

test_expect_success 'creating, and the name is somebody else'\''s: only the row goes' '
	row guest creating g 1 && tree "$POOL/guests/g" guest g 5 &&
	vtemplate gc &&
	rows "template|ready|t
" &&
	test_contents "$POOL/guests/g/rootfs/etc/file" content
'

test_expect_success 'the same without any identity' '
	row guest creating g 1 &&
	setfattr -x trusted.cowlink.id "$POOL/guests/g/rootfs" &&
	vtemplate gc &&
	rows "template|ready|t
" &&
	test_contents "$POOL/guests/g/rootfs/etc/file" content
'

test_expect_success 'destroying, and the name is somebody else'\''s: only the row goes' '
	row guest destroying g 1 && vtemplate gc &&
	rows "template|ready|t
" &&
	test_contents "$POOL/guests/g/rootfs/etc/file" content &&
	rm -r "$POOL/guests/g"
'

test_expect_success 'destroying, not moved yet: it goes' '
	row guest destroying g 1 && tree "$POOL/guests/g" guest g 1 &&
	vtemplate gc && test_path_missing "$POOL/guests/g" &&
	rows "template|ready|t
" &&
	pool_is_tidy
'

test_expect_success 'destroying, moved: the rest goes' '
	row guest destroying g 1 &&
	tree "$POOL/staging/fedcba9876543210/tree" guest g 1 &&
	vtemplate gc &&
	rows "template|ready|t
" &&
	pool_is_tidy
'

test_expect_success 'reading recovers nothing' '
	row guest destroying g 1 && tree "$POOL/guests/g" guest g 1 &&
	mkdir "$POOL/staging/0123456789abcdef" &&
	pool_state >before &&
	vtemplate list >/dev/null && vtemplate show t >/dev/null &&
	pool_state >after && test_cmp before after &&
	vtemplate show g >out && test_grep destroying out &&
	vtemplate gc && pool_is_tidy
'

test_expect_success 'what is not ours in staging stays' '
	mkdir "$POOL/staging/mine" "$POOL/staging/0123456789ABCDEF" &&
	: >"$POOL/staging/kept-0123456789abcdef" &&
	: >"$POOL/staging/0123456789abcdef" &&
	vtemplate gc &&
	test "$(ls "$POOL/staging" | wc -l)" = 4 &&
	rm -r "$POOL/staging" && mkdir -m 700 "$POOL/staging"
'

# The half-made states again, while somebody who holds the locks is at work.
test_expect_success 'what a running command is making is left alone' '
	mkfifo hold ready &&
	{ COWLINK_FAULT_EXEC="syncfs:1:echo >$PWD/ready; cat $PWD/hold" \
		vtemplate import busy src >import.out 2>&1 & } &&
	importer=$! && test_when_finished "kill $importer 2>/dev/null || :" &&
	cat ready >/dev/null &&
	test "$(ls "$POOL/staging" | wc -l)" = 1 &&
	vtemplate clone t other && vtemplate clone t other2 && vtemplate destroy other2 &&
	test "$(ls "$POOL/staging" | wc -l)" = 1 &&
	rows "guest|ready|other
template|creating|busy
template|ready|t
" &&
	refused 1 "another command is creating template '\''busy'\''" \
		vtemplate clone busy x &&
	echo >hold && wait $importer &&
	rows "guest|ready|other
template|ready|busy
template|ready|t
" &&
	vtemplate check && pool_is_tidy
'

# displaced CONTENT INODE NUMBER [MASTER]: what a killed vhashify has in its staging
# directory. No INODE: its own; MASTER is a file.
scratch=0123456789abcdef
displaced()
{
	master_ino=1 x=$POOL/staging/$scratch/x
	test -z "${4-}" || master_ino=$(stat -c %i "$4")
	mkdir -p "$POOL/staging/$scratch" && echo "$1" >"$x" &&
	mv "$x" "$POOL/staging/$scratch/${2:-$(stat -c %i "$x")}-$master_ino.$3"
}

# one_kept: all that staging/ holds is one file that was kept, and that is $kept.
one_kept()
{
	kept=$(ls -A "$POOL/staging") &&
	echo "$kept" | grep -qx "kept-[0-9a-f]\{16\}" && test "$(echo "$kept" | wc -l)" = 1 ||
		complain_ "in staging: $kept" || return 1
	kept=$POOL/staging/$kept
}

test_expect_success 'the file that a killed vhashify replaced goes' '
	displaced victim "" 00000000000000aa &&
	vtemplate gc && pool_is_tidy
'

test_expect_success 'a file that it did not mean to replace is kept' '
	displaced precious 1 00000000000000bb &&
	vtemplate gc >out 2>err &&
	one_kept && test_contents "$kept" precious &&
	test_grep "kept a file that a crash had displaced as .staging/${kept##*/}.;" err &&
	vtemplate gc >out 2>err &&
	test_contents "$kept" precious && rm "$kept"
'

test_expect_success 'so is one that is no file' '
	mkdir "$POOL/staging/$scratch" &&
	ln -s somewhere "$POOL/staging/$scratch/1-2.00000000000000cc" &&
	vtemplate gc &&
	one_kept && test "$(readlink "$kept")" = somewhere && rm "$kept"
'

# vhashify counts from 0 in each process, so that two that were killed give one number.
test_expect_success 'two of one number are both kept' '
	displaced first 1 0000000000000000 && vtemplate gc && one_kept && first=$kept &&
	displaced second 1 0000000000000000 && vtemplate gc 2>err &&
	test_path_missing "$POOL/staging/$scratch" && test_contents "$first" first &&
	rm "$first" && one_kept && test_contents "$kept" second && rm "$kept"
'

test_expect_success 'unprotected: a link to a master is no data of a guest' '
	test_pool --unprotected ext4 64M && vtemplate import t src &&
	master=$(find "$POOL/store" -type f | head -n 1) &&
	mkdir "$POOL/staging/$scratch" &&
	ln "$master" "$POOL/staging/$scratch/1-2.00000000000000dd" &&
	displaced precious 1 00000000000000ee &&
	vtemplate gc &&
	one_kept && test_contents "$kept" precious && rm "$kept" && vtemplate check
'

# A row that is older than the file whose inode has that number now.
test_expect_success 'unprotected: a file is no master because the catalog says so' '
	displaced precious 1 00000000000000dd &&
	pool_sql "UPDATE object SET ino = $(stat -c %i "$POOL/staging/$scratch"/*)
		WHERE ino = $(stat -c %i "$master")" &&
	vtemplate gc && one_kept && test_contents "$kept" precious &&
	pool_sql "UPDATE object SET ino = $(stat -c %i "$master")
		WHERE ino = $(stat -c %i "$kept")" && rm "$kept" && vtemplate check
'

# aside MASTER COMMAND: a copy of it was displaced; COMMAND knows it as $x
aside()
{
	displaced "" "" 0000000000000011 "$1" && x=$(echo "$POOL/staging/$scratch"/*) &&
	cp -p "$1" "$x" && eval "$2" && vtemplate gc
}

test_expect_success 'unprotected: what was replaced goes when it is as the master' '
	aside "$master" : && pool_is_tidy
'

# shellcheck disable=SC2016 # of aside
for what in 'printf X | dd of=$x conv=notrunc' 'touch $x' 'chmod u+x $x' 'chown 7 $x' \
	'setfattr -n user.x -v 1 $x' 'rm $x && mkfifo $x'
do
	test_expect_success "and is kept otherwise: $what" '
		aside "$master" "$what" && one_kept && rm "$kept" && vtemplate check
	'
done

test_expect_success 'as it is when the master is unknown' '
	displaced "$(cat "$master")" "" 0000000000000012 && touch -r "$master" \
		"$POOL/staging/$scratch"/* && vtemplate gc &&
	one_kept && rm "$kept"
'

test_expect_success 'recovery is cut short at each effect: the next one finishes it' '
	n=$((1 - TEST_STRIDE)) && killed=1 &&
	while test $killed = 1
	do
		n=$((n + TEST_STRIDE)) &&
		row guest creating a 1 && tree "$POOL/guests/a" guest a 1 &&
		row guest destroying b 2 && tree "$POOL/guests/b" guest b 2 &&
		row guest creating c 3 &&
		tree "$POOL/staging/1111111111111111" guest d 4 &&
		displaced precious 1 00000000000000ff &&
		COWLINK_FAULT=kill:$n vtemplate gc >out 2>err
		status=$?
		test $status = 137 || killed=0
		vtemplate gc >out 2>err &&
		rows "guest|ready|a
template|ready|t
" &&
		test_path_missing "$POOL/guests/b" &&
		one_kept && test_contents "$kept" precious &&
		test_contents "$POOL/guests/a/rootfs/etc/file" content && rm "$kept" &&
		vtemplate destroy a || { echo "effect $n" >&2; cat err >&2; return 1; }
		test $n -lt 200 || return 1
	done &&
	test_note "$n effects" && test $n -gt 20 && test $status = 0
'

test_done
