// SPDX-License-Identifier: GPL-2.0-only
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "cgroup-file.h"
#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "limit-cpuset.h"
#include "limit-io.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

#define SLICE "vserver.slice"
#define REMOVE_TRIES 100
#define FREEZE_MS 30000
/* systemd in a guest needs six levels, containers in it some more. */
#define DEPTH_MAX "32"
/* Each costs the kernel memory, which without memory.max is charged to nobody. systemd in a
 * guest makes one for each unit, below 200 of them; a removed one does not count. */
#define DESCENDANTS_MAX "1000"

/* --- finding ------------------------------------------------------------------------ */

/* The mount point of cgroup v2: in mountinfo the fifth field of the line whose type
 * is cgroup2. Nobody mounts it where the name needs an escape. */
static int find_mount(char path[PATH_MAX])
{
	_cleanup_free_ char *line = NULL;
	size_t alloc = 0;
	int r = -ENOENT;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (!f)
		return -errno;
	while (r && getline(&line, &alloc, f) >= 0) {
		char root[PATH_MAX];

		if (strstr(line, " - cgroup2 ") &&
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, path) == 2 &&
		    !strcmp(root, "/"))
			r = 0;
	}
	(void)fclose(f); /* read only */
	return r;
}

static int open_dir(int dirfd, const char *name, bool make)
{
	int r = make ? fx_mkdirat(dirfd, name, 0755) : 0;

	return r < 0 && r != -EEXIST ? r : fdio_open_dir(dirfd, name);
}

static void name_cgroup(const struct tree_row *row, struct cgroup *ret)
{
	(void)snprintf(ret->name, sizeof(ret->name), "%u-%.8s", row->context,
		       row->uuid);
}

static int open_cgroup(const struct tree_row *row, bool make,
		       struct cgroup *ret, struct err *err)
{
	_cleanup_close_ int mount = -1;
	char path[PATH_MAX];

	name_cgroup(row, ret);
	if (find_mount(path) < 0)
		return 0;
	mount = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount >= 0)
		ret->slice_fd = open_dir(mount, SLICE, make);
	if (ret->slice_fd >= 0)
		ret->fd = open_dir(ret->slice_fd, ret->name, make);
	if (ret->fd >= 0)
		return 0;
	if (!make && (mount < 0 || ret->slice_fd == -ENOENT ||
		      ret->fd == -ENOENT))
		return 0;
	return err_errno(err, ret->slice_fd < 0 ? ret->slice_fd : ret->fd,
			 "cannot open the cgroup '%s/" SLICE "/%s'", path,
			 ret->name);
}

int cgroup_open(const struct tree_row *row, struct cgroup *ret,
		struct err *err)
{
	return open_cgroup(row, false, ret, err);
}

int cgroup_slice(struct err *err)
{
	char path[PATH_MAX];
	size_t len;
	int fd;

	if (find_mount(path) < 0)
		return -ENOENT;
	len = strlen(path);
	(void)snprintf(path + len, sizeof(path) - len, "/" SLICE);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	return fd < 0 ? err_errno(err, -errno, "cannot open '%s'", path) : fd;
}

int cgroup_open_in(int slice_fd, const struct tree_row *row, struct cgroup *ret,
		   struct err *err)
{
	if (slice_fd < 0)
		return 0;
	name_cgroup(row, ret);
	ret->fd = open_dir(slice_fd, ret->name, false);
	if (ret->fd >= 0 || ret->fd == -ENOENT)
		return 0;
	return err_errno(err, ret->fd, "cannot open the cgroup '%s'", ret->name);
}

/* What cgroups(7) says a delegated subtree is given. */
static int delegate(int fd, uint32_t uid)
{
	static const char *const files[] = { "cgroup.procs",
					     "cgroup.subtree_control",
					     "cgroup.threads" };
	size_t i;
	int r = fx_fchown(fd, uid, uid);

	for (i = 0; !r && i < 3; i++)
		r = fx_fchownat(fd, files[i], uid, uid);
	return r;
}

static int make_leaves(const struct cgroup *cg, uint32_t uid)
{
	_cleanup_close_ int supervisor = open_dir(cg->fd, "supervisor", true);
	_cleanup_close_ int guest = open_dir(cg->fd, "guest", true);
	int r = guest < 0 ? guest : supervisor < 0 ? supervisor : 0;

	if (!r)
		r = cgroup_file_write(cg->fd, "cgroup.max.depth", DEPTH_MAX);
	if (!r)
		r = cgroup_file_write(cg->fd, "cgroup.max.descendants",
				      DESCENDANTS_MAX);
	return r ? r : delegate(guest, uid);
}

int cgroup_make(const struct tree_row *row, struct cgroup *ret,
		struct err *err)
{
	int r = open_cgroup(row, true, ret, err);

