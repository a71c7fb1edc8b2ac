// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frozen filesystems, and disks that stand still because one is frozen below them.
 */
#include "harness.h"
#include "hold.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* ---- frozen filesystems ------------------------------------------------ */

/*
 * In a group of its own, as the harness kills that of a test which has failed; and
 * with nothing open that others wait for to be closed, as the end of "ready".
 */
static void keep(int fd, pid_t parent)
{
	sigset_t set;
	int sig;

	setpgid(0, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	EXPECT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	EXPECT_OK(prctl(PR_SET_PDEATHSIG, SIGTERM));
	dup2(fd, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	if (getppid() == parent)
		sigwait(&set, &sig);
	(void)ioctl(STDERR_FILENO + 1, FITHAW, 0);
	_exit(0);
}

static pid_t start_keeper(int fd)
{
	pid_t parent = getpid(), pid;
	int ready[2];
	char c;

	EXPECT_OK(pipe2(ready, O_CLOEXEC));
	pid = EXPECT_OK(fork());
	if (!pid)
		keep(fd, parent);
	close(ready[1]);
	EXPECT_EQ(read(ready[0], &c, 1), 0);
	close(ready[0]);
	return pid;
}

void freezer_open(struct freezer *fz, const char *path)
{
	fz->fd = EXPECT_OK(open(path, O_RDONLY | O_CLOEXEC));
	fz->keeper = start_keeper(fz->fd);
}

void freezer_close(struct freezer *fz)
{
	close(fz->fd);
	EXPECT_OK(kill(fz->keeper, SIGKILL));
	EXPECT_OK(waitpid(fz->keeper, NULL, 0));
}

void freeze(struct freezer *fz)
{
	EXPECT_OK(ioctl(fz->fd, FIFREEZE, 0));
}

void thaw(struct freezer *fz)
{
	EXPECT_OK(ioctl(fz->fd, FITHAW, 0));
}

/* ---- disks that stand still -------------------------------------------- */

/*
 * Below is XFS, as the loop device of Linux 6.12 writes to a frozen filesystem: XFS
 * has it wait where the time of the write is to be recorded, ext4 would warn.
 *
 * On ext4 no commit by itself, and no tables left to be initialized: both lock what is
 * needed to change names until they are written.
 */
static void make_still_disk(struct still_disk *disk, const char *mkfs_xfs)
{
	static const char *const ext4[] = {
		"-O", "project", "-E", "lazy_itable_init=0", NULL
	};

	scratch_large_xfs(&disk->below, 2, 256 << 20);
	scratch_place(&disk->below);
	if (on_xfs())
		scratch_xfs(&disk->fs, mkfs_xfs, "");
	else
		scratch_ext4(&disk->fs, 32 << 20, ext4, "commit=100000");
	scratch_place(NULL);
	freezer_open(&disk->below_freezer, disk->below.mnt);
	scratch_enter(&disk->fs);
}

void still_disk_begin(struct still_disk *disk)
{
	make_still_disk(disk, "-m reflink=0");
}

void still_disk_begin_sharing(struct still_disk *disk)
{
	make_still_disk(disk, "-m reflink=1");
}

void still_disk_stop(struct still_disk *disk)
{
	struct freezer fz;

	/* Leaves nothing to be written that could be locked while it waits. */
	freezer_open(&fz, disk->fs.mnt);
	freeze(&fz);
	thaw(&fz);
	freezer_close(&fz);
	freeze(&disk->below_freezer);
}

void still_disk_await(const struct still_disk *disk, enum still_request what)
{
	unsigned int waiting[2] = { 0 };
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/inflight",
		 strrchr(disk->fs.dev, '/') + 1);
	while (!waiting[what]) {
		f = fopen(path, "re");
		CHECK(f && fscanf(f, "%u %u", &waiting[STILL_READ],
				  &waiting[STILL_WRITE]) == 2, "%s: %m", path);
		fclose(f);
		usleep(1000);
	}
}

void still_disk_go_on(struct still_disk *disk)
{
	thaw(&disk->below_freezer);
}

void still_disk_end(struct still_disk *disk)
{
	scratch_leave();
	scratch_umount(&disk->fs);
	scratch_fsck(&disk->fs);
	EXPECT_OK(unlink(disk->fs.image));
	freezer_close(&disk->below_freezer);
	scratch_release(&disk->below);
}

/* ---- where a break is ------------------------------------------------- */

void trace_breaks(struct tracing *tr)
{
	static const char *const events[] = {
		"cowlink/cowlink_break_begin", "cowlink/cowlink_break_end",
		NULL
	};

	tracing_begin(tr, events);
}

const char *expect_begin(struct tracing *tr)
{
	return tracing_await(tr, "cowlink_break_begin");
}

const char *expect_end(struct tracing *tr, int error)
{
	const char *line = tracing_await(tr, "cowlink_break_end");

	EXPECT_EQ(tracing_number(line, "error"), -error);
	return line;
}

void expect_held(struct tracing *tr)
{
	const char *line = tracing_next(tr);

	CHECK(!line, "it was not held: '%s'", line);
}
