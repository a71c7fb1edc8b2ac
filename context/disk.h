/* SPDX-License-Identifier: GPL-2.0-only */
/* disk.space and disk.inodes: project quota on the filesystem of the pool. */
#ifndef COWLINK_DISK_H
#define COWLINK_DISK_H

#include "guest.h"

/* Put what is set into force. @tree is the guest's root. What is not set is unlimited,
 * also where there are no quotas; a limit there is refused with the reason. */
int disk_limits(const struct guest *g, int tree, struct err *err);

/* One of them, with a value that settings.h has checked, or "". */
int disk_limit(const struct guest *g, const struct setting_key *key,
	       const char *value, struct err *err);

/* What the kernel says: 1 and the text, or 0 when it has nothing to say. */
int disk_effective(const struct guest *g, const char *key, char *buf,
		   size_t size);

#endif
