# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# For the t7*.sh and q*.sh that run kernel/selftests inside the patched kernel, after
# lib-test.sh. The programs write the TAP themselves.

# Several times what the longest takes on a busy machine; a kernel that hangs must
# not hold up the rest for long.
# shellcheck disable=SC2034 # read by lib-test.sh
TEST_UML_OPTIONS=--timeout=900

# Outside only, as the tree is read-only inside; one at a time, as scripts run
# side by side.
build_selftests()
{
	in_machine_ && return
	mkdir -p "$COWLINK_BUILD" &&
	flock "$COWLINK_BUILD/selftests.lock" make -s \
		-C "$COWLINK_SRC/kernel/selftests" \
		OUT="$COWLINK_BUILD/selftests" >&2 || exit 1
}

# run_selftests [--fs=NAME]... [--seconds=N] PROGRAM...: instead of test_done. A kernel
# without the attribute is a failure here, not a skip.
run_selftests()
{
	selftests_options=
	while :
	do
		case ${1-} in
		--*) selftests_options="$selftests_options $1"; shift ;;
		*) break ;;
		esac
	done
	cd / || exit 1
	# shellcheck disable=SC2086 # a list of options
	COWLINK_REQUIRE=1 exec "$COWLINK_SRC/kernel/selftests/run.sh" \
		$selftests_options "$COWLINK_BUILD/selftests" "$@"
}
