#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='command line: what is understood, what is refused, and how it is told'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_expect_success 'without a command' '
	refused 2 "vtemplate: a command is missing; see '\''vtemplate --help'\''" vtemplate
'

test_expect_success 'an unknown command' '
	refused 2 "unknown command '\''clon'\''" vtemplate clon
'

test_expect_success 'an unknown option, and where to read about the others' '
	refused 2 "vtemplate: clone: unknown option '\''--what'\''; see '\''vtemplate clone --help'\''" \
		vtemplate clone --what a b &&
	refused 2 "unknown option '\''-x'\''" vtemplate list -vx &&
	refused 2 "unknown option '\''--what'\''; see '\''vhashify --help'\''" vhashify --what
'

test_expect_success 'abbreviations are refused' '
	refused 2 "unknown option '\''--poo'\''" vtemplate list --poo=/x &&
	refused 2 "unknown option '\''--js'\''" vtemplate list --js &&
	refused 2 "unknown option '\''--hel'\''" vhashify --hel
'

test_expect_success 'values: missing, and where none is taken' '
	refused 2 "option '\''--pool'\'' needs DIR" vtemplate list --pool &&
	refused 2 "option '\''--json'\'' takes no value" vtemplate list --json=yes &&
	refused 2 "option '\''--help'\'' takes no value" vtemplate --help=no &&
	refused 2 "--pool names no directory" vtemplate list --pool=
'

test_expect_success 'numbers: junk, signs, spaces and what is too large' '
	for bad in "" x 1x 12KB -1 +1 " 1" 1.5 0x10
	do
		refused 2 "--min-size: '\''$bad'\'' is not a number" \
			vhashify --min-size="$bad" || return 1
	done &&
	for bad in 18446744073709551616 18014398509481984K 99999999999G
	do
		refused 2 "--min-size: '\''$bad'\'' is too large" \
			vhashify --min-size=$bad || return 1
	done
'

test_expect_success 'operands: too few and too many' '
	refused 2 "operands are missing, TEMPLATE GUEST expected" vtemplate clone a &&
	refused 2 "unexpected operand '\''c'\''" vtemplate clone a b c &&
	refused 2 "unexpected operand '\''x'\''" vtemplate list x
'

test_expect_success '--json is refused where there is none' '
	refused 2 "unknown option '\''--json'\''" vtemplate destroy --json x &&
	refused 2 "unknown option '\''--dry-run'\''" vtemplate destroy --dry-run x
'

test_expect_success '-- ends the options' '
	refused 1 "there is no pool" vtemplate destroy --pool="$TRASH/no" -- --help &&
	refused 2 "unknown option" vtemplate destroy --pool="$TRASH/no" --halp -- x
'

