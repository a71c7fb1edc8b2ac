// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy-on-write breaking of IXUNLINK hard links.
 *
 * An IXUNLINK inode is immutable, but its names are free. Breaking the link of
 * one name replaces that name by a private copy of the file and leaves all other
 * names alone:
 *
 *	register	one break of a name at a time; who comes second waits and
 *			takes the copy of the first. The attribute cannot be
 *			cleared meanwhile, so the source does not change.
 *	copy		into an unnamed inode, no locks held (cowlink_copy.c)
 *	commit		under the lock of the directory: look again, and replace the
 *			name; where the filesystem has no ->replace_link, give the
 *			copy a random name and rename it over the old one
 *
 * The name exists at every instant, with the old inode or the complete copy.
 * On any error nothing has changed. A crash leaves the one or the other. Without
 * ->replace_link, if it comes between the two steps, it can leave the old name
 * and a complete copy under a name that starts with ".ixunlink-".
 *
 * Lock order, that of rename(2) within one directory:
 *
 *	mount writer count, sb_writers
 *	  i_rwsem of the directory (I_MUTEX_PARENT)
 *	    i_rwsem of the copy and of the old inode
 *
 * cl_lock nests inside all of them. s_vfs_rename_mutex is not needed.
 */
#include <linux/hashtable.h>
#include <linux/ima.h>
#include <linux/random.h>
#include <linux/sched/signal.h>

#include "cowlink_internal.h"
#include "mount.h"

#define CL_TEMP_PREFIX	".ixunlink-"
/* Names tried before giving up; each is 64 random bits. */
#define CL_TEMP_TRIES	4
/* Copies made because the name moved to where the last one may not go. */
#define CL_MOVE_TRIES	4
/* No errno: the break that was waited for has failed, try it ourselves. */
#define CL_AGAIN	1

static DEFINE_HASHTABLE(cl_active, 8);
static DEFINE_SPINLOCK(cl_lock);
/* How often the attribute was cleared, and when last; changed under cl_lock. */
static unsigned int cl_clears;
static unsigned long cl_clear_time;

static struct cl_break *cl_find(const struct inode *inode,
				const struct dentry *dentry)
{
	struct cl_break *b;

	lockdep_assert_held(&cl_lock);
	hash_for_each_possible(cl_active, b, node, (unsigned long)inode) {
		if (b->inode == inode && (!dentry || b->dentry == dentry))
			return b;
	}
	return NULL;
}

/**
 * cowlink_inode_busy - is a name of this inode being broken, or unified?
 * @inode: an IXUNLINK inode
 *
 * As long as this is true the attribute must not be cleared, as the inode is
 * being read. Users are registered with the inode lock held shared, so the
 * answer "no" holds until the caller gives the lock back.
 *
 * Context: @inode locked exclusively. After "no" it is taken for granted that
 * the attribute is cleared, see cowlink_cleared_since().
 */
bool cowlink_inode_busy(const struct inode *inode)
{
	bool busy;

	lockdep_assert_held_write(&inode->i_rwsem);
	spin_lock(&cl_lock);
	busy = cl_find(inode, NULL);
	if (!busy) {
		WRITE_ONCE(cl_clears, cl_clears + 1);
		WRITE_ONCE(cl_clear_time, jiffies);
	}
	spin_unlock(&cl_lock);
	return busy;
}

/**
 * cowlink_cleared_since - was the attribute of some inode cleared since last time?
 * @walks: 0 at first; what is above COWLINK_WALKS_MASK is kept here
 *
 * For an operation that has failed with EPERM, although the attribute is not set
 * now. The first time it is not known when it began: a second ago will do. From
 * then on the answer is exact. The attribute is cleared with the inode locked, for
 * which a hook that finds it waits, so each walk that fails for one that is gone
 * is followed by another one.
 *
 * Return: true if the operation may have failed for an attribute that is gone.
 */
