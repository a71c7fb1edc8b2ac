// SPDX-License-Identifier: GPL-2.0-only
/* The catalog's log: processes that come one after the other keep it short. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "catalog-db.h"
#include "catalog.h"
#include "unit.h"

static int dirfd_;

static struct catalog *must_open(void)
{
	struct catalog *c = NULL;
	struct err err = { 0 };

	if (catalog_open(dirfd_, CATALOG_RW, &c, &err)) {
		printf("# %s\n", err.msg);
		exit(1);
	}
	return c;
}

/* What the first one that opens the catalog reads of the log. */
static int frames_of_log(void)
{
	struct catalog *c = must_open();
	int frames = -1;

	sqlite3_wal_checkpoint_v2(c->db, "main", SQLITE_CHECKPOINT_PASSIVE,
				  &frames, NULL);
	catalog_close(c);
	return frames;
}

int main(void)
{
	static const char *const files[] = { CATALOG_FILE, CATALOG_FILE "-wal",
					     CATALOG_FILE "-shm" };
	const struct pool_info info = { .uuid = "11111111-2222-4333-8444-555555555555",
					.link_limit = 17 };
	char name[TREE_NAME_MAX + 1];
	struct catalog *c;
	char dir[256];
	int most = 0;
	int n;

	unit_plan(4);
	unit_tmpdir(dir);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	is_int(catalog_create(dirfd_, &info, NULL), 0, "a catalog");
	for (n = 0; n < 90; n++) {
		int frames;

		c = must_open();
		(void)snprintf(name, sizeof(name), "guest%d", n);
		catalog_resume_put(c, name, NULL);
		catalog_close(c);
		frames = frames_of_log();
		most = frames > most ? frames : most;
	}
	ok(most >= 60 && most < 70, "its log begins anew when it is long");
	c = must_open();
	ok(!catalog_resume_get(c, name, NULL) && !strcmp(name, "guest89"),
	   "and nothing is lost");
	is_int(catalog_verify(c, NULL), 0, "nor damaged");
	catalog_close(c);
	for (n = 0; n < 3; n++)
		unlinkat(dirfd_, files[n], 0);
	close(dirfd_);
	rmdir(dir);
	return unit_done();
}
