/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which masters are on the disk.
 *
 * When a disk takes a file's pages and fails to write them, filesystems leave them in
 * memory as if they had been written: until something drops them, whoever reads the file
 * gets what is nowhere else. The error is told once, to those who ask for a sync. So a
 * master whose sync failed must not be found by the next command, and one that may be such
 * a master, because its maker was killed, is asked of the disk. Used by store*.c only.
 */
#ifndef COWLINK_STORE_SYNC_H
#define COWLINK_STORE_SYNC_H

#include "store.h"

/* The master has its name, and is not on the disk: one for the next sync. With the
 * catalog's lock; 0 or -ENOMEM. */
int store_note_new(struct pool *p, const struct master *m);

/*
 * Has the master @m, which was found (@m->key, replica, fd and attr), the bytes of @src?
 * Where that is in doubt the disk has the word, not the memory. 1; 0 no, or it cannot be
 * told; -errno.
 */
int store_has_bytes(struct pool *p, const struct master *m, int src);

#endif
