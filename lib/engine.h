/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What protects (or does not) a shared inode on this pool. Probed on the pool's
 * own filesystem by doing it, never by a version number: a file is made in
 * staging/, marked shared, linked and opened for writing through its second name;
 * only a kernel that gives that name a private copy and leaves the first one alone
 * is `kernel`, or one that has no room for it.
 */
#ifndef COWLINK_ENGINE_H
#define COWLINK_ENGINE_H

#include <stdbool.h>

#include "err.h"

enum engine {
	ENGINE_COPY,		/* nothing is shared */
	ENGINE_REFLINK,		/* extents are shared, page cache is not */
	ENGINE_KERNEL,		/* inodes are shared, writes break the link */
	ENGINE_UNPROTECTED,	/* inodes are shared and nobody guards them */
};

struct engine_probe {
	enum engine engine;	/* the best one this pool can have */
	bool kernel;		/* the patched kernel and filesystem are here */
	bool reflink;		/* FICLONE works here */
	char why[256];		/* one clause: why this one and none better */
};

/*
 * @staging_fd: a writable directory of the pool. 0, or -errno when even a plain
 * file cannot be made there. @tag, 16 hexadecimal digits that the caller has
 * locked (POOL_LOCK_STAGING), is part of the names "probe-<tag>.a" and ".b", of
 * which nothing is left but by a crash. Needs no free block.
 */
int engine_probe(int staging_fd, const char *tag, bool unprotected,
		 struct engine_probe *ret, struct err *err);

/*
 * When no file can be made to try with: `kernel` if this kernel has shown an inode of the
 * pool as shared (@shared_seen), since one without the attribute does not, and whatever
 * else it does, such an inode is immutable; else what needs nothing.
 */
void engine_full(bool shared_seen, bool unprotected, struct engine_probe *ret);

/* Is @name one of these? Then its tag is in @ret. */
bool engine_probe_tag(const char *name, char ret[17]);

const char *engine_name(enum engine e);
int engine_parse(const char *name, enum engine *ret); /* -EINVAL */

/* Do names in trees share inodes with the store under this engine? */
bool engine_links(enum engine e);

#endif
