#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='import: a source that changes, mounts in it, commands at once'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

test_expect_success ROOT,EXT4 'a pool of links' '
	test_pool --unprotected ext4 && small_tree src &&
	vtemplate import base src
'

test_expect_success ROOT,EXT4 'a file that changes once is read again' '
	mkdir live && seq 100000 >live/log &&
	COWLINK_FAULT_EXEC="link:1:echo more >>live/log" \
		vtemplate import live live && test_grep more live/log &&
	test_tree_equal live "$POOL/templates/live/rootfs" && consistent
'

test_expect_success ROOT,EXT4 'what vanishes is left out' '
	mkdir gone gone/sub && echo a >gone/a && echo b >gone/b &&
	echo c >gone/sub/c && mkfifo gone/fifo && ln -s a gone/link &&
	COWLINK_FAULT_EXEC="link:1:rm -r gone/*" vtemplate import gone gone &&
	test -z "$(ls gone)" && test_path_exists "$POOL/templates/gone/rootfs" &&
	consistent
'

test_expect_success ROOT,EXT4 'what becomes something else does not block' '
	mkdir swap && echo a >swap/a && echo b >swap/b &&
	COWLINK_FAULT_EXEC="link:1:rm swap/*; mkfifo swap/a swap/b" \
		timeout 60 vtemplate import swap swap &&
	test -p swap/b && consistent
'

# renew: when one of live/a/name and live/b/name has been copied, the other one becomes
# another file, of the same number.
test_expect_success ROOT,EXT4 'a number that another file got makes no hard link' '
	test_mount ext4 8M reused && mkdir -p reused/live/a reused/live/b &&
	echo first >reused/live/a/name && ln reused/live/a/name reused/live/b/name &&
	cat >renew <<-\EOF && chmod +x renew &&
	#!/bin/sh
	cd "$TRASH/reused/live" && ! test -e "$TRASH/renewed" || exit 0
	for dir in a b
	do
		test -e "$POOL"/staging/*/rootfs/$dir/name || continue
		test $dir = a && other=b || other=a
		ls -i a/name >"$TRASH/renewed"
		rm a/name b/name && echo second >$other/name && ln $other/name $other/again
		ls -i $other/name >>"$TRASH/renewed"
		echo "$other" >"$TRASH/other"
	done
	EOF
	COWLINK_FAULT_EXEC="mkdir:0:$TRASH/renew" vtemplate import renewed reused/live &&
	cat renewed && test "$(sed "s/ .*//" renewed | uniq | wc -l)" = 1 &&
	other=$(cat other) && root=$POOL/templates/renewed/rootfs &&
	test_contents "$root/$other/name" second && test_contents "$root/$other/again" second &&
	test_same_inode "$root/$other/name" "$root/$other/again" &&
	test "$(cat "$root"/[ab]/name | grep -c first)" = 1 && consistent
'

test_expect_success ROOT,EXT4 'other filesystems below are skipped and named' '
	mkdir -p mounts/one mounts/two/deep && echo here >mounts/file &&
	test_mount tmpfs 1M mounts/one && echo hidden >mounts/one/file &&
	test_mount tmpfs 1M mounts/two/deep && chmod 711 mounts/two/deep &&
	vtemplate import mounts mounts 2>err &&
	test_grep "warning: .one. is on another filesystem" err &&
	test_grep "warning: .two/deep. is on another filesystem" err &&
	test_contents "$POOL/templates/mounts/rootfs/file" here &&
	test_path_missing "$POOL/templates/mounts/rootfs/one/file" &&
	test $(stat -c %a "$POOL/templates/mounts/rootfs/two/deep") = 711 &&
	consistent
'

test_expect_success ROOT,EXT4 'a source that holds the pool' '
	echo beside >"$POOL_MOUNT/beside" &&
	vtemplate import around "$POOL_MOUNT" 2>err &&
	test_grep "warning: .pool. is the pool itself, skipping" err &&
	test_contents "$POOL/templates/around/rootfs/beside" beside &&
	test_path_missing "$POOL/templates/around/rootfs/pool" && consistent
