#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='check finds what contradicts itself, and --repair mends it'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

test_expect_success ROOT,EXT4 'a pool with templates and guests' '
	test_pool --unprotected ext4 && small_tree src &&
	vtemplate import base src && vtemplate clone base one &&
	vtemplate clone base two && consistent
'

db()
{
	sqlite3 -cmd "PRAGMA foreign_keys = ON" "$POOL/catalog.db" "$1"
}

# finds CODE REPAIRED [STATUS-AFTER-REPAIR]: check reports it, with status 4 and
# without changing anything; then --repair does, and says what it did.
finds()
{
	db .dump >dump1 && find "$POOL" -mindepth 1 -printf "%P %i %C@\n" |
		grep -v catalog | sort >find1 &&
	test_expect_code 4 vtemplate check --json >out.json 2>err &&
	test_json out.json "[.problems[].code] | index(\"$1\") != null" true &&
	db .dump >dump2 && find "$POOL" -mindepth 1 -printf "%P %i %C@\n" |
		grep -v catalog | sort >find2 &&
	test_cmp dump1 dump2 && test_cmp find1 find2 &&
	test_expect_code "${3-0}" vtemplate check --repair --json >out.json &&
	test_json out.json \
		"[.problems[] | select(.code == \"$1\") | .repaired] | unique[0]" \
		"$2" &&
	{ test "${3-0}" != 0 || consistent; }
}

