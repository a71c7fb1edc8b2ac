// SPDX-License-Identifier: GPL-2.0-only
#include "rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "pool-lock.h"
#include "pool.h"

static int open_pool_dir(const char *path, struct pool_info *info,
			 struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : pool_info_read(fd, info, NULL);

	if (r < 0)
		return err_set(err, r, "'%s' does not say what kind of pool it is",
			       path);
	return steal_fd(&fd);
}

/* 0, -ENOENT, -EUCLEAN, or what else is the matter. */
static int try_catalog(int pool_fd)
{
	struct catalog *c;
	int r = catalog_open(pool_fd, CATALOG_RO, &c, NULL);

	if (!r) {
		r = catalog_verify(c, NULL);
		catalog_close(c);
	}
	return r;
}

bool catalog_is_lost(const char *path)
{
	struct pool_info info;
	_cleanup_close_ int fd = open_pool_dir(path, &info, NULL);
	int r = fd < 0 ? 0 : try_catalog(fd);

	return r == -ENOENT || r == -EUCLEAN;
}

/*
 * The catalog goes first: without its journal it may be sound, and older than the pool,
 * and the next command would believe it after a crash here. A journal alone is put aside
 * the next time, before a new catalog can meet it.
 */
static int put_aside(int pool_fd, struct err *err)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char random[17];
	size_t i;
	int r = fdio_random_name(random);

	for (i = 0; !r && i < 3; i++) {
		char old[32];
		char new[48];

		(void)snprintf(old, sizeof(old), "catalog.db%s", suffixes[i]);
		(void)snprintf(new, sizeof(new), "catalog.broken-%s%s", random,
			       suffixes[i]);
		r = fx_renameat(pool_fd, old, pool_fd, new, RENAME_NOREPLACE);
		if (!r && !*suffixes[i])
			log_notice("the old catalog is kept as '%s'", new);
		if (r == -ENOENT)
			r = 0;
	}
	return r < 0 ? err_errno(err, r, "cannot put the catalog aside") : 0;
}

int catalog_make_anew(const char *path, struct err *err)
{
	struct pool_info info;
	_cleanup_close_ int fd = open_pool_dir(path, &info, err);
	_cleanup_close_ int lock = -1;
	int r;

	if (fd < 0)
		return fd;
	lock = pool_lock(fd, path, true, true, err);
	if (lock < 0)
		return lock;
	/* somebody may have done it while we waited */
	r = try_catalog(fd);
	if (r != -ENOENT && r != -EUCLEAN)
		return r < 0 ? err_errno(err, r, "cannot open the catalog") : 0;
	r = put_aside(fd, err);
	return r ? r : catalog_create(fd, &info, err);
}
