#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what happens to a file under our hands is not lost

Each test lets something happen at one point of a run: after the master was made
(syncfs), after the bytes were compared (link), before the exchange (rename 1), or
before the exchange is taken back (rename 2). The pool is unprotected: here our own
checks are all there is.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# A private file equal to its master in g1, the victim of all tests.
victim()
{
	F=$G1/etc/victim
	if ! test -e "$T/etc/victim"
	then
		same_file victim "$T/etc/victim" "$F" || return 1
	else
		rm -rf "$F" && cp -a "$T/etc/victim" "$F" || return 1
	fi
	vhashify && test_same_inode "$F" "$T/etc/victim" &&
	own "$F" && test_snapshot "$T"
}

left_alone()
{
	test_json out .shared_files 0 && reason_is out changed 1 &&
	outcomes_add_up out && test_unchanged "$T" &&
	test -z "$(ls "$POOL/staging")" && vtemplate check
}

test_expect_success 'a pool' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 &&
	T=$(root_of t) G1=$(root_of g1) && victim
'

test_expect_success 'the hook sees a run that shares' '
	victim && at rename : && test_json out .shared_files 1 &&
	test_same_inode "$F" "$T/etc/victim"
'

test_expect_success 'written in place after the master was found' '
	victim && at syncfs "test \$n != 1 || echo new >\$F" &&
	left_alone && test_contents "$F" new
'

test_expect_success 'written in place after the comparison' '
	victim && at link "test \$n != 1 || echo new >\$F" &&
	left_alone && test_contents "$F" new
'

test_expect_success 'written in place, size and times as before' '
	victim && at rename "test \$n != 1 || {
		touch -r \$F stamp; printf VICTIM >\$F; echo >>\$F
		touch -r stamp \$F; }" &&
	left_alone && test_contents "$F" VICTIM
'

# A lease tells of what happens to long files, so that they are not read once more.
long_victim()
{
	F=$G1/etc/long
	rm -f "$F" "$T/etc/long" && seq 20000 >"$T/etc/long" &&
	chown "${1-0}" "$T/etc/long" && touch -d "2001-02-03" "$T/etc/long" &&
	cp -a "$T/etc/long" "$F" &&
	vhashify && test_same_inode "$F" "$T/etc/long" && own "$F" && cp -p "$F" before
}

# scribble FILE: as if nothing had happened.
cat >scribble <<-\EOF
	touch -r "$1" stamp && printf NEW | dd of="$1" conv=notrunc status=none &&
	touch -r stamp "$1"
EOF

test_expect_success 'a long file is shared' '
	long_victim && at rename : && test_json out .shared_files 1 &&
	test_same_inode "$F" "$T/etc/long"
'

test_expect_success 'unless it is written in place, size and times as before' '
	long_victim && at rename "test \$n != 1 || sh ./scribble \$F" &&
	test_json out .shared_files 0 && reason_is out changed 1 &&
	sh ./scribble before && cmp before "$F" && test_nlink "$F" 1
'

test_expect_success 'or the shared file is written so' '
	long_victim && at rename "test \$n != 1 || sh ./scribble $T/etc/long" &&
	test_json out .shared_files 0 && cmp before "$F" && test_nlink "$F" 1
'

test_expect_success 'or it is by who had it open before, and no lease tells' '
	long_victim 7 && at_as=without_leases && { at rename "test \$n != 1 || { touch -r \$F stamp
		printf NEW >&7; touch -r stamp \$F; }"; } 7<>"$F" && at_as= &&
	test_json out .shared_files 0 && reason_is out changed 1 &&
	sh ./scribble before && cmp before "$F"
'

test_expect_success 'or a file is written so while it becomes the shared one' '
	rm "$F" && seq 2 20002 >"$F" && touch -d "2001-02-03" "$F" && cp -p "$F" before &&
	rm "$T/etc/long" && cp -p before "$T/etc/long" &&
	at link "test \$n != 1 || sh ./scribble $T/etc/long" &&
	test_json out .saved_bytes 0 && cmp before "$F" &&
	test_different_inode "$F" "$T/etc/long" && sh ./scribble before &&
	cmp before "$T/etc/long"
'

