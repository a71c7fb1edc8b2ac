#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# t8000 once more, under the patched kernel.
CRASH_ENGINE=kernel
export CRASH_ENGINE
cd "$(dirname "$0")" || exit 1
COWLINK_BUILD=${COWLINK_BUILD:-$(dirname "$PWD")/build}
exec ./run-uml --timeout=900 --env=CRASH_ENGINE=kernel \
	--env=COWLINK_BUILD="$COWLINK_BUILD" "$PWD/t8000-template-crash.sh" "$@"
