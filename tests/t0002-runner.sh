#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='runner: logs, counts and exit status of a test run'
. "$(dirname "$0")/lib-test.sh"

tools=$COWLINK_SRC/tools

# program NAME SHELL-COMMANDS
program()
{
	printf '#!/bin/sh\n%s\n' "$2" >"$1" && chmod +x "$1"
}

run_tests()
{
	INSTRUMENT='' COWLINK_BUILD=$TRASH TEST_LOGS_BASE=$TRASH/logs \
		"$tools/run-tests" "$@"
}

# summary_is LINE: of all logs
summary_is()
{
	"$tools/tap-summary" logs/* >summary
	test_rc=$?
	tail -n 1 summary >last && test_contents last "$1"
}

test_expect_success 'points are counted, and skips are not passes' '
	program good "echo ok 1 - a; echo ok 2 - b \# SKIP no moon; echo 1..2" &&
	program skipped "echo 1..0 \# SKIP no sun" &&
	run_tests one ./good ./skipped &&
	summary_is "1 passed, 0 failed, 2 skipped" && test $test_rc = 0 &&
	test_grep "^skipped 1: no moon$" summary &&
	test_grep "^skipped 1: no sun$" summary
'

test_expect_success 'a failed point fails the run and is shown with its reason' '
	program bad "echo ok 1; echo not ok 2 - x; echo \# reason; echo 1..2; exit 1" &&
	test_must_fail run_tests two ./bad ./good >out &&
	test_grep "^# reason$" out &&
	summary_is "3 passed, 1 failed, 3 skipped" && test $test_rc = 1 &&
	test_grep "FAILED two/bad: 2 - x" summary
'

test_expect_success 'death, a lost plan and a short run are failures' '
	rm -rf logs &&
	program died "echo ok 1; kill -9 \$\$" &&
	program noplan "echo ok 1" &&
	program short "echo 1..3; echo ok 1" &&
	program liar "echo 1..1; echo not ok 1 - liar; exit 0" &&
	program crash "echo 1..1; echo ok 1; exit 99" &&
	test_must_fail run_tests three ./died ./noplan ./short ./liar ./crash &&
	summary_is "4 passed, 5 failed, 0 skipped" && test $test_rc = 1
'

test_expect_success 'a test that never ran is a failure' '
	rm -rf logs && mkdir bin && program bin/prove "exit 0" &&
	test_when_finished "rm -r bin" &&
	PATH=$TRASH/bin:$PATH run_tests four ./good &&
	summary_is "0 passed, 1 failed, 0 skipped" && test $test_rc = 1
'

test_expect_success 'no test at all is no success' '
	rm -rf logs && mkdir -p logs/five &&
	summary_is "0 passed, 0 failed, 0 skipped" && test $test_rc = 1
'

test_expect_success 'a hanging test is stopped and named' '
	rm -rf logs && program hangs "echo ok 1; sleep 100; echo 1..1" &&
	test_must_fail env TEST_TIMEOUT=1 INSTRUMENT= COWLINK_BUILD="$TRASH" \
		TEST_LOGS_BASE="$TRASH/logs" "$tools/run-tests" six ./hangs >out &&
	test_grep "hangs: stopped after 1 seconds" out &&
	summary_is "1 passed, 1 failed, 0 skipped"
'

test_expect_success 'unit programs run under valgrind when asked' '
	test_have_prereq VALGRIND &&
	cat >leak.c <<-\EOF &&
	#include <stdio.h>
	#include <stdlib.h>
	int main(void)
	{
		volatile char *p = malloc(7);
		p[7] = 1;
		puts("1..1\nok 1");
		return 0;
	}
	EOF
	cc -g -w -o leak leak.c && run_tests seven ./leak &&
	test_must_fail env INSTRUMENT=valgrind COWLINK_BUILD="$TRASH" \
		TEST_LOGS_BASE="$TRASH/logs" "$tools/run-tests" seven ./leak >out &&
	test_grep "Invalid write" out
'

test_done
