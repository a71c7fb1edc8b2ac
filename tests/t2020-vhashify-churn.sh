#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify history --churn: what a run shared and the next one finds private'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# churn ROWS [OPTION...]: these are the rows, "GUEST PREFIX RUNS BROKEN AGAIN BYTES".
churn()
{
	printf "%s" "$1" | sed "/^$/d; s/^[[:space:]]*//" >want
	shift
	vhashify history --churn --json "$@" >churn.json &&
	jq -r '.churn[] | "\(.name) \(.prefix) \(.runs) \(.broken_files) \(
		.again_files) \(.broken_bytes)"' churn.json >have &&
	test_cmp want have
}

pool_sql()
{
	sqlite3 "$POOL/catalog.db" "$@"
}

test_expect_success 'two guests, with files that vhashify shares' '
	make_source src && test_pool --unprotected ext4 256M &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	G1=$(root_of g1) G2=$(root_of g2) &&
	for g in "$G1" "$G2"
	do
		mkdir -p "$g/srv/app/cache" "$g/var/log" &&
		for n in 1 2 3 4
		do
			same_file "cached $n" "$g/srv/app/cache/$n" &&
			same_file "logged $n" "$g/var/log/$n" || return 1
		done &&
		same_file top "$g/top" || return 1
	done &&
	vhashify --json >out && test_json out .shared_files 18 && churn ""
'

test_expect_success 'what the day broke, by guest and directory' '
	own "$G1/srv/app/cache/1" "$G1/srv/app/cache/2" "$G1/srv/app/cache/3" \
		"$G1/top" "$G2/var/log/4" &&
	echo longer than before >"$G1/new" && mv "$G1/new" "$G1/srv/app/cache/4" &&
	: >"$G1/new" && mv "$G1/new" "$G1/var/log/2" && rm "$G2/var/log/1" &&
	vhashify --dry-run >out && churn "" &&
	vhashify --json >out && test_json out .shared_files 5 && churn "
		g1 /srv/app/cache 1 4 3 46
		g2 /var/log 1 1 1 9
		g1 / 1 1 1 4
		g1 /var/log 1 1 0 0
	"
'

test_expect_success 'and as a table' '
	vhashify history --churn >out && test "$(wc -l <out)" = 5 &&
	test_grep "^guest .* below$" out &&
	test_grep "^g1  *1  *4  *3  46 B  */srv/app/cache$" out
'

test_expect_success 'a night without: only older runs tell' '
	vhashify && churn "" --limit=1 && churn "
		g1 /srv/app/cache 1 4 3 46
		g2 /var/log 1 1 1 9
		g1 / 1 1 1 4
		g1 /var/log 1 1 0 0
	" --limit=2
'

test_expect_success 'sums over runs; what no run shared does not count' '
	own "$G1/srv/app/cache/1" "$G1/srv/app/cache/4" "$G1/bin/tool" &&
	vhashify --json >out && test_json out .shared_files 2 &&
	churn "
		g1 /srv/app/cache 1 1 1 9
	" --limit=1 && own "$G1/bin/tool" && vhashify && churn "
		g1 /bin 1 1 1 8893
	" --limit=1 && churn "
		g1 /bin 1 1 1 8893
		g1 /srv/app/cache 2 5 4 55
		g2 /var/log 1 1 1 9
		g1 / 1 1 1 4
		g1 /var/log 1 1 0 0
	"
'

test_expect_success 'what a rule hides is not counted, what one leaves alone is' '
	own "$G1/srv/app/cache/1" "$G1/srv/app/cache/2" "$G1/top" && echo "~/srv" >rules &&
	vhashify --rules=rules --exclude=/top && churn "
		g1 / 1 1 0 4
	" --limit=1
'

test_expect_success 'a name is watched for eight runs after it was shared' '
	vhashify && own "$G2/top" && vhashify && churn "
		g2 / 1 1 1 4
	" --limit=1 &&
	for n in 1 2 3 4 5 6 7 8
	do
		vhashify || return 1
	done && own "$G2/top" && vhashify && churn "" --limit=1
'

test_expect_success 'many directories: told apart by fewer components' '
	for n in $(seq 10 29)
	do
		mkdir -p "$G1/home/u$n/.cache/x" &&
		same_file "of $n" "$G1/home/u$n/.cache/x/f" || return 1
	done &&
	cp -a "$G1/home" "$G2/" && own "$G1/var/log/1" && vhashify --json >out &&
	own "$G1"/home/*/.cache/x/f "$G1/var/log/1" && vhashify && churn "
		g1 /home 1 20 20 120
		g1 /var 1 1 1 9
	" --limit=1
'

test_expect_success 'names of any bytes' '
	odd=$(printf "q\\\"\\n\\377") && mkdir "$G1/$odd" && same_file odd "$G1/$odd/f" &&
	cp -a "$G1/$odd" "$G2/" && vhashify && own "$G1/$odd/f" && vhashify &&
	vhashify history --churn --limit=1 --json >out &&
	test_json out ".churn | length" 1 &&
	test_json out ".churn[0].prefix_b64 | @base64d | length > 3" true &&
	vhashify history --churn --limit=1 >out && test "$(wc -l <out)" = 2
'

# The files of one digest more than are watched: the sample is full, and exact about
# what is in it.
test_expect_success 'the catalog keeps no more than it shall' '
	mkdir "$G1/many" && seq 10000 12199 | split -l 1 -a 3 - "$G1/many/f" &&
	cp -a "$G1/many" "$G2/" && vhashify --json >out &&
	test_json out ".shared_files >= 4400" true &&
	pool_sql "SELECT max(length(names)) FROM watch" >size &&
	test_contents size $((2048 * 16)) && rm -r "$G1/many" &&
	cp -a "$G2/many" "$G1/" && vhashify && vhashify history --churn --limit=1 --json >out &&
	test_json out ".churn[0].prefix" /many &&
	test_json out ".churn[0].broken_files > 1900" true &&
	test_json out ".churn[0].broken_files <= 2048" true
'

test_expect_success 'and nothing of a guest that is gone' '
	vtemplate destroy g1 && vtemplate destroy g2 && churn "" &&
	pool_sql "SELECT count(*) FROM watch, churn" >left && test_contents left 0
'

test_done
