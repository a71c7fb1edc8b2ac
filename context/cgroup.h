/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cgroup of a guest, by plain file writes in the cgroup v2 hierarchy, wherever
 * that is mounted (also beside v1, then mostly without controllers):
 *
 *	vserver.slice/CONTEXT-UUID8/            the limits, not the guest's to write
 *	vserver.slice/CONTEXT-UUID8/guest/      its processes; delegated to it
 *	vserver.slice/CONTEXT-UUID8/supervisor/ what `vserver exec` puts in
 *	vserver.slice/keepers/                  keeper.h
 *
 * Two leaves, because a guest that hands controllers on may have no process in
 * guest/ itself, and one that enters must still find a place. Of the controllers that are
 * on for the guest they have memory, pids and cpu, so that its units can be limited. With
 * cpu one leaf gets as much of the guest's time as the other, if both want it.
 */
#ifndef COWLINK_CGROUP_H
#define COWLINK_CGROUP_H

#include <stdbool.h>

#include "catalog.h"
#include "err.h"
#include "settings.h"

struct cgroup {
	int slice_fd;		/* vserver.slice */
	int fd;			/* the guest's; -1: there is none */
	char name[32];
	int pool_fd;		/* whose disk io.max is about; borrowed */
};

#define CGROUP_INIT { .slice_fd = -1, .fd = -1, .pool_fd = -1 }
#define _cleanup_cgroup_ __attribute__((cleanup(cgroup_release)))

/* Make it, with its leaves, for a guest that has none: what a start has left which was
 * killed is guest_clean()'s to remove. 0 and fd -1 on a host without cgroup v2. */
int cgroup_make(const struct tree_row *row, struct cgroup *ret,
		struct err *err);

/* Open what is there; 0 and fd -1 when it is not. */
int cgroup_open(const struct tree_row *row, struct cgroup *ret,
		struct err *err);
void cgroup_release(struct cgroup *cg);

/* vserver.slice, for who looks at many guests, and one of its guests, as
 * cgroup_open(). -ENOENT without a message when there is none; @slice_fd may be that. */
int cgroup_slice(struct err *err);
int cgroup_open_in(int slice_fd, const struct tree_row *row, struct cgroup *ret,
		   struct err *err);

/* Let the kernel count what is not limited, where it can, and hand that on to the guest;
 * and the names of the controllers that it has not, static ones, of which the number is
 * returned: none where there is no slice. */
#define CGROUP_COUNTED 3
void cgroup_account(const struct cgroup *cg);
size_t cgroup_uncounted(int slice_fd, const char *ret[CGROUP_COUNTED]);

/* Open cgroup.procs of the leaf @leaf for writing; -ENOENT without a message when
 * there is no cgroup. */
int cgroup_procs(const struct cgroup *cg, const char *leaf, struct err *err);

/* Open cgroup.procs of the leaf that the keepers of all guests share, outside of what
 * is frozen and killed with a guest; -ENOENT as above. */
int cgroup_keepers(const struct cgroup *cg, struct err *err);

/* Set one limit, and with it turn its controller on. -EOPNOTSUPP with the reason
 * where the kernel has no such limit. An empty value puts back the kernel's own.
 * What takes a disk needs @cg->pool_fd. */
int cgroup_limit(const struct cgroup *cg, const struct setting_key *key,
		 const char *value, struct err *err);

/* The limits among @s, all of them or the first failure. */
int cgroup_limits(const struct cgroup *cg, const struct settings *s,
		  struct err *err);

/* What the kernel says of this limit: of processors and memory nodes those that it
 * may really use. -ENOENT when there is nothing. */
int cgroup_effective(const struct cgroup *cg, const struct setting_key *key,
		     char *buf, size_t size);

/* The first line of a file of it, or as much of all as fits; -ENOENT when there is
 * none. */
int cgroup_read(const struct cgroup *cg, const char *file, char *buf,
		size_t size);
int cgroup_read_lines(const struct cgroup *cg, const char *file, char *buf,
		      size_t size);

/* Stop everything in it, and wait until it has stopped, or let it go on. */
int cgroup_freeze(const struct cgroup *cg, bool freeze, struct err *err);

/* Was it asked to stop? */
bool cgroup_frozen(const struct cgroup *cg);

/* SIGKILL to everything in it, in one step. */
int cgroup_kill(const struct cgroup *cg);

/* Remove it with all below, once its processes are gone. */
int cgroup_remove(struct cgroup *cg, struct err *err);

#endif
