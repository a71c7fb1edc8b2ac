# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Paths and small functions shared by the scripts in kernel/tools; sourced by
# them after "set -eu". KVER chooses the kernel.

KVER=${KVER:-6.1}
KDIR=$(cd "$(dirname "$0")/.." && pwd)
CACHE=${COWLINK_CACHE:-${HOME:-/root}/.cache/cowlink}
PATCH_DIR=$KDIR/patches/$KVER
TARBALL=${COWLINK_TARBALL:-/usr/src/linux-source-$KVER.tar.xz}
# shellcheck disable=SC2034 # for those who source this
WORK=$CACHE/work-$KVER
# shellcheck disable=SC2034
JOBS=${JOBS:-$(nproc)}

# A make above us would hand its own flags and variables to the kernel's make.
unset MAKEFLAGS MAKELEVEL MFLAGS ARCH KBUILD_OUTPUT

say() {
	echo "kernel: $*" >&2
}

die() {
	echo "kernel: error: $*" >&2
	exit 1
}

# Name and version of the source, as far as the distribution knows it.
source_version() {
	dpkg-query -W -f '${Version}' "linux-source-$KVER" 2>/dev/null ||
		sha256sum <"$TARBALL" | cut -c1-16
}

need_source() {
	[ -d "$PATCH_DIR" ] ||
		die "no patches for KVER='$KVER'; there are: $(ls "$KDIR/patches")"
	[ -r "$TARBALL" ] ||
		die "'$TARBALL' is missing; install the package linux-source-$KVER"
}

# The series file, in quilt's format: comments, blank lines, one patch a line.
series() {
	sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$PATCH_DIR/series"
}

# Patches that only the User-Mode Linux of the tests needs: of every version, and
# of this one.
harness_patches() {
	find "$KDIR/harness" "$KDIR/harness/$KVER" -maxdepth 1 -name '*.patch' \
		2>/dev/null | sort -u
}

# fragment NAME...: options of a machine of the tests, for every version and for this
# one.
fragment() {
	for name; do
		cat "$KDIR/config/$name.fragment"
		[ ! -f "$KDIR/config/$name-$KVER.fragment" ] ||
			cat "$KDIR/config/$name-$KVER.fragment"
	done
}

# Our own files, with their place in the kernel tree: fs/cowlink.c and the like.
own_files() {
	(cd "$KDIR" && find fs include -type f | sort)
}

# Put them into the tree $1, each with the branch of this kernel only where the
# text of all kernels has
#
#	#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#	#else
#	#endif
copy_own_files() {
	for f in $(own_files); do
		mkdir -p "$1/$(dirname "$f")"
		awk -v have="$KVER" "$for_this_kernel" "$KDIR/$f" >"$1/$f"
	done
}

# shellcheck disable=SC2016 # awk's dollars
for_this_kernel='
	function number(major, minor) { return major * 1000 + minor }
	BEGIN { split(have, v, "."); have = number(v[1], v[2]) }
	/^#if LINUX_VERSION_CODE >= KERNEL_VERSION\(/ {
		split($0, v, /[(,)]/)
		skip = have < number(v[2], v[3])
		open = 1
		depth = 0
		next
	}
	/^#include <linux\/version.h>$/ { next }
	open && /^#if/ { depth++ }
	open && !depth && /^#else/ { skip = !skip; next }
	open && /^#endif/ {
		if (!depth--) {
			open = skip = 0
			next
		}
	}
	!skip'

# Run "$@" holding the lock named $1; two makes at once must not share a tree.
lock() {
	mkdir -p "$CACHE"
	exec 9>"$CACHE/lock-$1"
	flock -n 9 || {
		say "waiting for another build of $1"
		flock 9
	}
}
