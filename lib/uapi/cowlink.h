/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The user ABI of the cowlink kernel feature, for userland that is compiled with
 * headers that do not know it. `make check-uapi` compares these values with the
 * kernel series.
 */
#ifndef COWLINK_UAPI_H
#define COWLINK_UAPI_H

/* FS_IOC_GETFLAGS/SETFLAGS; only meaningful together with FS_IMMUTABLE_FL. */
#ifndef FS_IXUNLINK_FL
#define FS_IXUNLINK_FL 0x08000000
#endif

/* FS_IOC_FSGETXATTR/FSSETXATTR; only meaningful with FS_XFLAG_IMMUTABLE. */
#ifndef FS_XFLAG_IXUNLINK
#define FS_XFLAG_IXUNLINK 0x40000000
#endif

#endif
