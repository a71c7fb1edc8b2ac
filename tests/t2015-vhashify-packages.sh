#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='vhashify: package managers other than dpkg, their locks and conffiles'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-vhashify.sh"
test_require EXT4

RPM=usr/lib/sysimage/rpm

# A package with two files marked %config and two that are not; its first script waits
# for the fifo /wait if there is one.
make_package()
{
	cat >sample.spec <<-\EOS &&
	Name: sample
	Version: 1
	Release: 1
	Summary: sample
	License: none
	BuildArch: noarch
	%description
	Sample.
	%pre -p <lua>
	f = io.open("/wait")
	if f then f:read() f:close() end
	%install
	mkdir -p %{buildroot}/etc/d %{buildroot}/opt
	echo a >%{buildroot}/etc/a.conf
	echo b >%{buildroot}/etc/d/b.conf
	echo c >%{buildroot}/etc/plain
	echo d >%{buildroot}/opt/tool
	%files
	%config /etc/a.conf
	%config(noreplace) /etc/d/b.conf
	/etc/plain
	/opt/tool
	EOS
	rpmbuild -bb --define "_topdir $PWD/top" sample.spec >build.log 2>&1 &&
	mv top/RPMS/noarch/sample-1-1.noarch.rpm . &&
	mkdir db && rpm_at "$PWD/db" -i --justdb
}

# rpm_at ROOT OPTION...: rpm with the package, in ROOT.
rpm_at()
{
	rpm_root=$1
	shift
	rpm --root "$rpm_root" --dbpath "/$RPM" --nodeps --ignoreos "$@" \
		sample-1-1.noarch.rpm
}

# Forget the databases; equal files at all of the paths, one inode each.
fresh()
{
	for fresh_root in "$G1" "$G2"
	do
		rm -rf "$fresh_root/var/lib/rpm" "$fresh_root/${RPM:?}" \
			"$fresh_root/lib/apk" "$fresh_root/etc/apk" &&
		mkdir -p "$fresh_root/etc/d" "$fresh_root/opt" || return 1
	done
	fresh_n=$((${fresh_n-0} + 1))
	for fresh_name in etc/a.conf etc/d/b.conf etc/plain opt/tool
	do
		same_file "$fresh_n $fresh_name" "$G1/$fresh_name" \
			"$G2/$fresh_name" || return 1
	done
}

# links PATH COUNT...: of the files in g1.
links()
{
	while test $# -gt 0
	do
		test_nlink "$G1/$1" "$2" || return 1
		shift 2
	done
}

left_out()
{
	test_json out ".trees[] | select(.name == \"g1\") | .status" "$1"
}

test_expect_success 'a pool with two guests, and an rpm' '
	make_source src && test_pool --unprotected ext4 &&
	vtemplate import t src && vtemplate clone t g1 && vtemplate clone t g2 &&
	G1=$(root_of g1) G2=$(root_of g2) && make_package
'

