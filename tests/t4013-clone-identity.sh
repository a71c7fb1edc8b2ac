#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='clone: a guest has its own name, and no keys and ids of the template'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"
. "$TEST_DIRECTORY/lib-crash.sh"
test_require ROOT,EXT4

# identity_tree DIR: a small system with everything that is its own.
identity_tree()
{
	mkdir -p "$1/etc/ssh" "$1/var/lib/dbus" "$1/var/lib/systemd" "$1/var/lib/urandom" &&
	echo golden >"$1/etc/hostname" && chmod 640 "$1/etc/hostname" &&
	chown 3:4 "$1/etc/hostname" &&
	cat >"$1/etc/hosts" <<-\EOF &&
	127.0.0.1	localhost
	127.0.1.1	golden.example.org golden # golden it was
	10.0.0.1 goldener golden-eye	golden
	# 10.0.0.2 golden
	golden other
	::1 localhost ip6-localhost
	EOF
	printf "%032d\n" 7 >"$1/etc/machine-id" && chmod 444 "$1/etc/machine-id" &&
	cp "$1/etc/machine-id" "$1/var/lib/dbus/machine-id" &&
	for name in ssh_host_rsa_key ssh_host_rsa_key.pub ssh_host_ed25519_key \
		ssh_host_ed25519_key.pub ssh_host_rsa_key-cert.pub
	do
		echo "secret $name" >"$1/etc/ssh/$name" || return 1
	done &&
	echo config >"$1/etc/ssh/sshd_config" && echo mine >"$1/etc/ssh/ssh_host_list" &&
	echo seed >"$1/var/lib/systemd/random-seed" &&
	echo seed >"$1/var/lib/urandom/random-seed" &&
	echo secret >"$1/var/lib/systemd/credential.secret" &&
	echo "golden stays" >"$1/etc/motd" &&
	touch -d "2001-02-03 04:05:06.789" "$1/etc" "$1/etc/ssh" "$1/etc/hostname"
}

# its_own ROOTFS NAME TEMPLATE-ROOTFS
its_own()
{
	test_contents "$1/etc/hostname" "$2" &&
	test "$(stat -c "%a %u %g" "$1/etc/hostname")" = "640 3 4" &&
	test "$(stat -c %y "$1/etc")" = "$(stat -c %y "$3/etc")" &&
	test "$(stat -c "%a %s" "$1/etc/machine-id")" = "444 0" &&
	cat >hosts <<-EOF &&
	127.0.0.1	localhost
	127.0.1.1	$2.example.org $2 # golden it was
	10.0.0.1 goldener golden-eye	$2
	# 10.0.0.2 golden
	golden other
	::1 localhost ip6-localhost
	EOF
	test_cmp hosts "$1/etc/hosts" &&
	(cd "$1" && find . -type f | LC_ALL=C sort) >found &&
	cat >expected <<-\EOF &&
	./etc/hostname
	./etc/hosts
	./etc/machine-id
	./etc/mailname
	./etc/motd
	./etc/ssh/ssh_host_list
	./etc/ssh/sshd_config
	EOF
	test_cmp expected found && test_contents "$1/etc/motd" "golden stays"
}

test_expect_success 'a system with a name, keys and ids' '
	identity_tree src && ln src/etc/hostname src/etc/mailname && test_snapshot src
'

# own_identity TITLE TEST_POOL-ARGUMENT...
own_identity()
{
	title=$1
	shift
	pool_arguments=$*
	test_expect_success "$title: a clone is a system of its own" '
		test_pool $pool_arguments && vtemplate import t src &&
		t=$POOL/templates/t/rootfs && test_snapshot "$POOL/templates/t" &&
		vtemplate clone --json t guest7 >clone.json && consistent &&
		g=$POOL/guests/guest7/rootfs &&
		test_contents "$g/etc/mailname" golden &&
		its_own "$g" guest7 "$t" &&
		test_json clone.json .stats.files 7 &&
		test_unchanged "$POOL/templates/t" && test_unchanged src
	'
	test_expect_success "$title: or the same, when that is asked for" '
		vtemplate clone --keep-identity t same && consistent &&
		test_tree_equal src "$POOL/guests/same/rootfs"
	'
}

own_identity 'copy' ext4
own_identity 'links' --unprotected ext4

none()
{
	test_path_missing "$POOL/guests/half"
}

own_or_none()
{
	mended && state=$(tree_state guest half) || return 1
	test "$state" = absent || {
		its_own "$POOL/guests/half/rootfs" half "$t" &&
		vtemplate destroy half
	}
}

test -n "${COWLINK_LONG_TESTS-}" || TEST_STRIDE=$((TEST_STRIDE * 11))

# The pool of the links is still there.
test_expect_success 'killed at any step, there is a guest of its own or none' '
	sweep kill:% 137 none own_or_none vtemplate clone t half &&
	test_unchanged "$POOL/templates/t"
'

test_expect_success 'what is no regular file, and what is not there, stays so' '
	test_pool ext4 && mkdir -p odd/etc/ssh odd/var/lib elsewhere &&
	echo precious >elsewhere/hostname && echo precious >elsewhere/random-seed &&
	ln -s "$TRASH/elsewhere/hostname" odd/etc/hostname &&
	ln -s ../../../../../../elsewhere/hostname odd/etc/machine-id &&
	ln -s "$TRASH/elsewhere" odd/var/lib/systemd &&
	mkfifo odd/etc/hosts && mkdir odd/etc/ssh/ssh_host_rsa_key &&
	vtemplate import odd odd && vtemplate clone odd g && consistent &&
	test_tree_equal odd "$POOL/guests/g/rootfs" &&
	test_contents elsewhere/hostname precious &&
	mkdir -p empty/etc && vtemplate import empty empty && vtemplate clone empty e &&
	test_tree_equal empty "$POOL/guests/e/rootfs" &&
	mkdir -p link && ln -s "$TRASH/src/etc" link/etc && vtemplate import link link &&
	vtemplate clone link l && test_tree_equal link "$POOL/guests/l/rootfs" &&
	test_unchanged src
'

test_expect_success 'a name that no host should have is replaced, but in hosts no more' '
	mkdir -p bad/etc local/etc &&
	printf "a b\nsecond\n" >bad/etc/hostname && printf "1.2.3.4 a b\n" >bad/etc/hosts &&
	echo localhost >local/etc/hostname &&
	echo "127.0.0.1 localhost localhost.localdomain" >local/etc/hosts &&
	for t in bad local
	do
		vtemplate import $t $t && vtemplate clone $t $t-clone &&
		test_contents "$POOL/guests/$t-clone/rootfs/etc/hostname" $t-clone &&
		test_cmp $t/etc/hosts "$POOL/guests/$t-clone/rootfs/etc/hosts" || return 1
	done &&
	consistent
'

test_done
