#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only

test_description='compare-xfstests: its options, and what it makes of two results

With a fake xfstests and a fake machine: the real ones take hours.'
. "$(dirname "$0")/lib-test.sh"

compare=$TEST_DIRECTORY/compare-xfstests

# result KERNEL: what xfstests said there; from stdin.
result()
{
	cat >"$1.result"
}

compare_them()
{
	"$compare" --xfstests=xfstests --unpatched=./old --patched=./new \
		--runner=./runner --size=1M "$@"
}

test_expect_success 'a fake xfstests and a machine that remembers its options' '
	mkdir -p xfstests/src && echo old >old && echo new >new &&
	printf "#!/bin/sh\n" >xfstests/check && cp xfstests/check xfstests/src/lstat64 &&
	cat >runner <<-\EOF &&
	#!/bin/sh
	printf "%s\n" "$@" >>options
	for o; do
		case $o in
		--kernel=*) kernel=${o#--kernel=} ;;
		--disk=*) test -f "${o#--disk=}" || exit 9 ;;
		esac
	done
	cat "$kernel.result"
	EOF
	chmod +x old new runner xfstests/check xfstests/src/lstat64
'

test_expect_success 'usage' '
	"$compare" --help >out && test_grep "^Usage: compare-xfstests" out &&
	test_expect_code 2 compare_them --fs=btrfs 2>err &&
	test_grep "fs=btrfs.* is not understood" err &&
	test_expect_code 2 compare_them --group= 2>err &&
	test_expect_code 2 "$compare" --xfstests=xfstests --patched=./new 2>err &&
	test_grep "unpatched is missing" err &&
	test_expect_code 2 compare_them --xfstests=. 2>err && test_grep "no xfstests" err &&
	test_expect_code 2 compare_them --patched=./none 2>err &&
	test_grep "no kernel .\./none" err &&
	test_expect_code 2 compare_them --patched=./old 2>err && test_grep "the same" err &&
	rm xfstests/src/lstat64 && test_expect_code 2 compare_them 2>err &&
	test_grep "is not built" err && cp xfstests/check xfstests/src/lstat64 &&
	test_path_missing options
'

test_expect_success 'what fails on both is no difference' '
	result old <<-\EOF && cp old.result new.result &&
	generic/001 4s ...  3s
	Ran: generic/001 generic/002 generic/003
	Not run: generic/003
	Failures: generic/002
	Failed 1 of 3 tests
	EOF
	compare_them --fs=xfs --out=o >out &&
	test_contents out "3 tests, 1 failures, 0 differences" &&
	test_grep "^--inside$" options && test_grep "^xfs$" options &&
	test "$(grep -c "^--kernel=" options)" = 2 &&
	tail -n 2 options >last && printf "%s\n" -g quick >want && test_cmp want last &&
	test_path_exists o/patched.out && test_path_missing o/test.img
'

test_expect_success 'tests can be named' '
	compare_them --out=o generic/001 generic/002 >out &&
	tail -n 2 options >last && printf "%s\n" generic/001 generic/002 >want &&
	test_cmp want last && ! grep "^--fs" options
'

test_expect_success 'what fails on one of them is' '
	sed "s/^Failures:.*/Failures: generic\/001 generic\/002/" old.result >new.result &&
	test_expect_code 1 compare_them --out=o >out &&
	test_grep "^generic/001: fails on the patched kernel, not on the unpatched one$" out &&
	test_grep "1 differences$" out && test "$(wc -l <out)" = 2 &&
	sed "/^Failures:/d" old.result >new.result &&
	test_expect_code 1 compare_them --out=o >out &&
	test_grep "^generic/002: fails on the unpatched kernel" out
'

test_expect_success 'so is what does not run there' '
	sed "s/^Not run:.*/& generic\/001/" old.result >new.result &&
	test_expect_code 1 compare_them --out=o >out &&
	test_grep "^generic/001: not run on the patched kernel" out &&
	sed "s/^Ran: generic.001/Ran:/" old.result >new.result &&
	test_expect_code 1 compare_them --out=o >out &&
	test_grep "^generic/001: begun on the unpatched kernel" out
'

test_expect_success 'tests that did not run are not equal' '
	echo "mkfs failed" >new.result && cp new.result old.result &&
	test_expect_code 3 compare_them --out=o 2>err && test_grep "no tests ran" err &&
	rm old.result && test_expect_code 3 compare_them --out=o 2>err &&
	test_grep "did not end" err
'

test_done