test_expect_success ROOT,EXT4 'rows that were left half made' '
	db "update tree set state = \"creating\" where name = \"one\"" &&
	finds row-half-made true && vtemplate show one >out &&
	db "insert into tree (kind, state, name, uuid, engine, origin, created_ns,
		files, dirs, others, size_bytes) values (\"guest\", \"creating\",
		\"ghost\", \"00000000-0000-4000-8000-000000000000\", \"copy\",
		\"base\", 1, 0, 0, 0, 0)" &&
	finds row-half-made true &&
	test_must_fail vtemplate show ghost &&
	db "update tree set state = \"destroying\" where name = \"two\"" &&
	finds row-half-made true && test_path_missing "$POOL/guests/two"
'

test_expect_success ROOT,EXT4 'a row without a tree' '
	vtemplate clone base gone && rm -r "$POOL/guests/gone" &&
	finds row-without-tree true && test_must_fail vtemplate show gone
'

test_expect_success ROOT,EXT4 'a tree without a row is known by its identity' '
	vtemplate clone base lost && vtemplate show --json lost >before.json &&
	db "delete from tree where name = \"lost\"" &&
	finds tree-without-row true &&
	vtemplate show --json lost >after.json &&
	test_cmp before.json after.json
'

test_expect_success ROOT,EXT4 'a tree that nobody knows stays where it is' '
	mkdir -p "$POOL/guests/alien/rootfs" && echo x >"$POOL/guests/stray" &&
	finds tree-unknown false 4 &&
	test_path_exists "$POOL/guests/alien/rootfs" &&
	rm -r "$POOL/guests/alien" "$POOL/guests/stray" && consistent
'

test_expect_success ROOT,EXT4 'an identity that was lost or swapped' '
	setfattr -x trusted.cowlink.id "$POOL/guests/one/rootfs" &&
	finds tree-identity true &&
	getfattr -n trusted.cowlink.id --only-values \
		"$POOL/guests/lost/rootfs" >id &&
	setfattr -n trusted.cowlink.id -v "$(cat id)" \
		"$POOL/guests/one/rootfs" &&
	finds tree-identity true && vtemplate destroy one && vtemplate show lost
'

test_expect_success ROOT,EXT4 'what lies in staging' '
	mkdir -p "$POOL/staging/0123456789abcdef/tree/x" &&
	finds staging-leftover true && nothing_in_staging &&
	echo data >"$POOL/staging/kept-0123456789abcdef" &&
	vtemplate check >out && test_grep "^info: staging/kept-" out &&
	vtemplate check --repair >out &&
	test_contents "$POOL/staging/kept-0123456789abcdef" data &&
	rm "$POOL/staging/kept-0123456789abcdef"
'

test_expect_success ROOT,EXT4 'the object table' '
	db "delete from object" &&
	finds file-without-object true &&
	db "update object set ino = ino + 100000" && finds object-differs true &&
	db "insert into object values (zeroblob(16), 0, 1, 1)" &&
	finds object-without-file true
'

test_expect_success ROOT,EXT4 'a master that is shorter than it was is no matter of its row' '
	vtemplate clone base short && file=$POOL/guests/short/rootfs/file &&
	cp -a "$file" whole && : >"$file" && finds master-changed false 4 &&
	test_expect_code 4 vtemplate check --scrub >out &&
	test_grep "shared by guest .short.: file" out &&
	for tree in "$POOL"/guests/*/rootfs "$POOL/templates/base/rootfs"
	do
		cp -a whole "$tree/new" && mv "$tree/new" "$tree/file" || return 1
	done && vtemplate gc && vtemplate destroy short && vhashify && consistent &&
	db "update object set size_bytes = size_bytes + 1" && finds object-differs true
'

test_expect_success ROOT,EXT4 'strangers in the store' '
	shard=$(ls "$POOL/store" | head -n 1) &&
	chattr -i "$POOL/store/$shard" &&
	echo stranger >"$POOL/store/$shard/README" &&
	chattr +i "$POOL/store/$shard" &&
	echo top >"$POOL/store/file" &&
	finds store-foreign true &&
	cat "$POOL"/staging/kept-* >kept && test_grep stranger kept &&
	test_grep top kept && rm "$POOL"/staging/kept-* &&
	echo new >src/new && vtemplate import again src && consistent
'

test_expect_success ROOT,EXT4 'a shard that lost its protection' '
	chattr -i "$POOL/store/$shard" && finds shards-open true &&
	lsattr -d "$POOL/store/$shard" | grep -q "^....i"
'

test_expect_success ROOT,EXT4 'a damaged catalog' '
	cp "$POOL/catalog.db" saved &&
	db "pragma writable_schema = on; update sqlite_schema set rootpage = 3
		where name = \"tree_unfinished\"" &&
	test_expect_code 4 vtemplate check >out 2>&1 &&
	test_grep "damaged\|malformed\|corrupt" out &&
	rm -f "$POOL"/catalog.db-* && cp saved "$POOL/catalog.db" && consistent
'

test_expect_success ROOT,EXT4 'masters without a tree are information, and gc takes them' '
	vtemplate destroy --template again &&
	vtemplate check >out && test_grep "^info: 1 files of the store" out &&
	vtemplate gc --json >out.json && test_json out.json .removed 1 &&
	test_json out.json ".freed_bytes > 0" true &&
	vtemplate check >out && test_must_fail grep info out &&
	vtemplate gc --json >out.json && test_json out.json .removed 0
'

test_expect_success ROOT,EXT4 'gc takes nothing that a tree uses' '
	test_snapshot "$POOL/guests/lost" && vtemplate gc &&
	test_unchanged "$POOL/guests/lost" && vtemplate clone base g5 && consistent
'

test_expect_success ROOT,EXT4 'a command at work is not a problem' '
	COWLINK_FAULT_EXEC="rename:1:vtemplate check --json >during.json" \
		vtemplate clone base busy &&
	test_json during.json .inconsistent 0 &&
	COWLINK_FAULT_EXEC="rename:1:vtemplate check --json >during.json" \
		vtemplate destroy busy &&
	test_json during.json .inconsistent 0 &&
	echo newer >src/newer &&
	COWLINK_FAULT_EXEC="syncfs:1:vtemplate check --json >during.json" \
		vtemplate import busy src &&
	test_json during.json .inconsistent 0 && consistent
'

# what_there_is: all but the context ids, which are in the catalog only and given anew.
what_there_is()
{
	vtemplate list --json >list.json &&
	test_json list.json "[.guests[].context | numbers] | unique | length" \
		"$(jq ".guests | length" list.json)" >&2 &&
	jq "del(.guests[].context)" list.json
}

test_expect_success ROOT,EXT4 'the catalog is rebuilt from what is there' '
	what_there_is >before.json &&
	db "delete from tree; delete from object" &&
	test_expect_code 4 vtemplate check >out &&
	vtemplate check --rebuild >out && consistent &&
	what_there_is >after.json && test_cmp before.json after.json &&
	vtemplate clone base after-rebuild
'

for damage in lost noise
do
	test_expect_success ROOT,EXT4 "a catalog that is $damage is made anew" '
		what_there_is >before.json &&
		rm -f "$POOL"/catalog.db-wal "$POOL"/catalog.db-shm &&
		case $damage in
		lost) rm "$POOL/catalog.db" ;;
		noise) head -c 9000 /dev/urandom >"$POOL/catalog.db" ;;
		esac &&
		test_expect_code 4 vtemplate check 2>err &&
		test_grep rebuild err &&
		vtemplate check --rebuild >out && consistent &&
		what_there_is >after.json &&
		test_cmp before.json after.json &&
		vtemplate clone base after-$damage && consistent
	'
done

# The catalog and its log say that there is a guest "late", and are damaged. The catalog alone
# is sound, and does not know it.
damaged_by_log()
{
	test_pool --unprotected ext4 && vtemplate import base src && vtemplate clone base early &&
	test_expect_code 137 env COWLINK_FAULT_EXEC='commit:2:kill -9 $PPID' \
		vtemplate clone base late && test -s "$POOL/catalog.db-wal" &&
	sqlite3 -cmd ".dbconfig no_ckpt_on_close on" "$POOL/catalog.db" "
		pragma writable_schema = on; update sqlite_schema set rootpage = 3
		where name = \"tree_unfinished\"" >/dev/null &&
	test_expect_code 4 vtemplate check >out 2>&1 && mkdir log &&
	cp "$POOL"/catalog.db "$POOL"/catalog.db-wal log/
}

# rebuild_killed N: the catalog is not there without its log, and the next one makes it anew.
rebuild_killed()
{
	rm -f "$POOL"/catalog.* && cp log/* "$POOL/" || return 1
	(COWLINK_FAULT=kill:$1 && export COWLINK_FAULT && exec vtemplate check --rebuild) \
		>out 2>&1
	rebuild_status=$?
	! cmp -s log/catalog.db "$POOL/catalog.db" ||
		cmp log/catalog.db-wal "$POOL/catalog.db-wal" ||
		complain_ "at step $1" || return 1
	vtemplate check --rebuild >out 2>&1 && consistent && vtemplate list >out &&
	test_grep "guest *early" out && test_grep "guest *late" out ||
		complain_ "after step $1" || return 1
	return $((rebuild_status != 137))
}

test_expect_success ROOT,EXT4 'a rebuild that is killed leaves no older catalog' '
	damaged_by_log && n=1 &&
	while rebuild_killed $n
	do
		n=$((n + 1))
	done && test $rebuild_status = 0 && test $n -gt 4 && test_note "$n steps"
'

test_done
