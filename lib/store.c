// SPDX-License-Identifier: GPL-2.0-only
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "lease.h"
#include "store-shard.h"
#include "store-sync.h"

/* A key whose replicas go beyond this is an attack or a bug, not a fleet. */
#define REPLICA_MAX 1000000u

/* To compare a shorter file twice costs no more than a lease, and many of them can be
 * kept in memory. */
#define SHORT_BYTES (8 << 10)

void master_lease(struct master *m)
{
	size_t size = m->attr.stx.stx_size;

	m->leased = m->adopted || lease_take(m->fd);
	if (!m->leased || size > SHORT_BYTES)
		return;
	m->bytes = malloc(size + 1);
	if (m->bytes && fdio_pread_once(m->fd, m->bytes, size + 1, 0, size) !=
				(ssize_t)size) {
		free(m->bytes);
		m->bytes = NULL;
	}
}

void master_release(struct master *m)
{
	cleanup_close(&m->fd);
	free(m->bytes);
	m->bytes = NULL;
	iattr_release(&m->attr);
}

/* Is the file @name of the shard, ret->replica of ret->key, what @attr and the bytes of
 * @src want, and has it links left? 1 with *@ret filled, 0 no, -ENOENT no such replica. */
static int try_master(struct pool *p, int shard, const char *name, int src,
		      const struct iattr *attr,
		      const struct store_avoid *avoid, struct master *ret)
{
	_cleanup_master_ struct master m = MASTER_INIT;
	int r;

	m.fd = fdio_open(shard, name, O_RDONLY);
	if (m.fd < 0)
		return m.fd;
	m.key = ret->key;
	m.replica = ret->replica;
	r = iattr_read_fd(m.fd, &m.attr);
	if (r < 0)
		return r;
	if (m.attr.stx.stx_nlink >= p->info.link_limit ||
	    !iattr_same_metadata(&m.attr, attr) ||
	    (avoid && avoid->has(&m.attr.stx, avoid->ctx)))
		return 0;
	r = store_has_bytes(p, &m, src);
	if (r <= 0)
		return r;
	*ret = m;
	m = (struct master)MASTER_INIT;
	return 1;
}

/*
 * The first replica of ret->key that will do: 1. 0 when none does, with
 * ret->replica the first free number.
 */
static int find_master(struct pool *p, int src, const struct iattr *attr,
		       const struct store_avoid *avoid, struct master *ret)
{
	_cleanup_close_ int shard = store_shard_open(p, &ret->key);
	char name[STORE_NAME_SIZE];
	int r;

	ret->replica = avoid && avoid->first ?
			       avoid->first(&ret->key, avoid->ctx) :
			       0;
	if (shard == -ENOENT)
		return 0;
	if (shard < 0)
		return shard;
	for (; ret->replica < REPLICA_MAX; ret->replica++) {
		store_name(&ret->key, ret->replica, name);
		r = try_master(p, shard, name, src, attr, avoid, ret);
		if (r == -ENOENT)
			return 0;
		if (r)
			return r;
	}
	return -EMLINK;
}

/*
 * No descriptor may be open for writing when the flags are set: exchange the
 * writable descriptor of an unnamed file for one that can only read.
 */
static int reopen_readonly(int *fd)
{
	char path[40];
	int ro;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	ro = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME);
	if (ro < 0)
		return -errno;
	if (fdio_close(fd) < 0) {
		cleanup_close(&ro);
		return -EIO;
	}
	*fd = ro;
	return 0;
}

/* From a written file to a master without a name: metadata, flags. */
static int seal(struct pool *p, int *fd, const struct iattr *attr)
{
	int r = iattr_apply_fd(*fd, attr);

	if (!r)
		r = reopen_readonly(fd);
	if (!r && p->engine.engine == ENGINE_KERNEL)
		r = iflags_share(*fd);
	return r;
}

/* A new master has its name: the next sync is for it, and the catalog. */
static int record(struct pool *p, const struct master *m, struct err *err)
{
	const struct object_row row = { .key = m->key,
					.replica = m->replica,
					.ino = m->attr.stx.stx_ino,
					.size_bytes = m->attr.stx.stx_size };
	int r;

	(void)pthread_mutex_lock(&p->catalog_lock);
	r = store_note_new(p, m);
	r = r < 0 ? err_errno(err, r, "cannot add to the store") :
		    catalog_object_put(p->catalog, &row, err);
	(void)pthread_mutex_unlock(&p->catalog_lock);
	return r;
}

/* Give the sealed file its name, unless somebody made an equal master meanwhile:
 * then that one is used. @sought as of commit(). */
