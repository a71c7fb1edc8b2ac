// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/sys/fs/cowlink/: three switches and five counters, of the whole machine.
 * Root of another user namespace cannot write to them.
 */
#include "cowlink_internal.h"

int cowlink_sysctl_enabled __read_mostly = 1;
int cowlink_sysctl_fsync __read_mostly = 1;
unsigned long cowlink_sysctl_max_bytes __read_mostly;

DEFINE_PER_CPU(struct cowlink_counters, cowlink_counters);

#ifdef CONFIG_SYSCTL

static unsigned long cl_sum(unsigned int which)
{
	unsigned long sum = 0;
	int cpu;

	/* Also those that are offline now: what they have counted stays. */
	for_each_possible_cpu(cpu)
		sum += per_cpu(cowlink_counters, cpu).n[which];
	return sum;
}

/* @data of the table is which counter, and not its address. */
static int cl_proc_counter(CL_CONST_TABLE struct ctl_table *table, int write,
			   void *buffer, size_t *lenp, loff_t *ppos)
{
	unsigned long sum = cl_sum((unsigned long)table->data);
	struct ctl_table copy = *table;

	copy.data = &sum;
	return proc_doulongvec_minmax(&copy, write, buffer, lenp, ppos);
}

#define CL_SWITCH(name)					\
	{						\
		.procname	= #name,		\
		.data		= &cowlink_sysctl_##name, \
		.maxlen		= sizeof(int),		\
		.mode		= 0644,			\
		.proc_handler	= proc_dointvec_minmax,	\
		.extra1		= SYSCTL_ZERO,		\
		.extra2		= SYSCTL_ONE,		\
	}

#define CL_COUNTER(name, which)				\
	{						\
		.procname	= name,			\
		.data		= (void *)(which),	\
		.maxlen		= sizeof(unsigned long), \
		.mode		= 0444,			\
		.proc_handler	= cl_proc_counter,	\
	}

static struct ctl_table cl_sysctls[] = {
	CL_SWITCH(enabled),
	CL_SWITCH(fsync),
	{
		.procname	= "max_bytes",
		.data		= &cowlink_sysctl_max_bytes,
		.maxlen		= sizeof(unsigned long),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
	},
	CL_COUNTER("breaks", COWLINK_BREAKS),
	CL_COUNTER("bytes_copied", COWLINK_BYTES_COPIED),
	CL_COUNTER("bytes_cloned", COWLINK_BYTES_CLONED),
	CL_COUNTER("races_lost", COWLINK_RACES_LOST),
	CL_COUNTER("failed", COWLINK_FAILED),
	CL_SYSCTL_END
};

static int __init cowlink_sysctl_init(void)
{
	register_sysctl_init("fs/cowlink", cl_sysctls);
	return 0;
}
fs_initcall(cowlink_sysctl_init);

#endif /* CONFIG_SYSCTL */
