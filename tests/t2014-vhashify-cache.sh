#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: what is remembered changes how long it takes, nothing else

After each of many rounds of random changes a dry run that uses what the last run
remembered has the same result as one that looks at everything.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

ROUNDS=${COWLINK_LONG_TESTS:+100}
ROUNDS=${ROUNDS:-10}

# Directories that changed a moment ago are not trusted: let the moment pass.
settle()
{
	sleep 0.2
}

plan()
{
	vhashify --dry-run --json "$@" >plan.json &&
	outcomes_add_up plan.json &&
	jq -S 'del(.hashed_files, .hashed_bytes)' plan.json
}

same_plan()
{
	plan "$@" >with && plan --no-cache "$@" >without && test_cmp without with
}

# How many directories a run has read.
dirs_read()
{
	vhashify -v --dry-run 2>&1 |
		sed -n 's/^.* \([0-9]*\) directories read, .*$/\1/p'
}

query()
{
	sqlite3 "$POOL/catalog.db" "$1"
}

# numbers SEED COUNT: pseudo-random ones, the same everywhere.
numbers()
{
	awk -v x="$1" -v n="$2" 'BEGIN {
		while (n--) {
			x = (x * 16807) % 2147483647
			print x
		} }'
}

# A private regular file, a directory or any regular file below $1, by number.
pick()
{
	pick_root=$1
	pick_number=$2
	shift 2
	find "$pick_root" -mindepth 1 "$@" | sort >picks
	pick_count=$(wc -l <picks)
	test "$pick_count" -gt 0 || return 1
	sed -n "$((pick_number % pick_count + 1))p" picks
}

# One change in guest $G by the number $1; what cannot be done is left.
change()
{
	n=$(($1 / 16))
	case $(($1 % 16)) in
	0|1) for root in "$G1" "$G2" "$G3"
		do
			same_file "round $n" "$root/etc/n$((n % 7))"
		done ;;
	2) f=$(pick "$G" $n -type f -links 1) && echo more >>"$f" ;;
	3) f=$(pick "$G" $n -type f) && rm -f "$f" ;;
	4) f=$(pick "$G" $n -type f -size +0) && own "$f" ;;
	5) f=$(pick "$G" $n -type f) && mv "$f" "$f.moved" ;;
	6) d=$(pick "$G" $n -type d) && mkdir -p "$d/sub" && echo $n >"$d/sub/f" ;;
	7) d=$(pick "$G" $n -type d -name sub) && rm -rf "$d" ;;
	8) f=$(pick "$G" $n -type f -links 1) && ln -f "$f" "$f.link" ;;
	9) f=$(pick "$G" $n -type f -links 1) && touch "$f" ;;
	10) f=$(pick "$G" $n -type f -links 1) && chmod 600 "$f" ;;
	11) d=$(pick "$G" $n -type d -name sub) && rm -rf "$G/sub$n" &&
		mv "$d" "$G/sub$n" ;;
	12|13) # other content of the same length and mtime
		f=$(pick "$G" $n -type f -links 1 -size +0) &&
		cp -p "$f" stamp && head -c "$(stat -c %s "$f")" /dev/zero >"$f" &&
		touch -r stamp "$f" ;;
	14) d=$(pick "$G" $n -type d) && ln -sf nowhere "$d/symlink" ;;
	15) f=$(pick "$G" $n -type f) && rm -f "$f" && mkdir -p "$f" ;;
	esac
	return 0
}

test_expect_success 'a pool with three guests' '
	make_source src && mkdir -p src/var/lib/a src/var/lib/b &&
	for n in 1 2 3 4 5 6 7 8 9
	do
		echo "a $n" >src/var/lib/a/$n && echo "b $n" >src/var/lib/b/$n
	done && same_times src &&
	test_pool --unprotected ext4 && vtemplate import t src &&
	for g in g1 g2 g3
	do
		vtemplate clone t $g || return 1
	done &&
	T=$(root_of t) G1=$(root_of g1) G2=$(root_of g2) G3=$(root_of g3)
'

test_expect_success 'what did not change is not read again' '
	settle && vhashify && test "$(dirs_read)" = 0 && same_plan &&
	touch "$G1/var/lib/a/new" && test "$(dirs_read)" = 1 && same_plan &&
	settle && vhashify && test "$(dirs_read)" = 0
'

test_expect_success 'a private file is looked at in a directory that did not change' '
	echo one >"$G1/var/p" && echo two >"$G2/var/p" && same_times "$G1/var" &&
	same_times "$G2/var" && settle && vhashify && test_nlink "$G1/var/p" 1 &&
	echo one >"$G2/var/p" && touch -d "2001-02-03 04:05:06.789012345" \
		"$G2/var/p" &&
	test "$(dirs_read)" = 0 && same_plan && vhashify &&
	test_same_inode "$G1/var/p" "$G2/var/p"
'

# One of the two became a master where it was, which its directory does not know.
test_expect_success 'a name that is shared, in a directory that did not change' '
	settle && vhashify && test "$(dirs_read)" = 1 && same_plan && vhashify &&
	test "$(dirs_read)" = 0 && same_plan
'

