# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of vhashify have in common; sourced after lib-test.sh.

# make_source DIR: a small tree of every kind; all times are the same.
make_source()
{
	mkdir -p "$1/bin" "$1/etc" "$1/share/doc" &&
	seq 1 2000 >"$1/bin/tool" && chmod 4755 "$1/bin/tool" &&
	seq 3000 9000 >"$1/bin/other" && chmod 755 "$1/bin/other" &&
	echo "setting = 1" >"$1/etc/conf" &&
	echo "twice there" >"$1/etc/twin1" &&
	cp "$1/etc/twin1" "$1/etc/twin2" &&
	: >"$1/etc/empty" &&
	echo "several names" >"$1/share/hard1" &&
	ln "$1/share/hard1" "$1/share/hard2" &&
	mkfifo "$1/share/fifo" &&
	ln -s hard1 "$1/share/symlink" &&
	echo documentation >"$1/share/doc/README" &&
	same_times "$1"
}

same_times()
{
	find "$1" -exec touch -h -d '2001-02-03 04:05:06.789012345' {} +
}

root_of()
{
	case $1 in
	t|template*) echo "$POOL/templates/$1/rootfs" ;;
	*) echo "$POOL/guests/$1/rootfs" ;;
	esac
}

# own FILE...: give each name an inode of its own, equal in all but that: what a
# package manager does when it installs the same package again.
own()
{
	for own_file
	do
		case $own_file in
		*/*) own_new=${own_file%/*}/own.new ;;
		*) own_new=own.new ;;
		esac
		cp -a "$own_file" "$own_new" &&
		mv "$own_new" "$own_file" || return 1
	done
}

# same_file CONTENT FILE...: files equal in content and metadata.
same_file()
{
	same_content=$1
	shift
	for same_name
	do
		rm -f "$same_name" &&
		echo "$same_content" >"$same_name" &&
		touch -d '2003-03-03 03:03:03' "$same_name" || return 1
	done
}

# reason_is FILE REASON COUNT: so many files were skipped for REASON.
reason_is()
{
	test_json "$1" \
		"[.skipped[] | select(.reason == \"$2\") | .files] | add // 0" \
		"$3"
}

# Every regular file has exactly one outcome.
outcomes_add_up()
{
	test_json "$1" '.files == .shared_files + ([.skipped[].files] | add // 0)' \
		true
}