bool cowlink_cleared_since(unsigned int *walks)
{
	unsigned int clears = READ_ONCE(cl_clears);
	unsigned int before = *walks & ~COWLINK_WALKS_MASK;
	unsigned int now = (2 * clears + 1) * (COWLINK_WALKS_MASK + 1);

	if (!clears || now == before || fatal_signal_pending(current))
		return false;
	if (!before && time_after(jiffies, READ_ONCE(cl_clear_time) + HZ))
		return false;
	*walks = now | (*walks & COWLINK_WALKS_MASK);
	return true;
}

/**
 * cowlink_is_breaking - is this name being broken?
 * @dentry: the name
 *
 * With the directory locked, no break commits after the answer "no" without
 * seeing what was done under that lock.
 */
bool cowlink_is_breaking(struct dentry *dentry)
{
	bool breaking;

	spin_lock(&cl_lock);
	breaking = cl_find(d_inode(dentry), dentry);
	spin_unlock(&cl_lock);
	return breaking;
}

/**
 * cowlink_hold - keep an inode IXUNLINK, and with it unchanged
 * @hold: to be filled in; @dentry stays NULL
 * @inode: the inode, referenced by the caller
 *
 * Return: 0, to be undone with cowlink_release(), or -EINVAL if it is not
 * IXUNLINK.
 */
int cowlink_hold(struct cl_break *hold, struct inode *inode)
{
	int err = -EINVAL;

	hold->inode = inode;
	hold->dentry = NULL;
	/* Against vfs_fileattr_set(), see cowlink_inode_busy(). */
	inode_lock_shared(inode);
	if (IS_IXUNLINK(inode)) {
		spin_lock(&cl_lock);
		hash_add(cl_active, &hold->node, (unsigned long)inode);
		spin_unlock(&cl_lock);
		err = 0;
	}
	inode_unlock_shared(inode);
	return err;
}

void cowlink_release(struct cl_break *hold)
{
	spin_lock(&cl_lock);
	hash_del(&hold->node);
	spin_unlock(&cl_lock);
}

static void cl_put(struct cl_break *b)
{
	if (!refcount_dec_and_test(&b->ref))
		return;
	dput(b->result);
	kfree(b);
}

/*
 * Register the break of @dentry, or find the one that is going on. *@ret_first
 * tells which; the caller gives the reference back with cl_leave() or cl_put().
 * Return: the break, NULL if there is nothing to break any more, or an ERR_PTR.
 */
static struct cl_break *cl_enter(struct dentry *dentry, bool *ret_first)
{
	struct inode *inode = d_inode(dentry);
	struct cl_break *b, *other = NULL;

	b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);
	if (!b)
		return ERR_PTR(-ENOMEM);
	b->inode = inode;
	b->dentry = dentry;
	refcount_set(&b->ref, 1);
	init_completion(&b->done);

	/* Against vfs_fileattr_set(), see cowlink_inode_busy(). */
	inode_lock_shared(inode);
	if (!IS_IXUNLINK(inode)) {
		inode_unlock_shared(inode);
		kfree(b);
		return NULL;
	}
	spin_lock(&cl_lock);
	other = cl_find(inode, dentry);
	if (other)
		refcount_inc(&other->ref);
	else
		hash_add(cl_active, &b->node, (unsigned long)inode);
	spin_unlock(&cl_lock);
	inode_unlock_shared(inode);

	*ret_first = !other;
	if (other)
		kfree(b);
	return other ?: b;
}

/* The break is over: publish its result, which takes over the reference. */
static void cl_leave(struct cl_break *b, int error, struct dentry *result)
{
	b->error = error;
	b->result = result;
	spin_lock(&cl_lock);
	hash_del(&b->node);
	spin_unlock(&cl_lock);
	complete_all(&b->done);
	cl_put(b);
}

