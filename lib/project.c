// SPDX-License-Identifier: GPL-2.0-only
#include "project.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fx.h"

static int quota(int fd, int command, uint32_t project, void *arg)
{
	return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project,
		       arg) < 0 ?
		       -errno :
		       0;
}

bool project_enforced(int fd)
{
	struct fs_quota_statv state = { .qs_version = FS_QSTATV_VERSION1 };

	return !quota(fd, Q_XGETQSTATV, 0, &state) &&
	       state.qs_flags & FS_QUOTA_PDQ_ENFD;
}

int project_begin(int dirfd, uint32_t project)
{
	int r = project_end(dirfd, project);

	return r ? r : fx_setprojid(dirfd, project,
				   FS_XFLAG_PROJINHERIT);
}

int project_of(int dirfd, uint32_t *ret)
{
	struct fsxattr fa;

	*ret = 0;
	if (ioctl(dirfd, FS_IOC_FSGETXATTR, &fa) < 0)
		return errno == ENOTTY || errno == EOPNOTSUPP ? 0 : -errno;
	if (fa.fsx_xflags & FS_XFLAG_PROJINHERIT)
		*ret = fa.fsx_projid;
	return 0;
}

static int set(int fd, uint32_t project, struct if_dqblk *dq)
{
	int r = fx_step("quota");

	return r ? r : quota(fd, Q_SETQUOTA, project, dq);
}

int project_limit_bytes(int fd, uint32_t project, uint64_t limit)
{
	struct if_dqblk dq = { .dqb_bhardlimit = limit / 1024 + !!(limit % 1024),
			       .dqb_valid = QIF_BLIMITS };

	return set(fd, project, &dq);
}

int project_limit_inodes(int fd, uint32_t project, uint64_t limit)
{
	struct if_dqblk dq = { .dqb_ihardlimit = limit,
			       .dqb_valid = QIF_ILIMITS };

	return set(fd, project, &dq);
}

int project_limits(int fd, uint32_t project, struct project_limits *ret)
{
	struct if_dqblk dq = { 0 };
	int r = quota(fd, Q_GETQUOTA, project, &dq);

	/* XFS has no record of a number that was never used */
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = (struct project_limits){ .bytes = dq.dqb_bhardlimit * 1024,
					.inodes = dq.dqb_ihardlimit };
	return 0;
}

int project_end(int fd, uint32_t project)
{
	struct if_dqblk none = { .dqb_valid = QIF_LIMITS };
	struct project_limits limits;
	int r = project_limits(fd, project, &limits);

	if (r < 0 || (!limits.bytes && !limits.inodes))
		return r;
	return set(fd, project, &none);
}
