#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what the operator wants left alone is left alone'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# Two guests with equal new files at $1...; prints those that are shared afterwards.
fresh()
{
	fresh_n=$((${fresh_n-0} + 1))
	for fresh_name
	do
		mkdir -p "$(dirname "$G1/$fresh_name")" \
			"$(dirname "$G2/$fresh_name")" &&
		same_file "$fresh_n $fresh_name" "$G1/$fresh_name" \
			"$G2/$fresh_name" || return 1
	done
}

shared()
{
	for shared_name
	do
		test_nlink "$G1/$shared_name" 3 || return 1
	done
}

private()
{
	for private_name
	do
		test_nlink "$G1/$private_name" 1 || return 1
	done
}

test_expect_success 'a pool with two guests' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2)
'

test_expect_success '--max-size, and the reason' '
	fresh short.x longer-name && vhashify --max-size=10 --json >out &&
	shared short.x && private longer-name && reason_is out large 2 &&
	outcomes_add_up out && vhashify && shared longer-name
'

test_expect_success '--exclude, of files and of all below a directory' '
	fresh a/b/c a/d e.tmp x/e.tmp x/f &&
	vhashify --exclude=/a "--exclude=*.tmp" --json >out &&
	private a/b/c a/d e.tmp x/e.tmp && shared x/f &&
	reason_is out excluded 8 && outcomes_add_up out && vhashify &&
	shared a/b/c a/d e.tmp x/e.tmp
'

test_expect_success 'the first rule that matches counts; include inside exclude' '
	fresh a/b/c a/d a/e &&
	vhashify --include=/a/d --exclude=/a --exclude=/a/d && shared a/d &&
	private a/b/c a/e &&
	vhashify --exclude=/a --include=/a/b && shared a/b/c && private a/e &&
	vhashify --exclude=/a/e --include="*" && private a/e &&
	vhashify --include="*" --exclude=/a/e && shared a/e
'

test_expect_success 'rule files; ~ does not even look' '
	fresh a/b/c a/d p/q &&
	printf "%s\n" "# rules" "" "+/a/d" "/a" "~/p" >rules &&
	vhashify --json >before --dry-run && vhashify --rules=rules --json >out &&
	shared a/d && private a/b/c p/q && reason_is out excluded 2 &&
	outcomes_add_up out &&
	test_json out .files $(($(jq .files before) - 2)) && vhashify
'

test_expect_success 'a configuration file; the command line goes before it' '
	fresh aa bbbbbbbb c/d &&
	printf "%s\n" "max-size = 7" "exclude = /c" >conf &&
	COWLINK_VHASHIFY_CONFIG=$PWD/conf vhashify &&
	shared aa && private bbbbbbbb c/d &&
	vhashify --config=conf --max-size=1K --include="/c/*" &&
	shared bbbbbbbb c/d
'

test_expect_success 'what is in it twice is what is on the command line' '
	same_file twin "$G1/etc/y1" "$G1/etc/y2" &&
	echo "within-guest = yes" >conf && vhashify --config=conf &&
	test_same_inode "$G1/etc/y1" "$G1/etc/y2"
'

test_expect_success 'mistakes: status 2, one line, nothing done' '
	fresh z &&
	for line in "max-sise = 1" "max-size = x" "within-guest = 1" \
		"exclude = relative" "nothing"
	do
		echo "$line" >conf &&
		test_expect_code 2 vhashify --config=conf 2>err &&
		test_grep "conf:1" err && test "$(grep -vc UNPROT err)" = 1 ||
			return 1
	done &&
	test_expect_code 2 vhashify --exclude=relative 2>err &&
	test_expect_code 2 vhashify --max-size=1 --min-size=2 2>err &&
	test_expect_code 1 vhashify --rules=nowhere 2>err &&
	test_expect_code 1 vhashify --config=nowhere 2>err && private z
'

# The database names what is in $1...
database()
{
	mkdir -p "$G1/var/lib/dpkg" && {
		printf "Package: x\nConffiles:\n"
		printf " /%s 00112233445566778899aabbccddeeff\n" "$@"
		printf "Description: y\n"
	} >"$G1/var/lib/dpkg/status"
}

test_expect_success '--skip-conffiles: as the guest lists them' '
	vhashify && fresh etc/mine etc/theirs && database etc/mine &&
	vhashify --skip-conffiles --json >out &&
	reason_is out conffile 1 && outcomes_add_up out && private etc/mine &&
	shared etc/theirs && vhashify && shared etc/mine
'

test_expect_success 'a database that cannot be read costs its guest the run only' '
	fresh etc/one && own "$G2/bin/tool" && rm "$G1/var/lib/dpkg/status" &&
	mkfifo "$G1/var/lib/dpkg/status" &&
	vhashify --skip-conffiles --json >out 2>err && test_grep "g1" err &&
	test_json out ".trees[] | select(.name == \"g1\") | .status" \
		package-database &&
	private etc/one && test_same_inode "$G2/bin/tool" "$T/bin/tool" &&
	vhashify && shared etc/one && vtemplate check
'

test_done
