# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Sourced before lib-test.sh: the test goes on in a network of its own, where that can be
# had, so that nothing it does leaves it, or meets other tests. COWLINK_OWN_NETWORK is
# set then.

if test -z "${COWLINK_OWN_NETWORK-}" && unshare -n true 2>/dev/null
then
	COWLINK_OWN_NETWORK=1
	export COWLINK_OWN_NETWORK
	exec unshare -n "$0" "$@"
fi
