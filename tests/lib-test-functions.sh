# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What test bodies are written with; part of lib-test.sh. Each function returns 0
# when the claim holds, and otherwise prints what it found and returns 1.

test_pools=0

complain_()
{
	echo "$*" >&2
	return 1
}

# --- commands that fail ---------------------------------------------------------

# Status $1 of the command "$2...": a refusal, or an accident?
no_accident_()
{
	test_rc=$1
	shift
	case $test_rc in
	98|99)	complain_ "reported by the instrumentation: $*" ;;
	126|127) complain_ "could not be run: $*" ;;
	*)	test "$test_rc" -lt 128 ||
		complain_ "died of signal $((test_rc - 128)): $*" ;;
	esac
}

# The command refuses: it ends by itself with a nonzero status.
test_must_fail()
{
	"$@"
	test_rc=$?
	test $test_rc != 0 || complain_ "succeeded, but should fail: $*" || return 1
	no_accident_ $test_rc "$@"
}

# test_expect_code N COMMAND...; N above 128 expects that signal.
test_expect_code()
{
	test_expected=$1
	shift
	"$@"
	test_rc=$?
	test $test_rc = "$test_expected" ||
		complain_ "status $test_rc, expected $test_expected: $*" || return 1
	test $test_rc -ge 128 || no_accident_ $test_rc "$@"
}

# --- file systems and pools -------------------------------------------------------

# The file for the disk image of a mount point: in memory, since tests flush often.
image_()
{
	if ! test -d "$TRASH-images"
	then
		mkdir "$TRASH-images" &&
		mount -t tmpfs none "$TRASH-images" &&
		echo "$TRASH-images" >>"$TRASH-mounts" || return 1
	fi
	echo "$TRASH-images/$(basename "$1")-$(snapshot_name_ "$1").img"
}

# test_mount FSTYPE SIZE DIR [MOUNT-OPTIONS]: a fresh file system at the new
# directory DIR, gone at the end of the script. FSTYPE is ext4, xfs, btrfs or
# tmpfs; TEST_MKFS_OPTIONS go to mkfs.
test_mount()
{
	mkdir -p "$3" && test_point=$(cd "$3" && pwd) || return 1
	if test "$1" = tmpfs
	then
		mount -t tmpfs -o "size=$2${4:+,$4}" none "$test_point" || return 1
	else
		test_force=-f
		test "$1" != ext4 || test_force=-F
		# shellcheck disable=SC2086 # a list of options
		test_image=$(image_ "$test_point") &&
		truncate -s "$2" "$test_image" &&
		"mkfs.$1" -q $test_force ${TEST_MKFS_OPTIONS-} "$test_image" &&
		mount -t "$1" -o "loop${4:+,$4}" "$test_image" "$test_point" ||
			return 1
	fi
	echo "$test_point" >>"$TRASH-mounts"
}

test_unmount()
{
	test_point=$(cd "$1" && pwd) && umount "$test_point" &&
	{ grep -vxF "$test_point" "$TRASH-mounts" >"$TRASH-mounts.new" || :; } &&
	mv "$TRASH-mounts.new" "$TRASH-mounts"
}

# test_unmounted COMMAND [ARGUMENT...]: run it while the file system of "m", whose image is
# $IMAGE, is not mounted
test_unmounted()
{
	test_unmount m && "$@" &&
	mount -o loop "$IMAGE" "$PWD/m" && echo "$PWD/m" >>"$TRASH-mounts"
}

# test_pool [--no-init] [INIT-OPTION...] FSTYPE [SIZE]: mount a fresh file system
# and make a pool in it. Sets and exports COWLINK_POOL; POOL is the same path and
# POOL_MOUNT the mount point.
test_pool()
{
	test_init=vtemplate
	test_init_options=
	while :
	do
		case $1 in
		--no-init) test_init=: ;;
		--*) test_init_options="$test_init_options $1" ;;
		*) break ;;
		esac
		shift
	done
	case $1 in
	ext4|tmpfs) test_size=${2:-256M} ;;
	xfs) test_size=${2:-320M} ;;
	*) test_size=${2:-512M} ;;
	esac
	test_pools=$((test_pools + 1))
	POOL_MOUNT=$TRASH/mnt$test_pools
	test_mount "$1" "$test_size" "$POOL_MOUNT" || return 1
	POOL=$POOL_MOUNT/pool
	COWLINK_POOL=$POOL
	export COWLINK_POOL POOL
	# shellcheck disable=SC2086 # a list of options
	$test_init init $test_init_options
}

