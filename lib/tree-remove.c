// SPDX-License-Identifier: GPL-2.0-only
/*
 * Removing a tree that a guest has made as awkward as it could: deeper than there
 * are descriptors, with +i and +a files, with something mounted in it.
 *
 * No name is examined before it is unlinked; the type in the directory entry says
 * what to try first, and the answer what to try next. Directories below LEVEL_MAX
 * are renamed up to the top and removed in a later round, so that any depth can be
 * removed with a fixed number of descriptors. Mount points are never entered.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "iattr.h"
#include "tree.h"

#define LEVEL_MAX 64
/* Rounds for a directory that does not get empty: someone is still filling it. */
#define EMPTY_TRIES 16

struct removal {
	int top_fd;		/* where deep directories are moved to */
	bool moved;		/* something was: another round is needed */
	struct err *err;
};

/*
 * Take +i and +a away that the guest set. 1 when something changed.
 *
 * A kernel that does not know the attribute shows a shared master as plain +i, and
 * taking that away would open it to all who share it. What tells it from a guest's
 * own file is that a master has another name, in the store; so a file with several
 * names keeps its flags, and is not removed.
 */
static int clear_flags(int fd)
{
	const unsigned int stubborn = FS_IMMUTABLE_FL | FS_APPEND_FL;
	unsigned int flags;
	struct statx stx;
	int r = fdio_statx(fd, NULL, &stx);

	if (!r && S_ISREG(stx.stx_mode) && stx.stx_nlink > 1)
		return 0;
	if (!r)
		r = iflags_get(fd, &flags);
	if (r < 0 || !(flags & stubborn))
		return r;
	r = fx_setflags(fd, flags & ~stubborn);
	return r < 0 ? r : 1;
}

static int clear_flags_at(int dirfd, const char *name)
{
	_cleanup_close_ int fd = fdio_open(dirfd, name, O_RDONLY);

	/* what cannot be opened so has no flags */
	return fd < 0 ? 0 : clear_flags(fd);
}

/* unlinkat(2) that gets over chattr flags of the name and of its directory. */
static int unlink_stubborn(int dirfd, const char *name, int flags)
{
	int r = fx_unlinkat(dirfd, name, flags);

	if (r != -EPERM)
		return r;
	if (clear_flags(dirfd) + clear_flags_at(dirfd, name) <= 0)
		return r;
	return fx_unlinkat(dirfd, name, flags);
}

static int empty_dir(struct removal *rm, int fd, unsigned int level);

/* Too deep for our descriptors: put it at the top under a random name. */
static int move_up(struct removal *rm, int dirfd, const char *name)
{
	char up[17];
	int r = fdio_random_name(up);

	if (!r)
		r = fx_renameat(dirfd, name, rm->top_fd, up, RENAME_NOREPLACE);
	if (!r)
		rm->moved = true;
	return r;
}

static int remove_dir(struct removal *rm, int dirfd, const char *name,
		      unsigned int level)
{
	int r = unlink_stubborn(dirfd, name, AT_REMOVEDIR);
	int tries;

	for (tries = 0; r == -ENOTEMPTY && tries < EMPTY_TRIES; tries++) {
		_cleanup_close_ int fd = -1;

		if (level >= LEVEL_MAX)
			return move_up(rm, dirfd, name);
		/* refuses to cross a mount */
		fd = fdio_open_beneath(dirfd, name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		if (fd < 0)
			return fd;
		r = empty_dir(rm, fd, level + 1);
		if (!r)
			r = unlink_stubborn(dirfd, name, AT_REMOVEDIR);
	}
	return r;
}

static int remove_entry(struct removal *rm, int dirfd, const struct dirent *d,
			unsigned int level)
{
	int r = -EISDIR;

	if (d->d_type != DT_DIR)
		r = unlink_stubborn(dirfd, d->d_name, 0);
	if (r == -EISDIR)
		r = remove_dir(rm, dirfd, d->d_name, level);
	if (r < 0 && r != -ENOENT && rm->err && !rm->err->code)
		err_errno(rm->err, r, "cannot remove '%s'", d->d_name);
	return r == -ENOENT ? 0 : r;
}

static int empty_dir(struct removal *rm, int fd, unsigned int level)
{
	_cleanup_dir_ DIR *dir = NULL;
	const struct dirent *d;
	int r = fdio_names_open(fd, ".", &dir);

	while (!r && (d = fdio_names_next(dir, &r)))
		r = remove_entry(rm, fd, d, level);
	return r;
}

static int remove_top_dir(struct removal *rm, int dirfd, const char *name)
{
	_cleanup_close_ int fd =
		fdio_open_beneath(dirfd, name,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	int tries;
	int r = fd < 0 ? fd : -ENOTEMPTY;

	rm->top_fd = fd;
	for (tries = 0; r == -ENOTEMPTY && tries < EMPTY_TRIES;
	     tries += !rm->moved) {
		rm->moved = false;
		r = empty_dir(rm, fd, 0);
		if (!r)
			r = unlink_stubborn(dirfd, name, AT_REMOVEDIR);
	}
	return r;
}

int tree_remove(int dirfd, const char *name, struct err *err)
{
	struct removal rm = { .err = err };
	int r = unlink_stubborn(dirfd, name, 0);

	if (r == -EISDIR)
		r = remove_top_dir(&rm, dirfd, name);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && err && !err->code)
		err_errno(err, r, "cannot remove '%s'", name);
	return r;
}
