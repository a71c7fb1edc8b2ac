// SPDX-License-Identifier: GPL-2.0-only
#include "unify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cleanup.h"
#include "dirtime.h"
#include "fdio.h"
#include "fx.h"
#include "hash.h"
#include "iattr.h"
#include "lease.h"
#include "log.h"
#include "project.h"
#include "uapi/cowlink.h"

#define SHARED_FLAGS (FS_IMMUTABLE_FL | FS_IXUNLINK_FL)

/* One name on its way to become a link to the master. */
struct replacement {
	struct pool *pool;
	const struct staging *scratch;
	int dirfd;
	const char *name;
	bool nodev;
	const struct master *m;
	struct dirtime *dirtime;
	int fd;			/* the victim, read-only */
	struct iattr attr;	/* the victim's */
	unsigned int flags;	/* of what we mark, before: the victim, or a copy */
	bool unread;		/* its flags are not known */
	bool marked;		/* by us */
	bool leased;		/* the victim, since before its bytes were compared */
	bool undo;		/* the victim is shared, m a private copy */
	bool ignore_mtime;
	unsigned int exchanges;	/* done in dirfd, of either kind */
	char temp[UNIFY_TEMP_SIZE];
};

/* A handle of the regular file @name, if it @is what was @seen; else -EAGAIN. */
static int open_handle(int dirfd, const char *name, const struct statx *seen,
		       bool (*is)(const struct statx *a, const struct statx *b),
		       struct statx *ret)
{
	_cleanup_close_ int handle =
		openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (handle < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	r = fdio_statx(handle, NULL, ret);
	if (r < 0)
		return r;
	return S_ISREG(ret->stx_mode) && is(ret, seen) ? steal_fd(&handle) :
							 -EAGAIN;
}

/* Without a handle first. -EAGAIN also for what only a handle tells more about. */
static int open_at_once(int dirfd, const char *name, const struct statx *seen,
			struct statx *ret)
{
	_cleanup_close_ int fd = fdio_open(dirfd, name, O_RDONLY);

	if (fd < 0 || fdio_statx(fd, NULL, ret) < 0 ||
	    !S_ISREG(ret->stx_mode) || !statx_unchanged(ret, seen))
		return -EAGAIN;
	return steal_fd(&fd);
}

int unify_open(int dirfd, const char *name, const struct statx *seen,
	       bool nodev, struct statx *ret)
{
	_cleanup_close_ int handle = -1;
	int fd = nodev ? open_at_once(dirfd, name, seen, ret) : -EAGAIN;

	if (fd >= 0)
		return fd;
	handle = open_handle(dirfd, name, seen, statx_unchanged, ret);
	return handle < 0 ? handle : fdio_reopen(handle, 0);
}

/* What an error about the victim itself means for it. */
static enum skip_reason reason_of(int code)
{
	switch (code) {
	case -EAGAIN:
		return SKIP_CHANGED;
	case -ETXTBSY:
		return SKIP_BUSY;
	default:
		return SKIP_UNREADABLE;
	}
}

/* Step 1. */
static enum skip_reason open_victim(struct replacement *u,
				    const struct statx *seen)
{
	u->fd = unify_open(u->dirfd, u->name, seen, u->nodev, &u->attr.stx);
	return u->fd < 0 ? reason_of(u->fd) : SKIP_NONE;
}

/* Step 2. */
static enum skip_reason see_flags(struct replacement *u)
{
	int r = iflags_get(u->fd, &u->flags);