test_expect_success 'a digest is remembered as long as the file does not change' '
	echo once >"$G1/var/q" && echo more >"$G2/var/q" && same_times "$G1/var" &&
	same_times "$G2/var" && settle && vhashify --json >out &&
	test_json out .hashed_files 2 && vhashify --dry-run --json >out &&
	test_json out .hashed_files 0 &&
	vhashify --dry-run --no-cache --json >out &&
	test_json out .hashed_files 2 &&
	echo once >"$G2/var/q" && touch -r "$G1/var/q" "$G2/var/q" &&
	vhashify --json >out && test_json out .hashed_files 1 &&
	test_same_inode "$G1/var/q" "$G2/var/q"
'

test_expect_success 'a directory below a rule is left out although it is remembered' '
	settle && vhashify && same_plan --exclude=/var &&
	echo "~/var" >rules && same_plan --rules=rules &&
	test_json with ".files < 40" true
'

# Masters leave the catalog and the store while names of them are remembered.
test_expect_success 'a master that is no longer known' '
	settle && vhashify && query "DELETE FROM object" && same_plan &&
	vtemplate check --repair && same_plan && test "$(dirs_read)" = 0
'

test_expect_success 'an equal file of a tree that has a name of the master' '
	settle && vhashify && test "$(dirs_read)" = 0 &&
	cp -p "$G1/bin/tool" "$G1/bin/twin" && same_times "$G1/bin" && same_plan &&
	vhashify --json >out && reason_is out within-guest 1 &&
	test_nlink "$G1/bin/twin" 1 && settle && vhashify --json >out &&
	reason_is out within-guest 1 && test "$(dirs_read)" = 0 &&
	cp -p "$G1/bin/tool" "$G1/bin/twin2" && vhashify --json >out &&
	reason_is out within-guest 2
'

test_expect_success "random changes, $ROUNDS rounds" '
	numbers 4711 $((ROUNDS * 6)) >numbers &&
	for round in $(seq $ROUNDS)
	do
		for number in $(sed -n "$((round * 6 - 5)),$((round * 6))p" numbers)
		do
			case $((number / 1024 % 3)) in
			0) G=$G1 ;;
			1) G=$G2 ;;
			2) G=$G3 ;;
			esac
			change "$number" || return 1
		done
		same_plan || { echo "in round $round"; return 1; }
		settle
		trees >want && vhashify && trees >have && test_cmp want have &&
			same_plan ||
			{ echo "after round $round"; return 1; }
	done &&
	vhashify && vhashify && test "$(dirs_read)" = 0
'

test_expect_success 'rows that are lost, damaged, cut, old or those of another tree' '
	settle && vhashify && same_plan && test "$(dirs_read)" = 0 &&
	query "CREATE TABLE saved AS SELECT * FROM scan" &&
	for damage in \
		"dirs = x\"\"" "dirs = zeroblob(length(dirs))" \
		"dirs = substr(dirs, 1, length(dirs) - 1)" \
		"dirs = CAST(dirs || x\"00\" AS BLOB)" \
		"dirs = CAST(substr(dirs, 1, 100) || x\"07\" || substr(dirs, 102) AS BLOB)" \
		"dirs = (SELECT dirs FROM saved ORDER BY tree_id DESC LIMIT 1)" \
		"digests = dirs, dirs = digests" \
		"digests = CAST(substr(digests, 1, 40) || x\"07\" || substr(digests, 42) AS BLOB)"
	do
		query "UPDATE scan SET $(echo "$damage" | tr \" "\047")" &&
			same_plan || { echo "$damage"; return 1; }
		query "DELETE FROM scan" &&
			query "INSERT INTO scan SELECT * FROM saved" || return 1
	done &&
	query "DELETE FROM scan" && same_plan && trees >want && vhashify &&
	trees >have && test_cmp want have
'

# Enough files that all threads get some: 300 pairs, and as many that only look equal.
test_expect_success 'the same result with any number of threads' '
	mkdir "$G1/many" "$G2/many" && awk -v a="$G1/many" -v b="$G2/many" "BEGIN {
		for (i = 1000; i < 1300; i++) {
			print \"same\", i >(a \"/s\" i); print \"same\", i >(b \"/s\" i)
			print \"one\", i >(a \"/d\" i); print \"two\", i >(b \"/d\" i)
			close(a \"/s\" i); close(b \"/s\" i)
			close(a \"/d\" i); close(b \"/d\" i)
		} }" && same_times "$G1/many" && same_times "$G2/many" &&
	vhashify --dry-run --no-cache --json --jobs=1 >one &&
	test_json one ".shared_files >= 600 and .hashed_files >= 1200" true &&
	for jobs in 2 3 64 1000
	do
		vhashify --dry-run --no-cache --json --jobs=$jobs >several &&
			test_cmp one several || return 1
	done &&
	trees >want && vhashify --jobs=5 --json >out && trees >have &&
	test_cmp want have && jq .shared_files one >a && jq .shared_files out >b &&
	test_cmp a b
'

test_expect_success 'what is remembered goes with its tree' '
	vtemplate destroy g3 && query "SELECT count(*) FROM scan" >out &&
	test_contents out 3
'

test_done
