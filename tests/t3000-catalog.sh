#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='catalog: damaged, foreign and newer ones are refused, and nothing is changed'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require EXT4

test_expect_success 'a pool with a template and a guest' '
	test_pool ext4 64M && make_tree tree &&
	vtemplate import t tree && vtemplate clone t g &&
	cp "$POOL/catalog.db" good.db
'

test_expect_success 'the catalog is what schema/README.md says' '
	pool_sql "PRAGMA journal_mode" >out && test_contents out wal &&
	pool_sql "PRAGMA application_id" >out && test_contents out 1131378508 &&
	pool_sql "PRAGMA user_version" >out &&
	last=$(ls "$COWLINK_SRC/schema" | grep -c "^[0-9]*-.*sql$") &&
	test_contents out "$last" &&
	pool_sql "SELECT count(*) FROM pragma_table_list
		WHERE schema = '\''main'\'' AND NOT strict AND name NOT LIKE '\''sqlite%'\''" >out &&
	test_contents out 0
'

# Everything but the catalog's own file stays; that one to the byte.
all_bytes()
{
	(cd "$POOL" && find . -type f -exec cksum {} + | LC_ALL=C sort) &&
	(cd "$POOL" && find . | LC_ALL=C sort)
}

# each_refuses STATUS TEXT: every command does, and changes nothing.
each_refuses()
{
	rm -f "$POOL/catalog.db-wal" "$POOL/catalog.db-shm" &&
	all_bytes >before &&
	for command in list "show g" "import x tree" "clone t x" "destroy g" gc
	do
		# shellcheck disable=SC2086 # a command and its operands
		refused "$1" "$2" vtemplate $command &&
		all_bytes >after && test_cmp before after || return 1
	done &&
	refused "$1" "$2" vhashify &&
	all_bytes >after && test_cmp before after &&
	cp good.db "$POOL/catalog.db"
}

test_expect_success 'a newer schema, status 3' '
	pool_sql "PRAGMA user_version = 1000" &&
	each_refuses 3 "has schema 1000, this version of cowlink knows"
'

test_expect_success 'a database of another program, status 4' '
	pool_sql "PRAGMA application_id = 42" &&
	each_refuses 4 "is not a cowlink catalog"
'

test_expect_success 'no database, status 4' '
	echo "this is text" >"$POOL/catalog.db" &&
	each_refuses 4 "is not a cowlink catalog"
'

test_expect_success 'an empty file, status 4' '
	: >"$POOL/catalog.db" &&
	each_refuses 4 "is not a cowlink catalog"
'

test_expect_success 'the table of trees is garbage, status 4' '
	for page in 2 3 4 5 6 7 8 9
	do
		head -c 4096 /dev/zero | tr "\000" "\245" |
		dd of="$POOL/catalog.db" bs=4096 seek=$((page - 1)) \
			conv=notrunc 2>/dev/null || return 1
	done &&
	all_bytes >before &&
	for command in list "import x tree" "clone t x" "destroy g"
	do
		# shellcheck disable=SC2086 # a command and its operands
		refused 4 "malformed" vtemplate $command || return 1
	done &&
	cp "$POOL/catalog.db" damaged &&
	all_bytes | grep -v "catalog.db-" >after && test_cmp before after &&
	cp good.db "$POOL/catalog.db" &&
	rm -f "$POOL/catalog.db-wal" "$POOL/catalog.db-shm" &&
	vtemplate list >out && test_grep "^guest *g " out
'

test_expect_success 'a table is missing, status 4' '
	pool_sql "DROP TABLE tree" &&
	refused 4 "no such table" vtemplate list &&
	refused 4 "no such table" vtemplate clone t x &&
	cp good.db "$POOL/catalog.db" &&
	rm -f "$POOL/catalog.db-wal" "$POOL/catalog.db-shm"
'

test_expect_success 'no catalog at all: this is no pool' '
	mv "$POOL/catalog.db" saved.db &&
	refused 1 "is not a pool: it has no catalog" vtemplate list &&
	mv saved.db "$POOL/catalog.db"
'

test_expect_success 'the constraints state the invariants' '
	! pool_sql "UPDATE tree SET state = '\''lost'\''" &&
	! pool_sql "UPDATE tree SET name = '\''../x'\'' WHERE name = '\''g'\''" &&
	! pool_sql "UPDATE tree SET name = '\''.x'\'' WHERE name = '\''g'\''" &&
	! pool_sql "UPDATE tree SET engine = '\''magic'\''" &&
	! pool_sql "UPDATE tree SET files = -1" &&
	! pool_sql "UPDATE tree SET files = '\''many'\''" &&
	! pool_sql "UPDATE pool SET link_limit = 65000" &&
	! pool_sql "UPDATE pool SET unprotected = 2" &&
	! pool_sql "INSERT INTO pool SELECT 2, uuid, 0, 99, 0 FROM pool" &&
	! pool_sql "INSERT INTO object VALUES (x'\''00'\'', 0, 1, 1)" &&
	cp "$POOL/catalog.db" after.db &&
	vtemplate list >/dev/null
'

test_expect_success 'another writer is waited for, and a reader is not stopped' '
	mkfifo hold ready &&
	{ sqlite3 "$POOL/catalog.db" "BEGIN IMMEDIATE" ".system echo >ready" \
		".system cat hold >/dev/null" "COMMIT" & } &&
	holder=$! && cat ready >/dev/null &&
	vtemplate list >out && test_grep "^guest *g " out &&
	{ vtemplate clone t later >clone.out 2>&1 & } &&
	cloner=$! &&
	test_path_missing "$POOL/guests/later" &&
	echo >hold && wait $holder && wait $cloner &&
	vtemplate list >out && test_grep "^guest *later " out
'

test_expect_success 'a read-only file system: reading works, changing is status 3' '
	vtemplate list >before &&
	mount -o remount,ro "$POOL_MOUNT" &&
	test_when_finished "mount -o remount,rw \"$POOL_MOUNT\"" &&
	vtemplate list >out && test_cmp before out &&
	vtemplate show g >/dev/null &&
	for command in "import x tree" "clone t x" "destroy g" gc "check --repair"
	do
		# shellcheck disable=SC2086 # a command and its operands
		refused 3 "is on a read-only file system" vtemplate $command ||
			return 1
	done &&
	refused 3 "is on a read-only file system" vhashify
'

test_expect_success 'the log keeps its blocks, for when the disk is full' '
	vtemplate clone t last && vtemplate destroy last &&
	test "$(stat -c %b "$POOL/catalog.db-wal")" -ge 512
'

test_expect_success 'a log that was not written back, on a read-only file system' '
	sqlite3 "$POOL/catalog.db" "UPDATE tree SET origin = '\''logged'\''
		WHERE name = '\''g'\''" ".system cp \"$POOL/catalog.db-wal\" wal" \
		".system cp \"$POOL/catalog.db-shm\" shm" &&
	cp good.db "$POOL/catalog.db" && cp wal "$POOL/catalog.db-wal" &&
	mount -o remount,ro "$POOL_MOUNT" &&
	test_when_finished "mount -o remount,rw \"$POOL_MOUNT\"" &&
	refused 3 "has a log that was not written back" vtemplate list &&
	mount -o remount,rw "$POOL_MOUNT" &&
	cp shm "$POOL/catalog.db-shm" &&
	mount -o remount,ro "$POOL_MOUNT" &&
	vtemplate list >out && test_grep "logged" out
'

test_done