	if (r < 0)
		return reason_of(r);
	return iflags_is_special(u->flags) ? SKIP_SPECIAL : SKIP_NONE;
}

/*
 * Not iflags_share(): a master's project id becomes 0 there, but this file
 * is the guest's, who keeps it and pays for it when it is not replaced.
 */
static int mark(struct replacement *u, enum skip_reason *reason)
{
	int r;

	if (iflags_is_shared(u->flags))
		return 0;
	r = fx_setflags(u->fd, u->flags | SHARED_FLAGS);
	if (r == -ETXTBSY) {
		*reason = SKIP_BUSY;
		return 0;
	}
	u->marked = !r;
	return r;
}

/* How many names the inode has now. */
static unsigned int names_left(int fd)
{
	struct statx now;

	return fdio_statx(fd, NULL, &now) < 0 ? 0 : now.stx_nlink;
}

static void unmark(struct replacement *u, int fd)
{
	int r;

	/* without a name it stays frozen: who still has it open for reading and
	 * opens it for writing through /proc is told no, instead of writing to a
	 * file that is gone */
	if (!u->marked || !names_left(fd))
		return;
	r = fx_setflags(fd, u->flags);
	/* EBUSY: a writer's copy is about to take the name away, and the mark
	 * harms nobody if that fails: the next write makes its copy then */
	if (r < 0 && r != -EBUSY)
		log_debug("'%s' stays marked as shared", u->name);
	u->marked = false;
}

/* fdio_equal() of the victim and the master. */
static int compare_bytes(const struct replacement *u)
{
	const struct master *m = u->m;
	size_t size = u->attr.stx.stx_size;

	return m->bytes && lease_is_held(m->fd) ?
		       fdio_holds(u->fd, m->bytes, size) :
		       fdio_equal(u->fd, m->fd, size);
}

/* The master is somebody else's to change only where nothing protects it, and there in each
 * tree that has it: its xattrs as they were are as good, and spare a system call a name. */
static int compare_metadata(const struct replacement *u)
{
	struct iattr master = u->m->attr; /* borrows the xattrs */
	int r = fdio_statx(u->m->fd, NULL, &master.stx);

	if (u->ignore_mtime)
		master.stx.stx_mtime = u->attr.stx.stx_mtime;
	return r < 0 ? r : iattr_same_metadata(&master, &u->attr);
}

/* Where nothing freezes the victim: what somebody writes who has it open would go to a file
 * that is gone. A filesystem without leases cannot tell. */
static enum skip_reason take_lease(struct replacement *u)
{
	int r = lease_try(u->fd);

	u->leased = !r;
	return r == -EAGAIN ? SKIP_BUSY : SKIP_NONE;
}

/* Step 3. The mark, if it was set, has changed the victim's ctime. */
static enum skip_reason compare(struct replacement *u)
{
	bool kernel = u->pool->engine.engine == ENGINE_KERNEL;
	enum skip_reason reason;
	int r = kernel ? iattr_read_fd(u->fd, &u->attr) :
			 iattr_read_xattrs(u->fd, &u->attr);