'

test_expect_success ROOT,EXT4 'a file with names outside of the source is an ordinary one' '
	mkdir part && echo x >part/in && ln part/in part.out &&
	vtemplate import part part && vtemplate clone part p1 &&
	test_same_inode "$POOL/templates/part/rootfs/in" \
		"$POOL/guests/p1/rootfs/in"
'

# With the flags taken away again, whatever came of it.
flags_imported()
{
	vtemplate import flags flags
	rc=$?
	chattr -i flags/i && chattr -a flags/a flags/d && return $rc
}

test_expect_success ROOT,EXT4 'chattr flags are not taken along' '
	mkdir flags && echo x >flags/i && echo y >flags/a && mkdir flags/d &&
	chattr +i flags/i && chattr +a flags/a flags/d &&
	flags_imported &&
	test_tree_equal flags "$POOL/templates/flags/rootfs" &&
	vtemplate destroy --template flags
'

test_expect_success ROOT,EXT4 'thousands of equal files stay as many' '
	mkdir equal && (cd equal && seq 3000 | xargs touch -d 2001-01-01) &&
	vtemplate import --json equal equal >out.json &&
	test_json out.json .stats.new_masters 3000 &&
	vtemplate clone --json equal e1 >out.json &&
	test_json out.json .stats.linked 3000 &&
	test_tree_equal equal "$POOL/guests/e1/rootfs" &&
	vtemplate import --json equal2 equal >out.json &&
	test_json out.json .stats.new_masters 0 && vtemplate destroy e1
'

test_expect_success ROOT,EXT4 'a guest may be deeper than a walk can go' '
	vtemplate clone base deep &&
	(cd "$POOL/guests/deep/rootfs" && nasty_depth_ 5000) &&
	chattr +i "$POOL/guests/deep/rootfs/d/d/d" &&
	chattr +a "$POOL/guests/deep/rootfs/sub" &&
	vtemplate destroy deep 2>err && test_path_missing "$POOL/guests/deep" &&
	nothing_in_staging && consistent
'

test_expect_success ROOT,EXT4 'a source that is too deep is refused' '
	mkdir abyss && (cd abyss && nasty_depth_ 3100) &&
	test_expect_code 1 vtemplate import abyss abyss 2>err &&
	test_grep "levels deep\|Too many open files" err &&
	nothing_in_staging && consistent && rm -r abyss
'

test_expect_success ROOT,EXT4 'a template that goes while it is cloned' '
	vtemplate import short src &&
	COWLINK_FAULT_EXEC="symlink:1:vtemplate destroy --template short" \
		test_expect_code 1 vtemplate clone short orphan 2>err &&
	test_grep "short" err &&
	test_path_missing "$POOL/guests/orphan" &&
	test_must_fail vtemplate show orphan && consistent
'

test_expect_success ROOT,EXT4 'clones of one name at once: one is made' '
	for i in 1 2 3 4 5 6
	do
		vtemplate clone base same >out.$i 2>&1 &
	done &&
	wait &&
	test $(cat out.* | grep -c "^guest .same.: 3 files") = 1 &&
	test $(cat out.* | grep -c "guest .same. exists") = 5 &&
	test_tree_equal src "$POOL/guests/same/rootfs" && consistent
'

test_expect_success ROOT,EXT4 'clones, imports and removals at once' '
	for i in 1 2 3 4
	do
		{
			vtemplate clone base at$i && vtemplate import t$i src &&
			vtemplate clone t$i bt$i && vtemplate destroy at$i
		} >out.$i 2>&1 || echo failed >failed.$i &
	done &&
	wait && { ! ls failed.* || { cat out.*; return 1; }; } &&
	for i in 1 2 3 4
	do
		test_path_missing "$POOL/guests/at$i" &&
		test_tree_equal src "$POOL/guests/bt$i/rootfs" || return 1
	done && consistent && nothing_in_staging
