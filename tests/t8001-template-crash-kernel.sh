#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# t8000 once more, under the patched kernel, where a step takes seconds.
CRASH_ENGINE=kernel
export CRASH_ENGINE
stride=7
timeout=900
test -z "${COWLINK_LONG_TESTS-}" || { stride=1; timeout=1700; }
cd "$(dirname "$0")" || exit 1
COWLINK_BUILD=${COWLINK_BUILD:-$(dirname "$PWD")/build}
exec ./run-uml --timeout=$timeout --env=CRASH_ENGINE=kernel \
	--env=TEST_STRIDE=$stride --env=COWLINK_BUILD="$COWLINK_BUILD" \
	"$PWD/t8000-template-crash.sh" "$@"