	if (r < 0 || ret->fd < 0)
		return r;
	r = make_leaves(ret, CONTEXT_UID(row->context));
	return r < 0 ? err_errno(err, r, "cannot make the cgroup '%s'",
				 ret->name) :
		       0;
}

void cgroup_release(struct cgroup *cg)
{
	cleanup_close(&cg->slice_fd);
	cleanup_close(&cg->fd);
}

int cgroup_procs(const struct cgroup *cg, const char *leaf, struct err *err)
{
	char path[64];
	int fd;

	if (cg->fd < 0)
		return -ENOENT;
	(void)snprintf(path, sizeof(path), "%s/cgroup.procs", leaf);
	fd = openat(cg->fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_errno(err, -errno, "cannot open the cgroup '%s'",
				  cg->name) :
			fd;
}

int cgroup_keepers(const struct cgroup *cg, struct err *err)
{
	_cleanup_close_ int dir = -1;
	int fd;

	if (cg->slice_fd < 0)
		return -ENOENT;
	dir = open_dir(cg->slice_fd, "keepers", true);
	fd = dir < 0 ? dir : openat(dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, dir < 0 ? dir : -errno,
				 "cannot open the cgroup 'keepers'");
	return fd;
}

/* --- limits -------------------------------------------------------------------------- */

/* Controllers are handed down level by level; -EOPNOTSUPP where there is none. */
static int turn_on(const struct cgroup *cg, const char *controller)
{
	_cleanup_close_ int top = openat(cg->slice_fd, "..",
					 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char word[40];
	int r;

	if (cgroup_file_has(cg->fd, "cgroup.controllers", controller))
		return 0;
	if (top < 0 || !cgroup_file_has(top, "cgroup.controllers", controller))
		return -EOPNOTSUPP;
	(void)snprintf(word, sizeof(word), "+%s", controller);
	r = cgroup_file_write(top, "cgroup.subtree_control", word);
	return r ? r : cgroup_file_write(cg->slice_fd, "cgroup.subtree_control", word);
}

/* In the leaves a limit holds by the directory above them. But what is kept for the guest
 * is kept for what it has been charged to, which is a leaf. */
static void pass_protection(const struct cgroup *cg)
{
	static const char *const files[] = { "guest/memory.low",
					     "guest/memory.min",
					     "supervisor/memory.low",
					     "supervisor/memory.min" };
	size_t i;

	for (i = 0; i < COUNT_OF(files); i++)
		(void)cgroup_file_write(cg->fd, files[i], "max"); /* a new file */
}

/*
 * What there is for the guest's own units, of what is on for the guest. Where the kernel
 * does not want to they have no such limit, which the guest sees; its own holds.
 *
 * Not cpuset: who has that can make partitions, for each of which the kernel builds the
 * scheduling domains of the whole machine anew. Not io: io.prio.class in a cgroup below
 * would give the guest the real-time class at the disk, before everybody else.
 */
static void hand_down(const struct cgroup *cg)
{
	static const char *const controllers[] = { "memory", "pids", "cpu" };
	char word[16];
	size_t i;

	for (i = 0; i < COUNT_OF(controllers); i++) {
		if (!cgroup_file_has(cg->fd, "cgroup.controllers", controllers[i]) ||
		    cgroup_file_has(cg->fd, "cgroup.subtree_control", controllers[i]))
			continue;
		(void)snprintf(word, sizeof(word), "+%s", controllers[i]);
		if (!cgroup_file_write(cg->fd, "cgroup.subtree_control", word) && !i)
			pass_protection(cg);
	}
}

static const char *const counted[CGROUP_COUNTED] = { "pids", "memory", "io" };

void cgroup_account(const struct cgroup *cg)
{
	size_t i;

	if (cg->fd < 0)
		return;
	/* what there is not is not shown, and vserver-stat says so */
	for (i = 0; i < CGROUP_COUNTED; i++)
		(void)turn_on(cg, counted[i]);
	hand_down(cg);
}

size_t cgroup_uncounted(int slice_fd, const char *ret[CGROUP_COUNTED])
{
	size_t n = 0;
	size_t i;

	for (i = 0; slice_fd >= 0 && i < CGROUP_COUNTED; i++)
		if (!cgroup_file_has(slice_fd, "../cgroup.controllers", counted[i]))
			ret[n++] = counted[i];
	return n;
}

/* What the kernel begins with. */
static const char *kernels_own(const char *file)
{
	static const char *const zero[] = { "memory.low", "memory.min",
					    "memory.oom.group",
					    "cpu.max.burst", "cpu.idle" };
	size_t i;

	if (!strcmp(file, "cpu.weight") || !strcmp(file, "io.weight"))
		return "100";
	for (i = 0; i < COUNT_OF(zero); i++)
		if (!strcmp(file, zero[i]))
			return "0";
	if (!strcmp(file, PARTITION_FILE))
		return "member";
	return strncmp(file, "cpuset.", 7) ? "max" : "";
}

/* The disk in front, where the file is one about disks. */
static int for_disk(const struct cgroup *cg, const struct setting_key *key,
		    const char *value, char *buf, size_t size, struct err *err)
{
	char limits[160];
	dev_t disk;
	int r;

	if (limit_io_text(value, limits, sizeof(limits)) < 0)
		return err_set(err, -EUCLEAN, "the catalog's '%s' makes no sense",
			       key->name);
	r = limit_io_device(cg->pool_fd, &disk, err);
	if (r < 0)
		return err_prefix(err, r, "cannot set %s", key->name);
	(void)snprintf(buf, size, "%u:%u%s", major(disk), minor(disk), limits);
	return 0;
}

/* What the file of @key is written to have @value. */
static int for_kernel(const struct cgroup *cg, const struct setting_key *key,
		      const char *value, char *buf, size_t size, struct err *err)
{
	if (!strcmp(key->name, "io.max"))
		return for_disk(cg, key, value, buf, size, err);
	if (!*value)
		value = kernels_own(key->name);
	return cgroup_value(value, buf, size) < 0 ?
		       err_set(err, -EUCLEAN, "the catalog's '%s' makes no sense",
			       key->name) :
		       0;
}

/* Linux 6.1 takes no empty list from a group that has processes. All that the slice
 * has means the same, until that changes. */
static int write_all_there_is(const struct cgroup *cg, const char *file)
{
	char from[64];
	char text[4096];
	int r;

	(void)snprintf(from, sizeof(from), "%s.effective", file);
	r = cgroup_file_read(cg->slice_fd, from, text, sizeof(text));
	return r ? r : cgroup_file_write(cg->fd, file, text);
}

/* What the kernel means where it refuses a value that the setting can have. */
static int refused(const struct setting_key *key, const char *value, int r,
		   struct err *err)
{
	static const struct {
		const char *file;
		const char *why;
	} reasons[] = {
		{ "cpu.weight", "it has none while cpu.idle is 1" },
		{ "cpu.max", "it is more than the kernel counts, or less than "
			     "cpu.max.burst" },
		{ "cpu.max.burst", "it is more than the quota in cpu.max" },
		{ "cpuset.cpus", "not all of these processors are there, see "
				 "/sys/devices/system/cpu/online" },
		{ "cpuset.mems", "not all of these nodes are there, see "
				 "/sys/devices/system/node/online" },
		{ "pids.max", "so many processes no kernel has: take less, or 'max'" },
	};
	size_t i;

	if (r == -ENOENT)
		return err_set(err, -EOPNOTSUPP,
			       "cannot set %s: this kernel has no such limit",
			       key->name);
	for (i = 0; (r == -EINVAL || r == -ERANGE) && i < COUNT_OF(reasons); i++)
		if (!strcmp(key->name, reasons[i].file))
			return err_set(err, r, "cannot set %s to '%s': %s",
				       key->name, value, reasons[i].why);
	return err_errno(err, r, "cannot set %s to '%s'", key->name, value);
}

static int set_limit(const struct cgroup *cg, const struct setting_key *key,
		     const char *value, struct err *err)
{
	char controller[32];
	int r;

	(void)snprintf(controller, sizeof(controller), "%.*s",
		       (int)strcspn(key->name, "."), key->name);
	r = turn_on(cg, controller);
	if (r == -EOPNOTSUPP)
		return err_set(err, r,
			       "cannot set %s: cgroup v2 has no controller '%s' here",
			       key->name, controller);
	if (!r)
		hand_down(cg);
	if (!r && !strcmp(key->name, PARTITION_FILE))
		return partition_set(cg->slice_fd, cg->fd, value, err);
	if (!r && !strcmp(key->name, "cpuset.cpus") && partition_is(cg->fd))
		return err_set(err, -EBUSY,
			       "cannot set cpuset.cpus of a partition: set "
			       PARTITION_FILE "=member first");
	if (!r)
		r = cgroup_file_write(cg->fd, key->name, value);
	if (r == -ENOSPC && !*value)
		r = write_all_there_is(cg, key->name);
	return r < 0 ? refused(key, value, r, err) : 0;
}

int cgroup_limit(const struct cgroup *cg, const struct setting_key *key,
		 const char *value, struct err *err)
{
	char text[SETTING_VALUE_SIZE];
	int r;

	if (cg->fd < 0)
		return err_set(err, -EOPNOTSUPP,
			       "cannot set %s: cgroup v2 is not mounted",
			       key->name);
	r = for_kernel(cg, key, value, text, sizeof(text), err);
	return r ? r : set_limit(cg, key, text, err);
}

int cgroup_limits(const struct cgroup *cg, const struct settings *s,
		  struct err *err)
{
	const struct setting_key *k;
	int r = 0;

	for (k = setting_keys; !r && k->name; k++)
		if (k->kind == SETTING_CGROUP && settings_has(s, k->name))
			r = cgroup_limit(cg, k, settings_get(s, k->name), err);
	return r;
}

int cgroup_effective(const struct cgroup *cg, const struct setting_key *key,
		     char *buf, size_t size)
{
	char file[64];
	bool list = !strncmp(key->name, "cpuset.", 7) &&
		    strcmp(key->name, PARTITION_FILE) != 0;

	(void)snprintf(file, sizeof(file), "%s%s", key->name,
		       list ? ".effective" : "");
	return cgroup_read(cg, file, buf, size);
}

int cgroup_read(const struct cgroup *cg, const char *file, char *buf,
		size_t size)
{
	return cg->fd < 0 ? -ENOENT : cgroup_file_read(cg->fd, file, buf, size);
}

int cgroup_read_lines(const struct cgroup *cg, const char *file, char *buf,
		      size_t size)
{
	return cg->fd < 0 ? -ENOENT : cgroup_file_read_lines(cg->fd, file, buf, size);
}

/* --- freezing ------------------------------------------------------------------------ */

bool cgroup_frozen(const struct cgroup *cg)
{
	char text[8];

	return !cgroup_read(cg, "cgroup.freeze", text, sizeof(text)) &&
	       !strcmp(text, "1");
}

/* A process that is in a system call that cannot be interrupted holds it up; where
 * the kernel has told of a change, POLLPRI is ready. */
static int wait_until_frozen(const struct cgroup *cg)
{
	_cleanup_close_ int fd = openat(cg->fd, "cgroup.events",
					O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char text[256];
	int n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0 || (n < 0 && errno == EINTR)) {
		ssize_t len = pread(fd, text, sizeof(text) - 1, 0);

		if (len < 0)
			return -errno;
		text[len] = '\0';
		if (strstr(text, "frozen 1"))
			return 0;
		if (fx_interrupted())
			return -EINTR;
		n = poll(&p, 1, FREEZE_MS);
	}
	return n < 0 ? -errno : -ETIMEDOUT;
}

int cgroup_freeze(const struct cgroup *cg, bool freeze, struct err *err)
{
	int r;

	if (cg->fd < 0)
		return err_set(err, -EOPNOTSUPP,
			       "cannot freeze: cgroup v2 is not mounted");
	r = cgroup_file_write(cg->fd, "cgroup.freeze", freeze ? "1" : "0");
	if (!r && freeze)
		r = wait_until_frozen(cg);
	if (r < 0 && freeze)
		/* the failure is told already */
		(void)cgroup_file_write(cg->fd, "cgroup.freeze", "0");
	return r < 0 ? err_errno(err, r, "cannot %s the cgroup '%s'",
				 freeze ? "freeze" : "thaw", cg->name) :
		       0;
}

/* --- the end -------------------------------------------------------------------------- */

int cgroup_kill(const struct cgroup *cg)
{
	return cg->fd < 0 ? -ENOENT : cgroup_file_write(cg->fd, "cgroup.kill", "1");
}

/* The kernel lets go of the last process a moment after it was reaped. */
static int remove_dir(int dirfd, const char *name)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int tries = 0;
	int r;

	while ((r = fx_unlinkat(dirfd, name, AT_REMOVEDIR)) == -EBUSY &&
	       tries++ < REMOVE_TRIES)
		(void)nanosleep(&moment, NULL); /* shorter does no harm */
	return r == -ENOENT ? 0 : r;
}

/* Not deeper than cgroup.max.depth. */
static int remove_below(int dirfd)
{
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r = fdio_names_open(dirfd, ".", &d);

	while (!r && (e = fdio_names_next(d, &r))) {
		_cleanup_close_ int fd = -1;

		if (e->d_type != DT_DIR)
			continue;
		fd = fdio_open_dir(dirfd, e->d_name);
		r = fd < 0 ? fd : remove_below(fd);
		if (!r)
			r = remove_dir(dirfd, e->d_name);
	}
	return r;
}

int cgroup_remove(struct cgroup *cg, struct err *err)
{
	int r;

	if (cg->fd < 0)
		return 0;
	r = remove_below(cg->fd);
	if (!r)
		r = remove_dir(cg->slice_fd, cg->name);
	return r < 0 ? err_errno(err, r, "cannot remove the cgroup '%s'",
				 cg->name) :
		       0;
}
