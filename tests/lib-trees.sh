# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Trees to import, for the tests of templates and crashes. Sourced after
# lib-test.sh.

# nasty_tree DIR: one of everything a tree can hold. DIR.outside gets a further
# name of one of its files.
nasty_tree()
{
	mkdir "$1" "$1.outside" && (
		cd "$1" &&
		nasty_files_ && nasty_links_ && nasty_names_ && nasty_specials_ &&
		nasty_attributes_ && nasty_depth_ 1000 >/dev/null &&
		ln f/plain "../$(basename "$1").outside/other" &&
		nasty_dirs_
	)
}

nasty_files_()
{
	mkdir f f/sub &&
	echo plain >f/plain &&
	: >f/empty &&
	echo suid >f/suid && chmod 4755 f/suid &&
	echo sgid >f/sgid && chmod 2711 f/sgid &&
	echo secret >f/mode0 && chmod 0 f/mode0 &&
	echo owned >f/owned && chown 1234:5678 f/owned &&
	chmod 6750 f/owned &&
	echo old >f/old && touch -d '1970-01-01 00:00:01.000000001' f/old &&
	echo before >f/before && touch -d '1960-05-06 07:08:09' f/before &&
	touch -d '2001-02-03 04:05:06.123456789' f/plain &&
	truncate -s 5M f/sparse &&
	echo middle | dd of=f/sparse bs=1 seek=3000000 conv=notrunc status=none &&
	truncate -s 1M f/hole &&
	# equal, and yet two files
	echo twin >f/twin && echo twin >f/sub/twin &&
	touch -d '2020-01-01 00:00:00.5' f/twin f/sub/twin
}

nasty_links_()
{
	mkdir l l/sub &&
	echo linked >l/one && ln l/one l/two && ln l/one l/sub/three &&
	chmod 4755 l/one &&
	ln -s one l/relative && ln -s /etc/passwd l/absolute &&
	ln -s nowhere l/dangling && ln -s self l/self && ln -s sub l/dir &&
	ln -P l/relative l/relative2 &&
	chown -h 11:22 l/absolute &&
	touch -h -d '2002-03-04 05:06:07.987654321' l/dangling
}

nasty_names_()
{
	mkdir n && (
		cd n &&
		echo 1 >'new
line' && echo 2 >"$(printf 'bad\377\376utf8')" && echo 3 >'-dash' &&
		echo 4 >' blank ' && echo 5 >'back\slash' &&
		echo 6 >"$(printf 'caf\303\251')" &&
		echo 7 >"$(printf '%0255d' 7)" &&
		ln -s "$(printf 'to\n\377')" link
	)
}

nasty_specials_()
{
	mkdir s &&
	mknod s/null c 1 3 && chmod 666 s/null && mknod s/loop b 7 200 &&
	mkfifo -m 640 s/fifo && chown 5:6 s/fifo && ln s/fifo s/fifo2 &&
	perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) or die;
		bind(S, sockaddr_un($ARGV[0])) or die' s/socket &&
	touch -d '2003-04-05 06:07:08.111222333' s/*
}

nasty_attributes_()
{
	mkdir x &&
	echo cap >x/cap && chmod 755 x/cap && setcap cap_net_raw+ep x/cap &&
	echo capowned >x/capowned && chown 33:33 x/capowned &&
	setcap cap_net_bind_service+eip x/capowned &&
	ln x/cap x/cap2 &&
	echo acl >x/acl && chmod 640 x/acl &&
	setfacl -m u:1234:rwx,g:5678:r,m::rw x/acl &&
	echo user >x/user && setfattr -n user.colour -v 0x00ff0a x/user &&
	setfattr -n user.empty x/user &&
	setfattr -n trusted.secret -v hush x/user &&
	mkdir x/default && setfacl -d -m u:4321:rx,o::- x/default &&
	echo inherits >x/default/file && mkdir x/default/dir
}

# Paths of more than PATH_MAX bytes at $1 levels are beyond treesum; 1000 is not.
nasty_depth_()
{
	perl -e 'for (1 .. $ARGV[0]) { mkdir "d" or die; chdir "d" or die }
		open my $f, ">", "bottom" or die; print $f "deep\n"' "$1"
}

# Last, because they are about times and permissions of directories.
nasty_dirs_()
{
	mkdir m m/readonly m/none m/sticky m/setgid &&
	echo in >m/readonly/file && echo in >m/none/file &&
	chgrp 77 m/setgid && chmod 2775 m/setgid && chmod 1777 m/sticky &&
	chmod 555 m/readonly && chmod 0 m/none &&
	touch -d '2004-05-06 07:08:09.123123123' m/* m f d &&
	setfattr -n user.dir -v yes m && chmod 751 . &&
	touch -d '2005-06-07 08:09:10.999999999' .
}

# small_tree DIR: one of each kind of thing, for tests that repeat themselves for
# every step a command makes.
small_tree()
{
	mkdir -p "$1/sub" &&
	echo data >"$1/file" && chmod 4755 "$1/file" &&
	echo group >"$1/one" && ln "$1/one" "$1/sub/two" &&
	ln -s file "$1/link" && mkfifo "$1/fifo" &&
	setfattr -n trusted.a -v b "$1/file" &&
	touch -d '2001-02-03 04:05:06.123456789' "$1/file" "$1/sub"
}

# as_tar_can DIR: remove what GNU tar does not archive: sockets and hard links
# between fifos. (Times before 1970 that are not whole seconds are misread by
# libarchive 3.6, so nasty_tree has none.)
as_tar_can()
{
	find "$1" -type s -delete && rm "$1/s/fifo2" &&
	touch -d '2003-04-05 06:07:08.5' "$1/s"
}

# pax FILE DIR: everything of DIR in a PAX archive.
pax()
{
	tar --format=posix --numeric-owner --xattrs --xattrs-include='*' --acls \
		--sparse -C "$2" -cf "$1" .
}

# newer_packages TREE: the packages of a tree of tools/debian-tree with higher versions, in
# TREE/newer; together or not at all, and once.
newer_packages()
{
	flock "$1" sh -c "test -d '$1/newer' || {
		rm -rf '$1/newer.tmp' &&
		'$TEST_DIRECTORY/make-newer-debs' '$1/debs' '$1/newer.tmp' &&
		mv '$1/newer.tmp' '$1/newer'; }"
}
