#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: a private file takes 150 bytes of memory, a shared name none

What is measured is what the program has allocated at its peak, which is the same each time. The
difference between some guests and twice as many leaves out what a run takes whatever it
looks at; they are enough to fill the cache of SQLite, and what grows by doubling is full.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"

# glibc's own count of all that is allocated.
test_lazy_prereq MEMUSAGE 'LD_PRELOAD=libmemusage.so /bin/true 2>&1 | grep "heap peak"'
test_require EXT4,MEMUSAGE,!INSTRUMENTED

SOME=16 FILES=2048

# fill DIR NUMBER: files that look like those of other guests, so that each is read, and have
# contents of their own.
fill()
{
	seq 1 $((FILES / 16)) | sed "s|.*|$1/usr/share/doc/package-&|" | xargs mkdir -p &&
	awk -v dir="$1/usr/share/doc/package-" -v first=$(($2 * FILES)) \
		-v files="$FILES" 'BEGIN {
		for (i = 0; i < files; i++) {
			file = dir int(i / 16) + 1 "/changelog-" i % 16 ".gz"
			printf "%9d\n", first + i >file
			close(file)
		} }' && same_times "$1"
}

# guests FIRST LAST [fill]
guests()
{
	for n in $(seq "$1" "$2")
	do
		vtemplate clone t "g$n" || return 1
		test -z "${3-}" || fill "$(root_of "g$n")" "$n" || return 1
	done
}

# peak NAME [OPTION...]: in bytes
peak()
{
	peak_name=$1
	shift
	LD_PRELOAD=libmemusage.so vhashify --jobs=2 "$@" >/dev/null 2>usage || return 1
	sed -n 's/.*heap peak: *\([0-9]*\).*/\1/p' usage >"$peak_name" && test -s "$peak_name"
}

# per_file LIMIT SOME TWICE [FILES]: the files that peak() wrote
per_file()
{
	found=$((($(cat "$3") - $(cat "$2")) / ${4-$((SOME * FILES))}))
	test_note "$found bytes for each"
	test "$found" -le "$1" || complain_ "$found bytes, at most $1 expected"
}

test_expect_success 'private files: a first run, and one that remembers' '
	test_pool --unprotected ext4 1500M && mkdir tiny && echo tiny >tiny/file &&
	vtemplate import t tiny && guests 1 $SOME fill &&
	peak some --no-cache && peak some-again &&
	guests $((SOME + 1)) $((2 * SOME)) fill &&
	peak twice --no-cache && peak twice-again &&
	per_file 150 some twice && per_file 150 some-again twice-again
'

# What is left are the pages of the catalog that SQLite keeps, 2 MB at most.
test_expect_success 'names of masters: nothing' '
	mkdir src && fill src 1 && test_pool --unprotected ext4 &&
	vtemplate import t src && guests 1 $SOME && vhashify && peak some &&
	guests $((SOME + 1)) $((2 * SOME)) && vhashify && peak twice &&
	per_file 8 some twice
'

DEEP=$(printf "%0255d" 0) DEEP_DIRS=400

# bottom DIR COMMAND...: run it DEEP_DIRS directories of long names below DIR, which are made.
bottom()
{
	(
		cd -P "$1" && shift && i=0 &&
		while test "$i" -lt "$DEEP_DIRS"
		do
			mkdir -p "$DEEP" && cd -P "$DEEP" || exit 1
			i=$((i + 1))
		done &&
		"$@"
	)
}

# deep_files COUNT: one in a directory each, all of one time.
deep_files()
{
	for n in $(seq "$1")
	do
		mkdir "$n" && echo "file $n" >"$n/file" || return 1
	done
	same_times .
}

own_files()
{
	for n in $(seq "$1")
	do
		own "$n/file" || return 1
	done
}

# A path of 100 kB for each of them would be what a guest makes of few inodes. They are
# candidates, and names that the last run shared. One thread, because two may or may not hold
# such a path at once. A run that records what was broken has pages of the catalog, too, of
# which SQLite keeps 2 MB, 10 kB for each; --dry-run writes none.
test_expect_success 'directories take no more than files, however deep' '
	test_pool --unprotected ext4 && vtemplate import t tiny &&
	for g in g1 g2
	do
		vtemplate clone t $g && bottom "$(root_of $g)" deep_files 400 || return 1
	done && vhashify --json >out && test_json out .shared_files 800 &&
	bottom "$(root_of g1)" own_files 200 &&
	peak some-dry --jobs=1 --dry-run && peak some --jobs=1 --no-cache &&
	bottom "$(root_of g1)" own_files 400 &&
	peak twice-dry --jobs=1 --dry-run && peak twice --jobs=1 --no-cache &&
	per_file 500 some-dry twice-dry 200 && per_file 12000 some twice 200 && vhashify history --churn --json >out &&
	test_json out "[.churn[].broken_files] | add" 600
'

test_done
