# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For the scripts that compile single objects of the kernel; sourced by them after
# lib.sh.

need_source
lock "uml-$KVER"
export COWLINK_LOCKED=1
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# configure SOURCE OBJECTS LINE: LINE stands for that of CONFIG_FS_COWLINK.
configure() {
	mkdir -p "$2"
	{
		make -s -C "$1" ARCH=um O="$2" defconfig
		fragment uml | sed "s/^CONFIG_FS_COWLINK=.*/$3/" >"$2/fragment"
		(cd "$2" && ARCH=um "$1/scripts/kconfig/merge_config.sh" -m -O . \
			.config fragment)
		make -s -C "$1" ARCH=um O="$2" olddefconfig
	} >"$log/config" 2>&1 || { cat "$log/config" >&2; die "cannot configure"; }
}

# The first $1 patches.
first_patches() {
	series | head -n "$1" | sed "s|^|$PATCH_DIR/|"
}

# Objects of the C files that the first $1 patches and, with $2 "on", those that
# kernel/fs adds.
objects() {
	first_patches "$1" | xargs sed -n 's|^+++ b/\(.*\)\.c$|\1.o|p' | sort -u
	# shellcheck disable=SC2016 # the dollar is make's
	[ "$2" = off ] || first_patches "$1" |
		xargs cat | sed -n 's/^+obj-\$(CONFIG_FS_COWLINK).*+=//p' |
		tail -n 1 | tr ' ' '\n' | sed -n 's|^\(.*\.o\)$|fs/\1|p'
}
