#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: many names of few directories

Each directory keeps its mtime, unless somebody does something there meanwhile; and what
happens to some of the files while the masters are flushed stays.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

# The same 100 files in two guests, 10 of them in a directory of their own, nothing of
# them shared.
fleet()
{
	rm -rf "$G1/many" "$G2/many" want && mkdir -p want/sub &&
	seq 100 | awk -v text="$1" '{ name = "want/" ($1 % 10 == 2 ? "sub/" : "") $1
		print "content", $1, "of", text >name; close(name) }' &&
	touch -d 2020-01-01 want/*[0-9] want/sub/* &&
	touch -d 2021-02-03 want && touch -d 2022-03-04 want/sub &&
	cp -a want "$G1/many" && cp -a want "$G2/many"
}

has_times()
{
	test "$(date -r "$1/many" +%F)" = 2021-02-03 &&
	test "$(date -r "$1/many/sub" +%F)" = 2022-03-04
}

# What happens to one file in ten of g2.
cat >meddle <<-\EOF
	cd "$1" || exit 1
	for n in 5 55; do echo new >$n; done
	for n in 15 65; do
		tr o O <$n >../new && cat ../new >$n && touch -d 2020-01-01 $n
	done
	for n in 25 75; do echo new >$n.x; mv $n.x $n; done
	rm 35 85 ../new
	ln 45 45.two; ln 95 95.two
EOF

is_as_meddled()
{
	sh ./meddle want &&
	diff -r want "$G2/many" && test_same_inode "$G2/many/45" "$G2/many/45.two" &&
	find "$G2/many" -type f -links 1 | wc -l >private &&
	test_contents private 6 &&
	find "$G2/many" -type f -samefile "$G1/many/44" >same && test_contents same "$G2/many/44"
}

test_expect_success 'a pool' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	G1=$(root_of g1) G2=$(root_of g2) && vhashify
'

test_expect_success 'all are shared, directories keep their times' '
	fleet plain && vhashify --json >out && test_json out .shared_files 200 &&
	test_same_inode "$G1/many/77" "$G2/many/77" &&
	test_same_inode "$G1/many/sub/2" "$G2/many/sub/2" &&
	has_times "$G1" && has_times "$G2" &&
	test -z "$(ls "$POOL/staging")" && vtemplate check
'

test_expect_success 'what changed during the flush stays as it is' '
	fleet round &&
	COWLINK_FAULT_EXEC="syncfs:1:sh $PWD/meddle $G2/many" vhashify --json >out &&
	is_as_meddled && outcomes_add_up out &&
	test_json out .shared_files 190 && reason_is out changed 10 &&
	test -z "$(ls "$POOL/staging")" && vtemplate check
'

test_expect_success 'a name made meanwhile shows in the mtime of its directory only' '
	fleet time &&
	COWLINK_FAULT_EXEC="rename:50:touch $G2/many/new $G2/many/sub/new" \
		vhashify --json >out &&
	test_json out .shared_files 200 && has_times "$G1" &&
	test "$(date -r "$G2/many" +%F)" != 2021-02-03 &&
	test "$(date -r "$G2/many/sub" +%F)" != 2022-03-04
'

test_expect_success 'an end by SIGTERM leaves no trace in the mtime either' '
	fleet term && test_snapshot "$G1" && test_snapshot "$G2" &&
	echo "echo \$\$ >pid; exec vhashify --json" >run &&
	COWLINK_FAULT_EXEC="rename:70:kill -TERM \$(cat pid)" \
		test_expect_code 143 sh run >out &&
	test_unchanged "$G1" && test_unchanged "$G2" && has_times "$G1" &&
	test -z "$(ls "$POOL/staging")" && vtemplate check
'

test_done
