#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='archives: kinds that are read, and what is refused'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

# A pool of links: shared and private files are both made.
test_expect_success ROOT,EXT4 'make a pool and a small tree' '
	test_pool --unprotected ext4 && small_tree src && rm src/fifo &&
	touch -d "2001-02-03 04:05:06" src/* src/sub/* src &&
	touch -h -d "2001-02-03 04:05:06" src/link &&
	setfattr -x trusted.a src/file && pax src.tar src
'

# imported NAME FILE SOURCE
imported()
{
	vtemplate import "$1" "$2" 2>err && test_tree_equal "$3" "$POOL/templates/$1/rootfs" &&
	consistent && return 0
	cat err
	return 1
}

for format in gnu oldgnu pax ustar v7
do
	test_expect_success ROOT,EXT4 "the format $format" '
		tar --format=$format --numeric-owner -C src -cf one.tar . &&
		imported $format one.tar src
	'
done

for compress in gzip bzip2 xz
do
	test_expect_success ROOT,EXT4 "compressed by $compress, from a pipe" '
		$compress <src.tar >src.packed &&
		cat src.packed | vtemplate import $compress - &&
		test_tree_equal src "$POOL/templates/$compress/rootfs"
	'
done

test_expect_success ROOT,EXT4 'sparse files in three GNU forms keep their holes' '
	mkdir sparse && truncate -s 8M sparse/holes &&
	echo in >>sparse/holes && truncate -s 20M sparse/holes &&
	echo x | dd of=sparse/holes bs=1 seek=15000000 conv=notrunc status=none &&
	for v in 0.0 0.1 1.0
	do
		tar --format=pax --sparse --sparse-version=$v --numeric-owner \
			-C sparse -cf s$v.tar . &&
		imported sparse$v s$v.tar sparse &&
		test $(stat -c %b "$POOL/templates/sparse$v/rootfs/holes") -lt 200 ||
		return 1
	done
'

test_expect_success ROOT,EXT4 'names of any bytes, and long ones' '
	mkdir -p names/$(printf "%0200d/" 1 2 3 4 5 6 7 8) &&
	long=$(printf "%0200d/" 1 2 3 4 5 6 7 8) &&
	echo bottom >names/$long/file && ln -s $(printf "%0200d/" 1 2 3 4) names/link &&
	ln names/$long/file names/hard &&
	echo bytes >names/"$(printf "bad\377\n\001")" &&
	echo utf8 >names/"$(printf "caf\303\251")" &&
	for format in gnu pax
	do
		tar --format=$format --mtime="2001-01-01" --numeric-owner -C names \
			-cf names.tar . &&
		find names -exec touch -h -d 2001-01-01 {} + &&
		imported names-$format names.tar names || return 1
	done
'

test_expect_success ROOT,EXT4 'directories above a file need not be listed' '
	mkdir -p part/a/b && echo deep >part/a/b/file &&
	tar -C part -cf part.tar a/b/file &&
	vtemplate import part part.tar &&
	test_contents "$POOL/templates/part/rootfs/a/b/file" deep
'

test_expect_success ROOT,EXT4 'of a name that comes twice the last one counts' '
	mkdir v1 v2 && echo one >v1/f && echo one >v1/g && ln v1/g v1/h &&
	echo two >v2/f && ln -s f v2/g &&
	tar -C v1 -cf twice.tar . && tar -C v2 -rf twice.tar f g &&
	vtemplate import --json twice twice.tar >out.json &&
	test_json out.json .stats.files 2 &&
	test_json out.json .stats.others 1 &&
	test_contents "$POOL/templates/twice/rootfs/f" two &&
	test_contents "$POOL/templates/twice/rootfs/h" one &&
	test -h "$POOL/templates/twice/rootfs/g" && consistent
'

test_expect_success ROOT,EXT4 'hard links in archives stay private' '
	vtemplate clone gnu g1 && vtemplate clone gnu g2 &&
	test_same_inode "$POOL/guests/g1/rootfs/one" \
		"$POOL/guests/g1/rootfs/sub/two" &&
	test_nlink "$POOL/guests/g1/rootfs/one" 2
'

# The copy that the link of v1 got is gone when v2 comes, and a shared file has its number.
test_expect_success ROOT,EXT4 'hard links of an archive that was added to' '
	rm -rf v1 v2 && mkdir v1 v2 && echo one >v1/f && ln v1/f v1/g &&
	echo two >v2/f && echo three >v2/g && ln v2/g v2/h &&
	tar -C v1 -cf again.tar f g && tar -C v2 -rf again.tar f g h &&
	vtemplate import again again.tar && root=$POOL/templates/again/rootfs &&
	test_contents "$root/f" two && test_contents "$root/h" three &&
	test_same_inode "$root/g" "$root/h" && test_nlink "$root/g" 2 && consistent
'

# --- refusals -------------------------------------------------------------------

# refused PATTERN COMMAND...: one line, status 1, nothing changed
refused()
{
	pattern=$1
	shift
	vtemplate list --json >before.json &&
	test_expect_code 1 "$@" >out 2>err &&
	grep -v UNPROTECTED err >err.rest &&
	test_grep "$pattern" err.rest &&
	{ test "$(wc -l <err.rest)" = 1 || { cat err; return 1; }; } &&
	vtemplate list --json >after.json 2>/dev/null &&
	test_cmp before.json after.json &&
	nothing_in_staging && consistent
}

test_expect_success ROOT,EXT4 'an absolute name' '
	echo evil >evil && tar -P -cf evil.tar --transform "s,^,/tmp/cowlink-," evil &&
	refused "absolute path" vtemplate import evil evil.tar &&
	test_path_missing /tmp/cowlink-evil
'

test_expect_success ROOT,EXT4 'a name with ".."' '
	tar -P -cf evil.tar --transform "s,^,a/../../," evil &&
	refused "has a .\.\.. in its path" vtemplate import evil evil.tar
'

test_expect_success ROOT,EXT4 'a name below a symlink' '
	mkdir e1 e2 e2/dir && ln -s "$TRASH" e1/dir && echo evil >e2/dir/escaped &&
	tar -C e1 -cf evil.tar dir && tar -C e2 -rf evil.tar dir/escaped &&
	refused "not a directory" vtemplate import evil evil.tar &&
	test_path_missing escaped
'

test_expect_success ROOT,EXT4 'a directory in place of a symlink' '
	tar -C e1 -cf evil.tar dir && tar -C e2 -rf evil.tar dir &&
	refused "directory and something else" vtemplate import evil evil.tar &&
	test_path_missing escaped
'

test_expect_success ROOT,EXT4 'a hard link to what is not in the archive' '
	mkdir h && echo x >h/a && ln h/a h/b &&
	tar -C h -cf evil.tar --transform "s,^a$,c,H" a b &&
	refused "hard link to .a., which is not" vtemplate import evil evil.tar &&
	tar -C h -P -cf evil.tar --transform "s,^a$,/etc/passwd,RSh" a b &&
	refused "absolute path" vtemplate import evil evil.tar &&
	tar -C h -P -cf evil.tar --transform "s,^a$,../a,RSh" a b &&
	refused "has a .\.\.. in its path" vtemplate import evil evil.tar
'

test_expect_success ROOT,EXT4 'a hard link through a symlink' '
	tar -C e1 -cf evil.tar dir &&
	tar -C h -rf evil.tar --transform "s,^a$,dir/evil,RSh" a b &&
	refused "hard link to .dir/evil., which is not" \
		vtemplate import evil evil.tar
'

test_expect_success ROOT,EXT4 'archives that are cut, wherever' '
	mkdir big && seq 20000 >big/a && seq 20000 >big/b && tar -C big -cf big.tar . &&
	# in data, in a header, and between two entries, where no end mark follows
	for size in 50000 512 700 1024 110592
	do
		head -c $size big.tar >cut.tar &&
		refused "cannot read the archive\|cut off" \
			vtemplate import evil cut.tar || return 1
	done &&
	at=$(tar -C big -tRf big.tar | sed -n "s/^block \([0-9]*\): .*NUL.*/\1/p" |
		head -n 1) &&
	head -c $((at * 512)) big.tar >cut.tar &&
	refused "cut off: it has no end mark" vtemplate import evil cut.tar &&
	gzip <big.tar >big.tgz && head -c 30000 big.tgz >cut.tgz &&
	refused "cannot read the archive" vtemplate import evil cut.tgz
