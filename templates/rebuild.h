/* SPDX-License-Identifier: GPL-2.0-only */
/* A new catalog for a pool that lost its own. */
#ifndef COWLINK_REBUILD_H
#define COWLINK_REBUILD_H

#include <stdbool.h>

#include "err.h"

/* Is there a pool at @path whose catalog is missing or cannot be read? A newer
 * schema is neither. */
bool catalog_is_lost(const char *path);

/*
 * Put what there is of the catalog aside as catalog.broken-<random> and make an
 * empty one, with the pool's own settings as its directory remembers them. The
 * trees and objects are then found like any that lack their rows.
 */
int catalog_make_anew(const char *path, struct err *err);

#endif
