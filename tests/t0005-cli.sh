#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='cli: help, versions and usage errors of every command'
. "$(dirname "$0")/lib-test.sh"

tools='vtemplate vhashify vserver vserver-stat'

# "TOOL [COMMAND]" of every command, one per line, from the tools themselves.
every_command()
{
	for tool in $tools
	do
		"$tool" --dump-commands | awk -F '\t' -v tool="$tool" '
			$1 == "command" { print $2 == "-" ? tool : tool " " $2 }'
	done
}

# One line on standard error that names the thing and points to --help, nothing on
# standard output, status 2.
usage_error()
{
	wanted=$1
	shift
	test_expect_code 2 "$@" >out 2>err </dev/null &&
	test ! -s out && test "$(wc -l <err)" = 1 &&
	grep -F -e "$wanted" err >/dev/null && test_grep "see '.*--help'" err ||
		{ echo "in: $*"; cat err; return 1; }
}

test_expect_success 'the table of commands is what the issue asks for' '
	every_command >found &&
	for command in init import build list show clone destroy check gc
	do
		test_grep "^vtemplate $command$" found || return 1
	done &&
	test_grep "^vhashify$" found &&
	for command in start stop restart status exec list show set
	do
		test_grep "^vserver $command$" found || return 1
	done
'

test_expect_success 'every command has help, with every option of its table' '
	every_command >commands && while read -r tool command
	do
		$tool $command --help >help 2>err </dev/null &&
		test ! -s err && test_grep "^Usage: $tool" help &&
		$tool --dump-commands | awk -F "\t" -v c="${command:--}" \
			"\$1 == \"option\" && \$2 == c { print \$3 }" >options &&
		test -s options && while read -r option
		do
			grep -F -e "$option" help >/dev/null || {
				echo "$tool $command: $option"
				exit 1
			}
		done <options || return 1
	done <commands
'

test_expect_success 'every tool has a version and help of its own' '
	for tool in $tools
	do
		$tool --version >out && test_grep "^$tool (cowlink) [0-9]" out &&
		test $(wc -l <out) = 1 &&
		$tool --help >out && test_grep "^Usage: $tool" out || return 1
	done
'

test_expect_success 'an unknown option is named, by every command' '
	every_command >commands && while read -r tool command
	do
		usage_error "--no-such" $tool $command --no-such || return 1
	done <commands
'

test_expect_success 'abbreviations are refused' '
	usage_error "--verb" vtemplate list --verb &&
	usage_error "--dry" vhashify --dry
'

test_expect_success 'a missing value, a value for a flag, junk after a number' '
	usage_error "--pool" vtemplate list --pool &&
	usage_error "--json" vtemplate list --json=yes &&
	usage_error "10x" vtemplate init --link-limit=10x &&
	usage_error "--link-limit" vtemplate init --link-limit= &&
	usage_error "--min-size" vhashify --min-size=-1
'

test_expect_success 'too few and too many operands' '
	usage_error "" vtemplate && usage_error "nosuch" vtemplate nosuch &&
	for command in "import a" "build a" "show" "clone a" "destroy"
	do
		usage_error "operand" vtemplate $command || return 1
	done &&
	usage_error "operand" vserver exec g && usage_error "operand" vserver set g &&
	usage_error "operand" vserver list x && usage_error "operand" vserver start a b &&
	for command in "init x" "import a b c" "build a b c" "list x" "show a b" \
		"clone a b c" "destroy a b" "check x" "gc x"
	do
		usage_error "operand" vtemplate $command || return 1
	done
'

test_expect_success '--json is refused, not ignored, where there is none' '
	for command in "init" "destroy a"
	do
		usage_error "--json" vtemplate $command --json || return 1
	done
'

test_expect_success '-- ends the options' '
	usage_error "operand" vtemplate list -- --json
'

test_expect_success 'without a pool every command says so and changes nothing' '
	every_command | grep -v " init$" >commands &&
	while read -r tool command
	do
		operands=$($tool --dump-commands | awk -F "\t" -v c="$command" \
			"\$1 == \"command\" && \$2 == c { n = split(\$3, w, \" \");
			for (i = 1; i <= n && \$3 != \"-\"; i++) print \"x\" }") &&
		test_must_fail $tool $command --pool="$TRASH/missing" \
			$operands 2>err </dev/null &&
		test_grep "there is no pool at .*/missing" err || return 1
	done <commands &&
	test_path_missing missing
'

test_expect_success 'the pool: option, then environment' '
	test_must_fail env COWLINK_POOL="$TRASH/from-env" vtemplate list 2>err &&
	test_grep from-env err &&
	test_must_fail env COWLINK_POOL="$TRASH/from-env" \
		vtemplate list --pool="$TRASH/from-option" 2>err &&
	test_grep from-option err
'

# complete_line WORD...: what bash offers after these words, one per line.
complete_line()
{
	COWLINK_SRC=$COWLINK_SRC bash -c '
		compopt() { :; }
		. "$COWLINK_SRC/completion/$1.bash"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}

test_expect_success 'completion offers commands, options and names' '
	complete_line vtemplate "" >out && test_grep "^clone$" out &&
	complete_line vtemplate cl >out && test_contents out clone &&
	complete_line vtemplate clone --en >out && test_contents out --engine= &&
	complete_line vhashify --dry >out && test_contents out --dry-run &&
	complete_line vserver sto >out && test_contents out stop &&
	complete_line vserver g --ver >out && test_grep "^--version$" out &&
	complete_line vserver g show --js >out && test_contents out --json
'

test_expect_success ROOT 'completion offers the trees of the pool' '
	test_pool tmpfs && mkdir empty && vtemplate import tree1 empty &&
	vtemplate clone tree1 guest1 &&
	complete_line vtemplate clone tr >out && test_contents out tree1 &&
	complete_line vhashify gu >out && test_contents out guest1 &&
	complete_line vserver gu >out && test_contents out guest1 &&
	complete_line vserver show gu >out && test_contents out guest1
'

test_expect_success 'output that cannot be written is a failure' '
	for command in "vtemplate --help" "vhashify --help" "vtemplate --version"
	do
		test_expect_code 1 sh -c "$command >/dev/full" 2>err &&
		test_grep "No space left" err || return 1
	done
'

test_done
