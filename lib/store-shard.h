/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store's directories. 256 shards by the first byte of the key; each is 0700
 * and, where the filesystem can, +i but for the moment in which a name is added or
 * removed. That moment is guarded by the shard's lock (pool_lock_name()), so that
 * nobody puts +i back under another's hands.
 *
 * Used by store.c and store-admin.c only.
 */
#ifndef COWLINK_STORE_SHARD_H
#define COWLINK_STORE_SHARD_H

#include "store.h"

/* "<hex>.<replica>". */
void store_name(const struct digest *key, uint32_t replica,
		char name[STORE_NAME_SIZE]);

/* The inverse; -EINVAL for what is no master's name. */
int store_parse_name(const char *name, struct digest *ret_key,
		     uint32_t *ret_replica);

/* The directory of the key's shard, -ENOENT when it is not there yet. */
int store_shard_open(struct pool *p, const struct digest *key);

/* Add the unnamed file @fd under key and replica, making the shard if needed.
 * -EEXIST when that name is taken. */
int store_shard_link(struct pool *p, int fd, const struct digest *key,
		     uint32_t replica);

/* Run @change on a shard that is open for changes, under its lock. */
int store_shard_change(struct pool *p, const char *shard_name, int shard_fd,
		       int (*change)(int shard_fd, void *ctx), void *ctx);

#endif
