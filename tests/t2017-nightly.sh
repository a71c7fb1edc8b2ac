#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='what runs vhashify every night is put in place, and cron gives way'
. "$(dirname "$0")/lib-test.sh"

test_lazy_prereq SYSTEMD '
	command -v systemd-analyze
'

test_expect_success 'make install-nightly, with DESTDIR' '
	make -s -C "$TEST_DIRECTORY/.." BUILD="$PWD/b" DESTDIR="$PWD/d" prefix=/usr \
		sysconfdir=/etc localstatedir=/var install-nightly &&
	UNITS=d/usr/lib/systemd/system &&
	(cd d && find . -type f | sort) >have &&
	printf "%s\n" ./etc/cron.d/cowlink \
		./usr/lib/systemd/system/vhashify.service \
		./usr/lib/systemd/system/vhashify.timer >want &&
	test_cmp want have && ! grep -r "@[a-z]*@" d
'

test_expect_success 'idle, late, and not all machines at once' '
	test_grep "^ExecStart=/usr/sbin/vhashify" $UNITS/vhashify.service &&
	test_grep "^IOSchedulingClass=idle" $UNITS/vhashify.service &&
	test_grep "^CPUSchedulingPolicy=idle" $UNITS/vhashify.service &&
	test_grep "^SuccessExitStatus=5" $UNITS/vhashify.service &&
	test_grep "^Persistent=true" $UNITS/vhashify.timer &&
	test_grep "^RandomizedDelaySec=" $UNITS/vhashify.timer
'

test_expect_success SYSTEMD 'systemd has no complaint' '
	cp $UNITS/vhashify.* . &&
	sed -i "s,/usr/sbin/vhashify,$COWLINK_BUILD/vhashify," vhashify.service &&
	systemd-analyze verify --man=no ./vhashify.service ./vhashify.timer 2>err &&
	! grep vhashify err
'

# The command of the line, with another root, and a systemctl that says $1.
cron()
{
	mkdir -p bin root/etc root/usr/sbin &&
	printf "#!/bin/sh\n%s\n" "exit $1" >bin/systemctl &&
	printf "#!/bin/sh\n%s\n" "echo \"\$@\" >$PWD/ran; echo report; echo trouble >&2" \
		>root/usr/sbin/vhashify &&
	chmod +x bin/systemctl root/usr/sbin/vhashify && rm -f ran &&
	sed -n "s/^17 3 \* \* \*  root  //p" d/etc/cron.d/cowlink |
		sed "s,/\(usr\|etc\|var\)/,$PWD/root/\1/,g" >line &&
	PATH=$PWD/bin:$PATH sh ./line
}

test_expect_success 'cron: without a pool nothing, with one a run, unless the timer is on' '
	cron 3 && test_path_missing ran &&
	: >root/etc/cowlink.conf && cron 3 && test_contents ran "-q --no-progress" &&
	cron 0 && test_path_missing ran
'

test_expect_success 'cron has errors to mail, and no report' '
	cron 3 >mail 2>&1 && test_path_exists ran && test_contents mail trouble
'

test_expect_success ROOT,EXT4 '-q: results and warnings, no notices; -q -q: no warnings' '
	test_pool ext4 64M && mkdir src && vtemplate import one src 2>err && test_grep "engine" err &&
	vtemplate import -q two src >out 2>err && test_grep "^template .two." out && test ! -s err &&
	test_pool --unprotected ext4 64M && vhashify -q >out 2>err &&
	test_grep "regular files in 0 guests" out && test_grep UNPROTECTED err &&
	vhashify -q -q >out 2>err && test_grep "regular files in 0 guests" out && test ! -s err
'

test_done
