#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='kernel: the series as it is mailed'
. "$(dirname "$0")/lib-test.sh"

unset GIT_DIR GIT_WORK_TREE MAKEFLAGS MAKELEVEL MFLAGS
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM
KDIR=$COWLINK_SRC/kernel
SELFTESTS=tools/testing/selftests/filesystems/cowlink

in_repository()
{
	git -C "$KVER/git" -c user.name=t -c user.email=t@localhost "$@"
}

# The tree that the kernel is built from: patches and our own files, put together
# without the series.
patched_tree()
{
	cp -a "$KVER/pristine" "$KVER/patched" &&
	mkdir -p "$KVER/patched/${SELFTESTS%/cowlink}" &&
	sed -e 's/#.*//' -e '/^$/d' "$KDIR/patches/$KVER/series" |
	while read -r p
	do
		patch -d "$KVER/patched" -p1 -s -f --no-backup-if-mismatch \
			-i "$KDIR/patches/$KVER/$p" || return 1
	done &&
	sh -c '. "$1/lib.sh"; copy_own_files "$2"' "$KDIR/tools/x" \
		"$KDIR/tools" "$(realpath "$KVER/patched")"
}

# What is only in the series: documentation and tests.
compared()
{
	diff -r -x .git -x cowlink -x cowlink.rst "$1" "$2"
}

# At each commit, the objects of fs/Makefile have their sources.
sources_come_in_time()
{
	in_repository rev-list base..HEAD >"$KVER/commits" &&
	while read -r commit
	do
		in_repository show "$commit:fs/Makefile" |
			sed -n 's/^obj-$(CONFIG_FS_COWLINK).*+=//p' |
			tr ' ' '\n' | sed -n 's/\.o$/.c/p' >"$KVER/sources"
		while read -r f
		do
			in_repository cat-file -e "$commit:fs/$f" || return 1
		done <"$KVER/sources"
	done <"$KVER/commits"
}

as_nobody()
{
	if test "$(id -u)" = 0
	then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

for dir in "$KDIR"/patches/*/
do
	KVER=$(basename "$dir")
	export KVER

	test_expect_success "$KVER: is written" '
		mkdir "$KVER" &&
		"$KDIR/tools/make-series" --pristine="$KVER/pristine" \
			"$KVER/series"
	'
	test_expect_success "$KVER: git am takes all of it" '
		cp -a "$KVER/pristine" "$KVER/git" &&
		git init -q "$KVER/git" && in_repository add -f . &&
		in_repository commit -q -m base && in_repository tag base &&
		in_repository am -q --no-3way \
			"$PWD/$KVER"/series/000[1-9]*.patch \
			"$PWD/$KVER"/series/00[1-9]*.patch &&
		test "$(in_repository rev-list --count base..HEAD)" = \
			"$(wc -l <"$KVER/series/series")"
	'
	test_expect_success "$KVER: the sum is the tree that we build" '
		patched_tree && compared "$KVER/patched" "$KVER/git" &&
		! grep -rl "LINUX_VERSION_CODE\|@CONTRACT@" \
			"$KVER/git/fs/"*cowlink* "$KVER/git/Documentation"
	'
	test_expect_success "$KVER: the single diff is the same" '
		cp -a "$KVER/pristine" "$KVER/single" &&
		patch -d "$KVER/single" -p1 -s -F0 \
			-i "$PWD/$KVER/series/cowlink-$KVER.diff" &&
		chmod 755 "$KVER/single/$SELFTESTS/run.sh" &&
		diff -r -x .git "$KVER/single" "$KVER/git"
	'
	test_expect_success "$KVER: sources come with who compiles them" '
		sources_come_in_time
	'
	test_expect_success "$KVER: the cover letter names every patch" '
		sed -n "s/^Subject: .*\] //p" "$KVER"/series/00*.patch |
			sed 1d >"$KVER/subjects" &&
		test -s "$KVER/subjects" &&
		while read -r subject
		do
			grep -qF "  $subject" "$KVER/series/0000-cover-letter.patch" ||
			return 1
		done <"$KVER/subjects"
	'
	test_expect_success "$KVER: the selftests are built by lib.mk" '
		dir=$(realpath "$KVER/git/$SELFTESTS") &&
		make -s -C "$dir" "$dir/flags" &&
		test -x "$KVER/git/$SELFTESTS/flags" &&
		( cd "$KDIR/selftests" && cat ./*.c ) >"$KVER/ours" &&
		( cd "$KVER/git/$SELFTESTS" && cat ./*.c ) >"$KVER/theirs" &&
		cmp "$KVER/ours" "$KVER/theirs"
	'
	test_expect_success "$KVER: ... with the limits and options that kselftest reads" '
		test_grep "^timeout=[1-9]" "$KVER/git/$SELFTESTS/settings" &&
		test_grep "^CONFIG_FS_COWLINK=y" "$KVER/git/$SELFTESTS/config" &&
		! grep -v "^CONFIG_[A-Z0-9_]*=y\$" "$KVER/git/$SELFTESTS/config"
	'
	test_expect_success "$KVER: ... and skipped without root, as kselftest tells it" '
		test_expect_code 4 as_nobody sh <"$KVER/git/$SELFTESTS/run.sh" >"$KVER/tap" &&
		printf "%s\n" "TAP version 13" "1..0 # SKIP needs root" >"$KVER/skipped" &&
		test_cmp "$KVER/skipped" "$KVER/tap"
	'
done

test_done
