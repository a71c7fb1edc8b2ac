// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "cleanup.h"
#include "fdio.h"
#include "pool.h"

static int compare_inos(const void *a, const void *b)
{
	const uint64_t *x = a;
	const uint64_t *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int add_ino(struct pool *p, uint64_t ino)
{
	uint64_t *list = reallocarray(p->quarantined, p->quarantined_count + 1,
				      sizeof(*list));

	if (!list)
		return -ENOMEM;
	list[p->quarantined_count++] = ino;
	p->quarantined = list;
	return 0;
}

/* Nearly always there is no such directory. */
int pool_quarantine_load(struct pool *p, struct err *err)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(p->fd, POOL_QUARANTINE_DIR, &d);

	p->quarantined_count = 0;
	if (r == -ENOENT)
		return 0;
	while (!r && (e = fdio_names_next(d, &r)))
		r = add_ino(p, e->d_ino);
	if (r < 0)
		return err_errno(err, r, "cannot read '%s/%s'", p->path,
				 POOL_QUARANTINE_DIR);
	if (p->quarantined_count)
		qsort(p->quarantined, p->quarantined_count,
		      sizeof(*p->quarantined), compare_inos);
	return 0;
}

bool pool_is_quarantined(const struct pool *p, uint64_t ino)
{
	return p->quarantined_count &&
	       bsearch(&ino, p->quarantined, p->quarantined_count,
		       sizeof(ino), compare_inos);
}
