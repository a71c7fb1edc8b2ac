// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cloning. The source is a template in the pool: only cowlink writes there, so
 * what the walk saw holds until we are done.
 *
 * A linked file costs two system calls, statx(2) by the walk and linkat(2). It is
 * not opened: under the engine `kernel` the status says whether the inode is
 * immutable, and the only immutable files in a template are masters, since
 * chattr flags are not imported.
 */
#include <errno.h>
#include <fcntl.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "store.h"
#include "tree-copy.h"
#include "tree-identity.h"

/* Is it a name of a master? 1, 0 or -errno. */
static int is_shared(struct tree_copy *tc, const struct walk_entry *e)
{
	if (e->stx->stx_nlink < 2)
		return 0;
	if (!tc->pool->info.unprotected)
		return !!(e->stx->stx_attributes & STATX_ATTR_IMMUTABLE);
	return store_is_master(tc->pool, e->dirfd, e->name, e->stx, tc->err);
}

/* The other names of a master are in other trees, those of anything else in
 * this one. An error comes again, and is reported, in clone_file(). */
static bool clone_is_group(struct tree_copy *tc, const struct walk_entry *e)
{
	return is_shared(tc, e) == 0;
}

/* So many private files are fsynced one by one before syncfs(2) is the lesser
 * evil: about 5 ms each against seconds when others have much to write. */
#define FSYNC_MAX 64

static void count_private(struct tree_copy *tc)
{
	if (!engine_links(tc->engine) || tc->stats.private_files >= FSYNC_MAX)
		tc->stats.needs_sync = true;
	tc->stats.private_files++;
}

static int clone_private(struct tree_copy *tc, const struct walk_entry *e,
			 int dirfd)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_close_ int src = fdio_open(e->dirfd, e->name, O_RDONLY);
	int r = src < 0 ? src : iattr_read_fd(src, &attr);

	count_private(tc);
	if (!r)
		r = tree_copy_private(tc->engine, src, &attr, dirfd, e->name,
				      !tc->stats.needs_sync);
	if (r < 0)
		return err_errno(tc->err, r, "cannot copy '%s'", e->path);
	tc->stats.new_bytes += attr.stx.stx_size;
	return 0;
}

/* A link to the master, or, where the guest has a name of it already, to a replica.
 * A template normally has one name of each. */
static int clone_shared(struct tree_copy *tc, const struct walk_entry *e,
			int dirfd)
{
	const struct store_avoid used = tree_used_avoid(&tc->used);
	struct store_linked linked;
	int r = store_link_again(tc->pool, e->dirfd, e->name, e->stx, &used,
				 dirfd, e->name, &linked, tc->err);

	if (r < 0)
		return r;
	tc->stats.linked++;
	/* also one that was there: another clone may have made it a moment ago */
	tc->stats.needs_sync |= linked.replica;
	if (linked.created) {
		tc->stats.new_masters++;
		tc->stats.new_bytes += e->stx->stx_size;
	}
	r = tree_used_add_ino(&tc->used, e->stx, linked.ino);
	return r < 0 ? err_errno(tc->err, r, "cannot link '%s'", e->path) : 0;
}

static int clone_file(struct tree_copy *tc, const struct walk_entry *e,
		      int dirfd)
{
	int r = engine_links(tc->engine) ? is_shared(tc, e) : 0;

	if (r < 0)
		return r;
	return r ? clone_shared(tc, e, dirfd) : clone_private(tc, e, dirfd);
}

/* A new file with the owner, mode and attributes of @e, but not its times. */
static int write_own(struct tree_copy *tc, const struct walk_entry *e,
		     int dirfd, const struct strbuf *content)
{
	static const struct timespec now[2] = { { .tv_nsec = UTIME_NOW },
						{ .tv_nsec = UTIME_NOW } };
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_close_ int fd = -1;
	int r = iattr_read_at(e->dirfd, e->name, &attr);

	count_private(tc);
	if (!r)
		r = fd = fx_create(dirfd, e->name, O_RDWR, 0600);
	if (r >= 0)
		r = fx_write(fd, strbuf_str(content), content->len);
	if (!r)
		r = iattr_apply_fd(fd, &attr);
	if (!r)
		r = fx_utimens(fd, now);
	if (!r && !tc->stats.needs_sync)
		r = fx_fsync(fd);
	return r ? r : fdio_close(&fd);
}

static int clone_instead(struct tree_copy *tc, const struct walk_entry *e,
			 int dirfd)
{
	_cleanup_strbuf_ struct strbuf content = STRBUF_INIT;
	int r = tree_identity_of(tc->identity, e, &content);

	if (r == IDENTITY_GONE)
		return 1;
	if (r == IDENTITY_OWN) {
		r = write_own(tc, e, dirfd, &content);
		if (!r) {
			tc->stats.files++;
			tc->stats.size_bytes += content.len;
			tc->stats.new_bytes += content.len;
			return 1;
		}
	}
	return r < 0 ? err_errno(tc->err, r, "cannot make '%s'", e->path) : 0;
}

int tree_clone(struct pool *p, int src_fd, int rootfs_fd, enum engine engine,
	       const char *name, struct tree_stats *ret, struct err *err)
{
	struct tree_identity identity;
	struct tree_copy tc = { .pool = p,
				.engine = engine,
				.rootfs_fd = rootfs_fd,
				.file = clone_file,
				.instead = name ? clone_instead : NULL,
				.identity = &identity,
				.is_group = clone_is_group };
	int r = name ? tree_identity_begin(src_fd, name, &identity, err) : 0;

	if (!r)
		r = tree_copy_run(&tc, src_fd, err);
	*ret = tc.stats;
	tree_copy_release(&tc);
	return r;
}