/*
 * Somebody else is breaking this name: use what comes out of it. Keyed by name
 * and not by inode, so that nobody waits for a break in another container.
 * Return: 0 and a reference in *@ret, CL_AGAIN if the other one failed,
 * -EWALKAGAIN if the name is gone and this is not the last walk, or -EINTR.
 */
static int cl_wait(struct cl_break *b, bool last_walk, struct dentry **ret)
{
	int err = wait_for_completion_killable(&b->done);

	if (err)
		err = -EINTR;
	else if (!last_walk && (b->error == -EWALKAGAIN ||
				(b->result && d_unhashed(b->result))))
		err = -EWALKAGAIN;
	else if (b->error)
		err = CL_AGAIN;
	else
		*ret = dget(b->result);
	cl_put(b);
	return err;
}

static enum cowlink_denial cl_why_not_in(struct dentry *dentry)
{
	struct dentry *parent = dget_parent(dentry);
	enum cowlink_denial why = COWLINK_ALLOWED;

	if (IS_DEADDIR(d_inode(parent)))
		why = COWLINK_GONE;
	else if (IS_IMMUTABLE(d_inode(parent)) || IS_APPEND(d_inode(parent)))
		why = COWLINK_DIRECTORY;
	dput(parent);
	return why;
}

static enum cowlink_denial cl_why_too_big(loff_t bytes)
{
	unsigned long limit = rlimit(RLIMIT_FSIZE);
	unsigned long max = READ_ONCE(cowlink_sysctl_max_bytes);

	/* No signal: the caller never wrote those bytes. */
	if (limit != RLIM_INFINITY && bytes > limit)
		return COWLINK_RLIMIT;
	if (max && bytes > max)
		return COWLINK_MAX_BYTES;
	return COWLINK_ALLOWED;
}

/* What forbids the break whoever asks for it, in the order that it is tried. */
static enum cowlink_denial cl_why_not(const struct path *path, loff_t keep,
				      bool last_walk)
{
	struct inode *inode = d_inode(path->dentry);

	if (__mnt_is_readonly(path->mnt))
		return COWLINK_READ_ONLY;
	if (!READ_ONCE(cowlink_sysctl_enabled))
		return COWLINK_DISABLED;
	if (!S_ISREG(inode->i_mode) || IS_VERITY(inode) ||
	    !(inode->i_sb->s_iflags & SB_I_COWLINK))
		return COWLINK_UNSUPPORTED;
	if (IS_SWAPFILE(inode))
		return COWLINK_SWAPFILE;
	/* A mount pins its root and would never show the copy. */
	if (path->dentry == path->mnt->mnt_root)
		return COWLINK_MOUNT_ROOT;
	/* What vfs_rename() will decide; before the work. */
	if (is_local_mountpoint(path->dentry))
		return COWLINK_MOUNTPOINT;
	if (d_unhashed(path->dentry) && !last_walk)
		return COWLINK_GONE;
	return cl_why_too_big(min(keep, i_size_read(inode))) ?:
	       cl_why_not_in(path->dentry);
}

static int cl_denial_errno(enum cowlink_denial why, bool last_walk)
{
	static const int errnos[] = {
		[COWLINK_READ_ONLY] = -EROFS,
		[COWLINK_DISABLED] = -EPERM,
		[COWLINK_UNSUPPORTED] = -EPERM,
		[COWLINK_SWAPFILE] = -ETXTBSY,
		[COWLINK_MOUNT_ROOT] = -EPERM,
		[COWLINK_MOUNTPOINT] = -EBUSY,
		[COWLINK_GONE] = -ENOENT,
		[COWLINK_RLIMIT] = -EFBIG,
		[COWLINK_MAX_BYTES] = -EFBIG,
		[COWLINK_DIRECTORY] = -EPERM,
		[COWLINK_TOO_MANY] = -EAGAIN,
	};

	return why == COWLINK_GONE && !last_walk ? -EWALKAGAIN : errnos[why];
}