static int publish(struct pool *p, int *fd, const struct iattr *attr,
		   const struct store_avoid *avoid, const struct master *sought,
		   struct master *ret, struct err *err)
{
	bool known = sought && digest_equal(&sought->key, &ret->key);

	for (;; known = false) {
		int r = 0;

		if (known)
			ret->replica = sought->replica;
		else
			r = find_master(p, *fd, attr, avoid, ret);
		if (r > 0)
			return 0;
		if (!r)
			r = store_shard_link(p, *fd, &ret->key, ret->replica);
		if (r == -EEXIST)
			continue;
		if (r < 0)
			return err_errno(err, r, "cannot add to the store");
		ret->created = true;
		ret->fd = steal_fd(fd);
		r = iattr_read_fd(ret->fd, &ret->attr);
		return r ? r : record(p, ret, err);
	}
}

int store_draft_begin(struct pool *p, struct draft *ret, struct err *err)
{
	struct draft d = DRAFT_INIT;

	d.fd = fx_tmpfile(p->staging_fd);
	if (d.fd < 0)
		return err_errno(err, d.fd,
				 "cannot make a file in the pool '%s'",
				 p->path);
	d.hasher = hasher_new();
	if (!d.hasher) {
		store_draft_release(&d);
		return err_errno(err, -ENOMEM, "cannot hash");
	}
	*ret = d;
	return 0;
}

int store_draft_write(struct draft *d, const void *buf, size_t len,
		      struct err *err)
{
	int r = fx_write(d->fd, buf, len);

	if (r < 0)
		return err_errno(err, r, "cannot write to the store");
	hasher_update(d->hasher, buf, len);
	return 0;
}

int store_draft_hole(struct draft *d, uint64_t len, struct err *err)
{
	off_t end = lseek(d->fd, len, SEEK_CUR);
	int r = end < 0 ? -errno : fx_ftruncate(d->fd, end);

	if (r < 0)
		return err_errno(err, r, "cannot write to the store");
	hasher_update_zeros(d->hasher, len);
	return 0;
}

/* @sought, if not NULL: the key for which no master would do a moment ago, and the number
 * that was free then; both are only where to begin. */
static int commit(struct pool *p, struct draft *d, const struct iattr *attr,
		  const struct store_avoid *avoid, const struct master *sought,
		  struct master *ret, struct err *err)
{
	struct iattr want = *attr;
	struct digest content;
	struct statx stx;
	int r;

	*ret = (struct master)MASTER_INIT;
	hasher_final(d->hasher, &content);
	r = fdio_statx(d->fd, NULL, &stx);
	want.stx.stx_size = stx.stx_size;
	if (!r)
		r = hash_key(&want, &content, &ret->key);
	if (!r)
		r = seal(p, &d->fd, &want);
	if (r < 0)
		err_errno(err, r, "cannot write to the store");
	else
		r = publish(p, &d->fd, &want, avoid, sought, ret, err);
	store_draft_release(d);
	if (r < 0)
		master_release(ret);
	return r;
}

int store_draft_commit(struct pool *p, struct draft *d,
		       const struct iattr *attr,
		       const struct store_avoid *avoid, struct master *ret,
		       struct err *err)
{
	return commit(p, d, attr, avoid, NULL, ret, err);
}

void store_draft_release(struct draft *d)
{
	cleanup_close(&d->fd);
	hasher_free(d->hasher);
	d->hasher = NULL;
}

/* A fresh copy of @src, whose metadata is @attr, becomes a master. find_master() has left
 * in @ret what it looked for. */
static int copy_in(struct pool *p, int src, const struct iattr *attr,
		   const struct store_avoid *avoid, struct master *ret,
		   struct err *err)
{
	const struct master sought = *ret;
	struct draft d;
	int r = store_draft_begin(p, &d, err);

	if (r < 0)
		return r;
	r = fdio_copy(src, d.fd, attr->stx.stx_size, d.hasher);
	if (r < 0) {
		store_draft_release(&d);
		return r == -EAGAIN ? r :
				      err_errno(err, r, "cannot copy to the store");
	}
	return commit(p, &d, attr, avoid, &sought, ret, err);
}

/* Did @src keep still since @attr was read? */
static int still(int src, const struct iattr *attr)
{
	struct statx now;
	int r = fdio_statx(src, NULL, &now);

	if (r < 0)
		return r;
	return statx_unchanged(&now, &attr->stx) ? 0 : -EAGAIN;
}

static int read_key(int src, const struct iattr *attr, struct digest *ret)
{
	struct digest content;
	int r = hash_fd(src, attr->stx.stx_size, &content);

	return r ? r : hash_key(attr, &content, ret);
}

