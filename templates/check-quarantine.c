// SPDX-License-Identifier: GPL-2.0-only
/* What a scrub found damaged before. */
#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "store.h"

struct quarantine_scan {
	struct pool *pool;
	struct problems *problems;
	struct err *err;
};

static int add_entry(const struct store_entry *e, void *ctx)
{
	const struct quarantine_scan *s = ctx;
	struct problem_target t = { .key = e->key,
				    .replica = e->replica,
				    .ino = e->stx.stx_ino,
				    .has_stat = true,
				    .size_bytes = e->stx.stx_size,
				    .mtime = e->stx.stx_mtime };
	bool used = e->stx.stx_nlink > 1;
	struct quarantine_row row;
	int r = catalog_quarantine_get(s->pool->catalog, e->name, &row, s->err);

	if (r < 0 && r != -ENOENT)
		return r;
	(void)snprintf(t.name, sizeof(t.name), "%s", r ? "" : row.reason);
	r = problems_add(s->problems,
			 used ? PROBLEM_QUARANTINED :
				PROBLEM_QUARANTINED_UNUSED,
			 &t, POOL_QUARANTINE_DIR "/%s", e->name);
	if (!r && used)
		s->problems->list[s->problems->count - 1].count =
			e->stx.stx_nlink - 1;
	return r;
}

int check_quarantine(struct pool *p, struct problems *ret, struct err *err)
{
	struct quarantine_scan s = { p, ret, err };

	return store_quarantine_each(p, add_entry, &s, err);
}
