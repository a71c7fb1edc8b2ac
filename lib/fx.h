/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Effects: every change to a filesystem or to the catalog goes through here.
 *
 * The functions are thin: they do what the system call of the same name does, on
 * descriptors and single names, restart on EINTR, and return 0 or -errno. What
 * they add is a door: before each effect fx_step() counts it, and the
 * environment may ask for a fault at the Nth one, which is how the crash tests
 * stop an operation at every point:
 *
 *	COWLINK_FAULT=kill:N            SIGKILL to ourselves instead of effect N
 *	COWLINK_FAULT=error:N[:ERRNO]   effect N fails with ERRNO (default EIO)
 *	COWLINK_FAULT=count             nothing; with the next variable
 *	COWLINK_FAULT_COUNT=FILE        at exit, write the number of effects
 *	COWLINK_FAULT_EXEC=WHAT:N:CMD   before the Nth effect named WHAT (the
 *	                                function without fx_), run CMD by sh;
 *	                                N 0: before each of them
 *
 * Effects count from 1. Writing data is one effect per call, not per byte. The
 * environment is not read in a set-user-ID program. Of several threads the order of
 * effects is not fixed; the count is atomic.
 */
#ifndef COWLINK_FX_H
#define COWLINK_FX_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* Count one effect named @what; 0 to go on, or the injected -errno. */
int fx_step(const char *what);

/*
 * Ask the operation that runs to end soon and in order, because of @signal: from
 * now on every effect that begins something (create, tmpfile, write, clone, unify, dedupe,
 * mkdir, symlink, mknod, link) fails with -EINTR, while those that finish or undo
 * something (rename, unlink, flags, sync ...) go on. So a failure path can still put
 * things right. Async-signal-safe.
 */
void fx_interrupt(int signal);

/* The signal, or 0. Long phases without effects ask now and then and return -EINTR. */
int fx_interrupted(void);

/* O_CLOEXEC|O_NOFOLLOW|O_CREAT|O_EXCL are added; returns a descriptor. */
int fx_create(int dirfd, const char *name, int flags, mode_t mode);

/* An unnamed file on the filesystem of @dirfd, open read-write, mode 0600. */
int fx_tmpfile(int dirfd);

int fx_write(int fd, const void *buf, size_t len); /* all of it, or -errno */
int fx_pwrite(int fd, const void *buf, size_t len, off_t offset);
int fx_ftruncate(int fd, off_t size_bytes);
int fx_clone(int fd, int src_fd);	/* FICLONE; -EOPNOTSUPP where not */

/* FS_IOC_LINK_UNIFY on a directory; the size is filled in. */
struct cowlink_unify;
int fx_link_unify(int dirfd, struct cowlink_unify *args);
int fx_unify_back(int dirfd, struct cowlink_unify *args); /* undoes one: no beginning */

/* FIDEDUPERANGE; the answer for each destination is in @range. */
struct file_dedupe_range;
int fx_dedupe(int src_fd, struct file_dedupe_range *range);

int fx_mkdirat(int dirfd, const char *name, mode_t mode);
int fx_symlinkat(const char *target, int dirfd, const char *name);
int fx_mknodat(int dirfd, const char *name, mode_t mode, dev_t dev);
int fx_linkat(int olddir, const char *oldname, int newdir, const char *newname);
int fx_link_fd(int fd, int newdir, const char *newname); /* also unnamed files */
int fx_renameat(int olddir, const char *oldname, int newdir, const char *newname,
		unsigned int flags);	/* RENAME_* of renameat2(2) */
int fx_unlinkat(int dirfd, const char *name, int flags);

int fx_fchown(int fd, uid_t uid, gid_t gid);
int fx_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid);
int fx_fchmod(int fd, mode_t mode);
int fx_fchmodat(int dirfd, const char *name, mode_t mode);	/* no symlinks */
int fx_utimens(int fd, const struct timespec times[2]);
int fx_utimensat(int dirfd, const char *name, const struct timespec times[2]);
int fx_fsetxattr(int fd, const char *name, const void *value, size_t size);
int fx_fremovexattr(int fd, const char *name);
int fx_setxattrat(int dirfd, const char *file, const char *name,
		  const void *value, size_t size); /* never follows @file */
int fx_setflags(int fd, unsigned int flags);	/* FS_IOC_SETFLAGS */
int fx_setprojid(int fd, uint32_t projid, uint32_t xflags); /* sets these too */

int fx_fsync(int fd);
int fx_syncfs(int fd);

#endif