# Who writes waits for a lease that is not given up three quarters of a minute.
test_expect_success 'or after that, for which nobody waits' '
	rm "$F" "$T/etc/long" && vtemplate gc && seq 3 20003 >"$F" && touch -d "2001-02-03" "$F" &&
	cp -p "$F" before && cp -p before "$T/etc/long" &&
	at rename "test \$n != 1 || timeout 20 sh ./scribble $T/etc/long || touch late" &&
	test_path_missing late && cmp before "$F" && test_different_inode "$F" "$T/etc/long" &&
	sh ./scribble before && cmp before "$T/etc/long" &&
	rm "$F" "$T/etc/long" && vtemplate gc
'

test_expect_success 'replaced by another file' '
	victim && at rename "test \$n != 1 || {
		echo new >\$F.x; stat -c %i \$F.x >ino; mv \$F.x \$F; }" &&
	left_alone && test_contents "$F" new &&
	test "$(stat -c %i "$F")" = "$(cat ino)"
'

test_expect_success 'removed' '
	victim && at rename "test \$n != 1 || rm \$F" &&
	left_alone && test_path_missing "$F"
'

test_expect_success 'renamed' '
	victim && at rename "test \$n != 1 || mv \$F \$F.moved" &&
	left_alone && test_path_missing "$F" && test_contents "$F.moved" victim &&
	rm "$F.moved"
'

test_expect_success 'replaced by a directory' '
	victim && at rename "test \$n != 1 || {
		rm \$F; mkdir \$F; echo inside >\$F/file; }" &&
	left_alone && test_contents "$F/file" inside
'

test_expect_success 'replaced by a symlink' '
	victim && at rename "test \$n != 1 || ln -sf /etc/passwd \$F" &&
	left_alone && test "$(readlink "$F")" = /etc/passwd
'

test_expect_success 'replaced by a fifo' '
	victim && at link "test \$n != 1 || { rm \$F; mkfifo \$F; }" &&
	left_alone && test -p "$F"
'

# Who opens this device has the kernel make it.
device=7000
while test -e /sys/block/loop$device
do
	device=$((device + 1))
done

test_expect_success 'replaced by a device: nobody opens it' '
	victim && at syncfs "test \$n != 1 || { rm \$F; mknod \$F b 7 $device; }" &&
	left_alone && test -b "$F" && test_path_missing /sys/block/loop$device
'

test_expect_success 'given a flag of its own' '
	victim && at syncfs "test \$n != 1 || chattr +d \$F" &&
	left_alone && lsattr "$F" | grep -q "^[^ ]*d" && chattr -d "$F"
'

test_expect_success 'given an extended attribute of its own' '
	victim && at syncfs "test \$n != 1 || setfattr -n user.own -v 1 \$F" &&
	left_alone && getfattr -n user.own "$F"
'

test_expect_success 'given one after the comparison' '
	victim && at link "test \$n != 1 || setfattr -n user.own -v 1 \$F" &&
	left_alone && getfattr -n user.own "$F"
'

test_expect_success 'given one after the last look' '
	victim && at rename "test \$n != 1 || setfattr -n user.own -v 1 \$F" &&
	left_alone && getfattr -n user.own "$F"
'

test_expect_success 'open for writing: what is written later stays, however short it is' '
	victim && { vhashify --json >out && echo VICTIM >&7; } 7<>"$F" &&
	test_json out .shared_files 0 && reason_is out busy 1 && test_contents "$F" VICTIM &&
	test_unchanged "$T" &&
	long_victim && { vhashify --json >out && printf NEW >&7; } 7<>"$F" &&
	test_json out .shared_files 0 && reason_is out busy 1 && printf NEW >new &&
	cmp -n 3 new "$F" && ! cmp -n 3 new "$T/etc/long"
'

# The writer is given up after some seconds, should nobody open its gate.
test_expect_success 'opened for writing before the exchange, written after it' '
	victim && rm -f gate && mkfifo gate &&
	at rename "test \$n != 1 || { timeout 20 cat gate 1<>\$F &
		until readlink /proc/\$!/fd/1 | grep -qF \$F; do sleep 0.1; done; }" &&
	left_alone && echo later >gate &&
	until grep -q later "$F"; do sleep 0.1; done && test_unchanged "$T"
