// SPDX-License-Identifier: GPL-2.0-only
#include "confine.h"

#include <asm/ioctls.h>
#include <cap-ng.h>
#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

/*
 * In a user namespace most of these are without effect on the host already. They go
 * because kernels had bugs behind them, and so that programs in the guest see at
 * once what they cannot do. SYS_ADMIN stays: without it no systemd.
 */
static const unsigned int dropped[] = {
	CAP_SYS_MODULE,	   CAP_SYS_RAWIO,     CAP_SYS_TIME,
	CAP_MAC_ADMIN,	   CAP_MAC_OVERRIDE,  CAP_SYSLOG,
	CAP_WAKE_ALARM,	   CAP_BLOCK_SUSPEND, CAP_NET_ADMIN,
	CAP_NET_RAW,	   CAP_SYS_RESOURCE,  CAP_LINUX_IMMUTABLE,
	CAP_AUDIT_CONTROL, CAP_AUDIT_READ,    CAP_SYS_PACCT,
	CAP_PERFMON,	   CAP_BPF,	      CAP_CHECKPOINT_RESTORE,
};

/* A guest with a network of its own sets its addresses, routes and packet filter. What
 * NET_RAW gives it could have by NET_ADMIN: give its interface to a namespace below. */
static bool is_for_network(unsigned int capability)
{
	return capability == CAP_NET_ADMIN || capability == CAP_NET_RAW;
}

static int drop_capabilities(bool rule_net)
{
	size_t i;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (i = 0; i < COUNT_OF(dropped); i++)
		if (!(rule_net && is_for_network(dropped[i])) &&
		    capng_update(CAPNG_DROP,
				 CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					 CAPNG_INHERITABLE | CAPNG_BOUNDING_SET,
				 dropped[i]) < 0)
			return -EINVAL;
	return capng_apply(CAPNG_SELECT_BOTH) < 0 ? -EPERM : 0;
}

/* Programs have another way where there is no such system call ... */
static const char *const absent[] = {
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	"open_tree",	  "move_mount",	    "fsopen",
	"fsconfig",	  "fsmount",	    "fspick",
	"mount_setattr",  "userfaultfd",    "bpf",
	"perf_event_open", "add_key",	    "request_key",
	"keyctl",
};

/* ... and here they shall know that it is forbidden. */
static const char *const forbidden[] = {
	"kexec_load",	 "kexec_file_load", "init_module",
	"finit_module",	 "delete_module",   "open_by_handle_at",
	"swapon",	 "swapoff",	    "iopl",
	"ioperm",	 "quotactl",	    "quotactl_fd",
	"fanotify_init", "acct",	    "clock_settime",
	"settimeofday",	 "adjtimex",	    "clock_adjtime",
	"lookup_dcookie", "uselib",	    "vm86",
	"vm86old",
};

/* Names that this architecture or libseccomp does not know are none. */
static int deny(scmp_filter_ctx filter, const char *const *names, size_t count,
		int error)
{
	size_t i;
	int r = 0;

	for (i = 0; !r && i < count; i++) {
		int nr = seccomp_syscall_resolve_name(names[i]);

		if (nr != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), nr,
					     0);
		if (r == -EDOM || r == -EFAULT)
			r = 0;
	}
	return r;
}

/* Who is let in has the operator's terminal: nobody shall type on it for them. The
 * kernel reads 32 bits of the request, so no other bit may hide it. */
static int deny_ioctl(scmp_filter_ctx filter, uint32_t request)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl),
				1,
				SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff,
					request));
}

static int add_architectures(scmp_filter_ctx filter)
{
	static const uint32_t arches[] = {
#ifdef __x86_64__
		SCMP_ARCH_X86,
		SCMP_ARCH_X32,
#endif
#ifdef __aarch64__
		SCMP_ARCH_ARM,
#endif
		0
	};
	size_t i;
	int r = 0;

	for (i = 0; !r && arches[i]; i++) {
		r = seccomp_arch_add(filter, arches[i]);
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

static int fill(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

	if (!r)
		r = add_architectures(filter);
	if (!r)
		r = deny(filter, absent, COUNT_OF(absent), ENOSYS);
	if (!r)
		r = deny(filter, forbidden, COUNT_OF(forbidden), EPERM);
	if (!r)
		r = deny_ioctl(filter, TIOCSTI);
	if (!r)
		r = deny_ioctl(filter, 0x541c); /* TIOCLINUX */
	return r ? r : seccomp_load(filter);
}

static int install_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = filter ? fill(filter) : -ENOMEM;

	seccomp_release(filter);
	return r;
}

int confine(bool rule_net)
{
	/* the filter first: without NO_NEW_PRIVS it needs a capability */
	int r = install_filter();

	return r ? r : drop_capabilities(rule_net);
}