/**
 * path_may_break_link - would path_break_link() try?
 * @path: an IXUNLINK file, reached by name
 *
 * For access(2). Says nothing about permission and space.
 *
 * Return: 0 or a negative errno.
 */
int path_may_break_link(const struct path *path)
{
	return cl_denial_errno(cl_why_not(path, 0, true), true);
}

/**
 * path_became_ixunlink - did an operation fail because of the attribute?
 * @path: the object
 * @error: -EPERM or -ETXTBSY, what the operation returned
 *
 * While the attribute is being set, get_write_access() fails with ETXTBSY, as if
 * the file was executed. The one who sets it has locked the inode; wait for him.
 *
 * Context: takes the inode lock.
 * Return: true if it has it now, or at least could be written to.
 */
bool path_became_ixunlink(const struct path *path, int error)
{
	struct inode *inode = d_inode(path->dentry);

	if (!S_ISREG(inode->i_mode) ||
	    !(inode->i_sb->s_iflags & SB_I_COWLINK))
		return false;
	if (error == -ETXTBSY) {
		inode_lock_shared(inode);
		inode_unlock_shared(inode);
		if (atomic_read(&inode->i_writecount) >= 0)
			return true;
	}
	return IS_IXUNLINK(inode);
}

/* Lock the directory that has the name now. */
static struct dentry *cl_lock_parent(struct dentry *dentry)
{
	struct dentry *parent;

	for (;;) {
		parent = dget_parent(dentry);
		inode_lock_nested(d_inode(parent), I_MUTEX_PARENT);
		if (likely(dentry->d_parent == parent))
			return parent;
		inode_unlock(d_inode(parent));
		dput(parent);
	}
}

static void cl_unlock_parent(struct dentry *parent)
{
	inode_unlock(d_inode(parent));
	dput(parent);
}

/*
 * The name to put the copy at, with @parent locked: the dentry that was found at
 * first, wherever it was renamed to, as it still is the file the caller opened.
 * If it was unlinked, another link of the same inode at the same place will do.
 * Return: the dentry with a reference, NULL if the name is gone, or an ERR_PTR.
 */
static struct dentry *cl_find_victim(struct dentry *parent,
				     struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct dentry *found;

	if (!d_unhashed(dentry))
		return dget(dentry);
	if (IS_DEADDIR(d_inode(parent)))
		return NULL;
	found = lookup_one(CL_NOP_IDMAP, dentry->d_name.name, parent,
			   dentry->d_name.len);
	if (IS_ERR(found) || d_inode(found) == inode)
		return found;
	dput(found);
	return NULL;
}

/* A name that nobody else uses, with @parent locked; negative. */
static struct dentry *cl_temp_dentry(cl_idmap *idmap, struct dentry *parent)
{
	char name[sizeof(CL_TEMP_PREFIX) + 16];
	struct dentry *temp;
	int i;

	for (i = 0; i < CL_TEMP_TRIES; i++) {
		int len = snprintf(name, sizeof(name), CL_TEMP_PREFIX "%016llx",
				   (unsigned long long)get_random_u64());

		temp = lookup_one(idmap, name, parent, len);
		if (IS_ERR(temp) || d_is_negative(temp))
			return temp;
		dput(temp);
	}
	return ERR_PTR(-EEXIST);
}

static int cl_rename(cl_idmap *idmap, struct inode *dir, struct dentry *temp,
		     struct dentry *victim)
{
	struct renamedata rd = {
		.old_dir = dir,
		.old_dentry = temp,
		.new_dir = dir,
		.new_dentry = victim,
	};

	cl_rename_idmap(&rd, idmap);
	return vfs_rename(&rd);
}

/* vfs_link() of an unlinked inode wants to know that it never had a name. */
static void cl_set_linkable(struct inode *inode, bool linkable)
{
	spin_lock(&inode->i_lock);
	if (linkable)
		inode->i_state |= I_LINKABLE;
	else
		inode->i_state &= ~I_LINKABLE;
	spin_unlock(&inode->i_lock);
}

