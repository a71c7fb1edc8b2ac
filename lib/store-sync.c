// SPDX-License-Identifier: GPL-2.0-only
#include "store-sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "store-shard.h"

/* --- masters of this process ------------------------------------------------------- */

int store_note_new(struct pool *p, const struct master *m)
{
	if (array_room(&p->unsynced, p->unsynced_count, &p->unsynced_alloc))
		return -ENOMEM;
	p->unsynced[p->unsynced_count++] =
		(struct store_item){ .ino = m->attr.stx.stx_ino,
				     .key = m->key,
				     .replica = m->replica };
	return 0;
}

static int unlink_own(int shard_fd, void *ctx)
{
	const struct store_item *item = ctx;
	char name[STORE_NAME_SIZE];
	struct statx now;
	int r;

	store_name(&item->key, item->replica, name);
	r = fdio_statx(shard_fd, name, &now);
	if (r < 0)
		return r;
	return now.stx_ino == item->ino ? fx_unlinkat(shard_fd, name, 0) :
					  -ENOENT;
}

static int withdraw_name(struct pool *p, struct store_item *item)
{
	_cleanup_close_ int shard = store_shard_open(p, &item->key);
	char name[STORE_NAME_SIZE];

	if (shard < 0)
		return shard;
	store_name(&item->key, item->replica, name);
	name[2] = '\0';
	return store_shard_change(p, name, shard, unlink_own, item);
}

/* The table is a cache: what cannot be taken out of it now, `vtemplate check` finds. */
static void withdraw_rows(struct pool *p, const struct store_item *items,
			  size_t count)
{
	size_t i;
	int r = catalog_begin(p->catalog, NULL);

	if (r < 0)
		return;
	for (i = 0; !r && i < count; i++)
		r = catalog_object_remove(p->catalog, &items[i].key,
					  items[i].replica, NULL);
	if (r < 0 || catalog_commit(p->catalog, NULL) < 0)
		catalog_rollback(p->catalog);
}

/*
 * Nobody shall find these any more. The lock of the pool is shared, so another command may
 * have found one by its name before. If it has no link to it yet, it gets none
 * (store_link()). Else its own sync fails, too, where it opened the pool before the disk
 * failed; and if later, store_has_bytes() knew. What it has links to and is whole
 * may lose its name here nevertheless: a shared file that the store does not know, as when
 * a guest links one that gc removed.
 */
static void withdraw(struct pool *p)
{
	struct store_item *items;
	size_t count, i, gone = 0;

	(void)pthread_mutex_lock(&p->catalog_lock);
	items = p->unsynced;
	count = p->unsynced_count;
	p->unsynced = NULL;
	p->unsynced_count = p->unsynced_alloc = 0;
	for (i = 0; i < count; i++)
		if (!withdraw_name(p, &items[i]))
			items[gone++] = items[i];
	if (gone)
		withdraw_rows(p, items, gone);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	free(items);
}

static size_t unsynced_so_far(struct pool *p)
{
	size_t count;

	(void)pthread_mutex_lock(&p->catalog_lock);
	count = p->unsynced_count;
	(void)pthread_mutex_unlock(&p->catalog_lock);
	return count;
}

static void forget_first(struct pool *p, size_t synced)
{
	(void)pthread_mutex_lock(&p->catalog_lock);
	p->unsynced_count -= synced;
	if (p->unsynced_count)
		memmove(p->unsynced, p->unsynced + synced,
			p->unsynced_count * sizeof(*p->unsynced));
	(void)pthread_mutex_unlock(&p->catalog_lock);
}

int store_sync_data(struct pool *p, struct err *err)
{
	size_t count = unsynced_so_far(p);
	/* by a descriptor that is older than all of them, which is told of each error
	 * since, whoever else was */
	int r = fx_syncfs(p->store_fd);

	if (!r) {
		forget_first(p, count);
		return 0;
	}
	withdraw(p);
	return err_errno(err, r,
			 "cannot write the pool '%s' to disk (`vtemplate check "
			 "--scrub` tells what it lost)", p->path);
}

int store_sync(struct pool *p, struct err *err)
{
	int r = store_sync_data(p, err);

	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&p->catalog_lock);
	r = catalog_begin(p->catalog, err);
	if (!r)
		r = catalog_commit(p->catalog, err);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	return r;
}

/* --- masters that are found -------------------------------------------------------- */

int master_is_whole(int fd, const struct digest *key)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct digest content;
	struct digest have;
	int r = iattr_read_fd(fd, &attr);

	if (!r)
		r = hash_fd(fd, attr.stx.stx_size, &content);
	if (r == -EAGAIN)
		return 0;
	if (!r)
		r = hash_key(&attr, &content, &have);
	return r < 0 ? r : digest_equal(&have, key);
}

/*
 * Must the disk say what the master holds? Its maker was told when it could not be
 * written and has taken it away again, unless he was killed. Then only the store has a
 * name of it, once the next command has removed what he was making of it; until then the
 * file itself remembers, if it is in memory, that nobody was told.
 */
static bool is_doubtful(const struct master *m)
{
	bool alone = m->attr.stx.stx_nlink == 1;

	return fdio_settle(m->fd, alone) < 0 || alone;
}

/* From here on the disk answers. Where there is none, memory does. */
static bool forget_pages(const struct master *m)
{
	const struct statx *stx = &m->attr.stx;

	return fdio_drop_pages(m->fd, stx->stx_size) || !stx->stx_dev_major;
}

/* Only who has the pool for himself may put it in quarantine. */
static void report_damage(struct pool *p, const struct master *m)
{
	enum log_level level = p->damage_seen ? LOG_INFO : LOG_WARNING;
	char name[STORE_NAME_SIZE];

	p->damage_seen = true;
	store_name(&m->key, m->replica, name);
	log_msg(level, "'store/%.2s/%s' is damaged, using a new copy; `vtemplate "
		"check --scrub` finds all that are", name, name);
}

int store_has_bytes(struct pool *p, const struct master *m, int src)
{
	bool doubtful = is_doubtful(m);
	int r;

	/* what somebody maps or is reading cannot be dropped */
	if (doubtful && !forget_pages(m))
		return 0;
	r = fdio_equal(m->fd, src, m->attr.stx.stx_size);
	if (r == 1 || r == -ENOMEM || !doubtful ||
	    master_is_whole(m->fd, &m->key) == 1)
		return r;
	report_damage(p, m);
	return 0;
}
