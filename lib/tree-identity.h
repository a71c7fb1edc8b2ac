/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What makes a system itself and no other, and that a clone of it must not have: its
 * name, its machine-id, the host keys of its sshd, its random seed. Decided name by
 * name while the template is walked, so that no path is ever looked up in it; only
 * regular files are ever meant. Used by tree-*.c only.
 *
 *	r = tree_identity_begin(src_fd, "guest7", &id, err);
 *	...
 *	switch (tree_identity_of(&id, e, &content))
 */
#ifndef COWLINK_TREE_IDENTITY_H
#define COWLINK_TREE_IDENTITY_H

#include "strbuf.h"
#include "walk.h"

struct tree_identity {
	const char *name;	/* the clone's; borrowed */
	char old[65];		/* what the template calls itself; "" when unknown */
};

enum identity_answer {
	IDENTITY_COMMON,	/* as in the template */
	IDENTITY_GONE,		/* the clone has no such file */
	IDENTITY_OWN,		/* a file of its own, with other content */
};

/* 0, or -errno when the template's name cannot be read. */
int tree_identity_begin(int src_fd, const char *name,
			struct tree_identity *ret, struct err *err);

/* What becomes of the regular file @e; with IDENTITY_OWN its content is appended to
 * @content. Or -errno. */
int tree_identity_of(const struct tree_identity *id, const struct walk_entry *e,
		     struct strbuf *content);

#endif
