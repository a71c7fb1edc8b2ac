# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The emulated PC with systemd as its process 1, in a tree of Debian. Sourced after
# lib-system.sh. The script runs three times there, as $HOST_STAGE tells:
#
#	prepare		as in any test of the emulated PC: it fills the tree and ends with
#			host_boots
#	running		as a service of the system that has booted; it ends with host_goes_down
#	down		from systemd-shutdown, when all units have stopped and the file systems
#			are unmounted, as far as that goes; it ends with test_done
#
# The points of all three are counted as those of one script.

HOST_STAGE=${COWLINK_HOST_STAGE-prepare}
HOST_POINTS=/run/test-points

# host_tree ARCHIVE: unpack it at $HOST, install this build there and what the library needs.
# Nothing is built now: the sources are read-only. $HOST_OPTIONS are those of the script there.
host_tree()
{
	HOST=$TRASH/host
	mkdir "$HOST" && mount -t tmpfs -o size=1G,mode=755 none "$HOST" &&
	tar -C "$HOST" -xf "$1" &&
	make -s --no-print-directory -o all -C "$COWLINK_SRC" BUILD="$COWLINK_BUILD" DESTDIR="$HOST" \
		install &&
	for program in vserver vhashify vtemplate
	do
		host_libraries_ "$COWLINK_BUILD/$program" || return 1
	done &&
	for program in jq sqlite3
	do
		file=$(command -v $program) && cp "$file" "$HOST/usr/bin/" &&
		host_libraries_ "$file" || return 1
	done &&
	host_settings_ && host_script_ && host_units_
}

# The tree's own stay: both are of the same release.
host_libraries_()
{
	for library in $(ldd "$1" | grep -o "/[^ ]*")
	do
		test -e "$HOST$library" || cp -L "$library" "$HOST$library" || return 1
	done
}

# With a machine id this is not its first boot, which would enable all units there are.
# There is no udev, which a getty waits for.
host_settings_()
{
	echo 0123456789abcdef0123456789abcdef >"$HOST/etc/machine-id" &&
	echo host >"$HOST/etc/hostname" &&
	for unit in console-getty serial-getty@ getty@ getty-static
	do
		ln -sf /dev/null "$HOST/etc/systemd/system/$unit.service" || return 1
	done
}

host_script_()
{
	mkdir -p "$HOST/usr/lib/test/tests" &&
	cp "$TEST_DIRECTORY"/lib-*.sh "$TEST_SCRIPT" "$HOST/usr/lib/test/tests/" &&
	cat >"$HOST/usr/lib/test/run" <<-EOF && chmod 755 "$HOST/usr/lib/test/run" &&
	#!/bin/sh
	# STAGE: of the test
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
	export COWLINK_HOST_STAGE="\$1" TEST_TRASH_BASE=/run
	export REQUIRE_PREREQ='${REQUIRE_PREREQ-}'
	read -r output status </run/test-lines
	# no program is to take it for a terminal
	{
		sh '/usr/lib/test/tests/$(basename "$TEST_SCRIPT")' ${HOST_OPTIONS-}
		echo \$? >/run/test-status
	} 2>&1 </dev/null | cat >"\$output"
	case \$1 in
	running) systemctl --no-block reboot ;;
	down) cat /run/test-status >"\$status" ;;
	esac
	EOF
	cat >"$HOST/usr/lib/systemd/system-shutdown/test" <<-\EOF &&
	#!/bin/sh
	exec /usr/lib/test/run down
	EOF
	chmod 755 "$HOST/usr/lib/systemd/system-shutdown/test"
}

host_units_()
{
	cat >"$HOST/etc/systemd/system/test.service" <<-\EOF &&
	[Unit]
	After=multi-user.target
	[Service]
	ExecStart=/usr/lib/test/run running
	EOF
	cat >"$HOST/etc/systemd/system/test.target" <<-\EOF &&
	[Unit]
	Requires=multi-user.target
	Wants=test.service
	AllowIsolate=yes
	EOF
	ln -sf test.target "$HOST/etc/systemd/system/default.target"
}

# host_enable UNIT...: as it is enabled before the machine boots
host_enable()
{
	chroot "$HOST" systemctl enable "$@"
}

# The next process 1 is systemd, and the points go on there. Not without the tree.
host_boots()
{
	test $test_failures = 0 || test_done
	host_count_ &&
	cat >/run/next-init <<-EOF && chmod 755 /run/next-init || exit 1
	#!/bin/sh
	echo "\$1 \$2" >/run/test-lines
	exec switch_root '$HOST' /lib/systemd/systemd
	EOF
	# what is mounted stays so
	trap - EXIT
	exit 0
}

host_goes_down()
{
	host_count_ || exit 1
	test_finished=1
	exit 0
}

host_count_()
{
	echo "$test_count $test_failures" >$HOST_POINTS
}

if test $HOST_STAGE != prepare
then
	# as the units have it
	unset COWLINK_RUN COWLINK_LOG COWLINK_POOL
	COWLINK_RUN=/run/vserver POOL=/var/lib/cowlink
	read -r test_count test_failures <$HOST_POINTS || exit 1
	rm $HOST_POINTS
fi
