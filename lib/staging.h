/* SPDX-License-Identifier: GPL-2.0-only */
/* More about staging/ than struct staging (pool.h) tells its users. */
#ifndef COWLINK_STAGING_H
#define COWLINK_STAGING_H

#include <stdbool.h>

#include "pool.h"

/* Does this process have a staging directory that should be removed before it
 * ends? Async-signal-safe. */
bool staging_in_use(void);

/* Is @name what staging_create() calls a directory? */
bool staging_is_name(const char *name);

#endif
