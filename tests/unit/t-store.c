// SPDX-License-Identifier: GPL-2.0-only
/* Masters on an unprotected pool: found again, told apart, replicated, removed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fdio.h"
#include "pool.h"
#include "store-shard.h"
#include "store.h"
#include "unit.h"

static struct pool *pool;
static int dir;

static int put(const char *name, const char *text)
{
	static const struct timespec times[2] = { { 1, 2 }, { 3, 4 } };
	int fd = openat(dir, name, O_CREAT | O_RDWR | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) ||
	    futimens(fd, times))
		exit(1);
	return fd;
}

/* Intern a file; a failed one has ino 0. */
static struct master intern(int fd)
{
	struct iattr attr = IATTR_INIT;
	struct master m = MASTER_INIT;
	struct err err = { 0 };

	if (iattr_read_fd(fd, &attr) < 0 ||
	    store_intern(pool, fd, &attr, NULL, NULL, &m, &err) < 0)
		printf("# %s\n", err.msg);
	iattr_release(&attr);
	return m;
}

static void test_intern(void)
{
	struct master a = intern(put("a", "content"));
	struct master b = intern(put("b", "content"));
	struct master c = intern(put("c", "contenT"));
	struct stat orig;

	ok(a.created, "a first file makes a master");
	fstatat(dir, "a", &orig, 0);
	ok(a.attr.stx.stx_ino != orig.st_ino, "which is a copy, not the file");
	ok(a.attr.stx.stx_ino && a.attr.stx.stx_ino == b.attr.stx.stx_ino,
	   "an equal file gets the same one");
	ok(!b.created, "and makes none");
	ok(c.attr.stx.stx_ino != a.attr.stx.stx_ino, "another content another one");
	fchmodat(dir, "b", 0600, 0);
	ok(intern(openat(dir, "b", O_RDONLY)).attr.stx.stx_ino != a.attr.stx.stx_ino,
	   "another mode another one");
	is_int(a.attr.stx.stx_mode & 07777, 0644, "a master has the file's mode");
	is_int(a.attr.stx.stx_mtime.tv_nsec, 4, "and its time to the nanosecond");
}

/* Two keys can be the same: then bytes decide. Simulated by a master whose
 * content was exchanged behind its name. */
static void test_collision(void)
{
	struct master a = intern(put("x", "same size 1"));
	struct master b;
	char name[STORE_NAME_SIZE];
	int shard = store_shard_open(pool, &a.key);
	int fd;

	iflags_set_immutable(shard, false);
	store_name(&a.key, a.replica, name);
	fd = openat(shard, name, O_WRONLY);
	if (pwrite(fd, "same size 2", 11, 0) != 11)
		exit(1);
	futimens(fd, (struct timespec[2]){ { 1, 2 }, { 3, 4 } });
	close(fd);
	b = intern(openat(dir, "x", O_RDONLY));
	ok(digest_equal(&a.key, &b.key), "the same key");
	is_int(b.replica, a.replica + 1, "but other bytes: another replica");
}

/* The same with a key that was computed when the file was another one. */
static struct master intern_by(const char *name, const struct digest *key)
{
	int fd = openat(dir, name, O_RDONLY);
	struct iattr attr = IATTR_INIT;
	struct master m = MASTER_INIT;

	if (!iattr_read_fd(fd, &attr))
		(void)store_intern(pool, fd, &attr, key, NULL, &m, NULL);
	iattr_release(&attr);
	return m;
}

static void test_stale_key(void)
{
	struct master old = intern(put("stale", "as it was read"));
	struct master new, again, found;

	close(put("stale", "as it is by now"));
	new = intern_by("stale", &old.key);
	ok(new.created && !digest_equal(&new.key, &old.key),
	   "a master made by a stale key gets its own");
	is_int(fdio_equal(new.fd, openat(dir, "stale", O_RDONLY), 15), 1,
	       "and has the bytes of the file");
	found = intern(openat(dir, "stale", O_RDONLY));
	ok(found.attr.stx.stx_ino == new.attr.stx.stx_ino, "it is found by that");
	again = intern_by("stale", &old.key);
	ok(!again.created && again.attr.stx.stx_ino == new.attr.stx.stx_ino &&
		   digest_equal(&again.key, &new.key),
	   "and by a stale key too, which makes no second one");
	again = intern_by("stale", &new.key);
	ok(!again.created && again.attr.stx.stx_ino == new.attr.stx.stx_ino,
	   "as by the right one");
}

