// SPDX-License-Identifier: GPL-2.0-only
/*
 * All words are checked before the first one has an effect. What limits a running
 * guest is tried on it first: what the kernel refuses is not stored.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "cleanup.h"
#include "disk.h"
#include "guest.h"
#include "log.h"
#include "rt.h"
#include "userns.h"
#include "vserver.h"

static int apply_rlimit(const struct guest *g, const struct setting_key *key,
			const char *value, struct err *err)
{
	_cleanup_close_ int process = userns_open_process(g->run.pid, g->run.pidfd);
	struct rlimit limit;
	int r = process < 0 ? process : rlimit_parse(value, &limit);

	if (!r)
		r = userns_set_limit(g->row.context, g->run.pid, process,
				     key->number, &limit);
	if (r == -EPERM)
		return err_set(err, -EOPNOTSUPP,
			       "cannot set %s to '%s': to raise it in a guest that "
			       "runs takes CAP_SYS_RESOURCE",
			       key->name, value);
	return r < 0 ? err_errno(err, r, "cannot set %s to '%s'", key->name,
				 value) :
		       0;
}

/* Put it into force in the running guest. */
static int apply(const struct guest *g, const struct cgroup *cg,
		 const struct setting_key *key, const char *value,
		 struct err *err)
{
	if (key->kind == SETTING_CGROUP)
		return cgroup_limit(cg, key, value, err);
	if (key->kind == SETTING_DISK)
		return disk_limit(g, key, value, err);
	if (key->kind == SETTING_RT)
		return rt_apply(g, key, value, err);
	if (key->kind == SETTING_RLIMIT && *value)
		return apply_rlimit(g, key, value, err);
	log_notice("%s: the running guest goes on as it was started", key->name);
	return 0;
}

static int set_one(const struct guest *g, const struct cgroup *cg,
		   const char *word, struct err *err)
{
	const struct setting_key *key;
	struct setting s;
	int r = setting_parse(word, &s, &key, err);

	if (!r && g->runs)
		r = apply(g, cg, key, s.value, err);
	return r ? r : catalog_setting_put(g->pool->catalog, g->row.id, &s, err);
}

static int check_words(struct cmd_ctx *ctx)
{
	const struct setting_key *key;
	struct setting s;
	int r = 0;
	int i;

	for (i = 1; !r && i < ctx->argc; i++)
		r = setting_parse(ctx->argv[i], &s, &key, &ctx->err);
	return r;
}

int cmd_set(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	int r = check_words(ctx);
	int i;

	if (!r)
		r = guest_open_locked(ctx->pool, ctx->argv[0], &g, &ctx->err);
	if (!r)
		r = cgroup_open(&g.row, &cg, &ctx->err);
	cg.pool_fd = ctx->pool->fd;
	for (i = 1; !r && i < ctx->argc; i++)
		r = set_one(&g, &cg, ctx->argv[i], &ctx->err);
	return r;
}
