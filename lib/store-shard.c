// SPDX-License-Identifier: GPL-2.0-only
#include "store-shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"

void store_name(const struct digest *key, uint32_t replica,
		char name[STORE_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_hex(key, hex);
	(void)snprintf(name, STORE_NAME_SIZE, "%s.%u", hex, replica);
}

int store_parse_name(const char *name, struct digest *ret_key,
		     uint32_t *ret_replica)
{
	char canonical[STORE_NAME_SIZE];
	char hex[DIGEST_HEX_SIZE];
	unsigned long long replica;
	struct digest key;

	if (strlen(name) < sizeof(hex) || name[sizeof(hex) - 1] != '.')
		return -EINVAL;
	memcpy(hex, name, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (digest_parse(hex, &key) < 0)
		return -EINVAL;
	replica = strtoull(name + sizeof(hex), NULL, 10);
	if (replica > UINT32_MAX - 1)
		return -EINVAL;
	/* "+1", "01" and " 1" are numbers too, but not ours */
	store_name(&key, replica, canonical);
	if (strcmp(canonical, name))
		return -EINVAL;
	*ret_key = key;
	*ret_replica = replica;
	return 0;
}

static void shard_name(const struct digest *key, char name[3])
{
	(void)snprintf(name, 3, "%02x", key->b[0]);
}

int store_shard_open(struct pool *p, const struct digest *key)
{
	char name[3];

	shard_name(key, name);
	return fdio_open_dir(p->store_fd, name);
}

int store_shard_change(struct pool *p, const char *shard_name, int shard_fd,
		       int (*change)(int shard_fd, void *ctx), void *ctx)
{
	_cleanup_close_ int lock =
		pool_lock_name(p, POOL_LOCK_SHARD, shard_name, true, NULL);
	int protect;
	int r;

	if (lock < 0)
		return lock;
	r = iflags_set_immutable(shard_fd, false);
	if (r < 0)
		return r;
	r = change(shard_fd, ctx);
	protect = iflags_set_immutable(shard_fd, true);
	return r ? r : protect;
}

static int make_shard(struct pool *p, const char *name)
{
	int r = fx_mkdirat(p->store_fd, name, 0700);

	return r == -EEXIST ? 0 : r;
}

struct link_request {
	int fd;
	char name[STORE_NAME_SIZE];
};

static int link_in(int shard_fd, void *ctx)
{
	const struct link_request *req = ctx;

	return fx_link_fd(req->fd, shard_fd, req->name);
}

int store_shard_link(struct pool *p, int fd, const struct digest *key,
		     uint32_t replica)
{
	_cleanup_close_ int shard = store_shard_open(p, key);
	struct link_request req = { .fd = fd };
	char name[3];

	shard_name(key, name);
	store_name(key, replica, req.name);
	if (shard == -ENOENT) {
		int r = make_shard(p, name);

		if (r < 0)
			return r;
		shard = store_shard_open(p, key);
	}
	if (shard < 0)
		return shard;
	return store_shard_change(p, name, shard, link_in, &req);
}