/* 1 with a master that is there, 0 with what find_master() leaves in @ret. */
static int look_up(struct pool *p, int src, const struct iattr *attr,
		   const struct digest *key, const struct store_avoid *avoid,
		   struct master *ret, struct err *err)
{
	int r = 0;

	/*
	 * A key that was computed before is where to look, no more. The file may
	 * have been written since without a trace in its status (through a mapping,
	 * or within one tick of the clock), and a key that was remembered may be
	 * wrong. What is found there counts when metadata and bytes equal those of
	 * @src now, and copy_in() gives its copy the key of the bytes it wrote. So
	 * a stale key costs a copy, which publish() throws away again if the store
	 * has an equal one under the right key, and never names a master wrongly.
	 */
	if (key)
		ret->key = *key;
	else
		r = read_key(src, attr, &ret->key);
	if (r == -EAGAIN)
		return r;
	if (r < 0)
		return err_errno(err, r, "cannot read");
	r = find_master(p, src, attr, avoid, ret);
	return r < 0 ? err_errno(err, r, "cannot search the store") : r;
}

static int intern(struct pool *p, int src, const struct iattr *attr,
		  const struct digest *key, const struct store_avoid *avoid,
		  struct master *ret, struct err *err)
{
	int r = look_up(p, src, attr, key, avoid, ret, err);

	if (!r)
		return copy_in(p, src, attr, avoid, ret, err);
	return r < 0 ? r : 0;
}

static int end_intern(struct master *ret, int r, struct err *err)
{
	if (r == -EAGAIN)
		err_set(err, r, "file changed while it was read");
	if (r < 0)
		master_release(ret);
	return r;
}

int store_intern(struct pool *p, int src, const struct iattr *attr,
		 const struct digest *key, const struct store_avoid *avoid,
		 struct master *ret, struct err *err)
{
	int r;

	*ret = (struct master)MASTER_INIT;
	r = intern(p, src, attr, key, avoid, ret, err);
	/* copied while it changed: the copy is whole but nobody's; gc takes it */
	if (!r)
		r = still(src, attr);
	return end_intern(ret, r, err);
}

/*
 * @src gets a name in the store, unless it changed or another master is equal. It is read
 * once more, under a lease: what was written through a mapping, or within one tick of the
 * clock, since it was read last has left no trace in its status. 1 with a master, 0 and
 * @ret as it was when no lease can be had, -ETXTBSY when somebody has it open for writing.
 */
static int adopt(struct pool *p, int src, const struct iattr *attr,
		 const struct store_avoid *avoid, struct master *ret,
		 struct err *err)
{
	const struct master sought = *ret;
	/* the lease is given up by the number that took it: that of the master */
	_cleanup_close_ int fd = fcntl(src, F_DUPFD_CLOEXEC, 0);
	int r;

	r = fd < 0 ? fd : lease_try(fd);
	if (r == -EAGAIN)
		return err_set(err, -ETXTBSY, "open for writing");
	/* what the disk did not take is in memory only: a copy is written once more */
	if (r < 0 || fdio_settle(fd, false) < 0)
		return 0;
	r = read_key(fd, attr, &ret->key);
	if (!r)
		r = still(fd, attr);
	if (!r && !lease_is_held(fd))
		r = -EAGAIN;
	if (r == -EAGAIN)
		return r;
	if (r < 0)
		return err_errno(err, r, "cannot read");
	r = publish(p, &fd, attr, avoid, &sought, ret, err);
	if (r < 0)
		return r == -ENOENT ? -EAGAIN : r; /* it has no name any more */
	ret->adopted = ret->created;
	return 1;
}

int store_adopt(struct pool *p, int src, const struct iattr *attr,
		const struct digest *key, const struct store_avoid *avoid,
		struct master *ret, struct err *err)
{
	int r;

	*ret = (struct master)MASTER_INIT;
	r = look_up(p, src, attr, key, avoid, ret, err);
	if (!r && p->engine.engine == ENGINE_UNPROTECTED)
		r = adopt(p, src, attr, avoid, ret, err);
	if (!r)
		r = copy_in(p, src, attr, avoid, ret, err);
	/* the link has changed its status */
	if (r >= 0)
		r = ret->adopted ? 0 : still(src, attr);
	return end_intern(ret, r, err);
}

int store_link(const struct master *m, int dirfd, const char *name,
	       struct err *err)
{
	/* The inode that was compared, whatever its name in the store leads to. Its
	 * first name was the store's, so the kernel refuses it (ENOENT) once it has
	 * none, as when it was an unnamed file. */
	int r = fx_link_fd(m->fd, dirfd, name);
	struct statx now;

