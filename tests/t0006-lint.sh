#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='lint: the rules of the house hold, and notice a violation'
. "$(dirname "$0")/lib-test.sh"

make_check()
{
	env -u MAKEFLAGS -u MFLAGS make -s -j "$(nproc)" -C "$COWLINK_SRC" \
		BUILD="$COWLINK_BUILD" "$@"
}

for check in check-headers check-deps check-uapi check-banned check-sizes \
	check-shellcheck check-compilers
do
	test_expect_success "make $check" "make_check $check"
done

# Not by make, which might build what other tests are running.
test_expect_success 'the manual pages are true' '"$COWLINK_SRC/tools/check-man"'

# A copy of the sources in which something can be wrong.
copy()
{
	mkdir copy && cp -r "$COWLINK_SRC/lib" "$COWLINK_SRC/tools" \
		"$COWLINK_SRC/templates" "$COWLINK_SRC/vhashify" \
		"$COWLINK_SRC/context" "$COWLINK_SRC/man" copy/ && mkdir -p copy/kernel copy/tests/unit &&
	cp -r "$COWLINK_SRC/kernel/fs" "$COWLINK_SRC/kernel/patches" \
		copy/kernel/ && cp -r "$COWLINK_SRC/tests/helper" copy/tests/
}

# violates CHECK FILE LINE: with LINE at its end, FILE is refused, by name.
violates()
{
	cp "copy/$2" saved && printf '%b\n' "$3" >>"copy/$2" &&
	test_must_fail "copy/tools/$1" >out 2>&1
	test_status=$?
	cp saved "copy/$2"
	test $test_status = 0 && grep -F -e "${4-$2}" out
}

test_expect_success 'the copy is fine before it is broken' '
	copy && for check in deps uapi banned sizes
	do
		copy/tools/check-$check || return 1
	done
'

test_expect_success 'check-deps sees a wrong direction, a tool, a .c file' '
	violates check-deps lib/fdio.c "#include \"tree.h\"" &&
	violates check-deps lib/fdio.c "#include \"make-tree.h\"" &&
	violates check-deps templates/check.c "#include \"vhashify.h\"" &&
	violates check-deps templates/check.c "#include \"../lib/err.h\"" &&
	violates check-deps vhashify/run.c "#include \"set.c\"" &&
	: >copy/lib/unheard-of.c &&
	violates check-deps lib/unheard-of.c "#include \"err.h\""
'

test_expect_success 'check-banned sees calls, not comments and strings' '
	violates check-banned lib/fdio.c "void f(void) { strcpy(a, b); }" &&
	violates check-banned vhashify/run.c "int i = atoi (s);" &&
	violates check-banned lib/walk.c "int r = unlinkat(fd, name, 0);" &&
	violates check-banned lib/walk.c "void f(void) { exit(1); }" &&
	! violates check-banned lib/walk.c "/* strcpy(a, b) */" &&
	! violates check-banned lib/walk.c "const char *s = \"strcpy(a)\";" &&
	! violates check-banned lib/walk.c "int r = fx_unlinkat(fd, name, 0);"
'

test_expect_success 'check-sizes sees long functions, files and lines' '
	long=$(printf "x%.0s\\\\n" $(seq 81)) &&
	violates check-sizes lib/walk.c "int f(void)\\n{\\n$long}" &&
	violates check-sizes lib/walk.c "$(printf "/* %0100d */" 0)" &&
	violates check-sizes lib/walk.c "$(printf "\\\\n%.0s" $(seq 800))"
'

test_expect_success 'check-shellcheck finds scripts by their first line' '
	printf "#!/bin/sh\nrm \$1\n" >copy/kernel/script &&
	test_must_fail copy/tools/check-shellcheck >out && test_grep "kernel/script line 2" out &&
	test_must_fail grep "In tools/" out
'

test_expect_success 'check-uapi sees another value' '
	sed -i "s/0x08000000/0x04000000/" copy/lib/uapi/cowlink.h &&
	test_must_fail copy/tools/check-uapi >out && test_grep FS_IXUNLINK_FL out
'

test_expect_success 'check-headers sees a header that needs another one' '
	echo "size_t f(struct err *);" >copy/lib/alone.h &&
	test_must_fail copy/tools/check-headers cc -iquote copy/lib \
		-I/usr/include/json-c -D_GNU_SOURCE -std=gnu11 >out 2>&1 &&
	test_grep "lib/alone.h: does not compile alone" out
'

# check_man SED-COMMAND WHAT: the page changed so is refused, naming WHAT.
check_man()
{
	cp "$COWLINK_SRC/man/"* copy/man/ && sed -i "$1" copy/man/vtemplate.8 &&
	test_must_fail env COWLINK_BUILD="$COWLINK_BUILD" \
		copy/tools/check-man >out && test_grep "$2" out
}

test_expect_success 'check-man sees what is missing, too much or malformed' '
	cp "$COWLINK_SRC/tools/check-man" copy/tools/ &&
	check_man "/engine=/d" "option .--engine" &&
	check_man "/^.B vtemplate gc/d" "synopsis of .vtemplate gc" &&
	check_man "s/TEMPLATE GUEST/GUEST TEMPLATE/" "operands .TEMPLATE GUEST" &&
	check_man "s/unprotected/nonesuch/" "nonesuch" &&
	check_man "/^.B 3$/d" "exit status 3" &&
	check_man "1,20s/^\.SH NAME/.XX NAME/" "XX"
'

test_done
