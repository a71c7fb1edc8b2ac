#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='tools: e2fsprogs and xfsprogs with our patches know the attribute

Beside them those of this machine, which do not: $FS_TOOLS has the patched ones.'
. "$(dirname "$0")/lib-test.sh"

# Outside, as the network is there. They are compiled the first time.
if ! in_uml_
then
	test_require ROOT
	tools=$("$TEST_DIRECTORY/build-fs-tools") || exit 1
	TEST_UML_OPTIONS="--bind=$tools --env=FS_TOOLS=$tools"
fi
test_in_uml "$@"

fill()
{
	IMAGE=$test_image && seq 1 5000 >m/shared && ln m/shared m/again &&
	echo plain >m/plain && echo other >m/other && mkdir m/dir &&
	ixunlink set m/shared
}

# is_now shared|immutable|plain FILE
is_now()
{
	ixunlink get "$2" >state && test_contents state "$1"
}

# The tools with the patch.
new_chattr()
{
	"$FS_TOOLS/chattr" "$@"
}

# io_chattr MODE FILE: not open for writing, which would break the link.
io_chattr()
{
	"$FS_TOOLS/xfs_io" -r -c "chattr $1" "$2"
}

old_io_chattr()
{
	xfs_io -r -c "chattr $1" "$2"
}

# same_columns FILE: the old ones are where they were, one comes after them.
same_columns()
{
	"$FS_TOOLS/lsattr" -d "$1" >new && lsattr -d "$1" >old &&
	sed "s/^\([^ ]*\)[-U] /\1 /" new >shorter && test_cmp old shorter
}

shows_e2()
{
	"$FS_TOOLS/lsattr" m/shared m/plain m/other >out && cat out &&
	test_grep "^....i[^ ]*U m/shared$" out && test_grep "^....-[^ U]*- m/plain$" out &&
	"$FS_TOOLS/lsattr" -l m/shared >out && test_grep "Immutable_Unlinkable" out &&
	same_columns m/shared && same_columns m/plain && same_columns m/dir
}

shows_io()
{
	"$FS_TOOLS/xfs_io" -r -c lsattr m/shared >out && cat out &&
	test_grep "^..i[^ ]*U[^ ]* m/shared" out &&
	"$FS_TOOLS/xfs_io" -r -c lsattr m/plain >out && ! grep "[iU].* m/" out &&
	"$FS_TOOLS/xfs_io" -r -c "lsattr -v" m/shared >out && test_grep "ixunlink" out
}

# sets_and_clears CHATTR: which is called as "CHATTR MODE FILE".
sets_and_clears()
{
	ln m/other m/more && $1 +iU m/other && is_now shared m/other &&
	$1 -U m/other && is_now immutable m/other && ! rm -f m/more &&
	$1 +U m/other && is_now shared m/other && rm m/more &&
	$1 -i m/other && is_now plain m/other &&
	$1 +i m/other && is_now immutable m/other && $1 -i m/other
}

# keeps_it CHATTR: when it changes another flag. XFS lets it; ext4, which has nothing of an
# immutable file changed, does not.
keeps_it()
{
	if test "$(stat -f -c %T m)" = xfs
	then
		$1 +d m/shared && is_now shared m/shared && $1 -d m/shared
	else
		refused "Operation not permitted" $1 +d m/shared
	fi && is_now shared m/shared
}

# Without i it means nothing, and the kernel says nothing.
needs_i()
{
	$1 +U m/plain && is_now plain m/plain && $1 +i m/plain &&
	is_now immutable m/plain && $1 -i m/plain
}

# refused MESSAGE COMMAND...
refused()
{
	test_said=$1
	shift
	test_must_fail "$@" 2>err && test_grep "$test_said" err
}

refused_elsewhere()
{
	refused "Invalid argument" $1 +iU m/dir && $1 +U m/dir &&
	"$FS_TOOLS/lsattr" -d m/dir >out && ! grep "[iU].* m/" out &&
	refused "Text file busy" $1 +iU m/plain 9>>m/plain && is_now plain m/plain
}

# set_and_clear FSTYPE PREREQ: chattr does, and that of xfs_io
set_and_clear()
{
	test_expect_success "$2" "$1: chattr and xfs_io set and clear U, and keep it" '
		sets_and_clears new_chattr && sets_and_clears io_chattr &&
		keeps_it new_chattr && keeps_it io_chattr
	'

	test_expect_success "$2" "$1: U without i is nothing" '
		needs_i new_chattr && needs_i io_chattr
	'

	test_expect_success "$2" "$1: refused on a directory and while somebody writes" '
		refused_elsewhere new_chattr && refused_elsewhere io_chattr
	'
}

test_expect_success EXT4 'ext4: lsattr shows U in a column of its own, the last' '
	test_mount ext4 64M m && fill && shows_e2
'

test_expect_success EXT4 'ext4: so does xfs_io' '
	shows_io
'

set_and_clear ext4 EXT4

test_expect_success EXT4 'ext4: chattr = sets what it is told' '
	new_chattr =eiU m/other && is_now shared m/other &&
	new_chattr =ei m/other && is_now immutable m/other &&
	new_chattr =eU m/other && is_now plain m/other
'

test_expect_success EXT4,OVERLAY 'overlay: refused, as it has not the attribute' '
	mkdir m/upper m/work over &&
	mount -t overlay -o lowerdir=m/dir,upperdir=m/upper,workdir=m/work none over &&
	test_when_finished umount over && echo x >over/f &&
	refused "Operation not supported" new_chattr +iU over/f &&
	"$FS_TOOLS/lsattr" over/f >out && ! grep "[iU].* over/f" out