/* Somebody else may have the number the next moment. */
static void test_changed(void)
{
	struct iattr attr = IATTR_INIT;
	struct master m = MASTER_INIT;
	struct err err = { 0 };
	int fd = put("changing", "while it is read");

	if (iattr_read_fd(fd, &attr) < 0 || fchmod(fd, 0600))
		exit(1);
	is_int(store_intern(pool, fd, &attr, NULL, NULL, &m, &err), -EAGAIN,
	       "a file that changes meanwhile has no master");
	is_int(m.fd, -1, "nor the number of its descriptor, which is closed");
	iattr_release(&attr);
}

static int adopt(int fd, const struct digest *key, struct master *ret)
{
	struct iattr attr = IATTR_INIT;
	int r = iattr_read_fd(fd, &attr);

	if (!r)
		r = store_adopt(pool, fd, &attr, key, NULL, ret, NULL);
	iattr_release(&attr);
	return r;
}

static uint64_t ino_of(const char *name)
{
	struct stat stx;

	return fstatat(dir, name, &stx, 0) ? 0 : stx.st_ino;
}

static void test_adopt(void)
{
	struct master m, old;
	struct statx stx;
	int fd;

	close(put("own", "nobody writes"));
	is_int(adopt(openat(dir, "own", O_RDONLY), NULL, &m), 0, "a file");
	ok(m.created && m.adopted && m.attr.stx.stx_ino == ino_of("own"),
	   "becomes the master itself");
	fdio_statx(dir, "own", &stx);
	ok(stx.stx_nlink == 2 && store_is_master(pool, dir, "own", &stx, NULL) == 1,
	   "and is known as one");
	put("writing", "somebody could");
	is_int(adopt(openat(dir, "writing", O_RDONLY), NULL, &m), -ETXTBSY,
	       "one that is open for writing does not");
	fd = put("stale own", "as it was read");
	old = intern(fd);
	close(fd);
	close(put("stale own", "as it is now"));
	ok(!adopt(openat(dir, "stale own", O_RDONLY), &old.key, &m) && m.adopted &&
		   !digest_equal(&m.key, &old.key),
	   "one that was written since gets the key of its bytes");
	close(put("second own", "as it is now"));
	ok(!adopt(openat(dir, "second own", O_RDONLY), &m.key, &old) &&
		   !old.created && !old.adopted &&
		   old.attr.stx.stx_ino == m.attr.stx.stx_ino,
	   "an equal one takes the master that is there");
	unlinkat(dir, "own", 0);
	unlinkat(dir, "stale own", 0);
}

static void test_adopt_meanwhile(void)
{
	struct iattr attr = IATTR_INIT;
	struct master m;
	struct statx stx;
	int fd;

	close(put("touched", "once"));
	fd = openat(dir, "touched", O_RDONLY);
	if (iattr_read_fd(fd, &attr) || fchmod(fd, 0600))
		exit(1);
	is_int(store_adopt(pool, fd, &attr, NULL, NULL, &m, NULL), -EAGAIN,
	       "none of what changed meanwhile");
	fdio_statx(fd, NULL, &stx);
	is_int(stx.stx_nlink, 1, "which stays");
	iattr_release(&attr);
	unlinkat(dir, "touched", 0);
	is_int(adopt(fd, NULL, &m), -EAGAIN, "nor of what was removed");
}

static void test_link_limit(void)
{
	struct master m = intern(put("many", "many links"));
	struct statx stx;
	struct object_row row;
	struct store_linked linked;

	is_int(store_link(&m, dir, "m1", NULL), 0, "a first link");
	is_int(store_link(&m, dir, "m2", NULL), 0, "a second link");
	fdio_statx(dir, "m1", &stx);
	is_int(stx.stx_nlink, 3, "three names with the store's");
	is_int(store_is_master(pool, dir, "m1", &stx, NULL), 1,
	       "it is known as a master");
	row = (struct object_row){ .key = m.key, .replica = 77,
				   .ino = stx.stx_ino };
	catalog_object_put(pool->catalog, &row, NULL);
	is_int(store_is_master(pool, dir, "m1", &stx, NULL), 0,
	       "but not by a row for a master that is not in the store");
	row.replica = m.replica;
	catalog_object_put(pool->catalog, &row, NULL);
	/* the pool's limit is 3 */
	is_int(store_link_again(pool, dir, "m1", &stx, NULL, dir, "m3",
				&linked, NULL), 0,
	       "beyond the limit it is linked again");
	fdio_statx(dir, "m3", &stx);
	ok(stx.stx_ino != m.attr.stx.stx_ino && stx.stx_ino == linked.ino &&
		   linked.created, "to a replica");
	m = intern(openat(dir, "m1", O_RDONLY));
	is_int(m.replica, 1, "which is found by a search, too");
	ok(m.attr.stx.stx_ino == stx.stx_ino, "and is that one");
}