'

# Now without handles, since the mount sees to that.
test_expect_success 'the mount lets nobody open devices' '
	mount -o remount,nodev "$POOL_MOUNT"
'

# shellcheck disable=SC2016 # the hook knows $F
for what in 'mknod $F b 7 '$device 'mkfifo $F' 'ln -s victim.other $F' 'mkdir $F' \
	'cp -p $F.other $F' :
do
	test_expect_success "there: replaced before it is opened by $what" '
		victim && cp -p "$F" "$F.other" &&
		at syncfs "test \$n != 1 || { rm \$F; $what; ls -lid \$F >became; }" &&
		left_alone && { ls -lid "$F" >is || :; } && cat is && test_cmp became is &&
		test_path_missing /sys/block/loop$device && rm "$F.other"
	'
done

test_expect_success 'given a second name' '
	victim && at rename "test \$n != 1 || ln \$F \$F.two" &&
	left_alone && test_same_inode "$F" "$F.two" && test_nlink "$F" 2 &&
	rm "$F.two"
'

test_expect_success 'its directory moved away: the file is found by descriptor' '
	victim && at rename "test \$n != 1 || mv $G1/etc $G1/etc2" &&
	test_json out .shared_files 1 &&
	test_same_inode "$G1/etc2/victim" "$T/etc/victim" &&
	mv "$G1/etc2" "$G1/etc"
'

test_expect_success 'its directory replaced by a symlink' '
	victim && mkdir -p outside && cp -a "$F" outside/victim &&
	at syncfs "test \$n != 1 || { mv $G1/etc $G1/etc2; ln -s $PWD/outside $G1/etc; }" &&
	rm "$G1/etc" && mv "$G1/etc2" "$G1/etc" &&
	left_alone && test_nlink outside/victim 1
'

test_expect_success 'written twice: one version in place, the other kept' '
	victim && at rename "case \$n in
	1) echo first >\$F.x; mv \$F.x \$F ;;
	2) echo second >\$F.x; mv \$F.x \$F ;;
	esac" &&
	test_grep "is kept in staging" err &&
	test_contents "$F" first && test_contents "$POOL"/staging/kept-* second &&
	test_unchanged "$T"
'

test_expect_success 'and check tells of it' '
	vtemplate check >out 2>&1 && test_grep kept- out &&
	rm "$POOL"/staging/kept-* && vtemplate check
'

test_expect_success 'written in place, and then we are killed: that version is kept' '
	victim && { at rename "case \$n in
	1) echo new >\$F ;;
	2) read -r pid name state parent rest </proc/\$PPID/stat; kill -KILL \$parent ;;
	esac"; test $? = 137; } && test_contents "$F" victim && vtemplate gc 2>err &&
	test_grep "is kept\|kept a file" err && test_contents "$POOL"/staging/kept-* new &&
	rm "$POOL"/staging/kept-* && test_unchanged "$T" && vtemplate check
'

test_expect_success 'removed while it is put back: the displaced version is kept' '
	victim && at rename "case \$n in
	1) echo first >\$F.x; mv \$F.x \$F ;;
	2) rm \$F ;;
	esac" &&
	test_path_missing "$F" && test_contents "$POOL"/staging/kept-* first &&
	rm "$POOL"/staging/kept-* && vtemplate check
'

# The run ends in order: the file at hand is finished or put back.
for effect in link rename syncfs
do
	test_expect_success "SIGTERM before a $effect: status 143, all in order" '
		victim && own "$G1/bin/tool" "$G1/bin/other" &&
		test_snapshot "$G1" &&
		echo "echo \$\$ >pid; exec vhashify --json" >run &&
		COWLINK_FAULT_EXEC="$effect:0:kill -TERM \$(cat pid)" \
			test_expect_code 143 sh run >out &&
		test_unchanged "$G1" && test_unchanged "$T" &&
		test -z "$(ls "$POOL/staging")" && vtemplate check &&
		vhashify && test_same_inode "$F" "$T/etc/victim" &&
		test_same_inode "$G1/bin/tool" "$T/bin/tool"
	'
done

test_done
