#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
test_description='signals: a command cleans up and dies of it, 128+N'
. "$(dirname "$0")/lib-test.sh"
. "$TEST_DIRECTORY/lib-pool.sh"

test_require EXT4

# What COWLINK_FAULT_EXEC runs has the command as its parent.
term='kill -TERM $PPID'

test_expect_success 'a pool' '
	test_pool --unprotected ext4 64M && make_tree src &&
	vtemplate import t src && pool_state >before
'

test_expect_success 'SIGTERM while a template is made: nothing is left of it' '
	COWLINK_FAULT_EXEC="mkdir:3:$term" test_expect_code 143 \
		vtemplate import x src >out 2>err &&
	test ! -s out && ! grep vtemplate: err | grep -v UNPROTECTED &&
	pool_is_tidy && pool_state >after && test_cmp before after
'

test_expect_success 'SIGHUP while a guest is made' '
	COWLINK_FAULT_EXEC="link:1:kill -HUP \$PPID" test_expect_code 129 \
		vtemplate clone t x >out 2>err &&
	pool_is_tidy && pool_state >after && test_cmp before after
'

test_expect_success 'an ignored one stays ignored' '
	(trap "" HUP &&
	 COWLINK_FAULT_EXEC="link:1:kill -HUP \$PPID" \
		vtemplate clone t x >out 2>err) &&
	vtemplate show x >/dev/null && vtemplate destroy x
'

# end_at COMMAND...: TERM before every effect of every kind; each time there is
# nothing or a whole one, and no need to repair.
end_at()
{
	test_ended=0
	for effect in create mkdir symlink link chmod chown utimens setxattr \
		rename unlink syncfs fsync commit
	do
		n=$((1 - TEST_STRIDE))
		while :
		do
			n=$((n + TEST_STRIDE))
			COWLINK_FAULT_EXEC="$effect:$n:touch fired; $term" \
				"$@" >out 2>err
			status=$?
			if ! test -e fired
			then
				test $status = 0 || { echo "$effect:$n"; cat err; return 1; }
				break
			fi
			rm fired
			test_ended=$((test_ended + 1))
			case $status in
			143) ;;
			*) echo "$effect:$n: status $status"; cat err; return 1 ;;
			esac
			pool_is_tidy && vtemplate -q -q check >out ||
				{ echo "$effect:$n"; cat out; return 1; }
			undo
			test $n -lt 100 || return 1
		done
		undo
	done
}

undo()
{
	vtemplate destroy x >/dev/null 2>&1
	vtemplate destroy --template x >/dev/null 2>&1 || :
}

test_expect_success 'SIGTERM at every effect of import' '
	end_at vtemplate import x src && test_note "$test_ended ends" &&
	test $((test_ended * TEST_STRIDE)) -gt 20
'

test_expect_success 'SIGTERM at every effect of clone' '
	end_at vtemplate clone t x && test_note "$test_ended ends" &&
	test $((test_ended * TEST_STRIDE)) -gt 10
'

test_expect_success 'SIGTERM while it waits for the pool: at once' '
	mkfifo hold ready &&
	{ COWLINK_FAULT_EXEC="syncfs:1:echo >$PWD/ready; cat $PWD/hold" \
		vtemplate import busy src >import.out 2>&1 & } &&
	importer=$! && test_when_finished "kill $importer 2>/dev/null || :" &&
	cat ready >/dev/null &&
	{ vtemplate gc >gc.out 2>gc.err & } && waiter=$! &&
	while ! grep -q "is in use, waiting" gc.err
	do
		kill -0 $waiter || return 1
	done &&
	kill -TERM $waiter &&
	{ wait $waiter; test $? = 143; } &&
	echo >hold && wait $importer && vtemplate check && pool_is_tidy
'

test_done