/*
 * Replace without ->replace_link. Others look up and read the directory with its
 * lock held shared, so nobody gets to see the temporary name.
 */
static struct dentry *cl_link_and_rename(cl_idmap *idmap,
					 struct dentry *parent,
					 struct dentry *victim,
					 struct dentry *source)
{
	struct inode *dir = d_inode(parent), *inode = d_inode(source);
	struct dentry *temp = cl_temp_dentry(idmap, parent);
	int err;

	if (IS_ERR(temp))
		return temp;
	/* May be linked into, but then not cleaned up. */
	err = -EPERM;
	if (IS_APPEND(dir))
		goto out;
	/* As vfs_rename() would say, but before @source had one link more. */
	err = -EBUSY;
	if (is_local_mountpoint(victim))
		goto out;
	err = vfs_link(source, idmap, dir, temp, NULL);
	if (err)
		goto out;
	err = cl_rename(idmap, dir, temp, victim);
	if (err) {
		int err2 = vfs_unlink(idmap, dir, temp, NULL);

		if (err2)
			pr_warn_ratelimited("cowlink: cannot remove %pd4: %d\n",
					    temp, err2);
		else if (!inode->i_nlink)
			cl_set_linkable(inode, true);
	}
out:
	if (!err)
		return temp;
	dput(temp);
	return ERR_PTR(err);
}

/**
 * cowlink_replace - let a name refer to another inode
 * @idmap: of the mount that is written to
 * @parent: the directory, locked with I_MUTEX_PARENT
 * @victim: the name in it; positive
 * @source: some dentry of the inode to put there; unlinked and linkable, or with
 *          links already
 *
 * Return: the new dentry, referenced, or an ERR_PTR with nothing changed;
 * -EWOULDBLOCK if there is a delegation of @source or @victim.
 */
struct dentry *cowlink_replace(cl_idmap *idmap, struct dentry *parent,
			       struct dentry *victim, struct dentry *source)
{
	struct dentry *new;

	lockdep_assert_held_write(&d_inode(parent)->i_rwsem);
	new = cl_replace_link(idmap, source, d_inode(parent), victim);
	if (new == ERR_PTR(-EOPNOTSUPP))
		new = cl_link_and_rename(idmap, parent, victim, source);
	return new;
}

/**
 * cowlink_try_break_deleg - look for delegations before there is a hidden name
 * @inode: an inode whose links are going to change; unlocked
 * @deleg: set to @inode, referenced, if there is one
 *
 * Return: 0, -EWOULDBLOCK to release all locks and to call break_deleg_wait(),
 * or another negative errno.
 */
int cowlink_try_break_deleg(struct inode *inode, struct inode **deleg)
{
	int err;

	inode_lock(inode);
	err = try_break_deleg(inode, deleg);
	inode_unlock(inode);
	return err;
}

/*
 * The name was removed or replaced while we were copying. The caller walks again
 * and finds what is there now: if another link of the file was put there on his
 * behalf, by who shares equal files, his changes belong there.
 *
 * Not for ever: in a loop of renames he would never arrive. The last time he gets
 * the copy as the unlinked file that he would have had without the attribute.
 */
static int cl_name_is_gone(struct file *tmp, bool last_walk,
			   struct dentry **ret)
{
	if (!last_walk)
		return -EWALKAGAIN;
	cl_set_linkable(file_inode(tmp), false);
	*ret = dget(tmp->f_path.dentry);
	return 0;
}

/*
 * Give the copy its name, under the lock of the directory and with the
 * credentials that made it. On -EWOULDBLOCK *@ret_deleg is an inode whose
 * delegation has to be broken first, which can take long.
 */
static int cl_commit_locked(struct dentry *parent, struct dentry *dentry,
			    struct file *tmp, bool last_walk,
			    struct dentry **ret, struct inode **ret_deleg)
{
	struct inode *inode = d_inode(dentry);
	struct dentry *victim, *copy;
	int err;

