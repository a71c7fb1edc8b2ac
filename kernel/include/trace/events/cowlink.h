/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of copy-on-write links:
 *
 *	cowlink_break_begin	a private copy of a file is going to be made
 *	cowlink_break_end	it has its name, or nothing has changed and @error
 *				says why; one for each cowlink_break_begin
 *	cowlink_denied		somebody who may write to the file was refused
 *				before anything was done, for the reason given
 *
 * @name is the last component only: names are of the container's choice, and the
 * same everywhere. @dir is the inode number of its directory.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM cowlink

#if !defined(_TRACE_COWLINK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_COWLINK_H

#include <linux/fs.h>
#include <linux/tracepoint.h>

#define COWLINK_OPS					\
	EM(COWLINK_OPEN,	"open")			\
	EM(COWLINK_TRUNCATE,	"truncate")		\
	EM(COWLINK_CHMOD,	"chmod")		\
	EM(COWLINK_CHOWN,	"chown")		\
	EM(COWLINK_UTIMES,	"utimes")		\
	EM(COWLINK_XATTR,	"xattr")		\
	EMe(COWLINK_LINK,	"link")

#define COWLINK_DENIALS					\
	EM(COWLINK_READ_ONLY,	"read-only")		\
	EM(COWLINK_DISABLED,	"disabled")		\
	EM(COWLINK_UNSUPPORTED,	"unsupported")		\
	EM(COWLINK_SWAPFILE,	"swapfile")		\
	EM(COWLINK_MOUNT_ROOT,	"mount-root")		\
	EM(COWLINK_MOUNTPOINT,	"mountpoint")		\
	EM(COWLINK_GONE,	"gone")			\
	EM(COWLINK_RLIMIT,	"rlimit")		\
	EM(COWLINK_MAX_BYTES,	"max-bytes")		\
	EM(COWLINK_DIRECTORY,	"directory")		\
	EMe(COWLINK_TOO_MANY,	"too-many")

#undef EM
#undef EMe
#define EM(a, b)	TRACE_DEFINE_ENUM(a);
#define EMe(a, b)	TRACE_DEFINE_ENUM(a);

COWLINK_OPS
COWLINK_DENIALS

#undef EM
#undef EMe
#define EM(a, b)	{ a, b },
#define EMe(a, b)	{ a, b }

TRACE_EVENT(cowlink_break_begin,

	TP_PROTO(const struct cowlink_job *job, const struct inode *dir,
		 const char *name),

	TP_ARGS(job, dir, name),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(u64,		dir)
		__field(u64,		ino)
		__field(loff_t,		size)
		__field(loff_t,		keep)
		__field(int,		op)
		__dynamic_array(char,	name, strlen(name) + 1)
	),

	TP_fast_assign(
		const struct inode *inode = d_inode(job->path->dentry);

		__entry->dev = inode->i_sb->s_dev;
		__entry->dir = dir->i_ino;
		__entry->ino = inode->i_ino;
		__entry->size = i_size_read(inode);
		/* No number that anybody would look for. */
		__entry->keep = job->keep == COWLINK_KEEP_ALL ? -1 : job->keep;
		__entry->op = job->op;
		memcpy(__get_str(name), name, strlen(name) + 1);
	),

	TP_printk("dev %d:%d dir %llu name %s ino %llu size %lld keep %lld op %s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->dir,
		  __get_str(name), __entry->ino, __entry->size,
		  __entry->keep, __print_symbolic(__entry->op, COWLINK_OPS))
);

TRACE_EVENT(cowlink_break_end,

	TP_PROTO(const struct cowlink_job *job, const struct inode *dir,
		 const char *name, u64 new_ino, int error),

	TP_ARGS(job, dir, name, new_ino, error),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(u64,		dir)
		__field(u64,		ino)
		__field(u64,		new_ino)
		__field(u64,		copied)
		__field(u64,		cloned)
		__field(u64,		ns)
		__field(int,		op)
		__field(int,		error)
		__dynamic_array(char,	name, strlen(name) + 1)
	),

	TP_fast_assign(
		const struct inode *inode = d_inode(job->path->dentry);

		__entry->dev = inode->i_sb->s_dev;
		__entry->dir = dir->i_ino;
		__entry->ino = inode->i_ino;
		__entry->new_ino = new_ino;
		__entry->copied = job->copied;
		__entry->cloned = job->cloned;
		__entry->ns = ktime_get_ns() - job->start_ns;
		__entry->op = job->op;
		__entry->error = error;
		memcpy(__get_str(name), name, strlen(name) + 1);
	),

	TP_printk("dev %d:%d dir %llu name %s ino %llu new_ino %llu copied %llu cloned %llu ns %llu op %s error %d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->dir,
		  __get_str(name), __entry->ino, __entry->new_ino,
		  __entry->copied, __entry->cloned, __entry->ns,
		  __print_symbolic(__entry->op, COWLINK_OPS), __entry->error)
);

TRACE_EVENT(cowlink_denied,

	TP_PROTO(const struct cowlink_job *job, const struct inode *dir,
		 const char *name, int reason, int error),

	TP_ARGS(job, dir, name, reason, error),

	TP_STRUCT__entry(
		__field(dev_t,		dev)
		__field(u64,		dir)
		__field(u64,		ino)
		__field(int,		op)
		__field(int,		reason)
		__field(int,		error)
		__dynamic_array(char,	name, strlen(name) + 1)
	),

	TP_fast_assign(
		const struct inode *inode = d_inode(job->path->dentry);

		__entry->dev = inode->i_sb->s_dev;
		__entry->dir = dir->i_ino;
		__entry->ino = inode->i_ino;
		__entry->op = job->op;
		__entry->reason = reason;
		__entry->error = error;
		memcpy(__get_str(name), name, strlen(name) + 1);
	),

	TP_printk("dev %d:%d dir %llu name %s ino %llu op %s reason %s error %d",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->dir,
		  __get_str(name), __entry->ino,
		  __print_symbolic(__entry->op, COWLINK_OPS),
		  __print_symbolic(__entry->reason, COWLINK_DENIALS),
		  __entry->error)
);

#endif /* _TRACE_COWLINK_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
