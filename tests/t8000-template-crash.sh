#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='import, clone and destroy, stopped at every step'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

# What is imported is new to the store, so that masters are made.
test_expect_success ROOT 'make small trees' '
	small_tree src && small_tree fresh && echo fresh >fresh/file &&
	chmod 2755 fresh/file && echo fresh >fresh/sub/two && pax fresh.tar fresh
'

# Each step starts from a pool with template "base" and guest "other", which must
# never change, and ends there.
pool_for_steps()
{
	test_pool "$@" &&
	vtemplate import base src && vtemplate clone base other &&
	test_snapshot "$POOL/templates/base" && test_snapshot "$POOL/guests/other"
}

others_unchanged()
{
	test_unchanged "$POOL/templates/base" && test_unchanged "$POOL/guests/other"
}

# A command that fails to make a tree takes it back itself; only a killed one leaves
# that to the next. One that fails to destroy leaves a tree that is half gone.
nothing_half_made()
{
	test "$sweep_status" = 137 || {
		vtemplate list --json >list.json &&
		test_json list.json "[.templates[], .guests[] |
			select(.state == \"creating\")] | length" 0
	}
}

# whole_or_none KIND NAME SOURCE
whole_or_none()
{
	nothing_half_made && mended && others_unchanged && state=$(tree_state "$1" "$2") || return 1
	if test "$state" = ready
	then
		test_tree_equal "$3" "$POOL/$1s/$2/rootfs"
	fi
}

before_import()
{
	test_path_missing "$POOL/templates/new"
}

import_new()
{
	vtemplate import new "$TRASH/$import_source" >out 2>&1 || {
		cat out
		return 1
	}
}

after_import()
{
	whole_or_none template new fresh &&
	{ test "$state" = ready || import_new; } &&
	test_tree_equal fresh "$POOL/templates/new/rootfs" &&
	vtemplate destroy --template new >/dev/null 2>&1 &&
	vtemplate gc >/dev/null 2>&1 && consistent
}

before_clone()
{
	test_path_missing "$POOL/guests/new"
}

after_clone()
{
	whole_or_none guest new src &&
	{ test "$state" = ready || vtemplate clone base new >out 2>&1; } &&
	test_tree_equal src "$POOL/guests/new/rootfs" &&
	vtemplate destroy new >/dev/null 2>&1 && consistent
}

before_destroy()
{
	test -d "$POOL/guests/new" || vtemplate clone base new >out 2>&1
}

after_destroy()
{
	whole_or_none guest new src &&
	{ test "$state" = absent || vtemplate destroy new >out 2>&1; } &&
	test_path_missing "$POOL/guests/new" && consistent
}

# import_steps TITLE FAULT STATUS, and so on
import_steps()
{
	fault=$2 status=$3
	test_expect_success $prereq "$1: import of a directory" '
		import_source=fresh &&
		sweep $fault $status before_import after_import \
			vtemplate import new "$TRASH/fresh"
	'
}

archive_steps()
{
	fault=$2 status=$3
	test_expect_success $prereq "$1: import of an archive" '
		import_source=fresh.tar &&
		sweep $fault $status before_import after_import \
			vtemplate import new "$TRASH/fresh.tar"
	'
}

clone_steps()
{
	fault=$2 status=$3
	test_expect_success $prereq "$1: clone" '
		sweep $fault $status before_clone after_clone \
			vtemplate clone base new
	'
}

destroy_steps()
{
	fault=$2 status=$3
	test_expect_success $prereq "$1: destroy" '
		sweep $fault $status before_destroy after_destroy \
			vtemplate destroy new
	'
}

all_steps()
{
	import_steps "$@"
	archive_steps "$@"
	clone_steps "$@"
	destroy_steps "$@"
}

# CRASH_ENGINE is set by the script that runs this one under the engine kernel.
if test "${CRASH_ENGINE-}" = kernel
then
	prereq=ROOT
	test_expect_success 'a pool with the engine kernel' '
		pool_for_steps ext4 64M &&
		test "$(vtemplate list --json | jq -r ".guests[0].engine")" = kernel
	'
	# What differs: the flags of new masters, and links to them. Opening the
	# pool, and probing the engine, is the same for both.
	clone_steps 'kernel, killed' kill:% 137
	test_expect_success 'count the steps to an open pool' '
		COWLINK_FAULT=count COWLINK_FAULT_COUNT=$TRASH/opening \
			test_expect_code 1 vtemplate clone nosuch x &&
		SWEEP_FROM=$(cat "$TRASH/opening") && test "$SWEEP_FROM" -gt 5
	'
	import_steps 'kernel, killed' kill:% 137
	test_done
fi

prereq=ROOT,EXT4
test_expect_success $prereq 'a pool of links' '
	pool_for_steps --unprotected ext4 64M
'
all_steps 'links, killed' kill:% 137
all_steps 'links, EIO' error:%:EIO 1
import_steps 'links, ENOSPC' error:%:ENOSPC 1
clone_steps 'links, ENOSPC' error:%:ENOSPC 1

# From the moment of publishing on no file can be opened any more. What cannot be seen then is
# left to the next command, and no row is lost of a tree that is there.
after_blind()
{
	vtemplate gc >out 2>&1 && consistent && others_unchanged && nothing_in_staging &&
	state=$(tree_state guest new) || return 1
	test "$state" = absent || { test_tree_equal src "$POOL/guests/new/rootfs" &&
		vtemplate destroy new >/dev/null 2>&1 && consistent; }
}

test_expect_success $prereq 'links, EIO and no more files: clone' '
	cat >no-more-files <<-\EOF && chmod +x no-more-files &&
	#!/bin/sh
	test "$COWLINK_FAULT" = count || prlimit --pid $1 --nofile=3:3
	EOF
	sweep error:%:EIO 1 before_clone after_blind \
		env COWLINK_FAULT_EXEC="rename:1:$TRASH/no-more-files \$PPID" \
		vtemplate clone base new
'

test_expect_success $prereq 'a pool of copies' '
	pool_for_steps ext4 64M
'
all_steps 'copies, killed' kill:% 137

test_done
