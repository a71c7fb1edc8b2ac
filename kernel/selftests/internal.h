/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the test library share and tests do not call. */
#ifndef COWLINK_SELFTESTS_INTERNAL_H
#define COWLINK_SELFTESTS_INTERNAL_H

#include <stdbool.h>

/* Goes to @dir, makes C, G1 and G2 in it, and keeps it as the home. */
void test_home(const char *dir);

/* The same for a second place, and back; see scratch_enter(). */
void test_root_enter(const char *dir);
void test_root_leave(void);

int fd_set_flags(int fd, unsigned int flags);

/* The switches of the kernel that tests turn, as they are now, and as they were then. */
void knobs_save(void);
void knobs_restore(void);

bool prjquota_enforced(const char *path);

#endif
