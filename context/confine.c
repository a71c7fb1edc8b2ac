// SPDX-License-Identifier: GPL-2.0-only
#include "confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cleanup.h"
#include "cmd.h"
#include "confine-filter.h"

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

/* The kernel takes it from us and does not write to it. */
static int install_filter(void)
{
	const struct sock_fprog program = {
		.len = confine_filter_len,
		.filter = (struct sock_filter *)confine_filter,
	};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ?
		       -errno :
		       0;
}

/* The file is that of the user namespace of who opens it. */
int confine_userns(const char *max)
{
	_cleanup_close_ int fd = -1;
	uint64_t n = INT32_MAX;
	char text[24];
	int len;

	if (!max)
		return 0;
	if (strcmp(max, "max") && parse_number(max, &n) < 0)
		return -EINVAL;
	len = snprintf(text, sizeof(text), "%" PRIu64 "\n", n);
	fd = open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, len) != len ? -errno : 0;
}

int confine(bool rule_net)
{
	/* the filter first: without NO_NEW_PRIVS it needs a capability */
	int r = install_filter();

	return r ? r : drop_capabilities(rule_net);
}