test_expect_success 'a word that would reach the terminal raw is escaped' '
	refused 2 "unknown command '\''a\\x1b[31m\\x0ab\\xff'\''" \
		vtemplate "$(printf "a\033[31m\nb\377")"
'

test_expect_success '--help: of the tool and of each command, also with bad operands' '
	vtemplate --help >out 2>err && test ! -s err &&
	vtemplate --dump-commands >dump &&
	awk -F"\t" "\$1 == \"command\" { print \$2 }" dump >commands &&
	test "$(wc -l <commands)" -ge 9 &&
	while read -r name
	do
		grep -q "^  $name " out &&
		vtemplate "$name" --help >help 2>err && test ! -s err &&
		grep -q "^Usage: vtemplate $name " help || return 1
	done <commands &&
	vtemplate clone a b c d --help >help &&
	vtemplate --help clone >help2 && test_cmp help help2
'

test_expect_success '--help shows every option that is parsed' '
	for tool in vtemplate vhashify vserver
	do
		$tool --dump-commands >dump &&
		awk -F"\t" "\$1 == \"option\" { print \$2, \$3 }" dump >options &&
		test -s options &&
		while read -r name option
		do
			test "$name" != - || name=
			# shellcheck disable=SC2086 # empty for a single command
			$tool $name --help >help &&
			grep -qF -e "$option" help ||
				{ echo "$tool $name $option"; return 1; }
		done <options || return 1
	done
'

test_expect_success '--version, before and after the command' '
	vtemplate --version >out && grep -q "^vtemplate (cowlink) [0-9]" out &&
	vtemplate list --version >out2 && test_cmp out out2 &&
	vhashify --version >out && grep -q "^vhashify (cowlink) [0-9]" out
'

test_expect_success 'a full disk behind standard output is status 1' '
	test_expect_code 1 vtemplate --help >/dev/full 2>err &&
	test_grep "cannot write to standard output: No space left on device" err
'

# valgrind would take the closed descriptor for its report
test_expect_success !INSTRUMENTED 'so is a closed one' '
	test_expect_code 1 vtemplate --help >&- 2>err &&
	test_grep "cannot write to standard output" err
'

test_expect_success 'nobody is told when there is nothing to write' '
	refused 2 "unknown command" vtemplate nothing >&-
'

test_expect_success 'a reader that left is SIGPIPE' '
	mkfifo pipe &&
	{ sh -c ": <pipe" & } &&
	exec 9>pipe && wait $! &&
	test_expect_code 141 vtemplate --help >&9 2>err &&
	exec 9>&- && test ! -s err
'

test_expect_success 'the pool: option before environment before configuration' '
	refused 1 "there is no pool at '\''/no/env'\''" \
		env COWLINK_POOL=/no/env vtemplate list &&
	refused 1 "there is no pool at '\''/no/opt'\''" \
		env COWLINK_POOL=/no/env vtemplate list --pool=/no/opt &&
	refused 1 "there is no pool at '\''/no/opt'\''" \
		env COWLINK_POOL=/no/env vtemplate --pool /no/opt list &&
	printf "# a comment\n\n  pool =  /no/conf dir\t\n" >conf &&
	refused 1 "there is no pool at '\''/no/conf dir'\''" \
		env -u COWLINK_POOL COWLINK_CONFIG="$PWD/conf" vtemplate list &&
	refused 1 "there is no pool at '\''/no/env'\''" \
		env COWLINK_POOL=/no/env COWLINK_CONFIG="$PWD/conf" vtemplate list &&
	refused 2 "COWLINK_POOL names no directory" \
		env COWLINK_POOL= vtemplate list
'

test_expect_success 'a configuration that is wrong is not guessed at' '
	echo "pol = /x" >conf &&
	refused 2 "conf:1: unknown key '\''pol'\''" \
		env -u COWLINK_POOL COWLINK_CONFIG="$PWD/conf" vtemplate list &&
	printf "\nnonsense\n" >conf &&
	refused 2 "conf:2: this is no '\''key = value'\''" \
		env -u COWLINK_POOL COWLINK_CONFIG="$PWD/conf" vtemplate list &&
	echo "pool = x/y" >conf &&
	refused 2 "the pool '\''x/y'\'' is no absolute path" \
		env -u COWLINK_POOL COWLINK_CONFIG="$PWD/conf" vtemplate list
'

test_expect_success ROOT,USERNS 'without root it says so, status 3' '
	refused 3 "this needs root" \
		unshare --user env COWLINK_POOL=/no vtemplate list
'

# name_refused NAME TEXT
name_refused()
{
	refused 2 "$2" vtemplate destroy "$1" &&
	refused 2 "$2" vtemplate clone t "$1"
}

test_expect_success EXT4 'names that cannot be' '
	test_pool ext4 64M && pool_state >before &&
	long=$(printf "%065d" 0) &&
	name_refused "" "the name of a guest cannot be empty" &&
	name_refused .. "does not begin with a letter or digit" &&
	name_refused .hidden "does not begin with a letter or digit" &&
	name_refused a/b "the guest name '\''a/b'\'' holds '\''/'\''" &&
	name_refused "$(printf "a\nb")" "the guest name '\''a\\x0ab'\'' holds a control character" &&
	name_refused "a b" "holds '\'' '\''" &&
	name_refused "$(printf "a\303\244")" "a character that is not ASCII" &&
	name_refused "$long" "is longer than 64 bytes" &&
	pool_state >after && test_cmp before after
'

test_done
