// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tracepoints of copy-on-write links, and what is done for them only: a name
 * may be renamed while it is looked at, so it is pinned first.
 */
#include "cowlink_internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/cowlink.h>

/* Where a name is and what it is, for as long as it takes to write it down. */
struct cl_place {
	struct dentry *parent;
	struct inode *dir;
	struct name_snapshot name;
};

static void cl_get_place(struct cl_place *place, struct dentry *dentry)
{
	place->parent = dget_parent(dentry);
	place->dir = d_inode(place->parent);
	take_dentry_name_snapshot(&place->name, dentry);
}

static void cl_put_place(struct cl_place *place)
{
	release_dentry_name_snapshot(&place->name);
	dput(place->parent);
}

/**
 * cowlink_trace_begin - a private copy is going to be made
 * @job: the break; its clock is started
 */
void cowlink_trace_begin(struct cowlink_job *job)
{
	struct cl_place place;

	job->start_ns = ktime_get_ns();
	if (!trace_cowlink_break_begin_enabled())
		return;
	cl_get_place(&place, job->path->dentry);
	trace_cowlink_break_begin(job, place.dir, place.name.name.name);
	cl_put_place(&place);
}

/**
 * cowlink_trace_end - the copy has its name, or there is none
 * @job: the break
 * @copy: the new dentry, if there was no error
 * @error: 0 or a negative errno
 */
void cowlink_trace_end(const struct cowlink_job *job, struct dentry *copy,
		       int error)
{
	struct cl_place place;

	if (!trace_cowlink_break_end_enabled())
		return;
	/* On success the old dentry has lost its place to the new one. */
	cl_get_place(&place, error ? job->path->dentry : copy);
	trace_cowlink_break_end(job, place.dir, place.name.name.name,
				error ? 0 : d_inode(copy)->i_ino, error);
	cl_put_place(&place);
}

/**
 * cowlink_trace_denied - nothing was done
 * @job: the break that was wanted
 * @reason: why not
 * @error: what the caller gets for it
 */
void cowlink_trace_denied(const struct cowlink_job *job,
			  enum cowlink_denial reason, int error)
{
	struct cl_place place;

	if (!trace_cowlink_denied_enabled())
		return;
	cl_get_place(&place, job->path->dentry);
	trace_cowlink_denied(job, place.dir, place.name.name.name, reason,
			     error);
	cl_put_place(&place);
}
