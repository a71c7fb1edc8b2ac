// SPDX-License-Identifier: GPL-2.0-only
#include "unify.h"

#define INFO(reason, name_, text_, hint_, failure)                            \
	[reason] = { .name = name_, .text = text_, .hint = hint_,             \
		     .is_failure = failure }

static const struct skip_info table[SKIP_REASON_COUNT] = {
	INFO(SKIP_NONE, "shared", "shared", NULL, false),
	INFO(SKIP_SHARED, "already-shared", "shared before", NULL, false),
	INFO(SKIP_SMALL, "small", "empty or shorter than the minimum size",
	     "see --min-size", false),
	INFO(SKIP_LARGE, "large", "longer than the maximum size",
	     "see --max-size", false),
	INFO(SKIP_EXCLUDED, "excluded", "excluded by a rule",
	     "see --exclude and vhashify.conf", false),
	INFO(SKIP_CONFFILE, "conffile", "configuration file of a package",
	     "see --skip-conffiles", false),
	INFO(SKIP_UNIQUE, "unique",
	     "nothing equal in another tree or in the store", NULL, false),
	INFO(SKIP_WITHIN_GUEST, "within-guest",
	     "equal only to other files of their tree", "see --within-guest",
	     false),
	INFO(SKIP_HARDLINKED, "hard-linked", "has several names in its tree",
	     NULL, false),
	INFO(SKIP_SPECIAL, "special-flags",
	     "carries file flags that a shared file cannot keep",
	     "lsattr shows them, chattr removes them", false),
	INFO(SKIP_CHANGED, "changed", "changed while we looked at it",
	     "the next run takes it when it keeps still", false),
	INFO(SKIP_BUSY, "busy", "open for writing",
	     "the next run takes it when it is closed", false),
	INFO(SKIP_DIFFERENT, "different", "same digest, but other content",
	     NULL, false),
	INFO(SKIP_NO_BLOCKS, "no-blocks",
	     "holds no blocks that could be shared", NULL, false),
	INFO(SKIP_REFUSED, "refused", "its directory does not take the link",
	     "an immutable directory or another project quota does that",
	     false),
	INFO(SKIP_LOCKED, "locked", "its tree is in use by another command",
	     "the next run takes it", false),
	INFO(SKIP_UNREADABLE, "unreadable", "cannot be read",
	     "with -v each file is named; check the disk", true),
	INFO(SKIP_NO_SPACE, "no-space", "no room for a shared copy",
	     "make room in the pool and run vhashify again", true),
	INFO(SKIP_OTHER_FS, "other-filesystem", "below a mount point", NULL,
	     false),
	INFO(SKIP_TOO_DEEP, "too-deep", "below too many directories",
	     "raise the limit of open files (ulimit -n)", false),
	INFO(SKIP_NOT_REACHED, "not-reached",
	     "the run ended before their turn", NULL, true),
};

const struct skip_info *skip_reason_info(enum skip_reason r)
{
	return &table[r];
}
