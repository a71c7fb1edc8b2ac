# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What tests of the pool and its catalog have in common. Sourced after lib-test.sh.

# refused STATUS TEXT COMMAND...: the command ends with STATUS, prints nothing on
# standard output, and one line that holds TEXT on standard error.
refused()
{
	test_want=$1
	test_text=$2
	shift 2
	test_expect_code "$test_want" "$@" >refused.out 2>refused.err || {
		cat refused.err >&2
		return 1
	}
	test ! -s refused.out && test "$(wc -l <refused.err)" = 1 &&
	grep -qF -e "$test_text" refused.err || {
		complain_ "expected one line with '$test_text', got:"
		cat refused.out refused.err >&2
		return 1
	}
}

# pool_sql [-readonly] SQL: run on the pool's catalog as another program would.
pool_sql()
{
	test_option=-bail
	test "$1" != -readonly || { test_option=$1; shift; }
	sqlite3 $test_option "$POOL/catalog.db" "$@"
}

# pool_state >FILE: all that the pool holds and its catalog says. Without the times
# of directories, which a file that came and went changes, nor the last id given.
pool_state()
{
	(cd "$POOL" && find . ! -name "catalog.db-*" | LC_ALL=C sort) &&
	(cd "$POOL" && find . -type f ! -name "catalog.db*" -exec cksum {} + |
		LC_ALL=C sort) &&
	pool_sql -readonly .dump | grep -v "^INSERT INTO sqlite_sequence"
}

# Beside the trees and the store nothing is there but what belongs to a pool.
pool_is_tidy()
{
	test -z "$(ls -A "$POOL/staging")" ||
		complain_ "left in staging: $(ls -A "$POOL/staging")" || return 1
	test_found=$(cd "$POOL" && find . -maxdepth 1 ! -name "catalog.db-*" |
		LC_ALL=C sort | tr "\n" " ")
	test "$test_found" = \
		". ./catalog.db ./guests ./lock ./staging ./store ./templates " ||
		complain_ "the pool holds $test_found"
}

# A small tree to import: $1/rootfs-like directory.
make_tree()
{
	mkdir -p "$1/etc" &&
	echo "one" >"$1/etc/one" &&
	echo "two" >"$1/two" &&
	ln -s etc/one "$1/link"
}