	if (r < 0)
		return reason_of(r);
	if (u->attr.stx.stx_nlink != 1)
		return SKIP_HARDLINKED;
	r = compare_metadata(u);
	if (r <= 0)
		return r < 0 ? reason_of(r) : SKIP_DIFFERENT;
	/* the kernel compares the bytes itself, while both are frozen */
	if (kernel)
		return SKIP_NONE;
	reason = take_lease(u);
	if (reason)
		return reason;
	r = compare_bytes(u);
	if (r < 0)
		return reason_of(r);
	return r ? SKIP_NONE : SKIP_DIFFERENT;
}

/* Errors of link, rename and FS_IOC_LINK_UNIFY that are about this one name. */
static bool is_refusal(int code, enum skip_reason *reason)
{
	switch (code) {
	case -ENOENT:	/* the name, or its directory, is gone */
	case -ESTALE:	/* or leads to another file */
		*reason = SKIP_CHANGED;
		return true;
	case -EBADE:
		*reason = SKIP_DIFFERENT;
		return true;
	case -ETXTBSY:	/* a writer's copy is being made */
		*reason = SKIP_BUSY;
		return true;
	case -ENOSPC:
	case -EDQUOT:
		*reason = SKIP_NO_SPACE;
		return true;
	case -EPERM:	/* immutable or append-only directory */
	case -EACCES:
	case -EXDEV:	/* directory of another project */
	case -EBUSY:	/* somebody mounted something on the name */
		*reason = SKIP_REFUSED;
		return true;
	default:
		return false;
	}
}

/* Has nobody written to it since its bytes were compared, nor can who has it open now? */
static bool kept_still(const struct replacement *u)
{
	if (u->leased && !lease_is_held(u->fd))
		return false;
	if (u->leased && u->m->leased && lease_is_held(u->m->fd))
		return true;
	/* a write within one tick of the clock leaves the times as they were */
	return compare_bytes(u) == 1;
}

/* Is the displaced file the victim, untouched since it was compared? */
static bool is_victim(const struct replacement *u, const struct statx *now)
{
	_cleanup_iattr_ struct iattr after = { .stx = *now };

	/* not ctime: the rename changed it */
	return statx_same_inode(now, &u->attr.stx) &&
	       (now->stx_nlink == 1 || u->undo) &&
	       !iattr_read_xattrs(u->fd, &after) &&
	       iattr_same_metadata(&after, &u->attr) && kept_still(u);
}

/*
 * The scratch name holds data of the guest that have no name in it any more: give
 * them one that staging_release() does not remove.
 */
static int keep(const struct replacement *u, struct err *err)
{
	char name[32] = "kept-";
	int r = fdio_random_name(name + 5);

	if (!r)
		r = fx_renameat(u->scratch->fd, u->temp, u->pool->staging_fd,
				name, RENAME_NOREPLACE);
	if (r < 0) {
		err_errno(err, r, "cannot keep a displaced '%s'", u->name);
		return -ENOTRECOVERABLE;
	}
	log_warning("'%s' was written twice while it was replaced: one version "
		    "is kept in staging/%s, leaving the other in place",
		    u->name, name);
	return 0;
}

static int exchange_names(struct replacement *u)
{
	int r = fx_renameat(u->scratch->fd, u->temp, u->dirfd, u->name,
			    RENAME_EXCHANGE);

	u->exchanges += !r;
	return r;
}

/* Step 5, when the displaced file is not the victim: put it back. */
static int put_back(struct replacement *u, struct err *err)
{
	struct statx now;
	int r = exchange_names(u);

	/* an error that goes away must not cost data */
	if (r < 0 && r != -ENOENT)
		r = exchange_names(u);
	if (r < 0)
		return keep(u, err);
	if (fdio_statx(u->scratch->fd, u->temp, &now) < 0 ||
	    !statx_same_inode(&now, &u->m->attr.stx))
		return keep(u, err);
	/* a link to the master; what cannot be removed now goes with scratch */
	(void)fx_unlinkat(u->scratch->fd, u->temp, 0);
	return 0;
}

static int settle(struct replacement *u, enum skip_reason *reason,
		  struct err *err)
{
	struct statx now;
	int r = fdio_statx(u->scratch->fd, u->temp, &now);

