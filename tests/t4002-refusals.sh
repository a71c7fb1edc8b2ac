#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vtemplate: bad input gets one line and changes nothing'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"
. "$TEST_DIRECTORY/lib-crash.sh"

test_expect_success ROOT,EXT4 'a pool with a template and a guest' '
	test_pool ext4 && small_tree src &&
	vtemplate import base src && vtemplate clone base guest
'

# everything_in FILE: all there is to change in the pool.
everything_in()
{
	{
		# the catalog comes and goes with its journal, and the engine is
		# probed in staging: times of these two directories do not count
		find "$POOL" -mindepth 1 ! -name "catalog.db*" \
			-printf "%P %i %T@ %C@\n" | grep -v "^staging " | sort &&
		vtemplate list --json 2>/dev/null
	} >"$1"
}

# refused STATUS PATTERN COMMAND...
refused()
{
	status=$1 pattern=$2
	shift 2
	everything_in before &&
	test_expect_code $status "$@" >out 2>err &&
	grep -v "vtemplate: engine " err >err.rest &&
	test_grep "$pattern" err.rest &&
	{ test "$(wc -l <err.rest)" = 1 || { cat err.rest; return 1; }; } &&
	everything_in after && test_cmp before after
}

test_expect_success ROOT,EXT4 'what is not there' '
	refused 1 "no such template .nosuch." vtemplate clone nosuch new &&
	refused 1 "no such guest .nosuch." vtemplate destroy nosuch &&
	refused 1 "no such template .guest." vtemplate destroy --template guest &&
	refused 1 "no template or guest .nosuch." vtemplate show nosuch &&
	refused 1 "cannot import .nosuch." vtemplate import new nosuch &&
	refused 1 "recipe .nosuch." vtemplate build new nosuch
'

test_expect_success ROOT,EXT4 'what is there already' '
	refused 1 "guest .guest. exists" vtemplate clone base guest &&
	refused 1 "template .base. exists" vtemplate import base src &&
	refused 1 "template .base. exists" \
		vtemplate build base "$COWLINK_SRC/templates/recipes/debian12"
'

long=$(printf '%065d' 1)
test_expect_success ROOT,EXT4 'names that are none' '
	for name in "" a/b .. . .hidden -dash "new
line" "with space" "$(printf "\033[31m")" "$long" "ü"
	do
		refused 2 . vtemplate clone -- base "$name" &&
		refused 2 . vtemplate import -- "$name" src &&
		refused 2 . vtemplate show -- "$name" &&
		refused 2 . vtemplate destroy -- "$name" &&
		! grep -q "$(printf "\033")" err || return 1
	done
'

test_expect_success ROOT,EXT4 'the longest name is one' '
	name=$(printf "%064d" 1) &&
	vtemplate clone base $name && vtemplate destroy $name
'

test_expect_success ROOT,EXT4 'engines that are not here' '
	refused 3 "engine .kernel. is not available here: kernel has no" \
		vtemplate clone --engine=kernel base new &&
	refused 3 "engine .reflink. is not available here" \
		vtemplate clone --engine=reflink base new &&
	refused 2 "is no engine" vtemplate clone --engine=magic base new &&
	refused 2 "is no engine" vtemplate clone --engine=unprotected base new &&
	vtemplate clone --engine=copy base copied && vtemplate destroy copied
'

test_expect_success ROOT,EXT4 'a source inside the pool' '
	refused 2 "inside the pool" vtemplate import new "$POOL" &&
	refused 2 "inside the pool" \
		vtemplate import new "$POOL/guests/guest/rootfs/sub"
'

test_expect_success ROOT,EXT4 'a recipe with a mistake' '
	printf "SUITE=bookworm\nTYPO=1\n" >recipe &&
	refused 1 "line 2 has an unknown key .TYPO." \
		vtemplate build new ./recipe &&
	printf "SUITE=a\nSUITE=b\n" >recipe &&
	refused 1 "line 2 gives SUITE again" vtemplate build new ./recipe &&
	printf "# nothing\n\nVARIANT=x\n" >recipe &&
	refused 1 "names no SUITE" vtemplate build new ./recipe &&
	printf "SUITE=a\nnonsense\n" >recipe &&
	refused 1 "line 2 is no KEY=VALUE" vtemplate build new ./recipe
'

test_expect_success ROOT,EXT4 'a guest with something mounted in it stays' '
	mkdir "$POOL/guests/guest/rootfs/a mount" &&
	mount -t tmpfs none "$POOL/guests/guest/rootfs/a mount" &&
	echo precious >"$POOL/guests/guest/rootfs/a mount/file" &&
	test_expect_code 1 vtemplate destroy guest 2>err &&
	test_grep "has a mount at .*a mount.: unmount it first" err &&
	test_contents "$POOL/guests/guest/rootfs/a mount/file" precious &&
	test_path_exists "$POOL/guests/guest/rootfs/file" &&
	umount "$POOL/guests/guest/rootfs/a mount" &&
	vtemplate destroy guest && consistent
'

test_expect_success ROOT,EXT4 'a directory that is not empty is no place for a pool' '
	mkdir full && echo x >full/file &&
	test_expect_code 1 vtemplate init --pool=full 2>err &&
	test_expect_code 1 vtemplate init 2>err &&
	test_expect_code 2 vtemplate init --pool=new --link-limit=2 2>err &&
	test_expect_code 2 vtemplate init --pool=new --link-limit=64001 2>err &&
	test_path_missing new && test_contents full/file x
'

test_expect_success ROOT 'a filesystem that cannot hold a pool' '
	mkdir lower upper work merged &&
	mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged &&
	test_when_overlay=$(pwd)/merged &&
	echo "$test_when_overlay" >>"$TRASH-mounts" &&
	test_expect_code 3 vtemplate init --pool=merged/pool 2>err &&
	test "$(wc -l <err)" = 1 && test_grep overlay err &&
	test_path_missing merged/pool
'

test_expect_success ROOT,EXT4 'a newer schema and a corrupt catalog' '
	cp "$POOL/catalog.db" saved &&
	sqlite3 "$POOL/catalog.db" "PRAGMA user_version = 999" &&
	sha256sum "$POOL/catalog.db" >sum &&
	test_expect_code 3 vtemplate list 2>err && test "$(wc -l <err)" = 1 &&
	test_expect_code 3 vtemplate clone base new 2>err &&
	test "$(wc -l <err)" = 1 && sha256sum -c sum &&
	rm -f "$POOL"/catalog.db* &&
	head -c 50000 /dev/urandom >"$POOL/catalog.db" &&
	sha256sum "$POOL/catalog.db" >sum &&
	test_expect_code 4 vtemplate list 2>err && test "$(wc -l <err)" = 1 &&
	test_expect_code 4 vtemplate clone base new 2>err &&
	test_expect_code 4 vtemplate check 2>err && sha256sum -c sum &&
	test_path_missing "$POOL/guests/new" &&
	cp saved "$POOL/catalog.db" && vtemplate clone base new && consistent
'

test_done
