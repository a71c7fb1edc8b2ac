// SPDX-License-Identifier: GPL-2.0-only
#include "running.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "pool-lock.h"

#define RUN_DIR "/run/vserver"
#define LOCK_FILE ".lock"

static const char *run_dir(void)
{
	const char *dir = secure_getenv("COWLINK_RUN");

	return dir && *dir ? dir : RUN_DIR;
}

int running_dir(struct err *err)
{
	int fd;
	int r = fx_mkdirat(AT_FDCWD, run_dir(), 0755);

	if (r < 0 && r != -EEXIST)
		return err_errno(err, r, "cannot make '%s'", run_dir());
	fd = open(run_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, -errno, "cannot open '%s'", run_dir()) :
			fd;
}

int running_lock(uint32_t context, struct err *err)
{
	_cleanup_close_ int dir = running_dir(err);
	_cleanup_close_ int fd = -1;
	int r;

	if (dir < 0)
		return dir;
	fd = openat(dir, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : lock_byte(fd, context, F_WRLCK, true);
	return r < 0 ? err_errno(err, r, "cannot lock '%s/" LOCK_FILE "'", run_dir()) :
		       steal_fd(&fd);
}

/* --- processes ------------------------------------------------------------------ */

/* The state and start time in the text of /proc/PID/stat. A program's name may hold
 * anything, so count from the last parenthesis. */
static int parse_stat(const char *text, char *ret_state, uint64_t *ret_started)
{
	const char *p = strrchr(text, ')');
	int field;

	if (!p || p[1] != ' ')
		return -EINVAL;
	p += 2;
	*ret_state = *p;
	for (field = 3; p && field < 22; field++) {
		p = strchr(p, ' ');
		p += !!p;
	}
	return p && sscanf(p, "%" SCNu64, ret_started) == 1 ? 0 : -EINVAL;
}

/* When this process was started; -ESRCH when it has ended. */
static int process_started(pid_t pid, uint64_t *ret)
{
	_cleanup_close_ int fd = -1;
	char path[32];
	char text[1024];
	char state;
	ssize_t n;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fdio_read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return n;
	text[n] = '\0';
	r = parse_stat(text, &state, ret);
	return r ? r : state == 'Z' || state == 'X' ? -ESRCH : 0;
}

/* --- records ---------------------------------------------------------------------- */

static void record_name(uint32_t context, char name[16])
{
	(void)snprintf(name, 16, "%u", context);
}

/* "1 UUID PID STARTED NAME": 1, or 0 when there is none. */
static int read_record(uint32_t context, struct running *ret, struct err *err)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	char text[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/%u", run_dir(), context);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ?
			       0 :
			       err_errno(err, -errno, "cannot read '%s'", path);
	/* it was renamed there when whole */
	n = fdio_read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_errno(err, n, "cannot read '%s'", path);
	text[n] = '\0';
	if (sscanf(text, "1 %36s %d %" SCNu64 " %64s", ret->uuid, &ret->pid,
		   &ret->started, ret->name) != 4)
		return err_set(err, -EUCLEAN, "'%s' makes no sense", path);
	ret->context = context;
	return 1;
}

/* Is the process still the one that was recorded? 1, 0 or -errno. */
static int lives(const struct running *run, struct err *err)
{
	uint64_t started;
	int r = process_started(run->pid, &started);

	if (r == -ESRCH || (!r && started != run->started))
		return 0;
	return r < 0 ? err_errno(err, r, "cannot look at guest '%s'",
				 run->name) :
		       1;
}

int running_by_context(uint32_t context, struct running *ret, struct err *err)
{
	struct running run = RUNNING_INIT;
	int r = read_record(context, &run, err);

	if (r <= 0)
		return r;
	/* first the handle, then the look: then the look is about the handle */
	run.pidfd = syscall(SYS_pidfd_open, run.pid, 0);
	if (run.pidfd < 0)
		return errno == ESRCH || errno == EINVAL ?
			       0 :
			       err_errno(err, -errno, "cannot find guest '%s'",
					 run.name);
	r = lives(&run, err);
	if (r > 0)
		*ret = run;
	else
		running_release(&run);
	return r;
}

int running_find(const struct tree_row *row, struct running *ret,
		 struct err *err)
{
	struct running run = RUNNING_INIT;
	int r = running_by_context(row->context, &run, err);

	if (r > 0 && strcmp(run.uuid, row->uuid)) {
		running_release(&run);
		return 0;
	}
	if (r > 0)
		*ret = run;
	return r;
}

int running_see(const struct tree_row *row, struct running *ret,
		struct err *err)
{
	int r = read_record(row->context, ret, err);

	if (r > 0)
		r = strcmp(ret->uuid, row->uuid) ? 0 : lives(ret, err);
	return r;
}

int running_recorded(const struct tree_row *row, pid_t pid, struct err *err)
{
	struct running run = RUNNING_INIT;
	int r = read_record(row->context, &run, err);

	return r <= 0 ? r : (!pid || run.pid == pid) && !strcmp(run.uuid, row->uuid);
}

int running_is_anothers(const struct tree_row *row, struct err *err)
{
	struct running run = RUNNING_INIT;
	int r = read_record(row->context, &run, err);

	return r <= 0 ? r : strcmp(run.uuid, row->uuid) != 0;
}

void running_release(struct running *r)
{
	if (r->pidfd >= 0)
		(void)close(r->pidfd); /* nothing was written */
	r->pidfd = -1;
}

int running_write(int dirfd, const struct tree_row *row, pid_t pid,
		  struct err *err)
{
	_cleanup_close_ int fd = -1;
	char text[256];
	char name[16];
	char new[24];
	uint64_t started;
	int len;
	int r = process_started(pid, &started);

	if (r < 0)
		return err_errno(err, r, "the guest's first process is gone");
	record_name(row->context, name);
	(void)snprintf(new, sizeof(new), "%s.new", name);
	len = snprintf(text, sizeof(text), "1 %s %d %" PRIu64 " %s\n",
		       row->uuid, pid, started, row->name);
	r = fx_unlinkat(dirfd, new, 0); /* of one that was killed */
	if (!r || r == -ENOENT)
		r = fd = fx_create(dirfd, new, O_WRONLY, 0644);
	if (r >= 0)
		r = fx_write(fd, text, len);
	if (!r)
		r = fx_renameat(dirfd, new, dirfd, name, 0);
	return r < 0 ? err_errno(err, r, "cannot write '%s/%s'", run_dir(),
				 name) :
		       0;
}

int running_remove(int dirfd, uint32_t context, struct err *err)
{
	char name[16];
	char new[24];
	int r;

	record_name(context, name);
	(void)snprintf(new, sizeof(new), "%s.new", name);
	r = fx_unlinkat(dirfd, new, 0); /* of one that was killed */
	if (!r || r == -ENOENT)
		r = fx_unlinkat(dirfd, name, 0);
	return !r || r == -ENOENT ? 0 :
				    err_errno(err, r, "cannot remove '%s/%s'",
					      run_dir(), name);
}