	victim = cl_find_victim(parent, dentry);
	if (IS_ERR(victim))
		return PTR_ERR(victim);
	if (!victim)
		return cl_name_is_gone(tmp, last_walk, ret);

	err = cowlink_try_break_deleg(inode, ret_deleg);
	if (!err) {
		copy = cowlink_replace(CL_NOP_IDMAP, parent, victim,
				       tmp->f_path.dentry);
		err = PTR_ERR_OR_ZERO(copy);
		if (!err)
			*ret = copy;
	}
	dput(victim);
	return err;
}

static int cl_commit(const struct path *path, struct file *tmp, bool last_walk,
		     const struct cowlink_creds *creds, struct dentry **ret)
{
	struct inode *deleg;
	struct dentry *parent;
	const struct cred *old;
	int err;

	do {
		deleg = NULL;
		err = mnt_want_write(path->mnt);
		if (err)
			return err;
		old = override_creds(creds->create);
		parent = cl_lock_parent(path->dentry);
		err = cl_commit_locked(parent, path->dentry, tmp, last_walk,
				       ret, &deleg);
		cl_unlock_parent(parent);
		revert_creds(old);
		mnt_drop_write(path->mnt);
		if (deleg)
			err = break_deleg_wait(&deleg) ?: -EWOULDBLOCK;
	} while (err == -EWOULDBLOCK && !fatal_signal_pending(current));
	return err;
}

static int cl_copy_and_commit(struct cowlink_job *job,
			      const struct cowlink_creds *creds,
			      struct dentry **ret)
{
	const struct path *path = job->path;
	struct dentry *parent;
	struct file *tmp;
	int tries = 0;
	int err;

	/*
	 * -EXDEV: the name was moved to a directory with another project or
	 * encryption policy. The copy belongs there now, and to its quota.
	 */
	do {
		parent = dget_parent(path->dentry);
		tmp = cowlink_copy(job, parent, creds);
		if (IS_ERR(tmp)) {
			err = PTR_ERR(tmp);
			if (IS_DEADDIR(d_inode(parent)))
				err = cl_denial_errno(COWLINK_GONE,
						      job->last_walk);
		}
		dput(parent);
		if (IS_ERR(tmp))
			return err;
		err = cl_commit(path, tmp, job->last_walk, creds, ret);
		fput(tmp);
	} while (err == -EXDEV && ++tries < CL_MOVE_TRIES);
	return err;
}

static void cl_count_result(const struct cowlink_job *job, int err)
{
	if (!err)
		cowlink_count(COWLINK_BREAKS, 1);
	else if (err == -EWALKAGAIN)
		cowlink_count(COWLINK_RACES_LOST, 1);
	else
		cowlink_count(COWLINK_FAILED, 1);
	cowlink_count(COWLINK_BYTES_COPIED, job->copied);
	cowlink_count(COWLINK_BYTES_CLONED, job->cloned);
}

static int cl_break_allowed(struct cowlink_job *job, struct dentry **ret)
{
	struct cowlink_creds creds;
	int err;

	cowlink_trace_begin(job);
	err = cowlink_get_creds(&creds, job->path->dentry);
	if (!err)
		err = cl_copy_and_commit(job, &creds, ret);
	cowlink_put_creds(&creds);
	cowlink_trace_end(job, *ret, err);
	return err;
}

static int cl_break_now(struct cowlink_job *job, struct dentry **ret)
{
	enum cowlink_denial why = cl_why_not(job->path, job->keep,
					     job->last_walk);
	struct ucounts *ucounts;
	int err;

	if (!why && !cl_get_ucounts(&ucounts))
		why = COWLINK_TOO_MANY;
	if (why) {
		err = cl_denial_errno(why, job->last_walk);
		if (err != -EWALKAGAIN)
			cowlink_trace_denied(job, why, err);
	} else {
		err = cl_break_allowed(job, ret);
		cl_put_ucounts(ucounts);
	}
	cl_count_result(job, err);
	return err;
}