	if (r == -ENOENT && !fdio_statx(m->fd, NULL, &now) && !now.stx_nlink)
		r = -EMLINK;
	return r < 0 ? err_errno(err, r, "cannot link '%s'", name) : 0;
}

/* The master that the inode @name in @dirfd is has as many links as allowed, or is
 * avoided: find or make a replica. */
static int link_replica(struct pool *p, int dirfd, const char *name,
			const struct store_avoid *avoid, int newdir,
			const char *newname, struct store_linked *ret,
			struct err *err)
{
	_cleanup_close_ int src = fdio_open(dirfd, name, O_RDONLY);
	_cleanup_master_ struct master m = MASTER_INIT;
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	int r = src < 0 ? src : iattr_read_fd(src, &attr);

	if (r < 0)
		return err_errno(err, r, "cannot read '%s'", name);
	r = intern(p, src, &attr, NULL, avoid, &m, err);
	if (!r)
		r = store_link(&m, newdir, newname, err);
	ret->ino = m.attr.stx.stx_ino;
	ret->created = m.created;
	ret->replica = true;
	return r;
}

int store_link_again(struct pool *p, int dirfd, const char *name,
		     const struct statx *stx, const struct store_avoid *avoid,
		     int newdir, const char *newname,
		     struct store_linked *ret, struct err *err)
{
	int r = -EMLINK;

	*ret = (struct store_linked){ .ino = stx->stx_ino };
	if (pool_is_quarantined(p, stx->stx_ino))
		return err_set(err, -EUCLEAN,
			       "'%s' is damaged and in quarantine; `vtemplate "
			       "check --scrub` tells more", name);
	if (stx->stx_nlink < p->info.link_limit &&
	    !(avoid && avoid->has(stx, avoid->ctx)))
		r = fx_linkat(dirfd, name, newdir, newname);
	if (r == -EMLINK)
		return link_replica(p, dirfd, name, avoid, newdir, newname,
				    ret, err);
	return r < 0 ? err_errno(err, r, "cannot link '%s'", name) : 0;
}

int store_stat(struct pool *p, const struct digest *key, uint32_t replica,
	       struct statx *ret, struct err *err)
{
	_cleanup_close_ int shard = store_shard_open(p, key);
	char name[STORE_NAME_SIZE];
	int r;

	store_name(key, replica, name);
	r = shard < 0 ? shard : fdio_statx(shard, name, ret);
	if (r == -ENOENT)
		return r;
	return r < 0 ? err_errno(err, r, "cannot read '%s' in the store", name) :
		       0;
}

/* The inode itself says that it is shared. */
static int has_shared_flags(int dirfd, const char *name,
			    const struct statx *stx)
{
	_cleanup_close_ int fd = -1;
	unsigned int flags;
	int r;

	if (!(stx->stx_attributes & STATX_ATTR_IMMUTABLE) &&
	    stx->stx_attributes_mask & STATX_ATTR_IMMUTABLE)
		return 0;
	fd = fdio_open(dirfd, name, O_RDONLY);
	r = fd < 0 ? fd : iflags_get(fd, &flags);
	return r < 0 ? r : iflags_is_shared(flags);
}

/* What cannot be read tells nothing. */
static int shows_shared(const struct store_entry *e, void *ctx)
{
	(void)ctx;
	return has_shared_flags(e->shard_fd, e->name, &e->stx) > 0;
}

bool pool_has_shared(struct pool *p)
{
	return store_each(p, shows_shared, NULL, NULL) > 0;
}

/* The catalog names a master with this inode number. It is a cache, and numbers
 * are used again: the store has the last word. */
static int is_in_store(struct pool *p, const struct statx *stx,
		       struct err *err)
{
	struct object_row row;
	struct statx master;
	int r = catalog_object_by_ino(p->catalog, stx->stx_ino, &row, err);

	if (!r)
		r = store_stat(p, &row.key, row.replica, &master, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : statx_same_inode(&master, stx);
}

int store_is_master(struct pool *p, int dirfd, const char *name,
		    const struct statx *stx, struct err *err)
{
	int r;

	if (stx->stx_nlink < 2)
		return 0;
	if (pool_is_quarantined(p, stx->stx_ino))
		return 1;
	if (p->engine.engine != ENGINE_KERNEL)
		return is_in_store(p, stx, err);
	r = has_shared_flags(dirfd, name, stx);
	return r < 0 ? err_errno(err, r, "cannot examine '%s'", name) : r;
}