static int count_entry(const struct store_entry *e, void *ctx)
{
	int *counts = ctx;

	counts[e->replica == UINT32_MAX]++;
	return 0;
}

static int remove_unused(const struct store_entry *e, void *ctx)
{
	int *counts = ctx;
	int r;

	if (e->replica == UINT32_MAX)
		return 0;
	r = store_remove(pool, e, NULL);
	counts[r == -EBUSY]++;
	return r == -EBUSY ? 0 : r;
}

static void test_admin(void)
{
	int counts[2] = { 0 };
	int removed[2] = { 0 };
	int shard;
	int fd;

	is_int(store_each(pool, count_entry, counts, NULL), 0, "all masters");
	is_int(counts[1], 0, "are masters");
	shard = openat(pool->store_fd, "00", O_DIRECTORY);
	if (shard < 0 && (mkdirat(pool->store_fd, "00", 0700) ||
			  (shard = openat(pool->store_fd, "00", O_DIRECTORY)) < 0))
		exit(1);
	iflags_set_immutable(shard, false);
	fd = openat(shard, "00000000000000000000000000000000.01",
		    O_CREAT | O_WRONLY, 0600);
	ok(fd >= 0, "a foreign file in a shard");
	counts[0] = 0;
	store_each(pool, count_entry, counts, NULL);
	is_int(counts[1], 1, "is told apart");
	is_int(store_protect(pool, true, NULL), 1, "one shard lost its +i");
	is_int(store_protect(pool, false, NULL), 1, "it is put back");
	is_int(store_protect(pool, true, NULL), 0, "and is there");
	is_int(store_each(pool, remove_unused, removed, NULL), 0,
	       "masters without other names are removed");
	is_int(removed[1], 2, "those in use stay");
	is_int(removed[0] + removed[1], counts[0], "and every one was seen");
}

static void test_names(void)
{
	struct digest key;
	uint32_t replica;

	is_int(store_parse_name("99aa06d3014798d86001c324468d497f.12", &key,
				&replica), 0, "a master's name");
	is_int(replica, 12, "has a replica number");
	is_int(store_parse_name("99aa06d3014798d86001c324468d497f", &key,
				&replica), -EINVAL, "none without");
	is_int(store_parse_name("99aa06d3014798d86001c324468d497f.+1", &key,
				&replica), -EINVAL, "nor with a sign");
	is_int(store_parse_name("99aa06d3014798d86001c324468d497f.-1", &key,
				&replica), -EINVAL, "nor a negative one");
}

int main(void)
{
	static const struct pool_options opt = { .unprotected = true,
						 .link_limit = 3 };
	char tmp[256];
	char path[300];
	char cmd[600];
	struct err err = { 0 };

	if (geteuid()) {
		unit_plan(1);
		unit_skip(1, "needs root to make a pool");
		return unit_done();
	}
	unit_plan(50);
	dir = open(unit_tmpdir(tmp), O_DIRECTORY);
	snprintf(path, sizeof(path), "%s/pool", tmp);
	if (pool_create(path, &opt, &err) < 0 ||
	    pool_open(path, POOL_EXCLUSIVE, &pool, &err) < 0) {
		printf("Bail out! %s\n", err.msg);
		return 1;
	}
	test_intern();
	test_collision();
	test_stale_key();
	test_changed();
	test_adopt();
	test_adopt_meanwhile();
	test_link_limit();
	test_admin();
	test_names();
	pool_close(pool);
	snprintf(cmd, sizeof(cmd), "chattr -R -i %s 2>/dev/null; rm -rf %s",
		 path, tmp);
	return system(cmd) ? 1 : unit_done();
}