	if (r < 0 || !is_victim(u, &now)) {
		*reason = SKIP_CHANGED;
		return put_back(u, err);
	}
	r = fx_unlinkat(u->scratch->fd, u->temp, 0);
	return r < 0 ? err_errno(err, r, "cannot remove the displaced '%s'",
				 u->name) :
		       0;
}

/* One look before the exchange: what is seen now needs not be put back. */
static bool still_there(const struct replacement *u)
{
	struct statx now;

	return !fdio_statx(u->dirfd, u->name, &now) &&
	       statx_unchanged(&now, &u->attr.stx) &&
	       (now.stx_nlink == 1 || u->undo);
}

/*
 * It tells pool_recover() which inode may be removed under this name, and the master that
 * it must be equal to. It need be unique in one scratch directory only, which is one
 * thread's and has a random name itself.
 */
static void temp_name(char temp[UNIFY_TEMP_SIZE], uint64_t ino, uint64_t master)
{
	static atomic_uint_fast64_t count;

	(void)snprintf(temp, UNIFY_TEMP_SIZE, "%llu-%llu.%016llx",
		       (unsigned long long)ino, (unsigned long long)master,
		       (unsigned long long)atomic_fetch_add(&count, 1));
}

/* The temporary name was made, or could not be (@r). */
static int exchange_temp(struct replacement *u, int r, enum skip_reason *reason,
			 struct err *err)
{
	if (!r) {
		r = still_there(u) ? exchange_names(u) : -ESTALE;
		if (!r)
			return settle(u, reason, err);
		/* a link to the master, or a copy of it: staging_release() takes
		 * it otherwise */
		(void)fx_unlinkat(u->scratch->fd, u->temp, 0);
	}
	if (is_refusal(r, reason))
		return 0;
	return err_errno(err, r, "cannot replace '%s'", u->name);
}

/* Steps 4 and 5, by hand. */
static int exchange(struct replacement *u, enum skip_reason *reason,
		    struct err *err)
{
	int r;

	temp_name(u->temp, u->attr.stx.stx_ino, u->m->attr.stx.stx_ino);
	r = store_link(u->m, u->scratch->fd, u->temp, NULL);
	if (r == -EMLINK)
		return r;
	return exchange_temp(u, r, reason, err);
}

typedef int unify_fx(int dirfd, struct cowlink_unify *args);

static int link_unify(struct replacement *u, unify_fx *fx, int master,
		      int victim)
{
	struct cowlink_unify args = { .flags = u->ignore_mtime ?
						COWLINK_UNIFY_ANY_MTIME :
						0,
				      .master_fd = master,
				      .victim_fd = victim,
				      .name = (uintptr_t)u->name };
	int r = fx(u->dirfd, &args);

	u->exchanges += !r;
	return r;
}

/* The victim got a second name in that moment: the two belong together. If somebody wrote
 * through this one already, or removed it, they do not. */
static int unify_back(struct replacement *u, enum skip_reason *reason,
		      struct err *err)
{
	int tries = 2; /* an error that goes away must not part them */
	int r;

	do
		r = link_unify(u, fx_unify_back, u->fd, u->m->fd);
	while (r < 0 && r != -ESTALE && r != -ENOENT && --tries);
	*reason = SKIP_CHANGED;
	if (!r || r == -ESTALE || r == -ENOENT)
		return 0;
	if (r != -EMLINK && !is_refusal(r, reason))
		return err_errno(err, r, "cannot put '%s' back, which got another name",
				 u->name);
	log_warning("'%s' got another name while it was replaced: %s, leaving them "
		    "two files",
		    u->name, strerror(-r));
	return 0;
}

/* Step 4 where the kernel sees to it. */
static int unify_by_kernel(struct replacement *u, enum skip_reason *reason,
			   struct err *err)
{
	int r = still_there(u) ? link_unify(u, fx_link_unify, u->m->fd, u->fd) :
				 -ESTALE;

	if (!r && names_left(u->fd))
		return unify_back(u, reason, err);
	/* the kernel reads them, and changes the directory */
	if (errno_is_damage(r) && compare_bytes(u) < 0) {
		*reason = SKIP_UNREADABLE;
		return 0;
	}
	if (!r || r == -EMLINK || is_refusal(r, reason))
		return r == -EMLINK ? r : 0;
	return err_errno(err, r, "cannot replace '%s'", u->name);
}

bool unify_needs_scratch(const struct pool *p)
{
	return p->engine.engine != ENGINE_KERNEL;
}

typedef int put_fn(struct replacement *u, enum skip_reason *reason,
		   struct err *err);

/* The name gets its new inode, the directory keeps its times. */
static int put(struct replacement *u, put_fn *by_kernel, put_fn *by_hand,
	       enum skip_reason *reason, struct err *err)
{
	bool kernel = u->pool->engine.engine == ENGINE_KERNEL;
	struct dirtime *dt = u->dirtime;
	int r;