'

# With the environment in a subshell, or a function would keep it.
ended_by()
{
	(
		COWLINK_FAULT_EXEC="mknod:1:kill -$1 \$PPID"
		export COWLINK_FAULT_EXEC
		exec vtemplate import ended src
	)
}

test_expect_success ROOT,EXT4 'a command that is told to end cleans up' '
	echo new >src/new &&
	test_expect_code 143 ended_by TERM && nothing_in_staging &&
	vtemplate list --json >list.json &&
	test_json list.json "[.templates[] | select(.name == \"ended\")] | length" \
		0 &&
	test_expect_code 129 ended_by HUP && nothing_in_staging &&
	test_path_missing "$POOL/templates/ended" && consistent
'

# --- recipes ----------------------------------------------------------------------

# A program in the place of mmdebstrap, that shows how it was called.
fake_mmdebstrap()
{
	mkdir -p fake && cat >fake/mmdebstrap && chmod +x fake/mmdebstrap
}

test_expect_success ROOT,EXT4 'a recipe becomes a template' '
	fake_mmdebstrap <<-\EOF &&
	#!/bin/sh
	printf "%s\n" "$@" >"$TRASH/called"
	cat >"$TRASH/mirrors"
	tar -C "$TRASH/src" -cf - .
	EOF
	printf "SUITE=sid\nINCLUDE=a,b\nCOMPONENTS=main,contrib\n" >recipe &&
	printf "MIRROR = http://mirror.test/x \nOPTIONS=--one  --two=2\n" >>recipe &&
	PATH=$TRASH/fake:$PATH vtemplate build --json built ./recipe >out.json &&
	test_json out.json .tree.name built && test_json out.json .tree.kind template &&
	test_json out.json .stats.files "$(find src -type f | wc -l)" &&
	cat >expected <<-\EOF &&
	--mode=root
	--format=tar
	--variant=minbase
	--components=main,contrib
	--include=a,b
	--one
	--two=2
	sid
	-
	-
	EOF
	grep -v aptopt called >called.rest && test_cmp expected called.rest &&
	test_contents mirrors "http://mirror.test/x" &&
	test_contents "$POOL/templates/built/rootfs/file" data && consistent
'

# Those of a checkout lie beside build/, where an instrumented program does not.
test_expect_success ROOT,EXT4,!INSTRUMENTED 'the recipes that are installed are found by name' '
	for recipe in "$COWLINK_SRC"/templates/recipes/debian*
	do
		name=$(basename "$recipe") && PATH=$TRASH/fake:$PATH vtemplate build $name $name &&
		test_grep "^bookworm$" called && cp called "called-$name" || return 1
	done && test_grep "^--include=.*procps" called-debian12 &&
	test_grep "^--include=systemd-sysv,dbus" called-debian12-systemd && consistent
'

test_expect_success ROOT,EXT4 'a build that fails leaves nothing' '
	fake_mmdebstrap <<-\EOF &&
	#!/bin/sh
	tar -C "$TRASH/src" -cf - . | head -c 3000
	exit 25
	EOF
	PATH=$TRASH/fake:$PATH \
		test_expect_code 1 vtemplate build failed ./recipe 2>err &&
	test_grep "mmdebstrap failed" err &&
	test_path_missing "$POOL/templates/failed" && consistent &&
	fake_mmdebstrap <<-\EOF &&
	#!/bin/sh
	tar -C "$TRASH/src" -cf - .
	exit 1
	EOF
	PATH=$TRASH/fake:$PATH \
		test_expect_code 1 vtemplate build failed ./recipe 2>err &&
	test_path_missing "$POOL/templates/failed" &&
	nothing_in_staging && consistent
'

test_done