/* Return: 0 with *@ret, if not NULL, the new dentry; CL_AGAIN; or an error. */
static int cl_break_or_wait(struct cowlink_job *job, struct dentry **ret)
{
	struct cl_break *b;
	bool first;
	int err;

	b = cl_enter(job->path->dentry, &first);
	if (IS_ERR_OR_NULL(b))
		return PTR_ERR_OR_ZERO(b);
	if (!first) {
		cowlink_count(COWLINK_RACES_LOST, 1);
		return cl_wait(b, job->last_walk, ret);
	}
	err = cl_break_now(job, ret);
	cl_leave(b, err, dget(*ret));
	return err;
}

/**
 * path_break_link - replace the name of an IXUNLINK inode by a private copy
 * @path: the object, which the caller has reached by name. On success the dentry
 *        is replaced by that of the copy, or left alone if the object is no
 *        longer IXUNLINK.
 * @keep: how many bytes of the content are still wanted, or COWLINK_KEEP_ALL
 * @lookup_flags: of the walk that found @path. LOOKUP_REVAL: it was the last one
 * @op: what it is done for
 *
 * The caller has made sure that the task may do to the file what it intends to.
 * If the name was removed meanwhile, the last walk gets a copy without one.
 *
 * Context: process context, no locks, no write access to the mount. Sleeps for
 * as long as it takes to read and write the file; a fatal signal ends it.
 * Return: 0, or with nothing changed a negative errno: -EWALKAGAIN if that was
 * not the last walk, -EPERM where links cannot be broken, -EROFS, -EBUSY for
 * mount points, -EFBIG beyond RLIMIT_FSIZE or max_bytes, -EAGAIN for too many
 * breaks at once, -EINTR, or what creating, writing, linking and renaming a file
 * return, e.g. -ENOSPC and -EDQUOT.
 */
int path_break_link(struct path *path, loff_t keep, unsigned int lookup_flags,
		    enum cowlink_op op)
{
	struct cowlink_job job = {
		.path = path,
		.keep = keep,
		.last_walk = lookup_flags & LOOKUP_REVAL,
		.op = op,
	};
	struct dentry *copy = NULL;
	int err;

	do {
		err = cl_break_or_wait(&job, &copy);
	} while (err == CL_AGAIN && !fatal_signal_pending(current));
	if (err)
		return err == CL_AGAIN ? -EINTR : err;
	if (copy) {
		dput(path->dentry);
		path->dentry = copy;
	}
	return 0;
}

#ifdef CONFIG_FSNOTIFY
/* May a fanotify listener deny the open of the copy? */
static bool cl_open_may_be_denied(const struct path *path)
{
	__u32 mask = path->mnt->mnt_sb->s_fsnotify_mask |
		     real_mount(path->mnt)->mnt_fsnotify_mask;
	struct dentry *parent = dget_parent(path->dentry);

	mask |= d_inode(parent)->i_fsnotify_mask;
	dput(parent);
	return mask & FS_OPEN_PERM;
}
#else
static bool cl_open_may_be_denied(const struct path *path)
{
	return false;
}
#endif

/**
 * cowlink_open_keep - how much of the content does an open(2) leave?
 * @path: the file
 * @open_flag: of the open
 *
 * O_TRUNC needs no copy of the content, unless the open may yet fail for a
 * reason that can be foreseen: it truncates after that, and must leave the
 * content alone if it does not get there.
 *
 * Return: the argument for path_break_link().
 */
loff_t cowlink_open_keep(const struct path *path, int open_flag)
{
	if (!(open_flag & O_TRUNC) || (open_flag & O_DIRECT) ||
	    is_ima_appraise_enabled() || cl_open_may_be_denied(path))
		return COWLINK_KEEP_ALL;
	return 0;
}