	if (!dt->begun)
		dirtime_begin(dt, u->dirfd);
	r = (kernel ? by_kernel : by_hand)(u, reason, err);
	/* the kernel makes a link under a hidden name and renames that */
	dirtime_note(dt, u->name, kernel ? u->exchanges : 2 * u->exchanges,
		     kernel ? 2 * u->exchanges : 0);
	return r;
}

static int replace(struct replacement *u, const struct statx *seen,
		   enum skip_reason *reason, struct err *err)
{
	bool kernel = u->pool->engine.engine == ENGINE_KERNEL;
	int r = 0;

	*reason = open_victim(u, seen);
	if (!*reason && (kernel || u->unread))
		*reason = see_flags(u);
	if (*reason)
		return 0;
	if (kernel)
		r = mark(u, reason);
	if (r < 0)
		return err_errno(err, r, "cannot mark '%s' as shared", u->name);
	if (!*reason)
		*reason = compare(u);
	return *reason ? 0 : put(u, unify_by_kernel, exchange, reason, err);
}

int unify_replace(const struct unify_task *t, enum skip_reason *ret_reason,
		  struct err *err)
{
	struct replacement u = { .pool = t->pool, .scratch = t->scratch,
				 .dirfd = t->dirfd, .name = t->name,
				 .nodev = t->nodev, .m = t->m,
				 .dirtime = t->dirtime, .fd = -1,
				 .unread = t->unread,
				 .ignore_mtime = t->ignore_mtime };
	int r = replace(&u, t->seen, ret_reason, err);

	unmark(&u, u.fd);
	iattr_release(&u.attr);
	cleanup_close(&u.fd);
	return r;
}

/* --- the way back -------------------------------------------------------------- */

/* An unnamed copy of @master gets its name, and a descriptor nobody can write by. */
static int name_copy(const struct staging *scratch, int fd, uint64_t master,
		     struct unify_copy *ret)
{
	int r = fdio_statx(fd, NULL, &ret->stx);

	if (r < 0)
		return r;
	temp_name(ret->name, ret->stx.stx_ino, master);
	r = fx_link_fd(fd, scratch->fd, ret->name);
	if (r < 0)
		return r;
	ret->fd = fdio_open(scratch->fd, ret->name, O_RDONLY);
	return ret->fd < 0 ? ret->fd : 0;
}

/* Below a directory with a project of its own nothing of another may lie, shared
 * inodes excepted; and the copy is the guest's to pay for. */
static int inherit_project(int fd, int dirfd)
{
	uint32_t project;

	if (project_of(dirfd, &project) < 0 || !project)
		return 0;
	return fx_setprojid(fd, project, 0);
}

/* All that a copy takes over beside the bytes. */
static int digest_metadata(const struct iattr *attr, struct digest *ret)
{
	const struct digest no_content = { { 0 } };

	return hash_key(attr, &no_content, ret);
}

static int copy_aside(const struct staging *scratch, int src, int dirfd,
		      struct unify_copy *ret)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	_cleanup_close_ int fd = -1;
	int r = iattr_read_fd(src, &attr);

	if (!r)
		r = digest_metadata(&attr, &ret->meta);
	if (r < 0)
		return r;
	fd = fx_tmpfile(scratch->fd);
	if (fd < 0)
		return fd;
	r = inherit_project(fd, dirfd);
	if (!r)
		r = fdio_copy(src, fd, attr.stx.stx_size, NULL);
	if (!r)
		r = iattr_apply_fd(fd, &attr);
	if (!r)
		r = name_copy(scratch, fd, attr.stx.stx_ino, ret);
	/* an error of the last write may come as late as this */
	return r ? r : fdio_close(&fd);
}

