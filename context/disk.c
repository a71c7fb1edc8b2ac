// SPDX-License-Identifier: GPL-2.0-only
#include "disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "cmd.h"
#include "project.h"

#define SPACE "disk.space"
#define INODES "disk.inodes"

static int open_tree_of(const struct guest *g, struct err *err)
{
	struct tree_row row;
	int fd = -1;
	int r = pool_open_tree(g->pool, TREE_GUEST, g->row.name, &row, &fd, err);

	return r < 0 ? r : fd;
}

static int refuse(const char *key, int tree, struct err *err)
{
	if (!project_enforced(tree))
		return err_set(err, -EOPNOTSUPP,
			       "cannot set %s: the pool's filesystem keeps no "
			       "project quota (mount option prjquota)", key);
	return err_set(err, -EOPNOTSUPP,
		       "cannot set %s: the guest was cloned without project "
		       "quota: clone it again", key);
}

static int put_into_force(const struct guest *g, int tree, const char *key,
			  const char *value, struct err *err)
{
	uint32_t project;
	uint64_t n = 0;
	int r = project_of(tree, &project);

	if (r < 0)
		return err_errno(err, r, "cannot look at the guest's tree");
	if (value && parse_number(value, &n) < 0)
		n = 0;	/* "max", or taken back */
	if (project != g->row.context || !project_enforced(tree))
		return n ? refuse(key, tree, err) : 0;
	r = strcmp(key, SPACE) ? project_limit_inodes(tree, project, n) :
				 project_limit_bytes(tree, project, n);
	return r < 0 ? err_errno(err, r, "cannot set %s", key) : 0;
}

int disk_limits(const struct guest *g, int tree, struct err *err)
{
	int r = put_into_force(g, tree, SPACE,
			       settings_get(&g->settings, SPACE), err);

	return r ? r : put_into_force(g, tree, INODES,
				      settings_get(&g->settings, INODES), err);
}

int disk_limit(const struct guest *g, const struct setting_key *key,
	       const char *value, struct err *err)
{
	_cleanup_close_ int tree = open_tree_of(g, err);

	return tree < 0 ? tree : put_into_force(g, tree, key->name, value, err);
}

int disk_effective(const struct guest *g, const char *key, char *buf,
		   size_t size)
{
	struct project_limits limits;
	struct err ignored = { 0 };
	_cleanup_close_ int tree = open_tree_of(g, &ignored);
	uint32_t project;
	uint64_t n;

	if (tree < 0 || project_of(tree, &project) < 0 ||
	    project != g->row.context || !project_enforced(tree) ||
	    project_limits(tree, project, &limits) < 0)
		return 0;
	n = strcmp(key, SPACE) ? limits.inodes : limits.bytes;
	(void)snprintf(buf, size, n ? "%" PRIu64 : "max", n);
	return 1;
}
