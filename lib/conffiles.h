/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration files that package managers know of in a tree, read from their
 * databases without running anything that belongs to the tree:
 *
 *	dpkg	/var/lib/dpkg/status, field Conffiles
 *	apk	/lib/apk/db/installed (or below /usr): installed files below a protected
 *		path, /etc or as /etc/apk/protected_paths.d says; apk has no other
 *		mark
 *	rpm	rpmdb.sqlite in /usr/lib/sysimage/rpm or /var/lib/rpm: files marked
 *		%config
 *
 * A database may be hostile. It is read into memory, of limited length; nothing in it
 * is followed or believed beyond "this path is a conffile"; and how long the reading
 * takes is limited too.
 */
#ifndef COWLINK_CONFFILES_H
#define COWLINK_CONFFILES_H

#include <stddef.h>

/* A database that is longer is refused: Debian's with every package is shorter. */
#define CONFFILES_MAX_BYTES (64u << 20)
/* rpm keeps all it knows of a package, a hundred times as much. */
#define CONFFILES_RPM_MAX_BYTES (256u << 20)

/* @path is not NUL-terminated and has no slash in front. A nonzero result ends the
 * reading and is its result. */
typedef int conffiles_fn(const char *path, size_t len, void *ctx);

/* All of the above. 0 also where there is none. -EFBIG when one is too long, or there
 * is more work in it than in any honest one, -EINVAL when it is no regular file or
 * damaged, -EOPNOTSUPP for a database of an rpm before 4.16, else the error met. */
int conffiles_read(int rootfs_fd, conffiles_fn *fn, void *ctx);

/* dpkg: the paths in the "Conffiles" fields of a status file; also those marked
 * obsolete, not those to be removed on upgrade. */
int conffiles_parse(const char *text, size_t len, conffiles_fn *fn, void *ctx);

/* apk: an "installed" file, and the lines of the protected_paths.d lists one after the
 * other, later ones win. */
int conffiles_apk_parse(const char *text, size_t len, const char *lists,
			size_t lists_len, conffiles_fn *fn, void *ctx);

/* rpm: one header as the database holds it; a database file, which is changed in
 * memory, with its write-ahead log, which may be NULL. */
int conffiles_rpm_header(const void *header, size_t len, conffiles_fn *fn,
			 void *ctx);
int conffiles_rpm_parse(void *image, size_t len, const void *wal,
			size_t wal_len, conffiles_fn *fn, void *ctx);

/* For the readers of lib/conffiles-NAME.c: a regular file of at most @max bytes, with a
 * NUL behind it, which the caller frees. 1; 0 when it is not there; or as above. */
int conffiles_load(int rootfs_fd, const char *path, size_t max, char **ret,
		   size_t *ret_len);
int conffiles_read_apk(int rootfs_fd, conffiles_fn *fn, void *ctx);
int conffiles_read_rpm(int rootfs_fd, conffiles_fn *fn, void *ctx);

#endif
