#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='bootstrap: idle when all is there, names what is missing'
. "$(dirname "$0")/lib-test.sh"

bootstrap=$COWLINK_SRC/tools/bootstrap

# fake NAME COMMANDS: a program in front of the real one.
fake()
{
	mkdir -p fakes &&
	printf '#!/bin/sh\n%s\n' "$2" >"fakes/$1" && chmod +x "fakes/$1"
}

with_fakes()
{
	env PATH="$TRASH/fakes:$PATH" "$@"
}

debian()
{
	echo 'ID=debian' >debian-release
	COWLINK_OS_RELEASE=$TRASH/debian-release with_fakes "$@"
}

elsewhere()
{
	echo 'ID=fedora' >fedora-release
	COWLINK_OS_RELEASE=$TRASH/fedora-release with_fakes "$@"
}

test_expect_success 'every package has a probe and a reason' '
	"$bootstrap" --list >list && test $(wc -l <list) -gt 30 &&
	test -z "$(sort list | uniq -d)" &&
	sed -n "/^packages=/,/^'\''$/p" "$bootstrap" | sed "1d;\$d" |
		awk "NF < 3 { print; bad = 1 } END { exit bad }"
'

test_expect_success 'with everything installed it says so and installs nothing' '
	fake apt-get "echo called >>\"$TRASH/apt-called\"; exit 1" &&
	fake dpkg-query "shift 3; for p; do echo installed \$p; done" &&
	debian "$bootstrap" >out 2>err &&
	test $(wc -l <out) = 1 && test_grep "everything needed" out &&
	test ! -s err && test_path_missing apt-called
'

test_expect_success 'what is missing is installed, without recommended packages' '
	fake apt-get "echo \"\$*\" >>\"$TRASH/apt-called\"" &&
	fake dpkg-query "shift 3; for p; do case \$p in
		jq) ;; bc) echo config-files bc ;; *) echo installed \$p ;;
		esac; done" &&
	fake id "echo 0" &&
	debian "$bootstrap" >out &&
	sed -n 1p apt-called >first && test_grep "update" first &&
	sed -n 2p apt-called >second &&
	test_grep "^install -y --no-install-recommends bc jq" second &&
	test $(wc -l <apt-called) = 2
'

test_expect_success 'a failing installation is a failure' '
	fake apt-get "test \"\$1\" != install" &&
	test_must_fail debian "$bootstrap"
'

test_expect_success 'without root it names the command' '
	fake id "echo 1000" && rm -f apt-called &&
	fake apt-get "echo called >>\"$TRASH/apt-called\"" &&
	test_expect_code 3 debian "$bootstrap" >out 2>err &&
	test_grep "sudo apt-get install -y --no-install-recommends bc jq" err &&
	test_path_missing apt-called
'

test_expect_success 'another distribution: commands and headers by name, status 3' '
	mkdir -p bin && for tool in sh sed grep ls cat env; do
		ln -sf "$(command -v $tool)" bin/ || return 1
	done &&
	sed "s,^PATH=.*,PATH=$TRASH/bin," "$bootstrap" >restricted &&
	test_expect_code 3 env PATH="$TRASH/bin" COWLINK_OS_RELEASE=/dev/null \
		sh ./restricted 2>err &&
	test_grep "  jq (.*package jq in Debian)" err &&
	test_grep "  mkfs.ext4 (" err &&
	! grep "sqlite3.h" err &&
	sed -i "s,sqlite3\.h ,no-such.h ," restricted &&
	test_expect_code 3 env PATH="$TRASH/bin" COWLINK_OS_RELEASE=/dev/null \
		sh ./restricted 2>err &&
	test_grep "  no-such.h (the catalog; package libsqlite3-dev" err
'

test_expect_success 'another distribution with everything there is fine' '
	elsewhere "$bootstrap" >out && test_grep "everything needed" out
'

test_expect_success 'an unknown argument is a usage error' '
	test_expect_code 2 "$bootstrap" --no-such
'

test_done
