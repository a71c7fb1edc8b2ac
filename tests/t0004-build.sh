#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='build: nothing twice, flags and sources are followed'
. "$(dirname "$0")/lib-test.sh"

# A copy of the sources with a tiny library stands for the real one: what is
# tested is the Makefile.
make_tree()
{
	mkdir tree && cd tree && mkdir lib templates schema tools tests \
		tests/unit tests/helper &&
	cp "$COWLINK_SRC/Makefile" "$COWLINK_SRC/configure.ac" \
		"$COWLINK_SRC/config.mak.in" . &&
	cp "$COWLINK_SRC/tools/embed-schema" tools/ &&
	cp "$COWLINK_SRC/lib/catalog-schema.h" lib/ && : >lib/fx.h &&
	printf "%s\n" "CREATE TABLE t(a TEXT DEFAULT '\\ \"?');" >schema/0001-first.sql &&
	echo "int one(void);" >lib/one.h &&
	printf "#include \"one.h\"\nint one(void) { return 1; }\n" >lib/one.c &&
	cat >templates/main.c <<-\EOF &&
	#include <stdio.h>
	#include "catalog-schema.h"
	#include "one.h"
	int main(void)
	{
		printf("%d %s %s", one(), COWLINK_DEFAULT_POOL,
		       schema_migrations[schema_migration_count - 1].sql);
		return 0;
	}
	EOF
	cp templates/main.c tests/unit/t-one.c
}

# build [VARIABLE=VALUE...]: what was made is in "made", one step per line.
build()
{
	if env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make "$@" >output 2>&1
	then
		sed -n "s/^  \([A-Z]\{2,5\}\)  *\(.*\)/\1 \2/p" output >made
	else
		cat output
		return 1
	fi
}

test_expect_success 'a plain make builds the programs from what lies there' '
	make_tree && build && build/vtemplate >out &&
	test_grep "^1 /var/lib/cowlink CREATE TABLE t(a TEXT DEFAULT .[\\] \"?" out &&
	test_path_missing build/vhashify
'

test_expect_success 'a second make does nothing' '
	cd tree && build && test ! -s made
'

test_expect_success 'a changed flag or compiled-in path rebuilds, once' '
	cd tree && build CFLAGS=-O1 && test_grep "CC lib/one.c" made &&
	build CFLAGS=-O1 && test ! -s made &&
	build localstatedir=/srv && build/vtemplate | grep "^1 /srv/lib/cowlink" &&
	build localstatedir=/srv && test ! -s made
'

test_expect_success 'BUILD keeps two sets of flags apart' '
	cd tree && build && build BUILD=build-other CFLAGS=-O1 &&
	build && test ! -s made && build BUILD=build-other CFLAGS=-O1 &&
	test ! -s made
'

test_expect_success 'a changed header rebuilds who includes it' '
	cd tree && build && echo "int two(void);" >>lib/one.h && build &&
	test_grep "CC lib/one.c" made && test_grep "CC templates/main.c" made &&
	! grep "CC build/schema.c" made
'

test_expect_success 'a new, a deleted file and a new migration are noticed' '
	cd tree && echo "int two(void); int two(void) { return 2; }" >lib/two.c &&
	build && test_grep "CC lib/two.c" made && ar t build/libcowlink.a >members &&
	test_grep "^two.o" members && rm lib/two.c && build &&
	ar t build/libcowlink.a >members && ! grep "^two.o" members &&
	echo "SELECT 2;" >schema/0002-second.sql && build &&
	build/vtemplate | grep "SELECT 2;"
'

test_expect_success 'migrations are numbered without a gap' '
	cd tree && mv schema/0002-second.sql schema/0003-second.sql &&
	test_must_fail build >out && test_grep "migration 2 expected" out &&
	rm schema/0003-second.sql && build
'

test_expect_success 'DEVELOPER=1 makes a warning an error' '
	cd tree && echo "int unused(void) { return 0; }" >lib/warn.c &&
	test_must_fail build DEVELOPER=1 BUILD=b2 &&
	build BUILD=b2 && rm lib/warn.c
'

test_expect_success 'SANITIZE builds programs that report' '
	cd tree && cat >tests/unit/t-bad.c <<-\EOF &&
	#include <stdlib.h>
	int main(void) { volatile char *p = malloc(7); p[7] = 1; return 0; }
	EOF
	build test-programs BUILD=b3 SANITIZE=address &&
	test_expect_code 97 env ASAN_OPTIONS=exitcode=97 b3/tests/unit/t-bad &&
	rm tests/unit/t-bad.c
'

test_expect_success 'a missing library says what to do' '
	cd tree && test_must_fail build BUILD=b4 PKGS=no-such-library >out &&
	test_grep "run tools/bootstrap" out
'

test_expect_success 'configured and plain builds have the same flags' '
	cd tree && rm -rf build && build && cp build/flags plain &&
	build configure && ./configure --quiet && build &&
	tr -s " " "\n" <plain >a && tr -s " " "\n" <build/flags >b &&
	test_cmp a b
'

test_expect_success 'configure, config.mak, command line: the later wins' '
	cd tree && ./configure --quiet --localstatedir=/one &&
	build && build/vtemplate | grep "^1 /one/lib/cowlink" &&
	echo "localstatedir = /two" >config.mak && build &&
	build/vtemplate | grep "^1 /two/lib/cowlink" &&
	build localstatedir=/three && build/vtemplate | grep "^1 /three/lib"
'

test_expect_success 'touching configure.ac configures again; distclean forgets' '
	cd tree && build &&
	touch -d "1 hour ago" configure config.status config.mak.autogen &&
	touch configure.ac && build &&
	test_grep checking output && build distclean &&
	for file in configure config.status config.mak.autogen build
	do
		test_path_missing $file || return 1
	done &&
	test_path_exists config.mak
'

test_done