test_expect_success 'rpm: what it marks as %config is left alone, nothing else' '
	fresh && mkdir -p "$G1/$RPM" && cp db/$RPM/* "$G1/$RPM" &&
	treesum "$G1/$RPM" >before &&
	vhashify --skip-conffiles --json >out && treesum "$G1/$RPM" >after &&
	test_cmp before after && reason_is out conffile 2 && outcomes_add_up out &&
	links etc/a.conf 1 etc/d/b.conf 1 etc/plain 3 opt/tool 3
'

test_expect_success 'rpm: the older place, and a symlink between the two' '
	fresh && mkdir -p "$G1/var/lib/rpm" && cp db/$RPM/* "$G1/var/lib/rpm" &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 2 &&
	fresh && mkdir -p "$G1/$RPM" && cp db/$RPM/* "$G1/$RPM" &&
	ln -s ../../$RPM "$G1/var/lib/rpm" &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 2
'

test_expect_success 'rpm: what is in the write-ahead log counts' '
	fresh && mkdir -p "$G1/$RPM" && cp db/$RPM/rpmdb.sqlite wal.db &&
	cp wal.db whole.db &&
	sqlite3 wal.db "DELETE FROM Packages" \
		".system cp wal.db wal.db-wal $G1/$RPM" &&
	mv "$G1/$RPM/wal.db" "$G1/$RPM/rpmdb.sqlite" &&
	mv "$G1/$RPM/wal.db-wal" "$G1/$RPM/rpmdb.sqlite-wal" &&
	test -s "$G1/$RPM/rpmdb.sqlite-wal" &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 0 &&
	links etc/a.conf 3 && fresh && mkdir -p "$G1/$RPM" &&
	sqlite3 wal.db "ATTACH \"whole.db\" AS whole" \
		"INSERT INTO Packages SELECT * FROM whole.Packages" \
		".system cp wal.db wal.db-wal $G1/$RPM" &&
	mv "$G1/$RPM/wal.db" "$G1/$RPM/rpmdb.sqlite" &&
	mv "$G1/$RPM/wal.db-wal" "$G1/$RPM/rpmdb.sqlite-wal" &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 2 &&
	links etc/a.conf 1 etc/d/b.conf 1 etc/plain 3
'

test_expect_success 'rpm: a log that is cut short or damaged ends before that' '
	fresh && mkdir -p "$G1/$RPM" && cp whole.db wal.db && rm -f wal.db-* &&
	sqlite3 wal.db "DELETE FROM Packages" \
		".system cp wal.db wal.db-wal $G1/$RPM" &&
	mv "$G1/$RPM/wal.db" "$G1/$RPM/rpmdb.sqlite" &&
	mv "$G1/$RPM/wal.db-wal" "$G1/$RPM/rpmdb.sqlite-wal" &&
	printf x | dd of="$G1/$RPM/rpmdb.sqlite-wal" bs=1 seek=200 conv=notrunc &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 2
'

test_expect_success 'rpm: a damaged, a hostile and an old database cost the guest the run' '
	fresh && mkdir -p "$G1/$RPM" && D=$G1/$RPM/rpmdb.sqlite &&
	for how in "head -c 5000 whole.db" "echo nothing" old view recursive blob
	do
		rm -f "$G1/$RPM"/* && case $how in
		old) : >"$G1/$RPM/Packages" ;;
		view) sqlite3 "$D" "CREATE VIEW Packages AS SELECT
			zeroblob(1000000) AS blob" ;;
		recursive) sqlite3 "$D" "CREATE VIEW Packages AS WITH RECURSIVE
			n(blob) AS (SELECT 1 UNION ALL SELECT blob FROM n)
			SELECT blob FROM n" ;;
		blob) sqlite3 "$D" "CREATE TABLE Packages (blob);
			INSERT INTO Packages VALUES (zeroblob(7))" ;;
		*) $how >"$D" ;;
		esac &&
		timeout 60 vhashify --skip-conffiles --json >out 2>err &&
		left_out package-database && links etc/a.conf 1 opt/tool 1 ||
			return 1
	done &&
	rm "$G1/$RPM"/* && vhashify --skip-conffiles && links etc/a.conf 3
'

test_expect_success 'rpm at work: the guest is left for the next run' '
	fresh && mkdir -p "$G1/var/tmp" "$G1/tmp" && mkfifo "$G1/wait" &&
	{ rpm_at "$G1" -i >rpm.log 2>&1 & } &&
	rpm_pid=$! && exec 9>"$G1/wait" &&
	vhashify --json >out 2>err && left_out package-manager &&
	test_grep "rpm is at work" err && exec 9>&- &&
	{ wait $rpm_pid || cat rpm.log; } && rm "$G1/wait" &&
	vhashify --json >out && left_out scanned
'

test_expect_success 'apk: what it has installed below /etc is left alone' '
	fresh && mkdir -p "$G1/lib/apk/db" &&
	printf "%s\n" "P:sample" "F:etc" "R:a.conf" "a:0:0:644" "F:etc/d" \
		"M:0:0:755" "R:b.conf" "F:opt" "R:tool" "" \
		>"$G1/lib/apk/db/installed" &&
	vhashify --skip-conffiles --json >out && reason_is out conffile 2 &&
	links etc/a.conf 1 etc/d/b.conf 1 etc/plain 3 opt/tool 3
'

test_expect_success 'apk: and what the lists say, the last one that matches counts' '
	fresh && mkdir -p "$G1/lib/apk/db" "$G1/etc/apk/protected_paths.d" &&
	printf "%s\n" "F:etc" "R:a.conf" "R:plain" "F:etc/d" "R:b.conf" "F:opt" \
		"R:tool" >"$G1/lib/apk/db/installed" &&
	printf "%s\n" "# mine" "+opt/t*" "-etc/d" \
		>"$G1/etc/apk/protected_paths.d/b.list" &&
	printf "%s\n" "@etc/plain" "-opt" \
		>"$G1/etc/apk/protected_paths.d/a.list" &&
	echo "-etc" >"$G1/etc/apk/protected_paths.d/ignored" &&
	vhashify --skip-conffiles --json >out &&
	links etc/a.conf 1 etc/d/b.conf 3 etc/plain 3 opt/tool 1
'

test_expect_success 'apk: patterns that would take long are refused' '
	echo "+*a*a*a*a*a*a*a*a*b" >"$G1/etc/apk/protected_paths.d/c.list" &&
	vhashify --skip-conffiles --json >out && left_out package-database &&
	rm -r "$G1/etc/apk"
'

test_expect_success 'apk at work, with either kind of lock' '
	fresh && mkdir -p "$G1/lib/apk/db" && : >"$G1/lib/apk/db/lock" &&
	exec 9>"$G1/lib/apk/db/lock" && flock 9 &&
	vhashify --json >out 2>err && left_out package-manager &&
	test_grep "apk is at work" err && exec 9>&- &&
	lockfile "$G1/lib/apk/db/lock" vhashify --json >out 2>err &&
	left_out package-manager && test_grep "apk is at work" err &&
	vhashify --json >out && left_out scanned && vtemplate check
'

test_done