# test_fill_pool: take the last block of the pool's file system, which is not even root's.
# All are in $POOL_MOUNT/fill-blocks, as there may be one inode only.
test_fill_pool()
{
	test_fill=$POOL_MOUNT/fill-blocks
	true >"$test_fill" || return 1
	dd if=/dev/zero of="$test_fill" bs=64k 2>/dev/null
	fill_on_ bs=1k
	sync -f "$POOL_MOUNT"
	fill_on_ bs=1k
	! fill_on_ bs=4k count=1 || complain_ "a block was left"
}

# fill_on_ OPERAND...: for dd
fill_on_()
{
	dd if=/dev/zero of="$test_fill" conv=notrunc oflag=append "$@" 2>/dev/null
}

# --- claims about files -------------------------------------------------------------

test_path_exists()
{
	test -e "$1" || test -h "$1" || complain_ "'$1' does not exist"
}

test_path_missing()
{
	{ ! test -e "$1" && ! test -h "$1"; } || complain_ "'$1' exists"
}

inode_()
{
	stat -c '%d:%i' -- "$1"
}

test_same_inode()
{
	test_path_exists "$1" && test_path_exists "$2" || return 1
	test "$(inode_ "$1")" = "$(inode_ "$2")" ||
		complain_ "'$1' and '$2' are different inodes"
}

test_different_inode()
{
	test_path_exists "$1" && test_path_exists "$2" || return 1
	test "$(inode_ "$1")" != "$(inode_ "$2")" ||
		complain_ "'$1' and '$2' are one inode"
}

# test_nlink FILE N
test_nlink()
{
	test_found=$(stat -c %h -- "$1") || return 1
	test "$test_found" = "$2" ||
		complain_ "'$1' has $test_found links, expected $2"
}

# test_contents FILE TEXT: TEXT and a newline are all the file holds.
test_contents()
{
	printf '%s\n' "$2" | cmp - "$1"
}

test_cmp()
{
	diff -u "$1" "$2"
}

test_grep()
{
	grep -e "$1" "$2" || {
		echo "'$1' is not in '$2':" >&2
		cat "$2" >&2
		return 1
	}
}

# test_json FILE JQ-EXPRESSION EXPECTED
test_json()
{
	test_found=$(jq -r "$2" "$1") || {
		cat "$1" >&2
		return 1
	}
	test "$test_found" = "$3" || {
		complain_ "$2 is '$test_found', expected '$3', in:"
		cat "$1" >&2
		return 1
	}
}

# --- claims about trees ---------------------------------------------------------------

# test_tree_equal A B: every object of the two trees has the same type, mode,
# owner, size, times, device, extended attributes, ACLs, content, and hard links
# within its tree.
test_tree_equal()
{
	treesum "$1" >"$TRASH-tree1" && treesum "$2" >"$TRASH-tree2" || return 1
	diff -u "$TRASH-tree1" "$TRASH-tree2"
}

# test_snapshot DIR: remember DIR for the next two.
test_snapshot()
{
	treesum "$1" >"$TRASH-snapshot-$(snapshot_name_ "$1")"
}

snapshot_name_()
{
	printf '%s' "$1" | cksum | tr ' ' -
}

# test_unchanged DIR
test_unchanged()
{
	test_unchanged_elsewhere "$1"
}

# test_unchanged_elsewhere DIR [PATH...]: DIR is as in its snapshot, but for the
# objects PATH, given relative to DIR as treesum prints them.
test_unchanged_elsewhere()
{
	test_dir=$1
	shift
	test_old=$TRASH-snapshot-$(snapshot_name_ "$test_dir")
	treesum "$test_dir" >"$TRASH-tree2" || return 1
	printf '%s\n' "$@" >"$TRASH-paths"
	without_paths_ <"$test_old" >"$TRASH-tree1" &&
	without_paths_ <"$TRASH-tree2" >"$TRASH-tree3" &&
	diff -u "$TRASH-tree1" "$TRASH-tree3"
}

without_paths_()
{
	awk -v list="$TRASH-paths" '
		BEGIN { while ((getline line < list) > 0) skip[line] = 1 }
		!($1 in skip)'
}

# test_second_run_idle DIR COMMAND...: the command, run once more, touches no
# inode below DIR, not even its change time.
test_second_run_idle()
{
	test_dir=$1
	shift
	treesum --inodes "$test_dir" >"$TRASH-tree1" &&
	"$@" &&
	treesum --inodes "$test_dir" >"$TRASH-tree2" &&
	diff -u "$TRASH-tree1" "$TRASH-tree2"
}
