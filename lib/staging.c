// SPDX-License-Identifier: GPL-2.0-only
#include "staging.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "log.h"
#include "tree.h"

static atomic_int in_use;

bool staging_in_use(void)
{
	return atomic_load(&in_use) > 0;
}

/* The lock comes before the directory: a recovery that finds the directory and
 * gets the lock knows that its owner is gone. */
static int begin(struct pool *p, struct staging *s, struct err *err)
{
	int r = fdio_random_name(s->name);

	s->pool = p;
	/* counted first: a signal from here on must find it */
	atomic_fetch_add(&in_use, 1);
	if (r < 0)
		return err_errno(err, r, "cannot make a name");
	s->lock_fd = pool_lock_name(p, POOL_LOCK_STAGING, s->name, true, err);
	return s->lock_fd < 0 ? s->lock_fd : 0;
}

int staging_reserve(struct pool *p, struct staging *ret, struct err *err)
{
	struct staging s = STAGING_INIT;
	int r = begin(p, &s, err);

	if (r < 0) {
		staging_release(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static int make(struct pool *p, struct staging *s, struct err *err)
{
	int r = begin(p, s, err);

	if (r < 0)
		return r;
	r = fx_mkdirat(p->staging_fd, s->name, 0700);
	if (!r)
		r = s->fd = fdio_open_dir(p->staging_fd, s->name);
	if (r < 0)
		return err_errno(err, r, "cannot make a directory in '%s'",
				 p->path);
	return 0;
}

int staging_create(struct pool *p, struct staging *ret, struct err *err)
{
	struct staging s = STAGING_INIT;
	int r = make(p, &s, err);

	if (r < 0) {
		staging_release(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static int take(struct pool *p, int dirfd, const char *name, struct staging *s,
		struct err *err)
{
	int r = begin(p, s, err);

	if (r < 0)
		return r;
	r = fx_renameat(dirfd, name, p->staging_fd, s->name, RENAME_NOREPLACE);
	if (r < 0) {
		s->name[0] = '\0'; /* nothing of ours is there */
		return err_errno(err, r, "cannot move '%s' away", name);
	}
	r = fx_fsync(dirfd);
	return r < 0 ? err_errno(err, r, "cannot write to disk that '%s' moved",
				 name) :
		       0;
}

int staging_take(struct pool *p, int dirfd, const char *name,
		 struct staging *ret, struct err *err)
{
	struct staging s = STAGING_INIT;
	int r = take(p, dirfd, name, &s, err);

	if (r < 0 && s.name[0]) {
		/* moved, and not known to be on disk: put it back */
		if (!fx_renameat(p->staging_fd, s.name, dirfd, name,
				 RENAME_NOREPLACE))
			s.name[0] = '\0';
	}
	if (r < 0) {
		staging_release(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void staging_release(struct staging *s)
{
	struct err err = { 0 };

	if (!s->pool)
		return;
	cleanup_close(&s->fd);
	if (s->lock_fd >= 0 && s->name[0] &&
	    tree_remove(s->pool->staging_fd, s->name, &err) < 0)
		log_warning("%s; the next command tries again", err.msg);
	cleanup_close(&s->lock_fd);
	s->name[0] = '\0';
	s->pool = NULL;
	atomic_fetch_sub(&in_use, 1);
}

int staging_publish(struct staging *s, int dirfd, const char *name,
		    struct err *err)
{
	int r = fx_renameat(s->pool->staging_fd, s->name, dirfd, name,
			    RENAME_NOREPLACE);

	if (r < 0)
		return err_errno(err, r, "cannot publish '%s'", name);
	s->name[0] = '\0'; /* no longer ours to remove */
	r = fx_fsync(dirfd);
	return r < 0 ? err_errno(err, r, "cannot write '%s' to disk", name) : 0;
}

bool staging_is_name(const char *name)
{
	return strlen(name) == 16 && strspn(name, "0123456789abcdef") == 16;
}
