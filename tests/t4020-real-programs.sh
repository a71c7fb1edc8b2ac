#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

# shellcheck disable=SC2034 # read by lib-test.sh
test_description='real programs in a guest: the others keep every byte, the quota is exact

A Debian guest below a directory with PROJINHERIT and a project quota; packages are
upgraded and files edited by the programs that do so on real machines. After each
step the other guest and the template are compared, and the charge of the project
with the files that are not shared.'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-trees.sh"

TEST_UML_OPTIONS='--mem=3G --timeout=1500'

# It fetches 60 MB of packages and then takes a quarter of an hour and more.
test_lazy_prereq LONG_TESTS 'test -n "${COWLINK_LONG_TESTS-}"'
test_require ROOT,LONG_TESTS

# Outside, as the network is there: the tree, its packages, and newer ones.
if ! in_uml_
then
	tree=$("$COWLINK_SRC/tools/debian-tree" --all-debs \
		"$TEST_DIRECTORY/fixtures/recipe-programs") || exit 1
	newer_packages "$tree" || exit 1
	TEST_UML_OPTIONS="$TEST_UML_OPTIONS --bind=$tree --env=TREE=$tree"
fi
test_in_uml "$@"

project=7

# in_guest COMMAND...: as root of the guest.
in_guest()
{
	chroot "$G7" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

# sh_in_guest SCRIPT
sh_in_guest()
{
	in_guest sh -c "set -e; $1"
}

others_unchanged()
{
	test_unchanged "$T" && test_unchanged "$G8"
}

shared()
{
	lsattr -d "$1" | cut -d ' ' -f 1 | grep -q i ||
		complain_ "'$1' is not shared"
}

# "view" is the guest without what is mounted in it. A file is charged when it is not shared, but for the symlinks and devices that were
# there before: no tool gives a project to those.
private_usage()
{
	find view -printf '%i %y %b %P\n' | sort -u -k1,1n >all &&
	find view -type f -exec lsattr -d {} + |
		awk '$1 ~ /i/ { sub(/^[^ ]* /, ""); print }' >frozen &&
	find view ! -type f ! -type d ! -newerct "@$marked" \
		-printf '%P\n' >old &&
	awk '
		FILENAME == "frozen" { sub(/^view\//, ""); skip[$0] = 1; next }
		FILENAME == "old" { skip[$0] = 1; next }
		{ name = $0; sub(/^[0-9]+ . [0-9]+ /, "", name) }
		!(name in skip) { inodes++; blocks += $3 }
		END { print blocks / 2, inodes }' frozen old all
}

charged_usage()
{
	sync -f "$POOL_MOUNT" &&
	repquota -P -n -v -c "$POOL_MOUNT" |
		awk -v p="#$project" '$1 == p { print $3, $6 }'
}

quota_is_exact()
{
	charged=$(charged_usage) && private=$(private_usage) &&
	test_note "private: $private (KiB, inodes)" &&
	test "$charged" = "$private" ||
		complain_ "charged '$charged', but private is '$private'"
}

# The files that the programs work on belong to the template, so that all are
# shared in its clones.
test_expect_success 'a template with a repository, a database and logs' '
	TEST_MKFS_OPTIONS="-O project,quota" &&
	test_mount ext4 1600M "$TRASH/fs" prjquota && POOL_MOUNT=$TRASH/fs &&
	unset TEST_MKFS_OPTIONS &&
	POOL=$POOL_MOUNT/pool && COWLINK_POOL=$POOL && export COWLINK_POOL &&
	vtemplate init && G7=$POOL_MOUNT/seed && mkdir "$G7" &&
	tar -C "$G7" --numeric-owner --xattrs --xattrs-include="*" -xpf "$TREE/root.tar" &&
	mount -t proc none "$G7/proc" &&
	sh_in_guest "
		cd /srv && git init -q repo && cd repo &&
		git config user.name n && git config user.email e@example.org &&
		for i in 1 2 3 4 5 6; do
			seq \$i 4000 >file\$i && git add . && git commit -q -m c\$i
		done
		sqlite3 /srv/db.sqlite \"CREATE TABLE t (n INTEGER, s TEXT);
			WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1
				FROM c WHERE x < 3000)
			INSERT INTO t SELECT x, hex(randomblob(40)) FROM c\" &&
		cp /srv/db.sqlite /srv/wal.sqlite && seq 90000 >/srv/big &&
		cp /srv/big /srv/sync && seq 20000 >/var/log/app.log &&
		printf \"one\\ntwo\\nthree\\n\" >/srv/text && cp /srv/text /srv/text2 &&
		cp /bin/true /srv/program && mkdir /srv/d && seq 9 >/srv/d/a &&
		cp /srv/d/a /srv/d/b
	" &&
	umount "$G7/proc" && vtemplate import work "$G7" && rm -rf "$G7" &&
	vtemplate clone work guest7 &&
	vtemplate clone work guest8 &&
	T=$POOL/templates/work/rootfs G7=$POOL/guests/guest7/rootfs &&
	G8=$POOL/guests/guest8/rootfs &&
	test_snapshot "$T" && test_snapshot "$G8" && shared "$G7/srv/big"
'

# As an administrator does: directories inherit, what is private is charged.
test_expect_success 'the guest gets a project' '
	find "$G7" -xdev -type d -exec chattr -p $project +P {} + &&
	find "$G7" -xdev -type f -exec lsattr -d {} + |
		awk "\$1 !~ /i/ { sub(/^[^ ]* /, \"\"); print }" | tr "\n" "\0" |
		xargs -0 -r chattr -p $project &&
	sleep 1 && touch mark && marked=$(stat -c %Y mark) && sleep 1 &&
	mkdir view && mount --bind "$G7" view &&
	setquota -P $project 0 1200000 0 0 "$POOL_MOUNT" && quota_is_exact &&
	mount -t proc none "$G7/proc" &&
	mkdir "$G7/root/newer" && cp "$TREE"/newer/* "$G7/root/newer/" &&
	quota_is_exact
'

# Those that apt upgrades below stay out.
test_expect_success 'dpkg upgrades more than 50 packages' '
	ls "$G7/root/newer" | grep "\.deb$" |
		grep -v "^\(git\|vim\|sqlite3\|rsync\|less\|logrotate\)[-_]" \
		>packages && test $(wc -l <packages) -gt 50 &&
	sed "s,^,/root/newer/," packages >list &&
	{ in_guest xargs dpkg -i <list >dpkg.log 2>&1 || ! tail -n 40 dpkg.log; } &&
	test_note "$(wc -l <packages) packages" &&
	in_guest dpkg-query -W coreutils | grep "newer1$" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'apt upgrades the rest' '
	echo "deb [trusted=yes] file:/root/newer ./" \
		>"$G7/etc/apt/sources.list.d/newer.list" &&
	: >"$G7/etc/apt/sources.list" &&
	in_guest apt-get -q -o APT::Sandbox::User=root update &&
	in_guest apt-get -q -y -o APT::Sandbox::User=root upgrade &&
	in_guest dpkg-query -W git vim-tiny less >versions &&
	test $(grep -c "newer1$" versions) = 3 && in_guest dpkg --audit >audit &&
	test ! -s audit && rm -r "$G7/root/newer" && others_unchanged &&
	quota_is_exact
'

test_expect_success 'rsync in place' '
	sh_in_guest "sed s/777/abc/ /srv/big >/root/sync &&
		rsync --inplace --no-whole-file /root/sync /srv/sync &&
		cmp /root/sync /srv/sync" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'git commits and collects garbage' '
	sh_in_guest "cd /srv/repo && echo more >>file1 && git commit -q -a -m more &&
		git gc -q --prune=now && git fsck --strict &&
		test \$(git log --oneline | wc -l) = 7" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'sqlite writes, with a journal and with a log' '
	sh_in_guest "sqlite3 /srv/db.sqlite \"UPDATE t SET s = n WHERE n % 7 = 0;
			DELETE FROM t WHERE n > 2000; VACUUM\" &&
		sqlite3 /srv/wal.sqlite \"PRAGMA journal_mode=WAL;
			UPDATE t SET s = n WHERE n % 7 = 0\" &&
		test \$(sqlite3 /srv/db.sqlite \"PRAGMA integrity_check\") = ok &&
		test \$(sqlite3 /srv/wal.sqlite \"PRAGMA integrity_check\") = ok &&
		test \$(sqlite3 /srv/db.sqlite \"SELECT count(*) FROM t\") = 2000" &&
	others_unchanged && quota_is_exact
'

# Written in place, vim compares the inode that it has looked at with the one that
# it has open, and says E949 once; the file then is its own.
test_expect_success 'vim, by rename and in place; sed -i' '
	sh_in_guest "vim.tiny -es -N -u NONE -c \"set backupcopy=no\" \
			-c s/one/1/ -c wq /srv/text" &&
	test "$(head -n 1 "$G7/srv/text")" = 1 &&
	{ sh_in_guest "vim.tiny -es -N -u NONE -c \"set backupcopy=yes\" \
			-c s/one/1/ -c wq /srv/text2" ||
	  sh_in_guest "vim.tiny -es -N -u NONE -c \"set backupcopy=yes\" \
			-c s/one/1/ -c wq /srv/text2"; } &&
	test "$(head -n 1 "$G7/srv/text2")" = 1 &&
	sh_in_guest "sed -i s/two/2/ /srv/text2" && grep -x 2 "$G7/srv/text2" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'useradd, passwd databases, logrotate' '
	sh_in_guest "useradd -m someone && getent passwd someone &&
		printf \"/var/log/app.log {\\n rotate 2\\n copytruncate\\n allowhardlink\\n}\\n\" \
			>/root/rotate.conf && logrotate -f /root/rotate.conf" &&
	test ! -s "$G7/var/log/app.log" && cmp "$G7/var/log/app.log.1" \
		"$G8/var/log/app.log" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'setcap, and labels as restorecon sets them' '
	sh_in_guest "setcap cap_net_raw+ep /srv/program && getcap /srv/program" |
		grep cap_net_raw &&
	sh_in_guest "find /etc -type f -exec setfattr -n security.selinux \
		-v system_u:object_r:etc_t:s0 {} +" &&
	getfattr -n security.selinux "$G7/etc/passwd" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'chown -R that changes nothing copies nothing' '
	charged_usage >before && sh_in_guest "chown -R root:root /usr/bin /usr/sbin" &&
	charged_usage >after && test_cmp before after &&
	others_unchanged && quota_is_exact
'

test_expect_success 'chown -R to another owner, touch -r' '
	sh_in_guest "chown -R someone: /srv/d && touch -r /srv/text /srv/d/a &&
		touch -r /srv/text /usr/bin/env" &&
	test "$(stat -c %U:%a "$G8/srv/d/a")" = root:644 &&
	test "$(stat -c %y "$G7/usr/bin/env")" = "$(stat -c %y "$G7/srv/text")" &&
	others_unchanged && quota_is_exact
'

test_expect_success 'the pool is consistent, and vhashify shares again' '
	umount "$G7/proc" && umount view && test_snapshot "$G7" &&
	vtemplate check &&
	vhashify >out && cat out && test_unchanged "$G7" && others_unchanged &&
	shared "$G7/srv/big" && vtemplate check
'

test_done