int unify_copy(const struct staging *scratch, int dirfd, const char *name,
	       const struct statx *seen, struct unify_copy *ret,
	       enum skip_reason *ret_reason, struct err *err)
{
	struct statx now;
	_cleanup_close_ int handle =
		open_handle(dirfd, name, seen, statx_same_inode, &now);
	_cleanup_close_ int src = handle < 0 ? handle : fdio_reopen(handle, 0);
	int r;

	ret->fd = -1;
	*ret_reason = src < 0 ? reason_of(src) : SKIP_NONE;
	if (src < 0)
		return 0;
	r = copy_aside(scratch, src, dirfd, ret);
	if (!r)
		return 0;
	cleanup_close(&ret->fd);
	if (r == -EAGAIN)
		*ret_reason = SKIP_CHANGED;
	if (r == -EAGAIN || is_refusal(r, ret_reason))
		return 0;
	return err_errno(err, r, "cannot copy '%s'", name);
}

/* The copy and the name change places, and what the name was is looked at. */
static int exchange_copy(struct replacement *u, enum skip_reason *reason,
			 struct err *err)
{
	return exchange_temp(u, 0, reason, err);
}

/*
 * Never by hand where the kernel makes private copies: one that is on its way for a
 * writer follows the name it was found by, into the scratch directory. As a shared
 * file the copy is put there under the directory's lock, and then is none any more.
 */
static int copy_by_kernel(struct replacement *u, enum skip_reason *reason,
			  struct err *err)
{
	int copy = u->m->fd;
	int r = iflags_get(copy, &u->flags);

	if (!r)
		r = fx_setflags(copy, u->flags | SHARED_FLAGS);
	if (r < 0)
		return err_errno(err, r, "cannot mark a copy of '%s'", u->name);
	u->marked = true;
	r = still_there(u) ? link_unify(u, fx_link_unify, copy, u->fd) : -ESTALE;
	/* staging_release() takes it otherwise */
	(void)fx_unlinkat(u->scratch->fd, u->temp, 0);
	unmark(u, copy);
	if (!r || is_refusal(r, reason))
		return 0;
	return err_errno(err, r, "cannot replace '%s'", u->name);
}

/* Is the victim what the copy was made of, as it was then? The bytes are compared later. */
static enum skip_reason see_shared(struct replacement *u,
				   const struct statx *seen,
				   const struct digest *meta)
{
	struct statx now;
	struct digest found;
	_cleanup_close_ int handle = open_handle(u->dirfd, u->name, seen,
						 statx_same_inode, &now);
	int r;

	u->fd = handle < 0 ? handle : fdio_reopen(handle, 0);
	r = u->fd < 0 ? u->fd : iattr_read_fd(u->fd, &u->attr);
	if (!r)
		r = digest_metadata(&u->attr, &found);
	if (r < 0)
		return reason_of(r);
	if (!digest_equal(&found, meta))
		return SKIP_CHANGED;
	return u->pool->engine.engine == ENGINE_KERNEL ? SKIP_NONE :
							 take_lease(u);
}

int unify_undo(struct pool *p, const struct staging *scratch, int dirfd,
	       const char *name, const struct statx *seen,
	       const struct unify_copy *copy, struct dirtime *dirtime,
	       enum skip_reason *ret_reason, struct err *err)
{
	struct master m = MASTER_INIT;
	struct replacement u = { .pool = p, .scratch = scratch, .dirfd = dirfd,
				 .name = name, .m = &m, .dirtime = dirtime,
				 .fd = -1, .undo = true };
	int r;

	m.fd = copy->fd;
	m.attr.stx = copy->stx;
	(void)snprintf(u.temp, sizeof(u.temp), "%s", copy->name);
	*ret_reason = see_shared(&u, seen, &copy->meta);
	r = *ret_reason ? 0 :
			  put(&u, copy_by_kernel, exchange_copy, ret_reason, err);
	iattr_release(&u.attr);
	cleanup_close(&u.fd);
	return r;
}
