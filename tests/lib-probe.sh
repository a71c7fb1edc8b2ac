# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Guests and the host that talk with each other by netprobe(1). Sourced after lib-guest.sh.

# probe NAME ARGUMENT...: netprobe(1) in a guest
probe()
{
	test_name=$1
	shift
	vserver "$test_name" exec netprobe "$@"
}

# says TEXT COMMAND...
says()
{
	test_wanted=$1
	shift
	test_found=$("$@" 2>&1)
	test "$test_found" = "$test_wanted" ||
		complain_ "$*: '\''$test_found'\'', expected '\''$test_wanted'\''"
}

# serve PORT COMMAND...: a netprobe in the background, which is killed with its guest
# or at the end; returns when it answers.
serve()
{
	port=$1
	shift
	rm -f "served-$port" && : >"served-$port" &&
	{ "$@" </dev/null >"served-$port" 2>&1 & } && servers="$servers $!" &&
	until test -s "served-$port"
	do
		sleep 0.05
	done &&
	test_grep "^ready" "served-$port"
}

servers=
stop_servers()
{
	for server in $servers
	do
		kill "$server" 2>/dev/null
	done
	servers=
}
