// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is stored of a guest, and for one that runs what the kernel says is in force:
 * a limit that was rounded or changed by somebody else shows.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "cleanup.h"
#include "disk.h"
#include "guest.h"
#include "json-out.h"
#include "net.h"
#include "userns.h"
#include "vserver.h"

static void print_rlim(char *out, size_t size, rlim_t n)
{
	if (n == RLIM_INFINITY)
		(void)snprintf(out, size, "unlimited");
	else
		(void)snprintf(out, size, "%" PRIu64, (uint64_t)n);
}

/* 1 and the text, or 0 when the kernel has nothing to say about this key. */
static int effective(const struct guest *g, const struct cgroup *cg,
		     const struct setting_key *key, char *buf, size_t size)
{
	struct rlimit limit;
	char soft[24];
	char hard[24];

	if (!g->runs || key->kind == SETTING_INIT)
		return 0;
	if (key->kind == SETTING_DISK)
		return disk_effective(g, key->name, buf, size);
	if (key->kind == SETTING_NET)
		return net_effective(g, cg, key->name, buf, size);
	if (key->kind == SETTING_CGROUP)
		return cgroup_effective(cg, key, buf, size) == 0;
	if (userns_prlimit(g->row.context, g->run.pid, key->number, NULL, &limit) < 0)
		return 0;
	print_rlim(soft, sizeof(soft), limit.rlim_cur);
	print_rlim(hard, sizeof(hard), limit.rlim_max);
	(void)snprintf(buf, size, "%s:%s", soft, hard);
	return 1;
}

static void print_setting(const struct guest *g, const struct cgroup *cg,
			  const struct setting_key *key)
{
	const char *stored = settings_get(&g->settings, key->name);
	char text[SETTING_VALUE_SIZE];

	if (effective(g, cg, key, text, sizeof(text)))
		printf("  %-18s %-24s %s\n", key->name, stored ? stored : "-",
		       text);
	else if (stored)
		printf("  %-18s %s\n", key->name, stored);
}

static void print_guest(const struct guest *g, const struct cgroup *cg)
{
	const struct setting_key *k;

	printf("guest '%s'\n", g->row.name);
	printf("  %-18s %u\n", "context", g->row.context);
	printf("  %-18s %u to %u\n", "ids",
	       CONTEXT_UID(g->row.context), CONTEXT_UID(g->row.context) + 65535);
	if (g->runs)
		printf("  %-18s running, process %d\n", "state", g->run.pid);
	else
		printf("  %-18s stopped\n", "state");
	for (k = setting_keys; k->name; k++)
		print_setting(g, cg, k);
}

static int add_settings(struct json_object *stored, struct json_object *now,
			const struct guest *g, const struct cgroup *cg)
{
	const struct setting_key *k;
	char text[SETTING_VALUE_SIZE];
	int r = 0;

	for (k = setting_keys; !r && k->name; k++) {
		const char *value = settings_get(&g->settings, k->name);

		if (value)
			r = json_add_string(stored, k->name, value);
		if (!r && effective(g, cg, k, text, sizeof(text)))
			r = json_add_string(now, k->name, text);
	}
	return r;
}

static int fill(struct json_object *doc, const struct guest *g,
		const struct cgroup *cg)
{
	struct json_object *stored = json_object_new_object();
	struct json_object *now = json_object_new_object();
	int r = 0;

	if (json_object_object_add(doc, "settings", stored) ||
	    json_object_object_add(doc, "effective", now) || !stored || !now)
		return -ENOMEM;
	r |= json_add_string(doc, "name", g->row.name);
	r |= json_add_u64(doc, "context", g->row.context);
	r |= json_add_u64(doc, "first_id", CONTEXT_UID(g->row.context));
	r |= json_add_string(doc, "state", g->runs ? "running" : "stopped");
	if (g->runs)
		r |= json_add_u64(doc, "pid", g->run.pid);
	return r ? -ENOMEM : add_settings(stored, now, g, cg);
}

int cmd_show(struct cmd_ctx *ctx)
{
	_cleanup_guest_ struct guest g = GUEST_INIT;
	_cleanup_cgroup_ struct cgroup cg = CGROUP_INIT;
	struct json_object *doc;
	int r = guest_open(ctx->pool, ctx->argv[0], &g, &ctx->err);

	if (!r)
		r = cgroup_open(&g.row, &cg, &ctx->err);
	if (r < 0)
		return r;
	if (!ctx->json) {
		print_guest(&g, &cg);
		return 0;
	}
	doc = json_document("vserver");
	if (!doc || fill(doc, &g, &cg) < 0) {
		json_object_put(doc);
		return err_errno(&ctx->err, -ENOMEM, "cannot write JSON");
	}
	json_print_document(doc);
	return 0;
}