'

test_expect_success ROOT,EXT4 'what is no archive' '
	: >empty && seq 10000 >text && head -c 100000 /dev/urandom >noise &&
	for f in empty text noise
	do
		refused "cannot read the archive" vtemplate import evil $f ||
			return 1
	done &&
	refused "cannot import" vtemplate import evil missing &&
	refused "cannot import" vtemplate import evil /dev/null
'

test_expect_success ROOT,EXT4 'an ACL with names and no numbers' '
	mkdir acl && echo a >acl/a && setfacl -m u:daemon:rw acl/a &&
	tar --acls --format=pax -C acl -cf acl.tar . &&
	refused "gives no number for .daemon" vtemplate import evil acl.tar &&
	tar --xattrs --xattrs-include="*" --format=pax -C acl -cf acl.tar . &&
	imported acl acl.tar acl
'

test_expect_success ROOT,EXT4 'the identity of a tree does not come from outside' '
	mkdir id && setfattr -n trusted.cowlink.id -v forged id &&
	echo x >id/f && setfattr -n trusted.cowlink.id -v forged id/f &&
	pax id.tar id && vtemplate import id-tar id.tar && vtemplate import id-dir id &&
	for t in id-tar id-dir
	do
		getfattr -d -m - "$POOL/templates/$t/rootfs/f" >attrs &&
		test_must_fail grep forged attrs || return 1
	done && consistent
'

test_done