'

test_expect_success EXT4 'ext4: without the patch there is no U, and i stays what it was' '
	lsattr m/shared >out && test_grep "^....i[^ U]* m/shared$" out &&
	test_must_fail chattr +U m/plain && keeps_it chattr && chattr =e m/shared &&
	is_now plain m/shared && ixunlink set m/shared && chattr -i m/shared &&
	is_now plain m/shared && ixunlink set m/shared
'

test_expect_success EXT4 'ext4: e2fsck has nothing to say, and the file is shared' '
	test_unmounted e2fsck -f -n "$IMAGE" && is_now shared m/shared && test_unmount m
'

# prints FIELD VALUE NAME
prints()
{
	"$FS_TOOLS/xfs_db" -c "path /$3" -c "print $1" "$IMAGE" >out &&
	test_contents out "$1 = $2"
}

# "agno = N" of several threads come in any order.
said_by_repair()
{
	"$FS_TOOLS/xfs_repair" "$@" "$IMAGE" 2>&1 | sort
}

# Not a word more than when no file was shared.
is_clean()
{
	"$FS_TOOLS/xfs_repair" -n "$IMAGE" && said_by_repair -n >said && test_cmp clean said
}

keeps_flag()
{
	"$FS_TOOLS/xfs_repair" "$IMAGE" && prints v3.ixunlink 1 shared &&
	prints core.immutable 1 shared && is_clean
}

# The link count of the shared file is wrong: the inode is written again.
writes_inode()
{
	xfs_db -x -c "path /shared" -c "write core.nlinkv2 7" "$IMAGE" &&
	test_expect_code 1 "$FS_TOOLS/xfs_repair" -n "$IMAGE" && keeps_flag &&
	prints core.nlinkv2 2 shared
}

set_stray()
{
	"$FS_TOOLS/xfs_db" -x -c "path /plain" -c "write v3.ixunlink 1" \
		-c "path /dir" -c "write v3.ixunlink 1" -c "write core.immutable 1" "$IMAGE" &&
	prints v3.ixunlink 1 plain && prints v3.ixunlink 1 dir
}

clears_stray()
{
	set_stray && test_expect_code 1 "$FS_TOOLS/xfs_repair" -n "$IMAGE" >said 2>&1 &&
	sed -n "s/^ixunlink flag set on inode \(.*\), which is not an immutable file$/\1/p" \
		said | sort -u >found && test_cmp stray found &&
	keeps_flag && prints v3.ixunlink 0 plain && prints v3.ixunlink 0 dir &&
	prints core.immutable 1 dir && prints core.immutable 0 plain
}

# The other xfs_repair finds fault with it, and leaves an immutable file.
unpatched_repair()
{
	test_expect_code 1 xfs_repair -n "$IMAGE" >said 2>&1 &&
	test_grep "Bad flags2 set in inode" said && prints v3.ixunlink 1 shared &&
	xfs_repair "$IMAGE" && prints v3.ixunlink 0 shared &&
	prints core.immutable 1 shared && xfs_repair -n "$IMAGE" &&
	{ xfs_db -c "path /shared" -c "print v3.ixunlink" "$IMAGE" >out 2>&1 || :; } &&
	! grep "ixunlink = " out
}

test_expect_success XFS 'XFS: xfs_io shows U' '
	test_mount xfs 320M m && fill && shows_io
'

test_expect_success XFS 'XFS: so does lsattr' '
	shows_e2
'

set_and_clear XFS XFS

test_expect_success XFS 'XFS: without the patch xfs_io has no U and keeps it' '
	xfs_io -r -c lsattr m/shared >out && test_grep "^..i[^ U]* m/shared" out &&
	refused "unknown flag" old_io_chattr +U m/plain &&
	keeps_it old_io_chattr && keeps_it chattr && old_io_chattr -i m/shared &&
	is_now plain m/shared
'

test_expect_success XFS 'XFS: xfs_db has v3.ixunlink' '
	test_unmounted prints v3.ixunlink 0 shared && ixunlink set m/shared &&
	test_unmounted prints v3.ixunlink 1 shared && test_unmounted prints v3.ixunlink 0 dir
'

test_expect_success XFS 'XFS: to xfs_repair a shared file is in order, and it keeps it' '
	ixunlink clear m/shared && test_unmount m && said_by_repair -n >clean &&
	mount -o loop "$IMAGE" m && echo "$PWD/m" >>"$TRASH-mounts" &&
	ixunlink set m/shared && test_snapshot m && test_unmounted is_clean &&
	test_unmounted keeps_flag && is_now shared m/shared && test_unchanged m
'

test_expect_success XFS 'XFS: xfs_repair keeps it in an inode that it mends' '
	test_unmounted writes_inode && is_now shared m/shared && test_unchanged m
'

test_expect_success XFS 'XFS: xfs_repair takes it from what is no immutable file' '
	stat -c %i m/plain m/dir | sort >stray && test_unmounted clears_stray &&
	is_now shared m/shared && is_now plain m/plain &&
	chattr -i m/dir && test_unchanged m
'

test_expect_success XFS 'XFS: without the patch it makes an immutable file of it' '
	test_unmounted unpatched_repair && is_now immutable m/shared && ! rm -f m/again
'

test_done
